//! Checks texts against their formats.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Patterns of formats. Some formats have further conditions.
const LOOKS: [(&str, &str); 10] = [
    ("byte", r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"),
    ("date", r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$"),
    (
        "date-time",
        r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$",
    ),
    ("time", r"^(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$"),
    ("uuid", r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"),
    ("email", r"^[^\s@]+@[^\s@]+$"),
    ("hostname", r"^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$"),
    ("uri", r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$"),
    ("uri-reference", r"^\S*$"),
    ("json-pointer", r"^(?:/(?:[^~/]|~[01])*)*$"),
];

/// Whether a text has a format. Unknown formats fit.
pub(super) fn fits(format: &str, text: &str) -> bool {
    match format {
        "ip" => text.parse::<IpAddr>().is_ok(),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "regex" => regress::Regex::new(text).is_ok(),
        _ => {
            let look = LOOKS.iter().find(|(name, _)| *name == format);
            let looks =
                look.is_none_or(|(_, look)| regress::Regex::new(look).is_ok_and(|look| look.find(text).is_some()));
            looks && (!format.starts_with("date") || is_day(text))
        }
    }
}

/// Whether the day at the beginning of a date exists in its month.
fn is_day(date: &str) -> bool {
    let number = |digits: std::ops::Range<usize>| date.get(digits).and_then(|digits| digits.parse::<u32>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else { return false };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1..=last).contains(&day)
}
