//! Where the instructions go that this crate needs and a request written by hand does not.

use std::collections::BTreeMap;
use std::process::Command;

use super::calls::KINDS;
use super::counts::CALLS;
use super::note::Note;
use crate::{Result, workspace};

/// How many functions are named.
const LINES: usize = 14;

pub(super) fn explain(note: &mut Note) -> Result {
    note.section("Where the instructions go");
    note.line(
        "The functions that execute the most instructions in a call of this crate beyond those in a call without it. \
         What a function calls is counted there and not here.",
    );
    // A blocking call runs on several threads, and its profile holds the start of the program as well.
    for kind in KINDS.iter().filter(|kind| kind.what != "blocking") {
        let (what, name) = (kind.what, kind.name);
        let (facade, hand) = (functions(&format!("{what}_facade"))?, functions(&format!("{what}_hand"))?);
        let difference = |(function, count): (&String, &f64)| {
            (function.clone(), (count - hand.get(function).copied().unwrap_or_default()) / f64::from(CALLS))
        };
        let mut more: Vec<_> = facade.iter().map(difference).collect();
        more.sort_by(|one, other| other.1.total_cmp(&one.1));
        note.line(&format!("\n| {name}: function | instructions more |\n|---|---:|"));
        for (function, count) in more.into_iter().take(LINES) {
            note.line(&format!("| `{}` | {count:.0} |", shortened(&function)));
        }
    }
    Ok(())
}

/// What each function does by itself.
fn functions(name: &str) -> Result<BTreeMap<String, f64>> {
    let folder = workspace::target()?.join("gungraun").join("thingspace-bench").join("instructions").join("calls");
    let file = folder.join(name).join(format!("callgrind.{name}.out"));
    let output = Command::new("callgrind_annotate").args(["--threshold=100", "--show=Ir"]).arg(file).output()?;
    let mut functions = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Some((count, function)) = line.trim().split_once(' ') else { continue };
        let Ok(count) = count.replace(',', "").parse::<f64>() else { continue };
        let function = function.split_once(')').map_or(function, |(_, rest)| rest);
        let function = function.split(" [/").next().unwrap_or_default();
        let Some((_, function)) = function.split_once(':') else { continue };
        *functions.entry(function.trim().to_owned()).or_default() += count;
    }
    if functions.is_empty() { Err(format!("there is no profile of {name}").into()) } else { Ok(functions) }
}

/// Its end tells functions apart.
fn shortened(function: &str) -> String {
    const LONGEST: usize = 90;
    let length = function.chars().count();
    let rest: String = function.chars().skip(length.saturating_sub(LONGEST)).collect();
    if length > LONGEST { format!("…{rest}") } else { rest }
}
