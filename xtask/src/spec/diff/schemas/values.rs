//! Compares the constraints of a single value: type, format, bounds, enum.

use std::{cmp::Ordering, collections::HashSet};

use super::{
    super::compare::{Comparison, Found, Pair, Subject, found, same},
    types::{self, Site},
};
use thingspace_codegen::load::Node;

/// Reports a changed type. Returns whether there is nothing else to compare.
pub(super) fn kind<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject, site: Site) -> bool {
    let rule = match (pair.base.text_of("type"), pair.now.text_of("type")) {
        (Some("integer"), Some("number")) => "type-widened",
        (Some("number"), Some("integer")) => "type-narrowed",
        _ => "type-changed",
    };
    if comparison.key(pair, "type", ["type-stated", "type-dropped", rule], here) {
        types::judge(comparison, pair, site);
        return rule == "type-changed" && matches!(found(pair, "type"), Some(Found::Both(_)));
    }
    false
}

pub(super) fn compare<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject, site: Site) {
    format(comparison, pair, here, site);
    if comparison.flag(pair, "nullable", ["made-nullable", "no-longer-nullable"], here) {
        types::judge(comparison, pair, site);
    }
    for (key, kinds) in [
        ("pattern", ["pattern-added", "pattern-removed", "pattern-changed"]),
        ("multipleOf", ["multiple-added", "multiple-removed", "multiple-changed"]),
        ("default", ["default-added", "default-removed", "default-changed"]),
    ] {
        if comparison.key(pair, key, kinds, here) {
            types::judge(comparison, pair, site);
        }
    }
    for bound in &BOUNDS {
        limit(comparison, pair, bound, here, site);
    }
    values(comparison, pair, here, site);
}

/// Formats of numbers from narrow to wide. Each includes all values of the one before it.
const WIDTHS: [&[&str]; 3] =
    [&["int8", "int16", "int32", "int64"], &["uint8", "uint16", "uint32", "uint64"], &["float", "double"]];

fn format<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject, site: Site) {
    let (before, after) = (pair.base.text_of("format"), pair.now.text_of("format"));
    let is_secret = |format: Option<&str>| format.is_some_and(|format| format.eq_ignore_ascii_case("password"));
    if is_secret(before) != is_secret(after) {
        let rule = if is_secret(after) { "secret-marked" } else { "secret-unmarked" };
        comparison.key(pair, "format", [rule; 3], here);
        return;
    }
    let rank = |format: Option<&str>| {
        let widths = WIDTHS.iter().enumerate();
        widths.into_iter().find_map(|(kind, names)| Some((kind, names.iter().position(|name| Some(*name) == format)?)))
    };
    let other = match (rank(before), rank(after)) {
        (Some((kind, narrow)), Some((other, wide))) if kind == other && narrow < wide => "format-widened",
        (Some((kind, wide)), Some((other, narrow))) if kind == other && narrow < wide => "format-narrowed",
        _ => "format-changed",
    };
    if comparison.key(pair, "format", ["format-added", "format-removed", other], here) {
        types::judge(comparison, pair, site);
    }
}

/// A bound: its key, the key that makes it exclusive, whether it is an upper one, and the kinds.
struct Bound {
    key: &'static str,
    excludes: &'static str,
    is_upper: bool,
    kinds: [&'static str; 2],
}

const RANGE: [&str; 2] = ["range-narrowed", "range-widened"];
const LENGTH: [&str; 2] = ["length-narrowed", "length-widened"];
const SIZE: [&str; 2] = ["size-narrowed", "size-widened"];

const fn bound(key: &'static str, excludes: &'static str, is_upper: bool, kinds: [&'static str; 2]) -> Bound {
    Bound { key, excludes, is_upper, kinds }
}

const BOUNDS: [Bound; 8] = [
    bound("minimum", "exclusiveMinimum", false, RANGE),
    bound("maximum", "exclusiveMaximum", true, RANGE),
    bound("minLength", "", false, LENGTH),
    bound("maxLength", "", true, LENGTH),
    bound("minItems", "", false, SIZE),
    bound("maxItems", "", true, SIZE),
    bound("minProperties", "", false, SIZE),
    bound("maxProperties", "", true, SIZE),
];

fn limit<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, bound: &Bound, here: &Subject, site: Site) {
    let Bound { key, excludes, is_upper, kinds: [narrowed, widened] } = bound;
    // The strictness of the bound; `None`, the least strict, without one.
    let tightness = |schema: &Node| {
        let number = schema.get(key)?.value().as_f64()?;
        Some((if *is_upper { -number } else { number }, schema.is(excludes)))
    };
    let order = match (tightness(pair.base), tightness(pair.now)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some((before, out)), Some((after, out_now))) => before.total_cmp(&after).then(out.cmp(&out_now)),
    };
    let rule = match order {
        Ordering::Equal => return,
        Ordering::Less => narrowed,
        Ordering::Greater => widened,
    };
    if !comparison.key(pair, key, [rule; 3], here) {
        let what = if pair.now.is(excludes) { "excludes" } else { "includes" };
        comparison.tell(rule, pair.places(), here, format!("{what} its {key}"));
    }
    types::judge(comparison, pair, site);
}

fn values<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject, site: Site) {
    let list = match found(pair, "enum") {
        Some(Found::Both(list)) => list,
        Some(_) => {
            comparison.key(pair, "enum", ["enum-added", "enum-removed", "enum-value-added"], here);
            types::judge(comparison, pair, site);
            return;
        }
        None => return,
    };
    if same(list.base, list.now) {
        return;
    }
    let texts = |list: &Node| -> Vec<String> { list.items().iter().map(|item| item.value().to_string()).collect() };
    let (before, after) = (texts(list.base), texts(list.now));
    let (known, still): (HashSet<_>, HashSet<_>) = (before.iter().collect(), after.iter().collect());
    let mut is_same_set = true;
    for (item, text) in list.now.items().iter().zip(&after).filter(|(_, text)| !known.contains(text)) {
        is_same_set = false;
        comparison.tell("enum-value-added", (None, Some(item.place)), here, format!("may be {text}"));
    }
    for (item, text) in list.base.items().iter().zip(&before).filter(|(_, text)| !still.contains(text)) {
        is_same_set = false;
        comparison.tell("enum-value-removed", (Some(item.place), None), here, format!("is no longer {text}"));
    }
    if is_same_set {
        comparison.tell("enum-reordered", list.places(), here, "has its values in another order");
    }
}
