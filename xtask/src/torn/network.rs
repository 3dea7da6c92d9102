//! Builds hosts from network namespaces, each with a link to one bridge.
//!
//! A shell, the warden, waits until this process ends, even by a signal. Then it kills the processes of the hosts, and
//! removes the namespaces and links. It holds the lock until then, so that the next run starts on a clean machine.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::filter::{Direction, drops, drops_logins};
use crate::Result;
use crate::process::Process;

/// The hosts of the replicas and of Redis.
pub(super) const HOSTS: [usize; 3] = [1, 2, 3];
/// The host of the sandbox.
pub(super) const PLATFORM: usize = 4;
const BRIDGE: &str = "tstbr";
/// How long the warden of the last run may take.
const PATIENCE: Duration = Duration::from_secs(20);

const TAKE_DOWN: &str = "\
for n in 1 2 3 4; do
  for p in $(ip netns pids tst$n 2>/dev/null); do kill -9 $p 2>/dev/null; done
  ip netns delete tst$n 2>/dev/null
  ip link delete tstv$n 2>/dev/null
  ip link delete tstd$n 2>/dev/null
done
ip link delete tstbr 2>/dev/null
true";

/// The programs that a run needs besides Redis, and their packages in Debian.
const PROGRAMS: [(&str, &str); 3] = [("ip", "iproute2"), ("tc", "iproute2"), ("python3", "python3")];
/// Removes what `obstacle` sets up.
const REMOVE_TRIES: &str = "ip link delete tst-try0; ip netns delete tst-try";

pub(super) struct Network {
    relay: PathBuf,
    delays: Vec<(usize, Process)>,
    filters: u32,
    warden: Child,
}

/// A filter of `tc`, to be removed when the fault ends.
pub(super) struct Filter {
    device: String,
    direction: Direction,
    number: u32,
}

pub(super) fn address(host: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 213, 77, u8::try_from(host).unwrap_or(u8::MAX))
}

pub(super) fn socket(host: usize, port: u16) -> SocketAddr {
    (address(host), port).into()
}

/// The reason why this machine cannot build the network, and the next step. `None` if it can.
pub(super) fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("this needs root; run the command as root".to_owned());
    }
    let is_missing = |program: &str| shell(&format!("command -v {program}")).is_err();
    if let Some((program, package)) = PROGRAMS.into_iter().find(|(program, _)| is_missing(program)) {
        return Some(format!("the program `{program}` is missing; install the package {package}"));
    }
    let tries = [
        "ip netns add tst-try",
        "ip link add tst-try0 type veth peer name tst-try1",
        "tc qdisc add dev tst-try0 clsact",
        &format!(
            "tc filter add dev tst-try0 ingress bpf direct-action bytecode '{}'",
            drops(Direction::Sent, &[], 100)
        ),
    ];
    // A killed run may have left the devices.
    let _ = shell(REMOVE_TRIES);
    let failed = tries.iter().find_map(|line| shell(line).err().map(|error| error.to_string()));
    let _ = shell(REMOVE_TRIES);
    failed
}

impl Network {
    pub(super) fn set_up(directory: &Path) -> Result<Self> {
        let lock = lock()?;
        shell(TAKE_DOWN)?;
        let warden = Command::new("sh")
            .args(["-c", &format!("cat >/dev/null\n{TAKE_DOWN}")])
            .process_group(0)
            .stdin(Stdio::piped())
            // The warden keeps this file open and thereby holds the lock.
            .stdout(lock)
            .spawn()?;
        let relay = directory.join("relay.py");
        std::fs::write(&relay, include_str!("relay.py"))?;
        let network = Self { relay, delays: Vec::new(), filters: 0, warden };
        shell(&format!("ip link add {BRIDGE} type bridge && ip link set {BRIDGE} up"))?;
        shell(&format!("ip address add {}/24 dev {BRIDGE}", address(254)))?;
        for host in HOSTS.into_iter().chain([PLATFORM]) {
            let address = address(host);
            shell(&format!(
                "set -e
                ip netns add tst{host}
                ip link add tstv{host} type veth peer name eth0 netns tst{host}
                ip -n tst{host} address add {address}/24 dev eth0
                ip -n tst{host} link set lo up
                ip -n tst{host} link set eth0 up
                ip link set tstv{host} master {BRIDGE} up
                tc qdisc add dev tstv{host} clsact
                ip netns exec tst{host} python3 '{}' plain eth0",
                network.relay.display()
            ))?;
        }
        Ok(network)
    }

    /// A command that runs a program on a host.
    pub(super) fn on(host: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &format!("tst{host}"), program]);
        command
    }

    /// Drops a share of the packets between a host and others.
    pub(super) fn lose(&mut self, host: usize, direction: Direction, peers: &[usize], percent: u32) -> Result<Filter> {
        let peers: Vec<_> = peers.iter().map(|peer| address(*peer)).collect();
        self.filter(host, direction, &drops(direction, &peers, percent))
    }

    /// Drops the logins of a host.
    pub(super) fn lose_logins(&mut self, host: usize) -> Result<Filter> {
        self.filter(host, Direction::Sent, &drops_logins())
    }

    fn filter(&mut self, host: usize, direction: Direction, program: &str) -> Result<Filter> {
        self.filters += 1;
        let filter = Filter { device: format!("tstv{host}"), direction, number: self.filters };
        shell(&format!(
            "tc filter add dev {} {} prio {} bpf direct-action bytecode '{program}'",
            filter.device,
            direction.hook(),
            filter.number,
        ))?;
        Ok(filter)
    }

    pub(super) fn heal(filter: &Filter) -> Result {
        shell(&format!("tc filter delete dev {} {} prio {}", filter.device, filter.direction.hook(), filter.number))
    }

    /// Delays all packets of a host, in both directions.
    pub(super) fn delay(&mut self, host: usize, milliseconds: u64) -> Result {
        shell(&format!(
            "set -e
            ip link add tstd{host} type veth peer name tste{host}
            ip link set tste{host} master {BRIDGE} up
            ip link set tstd{host} up
            ip link set tstv{host} nomaster"
        ))?;
        let mut command = Command::new("python3");
        command.arg(&self.relay).args([
            "delay",
            &milliseconds.to_string(),
            &format!("tstv{host}"),
            &format!("tstd{host}"),
        ]);
        self.delays.push((host, Process::start("the relay", command.stdin(Stdio::piped()))?));
        Ok(())
    }

    pub(super) fn hasten(&mut self, host: usize) -> Result {
        self.delays.retain(|(delayed, _)| *delayed != host);
        shell(&format!("ip link delete tstd{host}; ip link set tstv{host} master {BRIDGE}"))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.delays.clear();
        drop(self.warden.stdin.take());
        let _ = self.warden.wait();
    }
}

/// Allows one run at a time on a machine, because the names of the devices are fixed.
fn lock() -> Result<File> {
    let path = std::env::temp_dir().join("thingspace-torn.lock");
    let file = File::options().create(true).append(true).open(path)?;
    let begin = Instant::now();
    while file.try_lock().is_err() {
        if begin.elapsed() > PATIENCE {
            return Err("another `cargo xtask torn` runs on this machine; wait until it ends".into());
        }
        sleep(Duration::from_millis(100));
    }
    Ok(file)
}

fn shell(script: &str) -> Result {
    let output = Command::new("sh").args(["-c", script]).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`{}` failed: {}", script.trim(), String::from_utf8_lossy(&output.stderr).trim()).into())
}
