//! What was measured, as it is written down: nothing in it is written by hand but words.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

use crate::Result;

/// What was tried where a goal is missed, and why it stays: words alone.
const REASONS: &str = include_str!("reasons.md");

/// A figure and what it is held to.
pub(super) struct Goal {
    name: String,
    figure: String,
    wanted: String,
    is_reached: bool,
}

/// A limit, and its text, in which `#` stands for the limit.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    AtMost(f64, &'static str),
    AtLeast(f64, &'static str),
}

impl Goal {
    /// `figure` says what the value is.
    pub(super) fn new(name: &str, figure: String, value: f64, wanted: Wanted) -> Self {
        let (limit, told, is_reached) = match wanted {
            Wanted::AtMost(most, told) => (most, told, value <= most),
            Wanted::AtLeast(least, told) => (least, told, value >= least),
        };
        Self { name: name.to_owned(), figure, wanted: told.replace('#', &limit.to_string()), is_reached }
    }

    fn row(&self) -> String {
        let Self { name, figure, wanted, is_reached } = self;
        let reached = if *is_reached { "yes" } else { "**no**" };
        format!("| {name} | {figure} | {wanted} | {reached} |\n")
    }
}

#[derive(Default)]
pub(super) struct Note {
    goals: Vec<Goal>,
    text: String,
    pub(super) chart: String,
}

impl Note {
    pub(super) fn goal(&mut self, goal: Goal) {
        self.goals.push(goal);
    }

    pub(super) fn section(&mut self, name: &str) {
        let _ = writeln!(self.text, "\n## {name}\n");
    }

    pub(super) fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}");
    }

    /// Prints the table, and writes everything into the folder.
    pub(super) fn write(self, folder: &Path) -> Result {
        let table = self.table();
        println!("\n{table}");
        fs::create_dir_all(folder)?;
        fs::write(folder.join("bench.svg"), &self.chart)?;
        let head = format!(
            "# What it costs\n\n`cargo xtask bench` measures every figure on this page and writes the page. `cargo xtask bench \
             --builds` replaces the section on builds, and `cargo xtask bench --memory` the section on memory. The \
             machine: {}. All clients send their requests in one run, over loopback and without TLS, to a sandbox in \
             another process. \"By hand\" is a program on reqwest with the settings of this crate.\n\n",
            machine(),
        );
        fs::write(folder.join("bench.md"), format!("{head}{table}{}\n{REASONS}", self.text))?;
        println!("written: docs/bench.md, docs/bench.svg");
        Ok(())
    }

    /// Prints the table, and puts its rows and its one section in the place of those that the folder has.
    pub(super) fn replace(self, folder: &Path, section: &str) -> Result {
        println!("\n{}", self.table());
        let path = folder.join("bench.md");
        let old = fs::read_to_string(&path)?;
        let rows: Vec<String> = self.goals.iter().map(Goal::row).collect();
        let is_replaced = |line: &str| self.goals.iter().any(|goal| line.starts_with(&format!("| {} | ", goal.name)));
        let (mut new, mut is_in, mut is_table) = (String::new(), false, false);
        for line in old.split_inclusive('\n') {
            if line.starts_with("## ") {
                let was_in = std::mem::replace(&mut is_in, line.trim_end() == format!("## {section}"));
                if is_in {
                    new.push_str(self.text.trim_start());
                } else if was_in {
                    new.push('\n');
                }
            }
            if REASONS.starts_with(line) {
                break;
            }
            let was_table = std::mem::replace(&mut is_table, line.starts_with('|'));
            if was_table && !is_table && !new.contains(&rows.concat()) {
                new.push_str(&rows.concat());
            }
            if !is_in && !is_replaced(line) {
                new.push_str(line);
            }
        }
        fs::write(&path, new + REASONS)?;
        println!("written: docs/bench.md");
        Ok(())
    }

    fn table(&self) -> String {
        let mut table = "| what | figure | goal | reached |\n|---|---|---|---|\n".to_owned();
        table.extend(self.goals.iter().map(Goal::row));
        table
    }
}

/// The machine in a few words.
fn machine() -> String {
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{cores} cores, {}, {}", std::env::consts::ARCH, std::env::consts::OS)
}
