//! Drops packets with classic BPF, which `tc` runs on the bridge's end of a host's link. It needs neither netem nor
//! netfilter.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// The direction of packets, as the host sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Direction {
    Sent,
    Received,
}

impl Direction {
    /// The hook of `tc` at the other end of the link.
    pub(super) fn hook(self) -> &'static str {
        match self {
            Self::Sent => "ingress",
            Self::Received => "egress",
        }
    }

    /// The offset of the peer's address in a frame: the destination of a sent frame, or the source of a received one.
    fn offset(self) -> u32 {
        match self {
            Self::Sent => 30,
            Self::Received => 26,
        }
    }
}

const LOAD_HALF: u32 = 40;
const LOAD_WORD: u32 = 32;
const JUMP_IF_EQUAL: u32 = 21;
const JUMP_IF_NOT_LESS: u32 = 53;
const RETURN: u32 = 6;
const IPV4: u32 = 0x0800;
/// A load from this offset returns a random number.
const RANDOM: u32 = 0xffff_f038;
/// The results that `tc` understands as "drop" and as "ask the next filter".
const DROP: u32 = 2;
const GO_ON: u32 = u32::MAX;

/// A program that drops this share of the packets from or to these addresses, in percent.
pub(super) fn drops(direction: Direction, peers: &[Ipv4Addr], percent: u32) -> String {
    let count = u32::try_from(peers.len()).unwrap_or_default();
    // In this order: the type of the frame, the addresses, the end for other packets, the random number.
    let mut program =
        vec![(LOAD_HALF, 0, 0, 12), (JUMP_IF_EQUAL, 0, count + 1, IPV4), (LOAD_WORD, 0, 0, direction.offset())];
    for (place, peer) in (0..count).zip(peers) {
        program.push((JUMP_IF_EQUAL, count - place, 0, u32::from(*peer)));
    }
    let threshold = u64::from(u32::MAX) * u64::from(percent.min(100)) / 100;
    program.push((RETURN, 0, 0, GO_ON));
    if percent < 100 {
        program.push((LOAD_WORD, 0, 0, RANDOM));
        program.push((JUMP_IF_NOT_LESS, 0, 1, u32::try_from(threshold).unwrap_or(u32::MAX)));
        program.push((RETURN, 0, 0, GO_ON));
    }
    program.push((RETURN, 0, 0, DROP));
    let mut text = program.len().to_string();
    for (code, yes, no, value) in program {
        let _ = write!(text, ",{code} {yes} {no} {value}");
    }
    text
}

/// A program that drops the packets that begin a login. The request line follows the headers of Ethernet, IPv4, and TCP
/// with timestamps.
pub(super) fn drops_logins() -> String {
    const PAYLOAD: u32 = 14 + 20 + 32;
    let post = u32::from_be_bytes(*b"POST");
    let login = u32::from_be_bytes(*b"ogin");
    let place = PAYLOAD + 26;
    format!(
        "6,{LOAD_WORD} 0 0 {PAYLOAD},{JUMP_IF_EQUAL} 0 3 {post},{LOAD_WORD} 0 0 {place},{JUMP_IF_EQUAL} 0 1 {login},\
         {RETURN} 0 0 {DROP},{RETURN} 0 0 {GO_ON}"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;

    /// The result of a program for a frame.
    fn verdict(program: &str, frame: &[u8], random: u32) -> u32 {
        let lines: Vec<Vec<u32>> = program
            .split(',')
            .skip(1)
            .map(|line| line.split(' ').map(|word| word.parse().unwrap()).collect())
            .collect();
        assert_eq!(program.split(',').next().unwrap(), lines.len().to_string());
        let (mut at, mut value) = (0, 0);
        loop {
            let [code, yes, no, constant] = lines[at][..] else { panic!("{program}") };
            let place = constant as usize;
            at += 1;
            let jump = |holds: bool| if holds { yes as usize } else { no as usize };
            match code {
                LOAD_HALF => value = u32::from(u16::from_be_bytes(frame[place..place + 2].try_into().unwrap())),
                LOAD_WORD if constant == RANDOM => value = random,
                LOAD_WORD => value = u32::from_be_bytes(frame[place..place + 4].try_into().unwrap()),
                JUMP_IF_EQUAL => at += jump(value == constant),
                JUMP_IF_NOT_LESS => at += jump(value >= constant),
                _ => return constant,
            }
        }
    }

    #[test]
    fn a_login_is_dropped_and_no_other_request() {
        let frame = |line: &str| [&[0; 66][..], line.as_bytes(), &[0; 64]].concat();
        let outcome = |line: &str| verdict(&drops_logins(), &frame(line), 0);
        assert_eq!(outcome("POST /api/m2m/v1/session/login HTTP/1.1"), DROP);
        assert_eq!(outcome("POST /api/m2m/v1/session/logout HTTP/1.1"), GO_ON);
        assert_eq!(outcome("GET /api/m2m/v1/devices/actions/list HTTP/1.1"), GO_ON);
        assert_eq!(outcome("POST /api/ts/v1/oauth2/token HTTP/1.1"), GO_ON);
    }

    #[test]
    fn packets_of_a_peer_are_dropped_and_no_others() {
        let peers = [Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(10, 0, 0, 3)];
        let frame = |kind: u16, source: [u8; 4], destination: [u8; 4]| {
            let mut frame = vec![0; 64];
            frame[12..14].copy_from_slice(&kind.to_be_bytes());
            frame[26..30].copy_from_slice(&source);
            frame[30..34].copy_from_slice(&destination);
            frame
        };
        let sent = |percent, destination, random| {
            verdict(&drops(Direction::Sent, &peers, percent), &frame(0x0800, [10, 0, 0, 1], destination), random)
        };
        assert_eq!(sent(100, [10, 0, 0, 2], 0), DROP);
        assert_eq!(sent(100, [10, 0, 0, 3], u32::MAX), DROP);
        assert_eq!(sent(100, [10, 0, 0, 4], 0), GO_ON);
        assert_eq!(sent(30, [10, 0, 0, 3], u32::MAX / 4), DROP);
        assert_eq!(sent(30, [10, 0, 0, 3], u32::MAX / 2), GO_ON);
        assert_eq!(sent(30, [10, 0, 0, 4], 0), GO_ON);
        let received = drops(Direction::Received, &peers, 100);
        assert_eq!(verdict(&received, &frame(0x0800, [10, 0, 0, 2], [10, 0, 0, 1]), 0), DROP);
        assert_eq!(verdict(&received, &frame(0x0800, [10, 0, 0, 1], [10, 0, 0, 2]), 0), GO_ON);
        // ARP passes.
        assert_eq!(verdict(&received, &frame(0x0806, [10, 0, 0, 2], [10, 0, 0, 1]), 0), GO_ON);
    }
}
