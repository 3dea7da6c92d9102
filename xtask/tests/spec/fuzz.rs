//! Contracts that are broken at random: nothing makes a check fall over, whatever is said has a place in the file, and
//! what is not complained of becomes code.
//!
//! A seed makes a case. `SPEC_FUZZ_SEED=17` has that one alone, and prints it; `SPEC_FUZZ_CASES` says how many there
//! are to be.

mod code;
mod lines;
mod tree;

use std::{env, panic, thread, time::Instant};

pub(crate) use code::flaw;
use fastrand::Rng;
use thingspace_codegen::{self as codegen, Finding};

use crate::{contract, found, manifest, mistake};

/// How many cases there are by default.
const CASES: u64 = 10_000;
/// The code of one in so many of those in which nothing is found is looked at.
const LOOKED_AT: u64 = 4;
/// As much as a program has from the start.
const STACK: usize = 8 << 20;

#[test]
fn no_contract_however_broken_makes_a_check_fall_over() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let start = Instant::now();
    let seeds = match number("SPEC_FUZZ_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SPEC_FUZZ_CASES").unwrap_or(CASES),
    };
    let sources = sources();
    let workers = thread::available_parallelism().map_or(2, usize::from) as u64;
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let (sources, seeds) = (&sources, &seeds);
        let work = move |first: u64| {
            let mine = seeds.clone().skip(usize::try_from(first).unwrap()).step_by(usize::try_from(workers).unwrap());
            let mut tally = Tally::default();
            mine.for_each(|seed| tally.add(seed, sources));
            tally
        };
        let threads: Vec<_> = (0..workers)
            .map(|first| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || work(first)).unwrap())
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let sum = |count: fn(&Tally) -> u64| tallies.iter().map(count).sum::<u64>();
    println!(
        "{} cases: {} readable, {} without an error, {} findings of {} rules, in {:?}",
        sum(|tally| tally.cases),
        sum(|tally| tally.readable),
        sum(|tally| tally.clean),
        sum(|tally| tally.findings),
        tallies.iter().flat_map(|tally| &tally.rules).collect::<std::collections::BTreeSet<_>>().len(),
        start.elapsed()
    );
}

/// What cases are made of: the contract, that of the growth test, and all mistakes.
fn sources() -> Vec<String> {
    let growth = std::fs::read_to_string(mistake::folder().join("../fixtures/growth.yaml")).unwrap();
    let mut sources = vec![contract(), growth];
    sources.extend(mistake::all().into_iter().map(|mistake| mistake.contract));
    sources
}

#[derive(Default)]
struct Tally {
    cases: u64,
    readable: u64,
    clean: u64,
    findings: u64,
    rules: std::collections::BTreeSet<&'static str>,
}

impl Tally {
    fn add(&mut self, seed: u64, sources: &[String]) {
        let case = case(seed, sources);
        if env::var_os("SPEC_FUZZ_SEED").is_some() {
            println!("{}", String::from_utf8_lossy(&case));
        }
        let findings = panic::catch_unwind(|| found(&case))
            .unwrap_or_else(|_| panic!("SPEC_FUZZ_SEED={seed} makes a check panic"));
        hold(seed, &case, &findings);
        // A check has generated it already; to look at the code takes longer.
        let is_clean = !findings.iter().any(Finding::is_error);
        if is_clean && seed.is_multiple_of(LOOKED_AT) {
            let codegen::Compiled { output, .. } = codegen::compile(&case, &manifest()).unwrap_or_else(|findings| {
                panic!("SPEC_FUZZ_SEED={seed}: a check finds no error, and a build {findings:?}")
            });
            for generated in [output.client, output.operations] {
                assert_eq!(code::flaw(&generated), None, "SPEC_FUZZ_SEED={seed}");
            }
        }
        self.cases += 1;
        self.readable += u64::from(!findings.iter().any(|one| matches!(one.rule, "yaml-syntax" | "not-utf-8")));
        self.clean += u64::from(is_clean);
        self.findings += findings.len() as u64;
        self.rules.extend(findings.iter().map(|finding| finding.rule));
    }
}

/// A broken contract: the same for the same seed.
fn case(seed: u64, sources: &[String]) -> Vec<u8> {
    let mut random = Rng::with_seed(seed);
    // Mostly the contract itself: in most of the others something is wrong from the start.
    let source = if random.u8(..4) > 0 { sources.first() } else { random.choice(sources) };
    let mut text = source.unwrap().clone();
    for _ in 0..random.usize(1..4) {
        text = if random.bool() { tree::mutated(&text, &mut random) } else { lines::mutated(&text, &mut random) };
        if random.bool() {
            break;
        }
    }
    if random.u8(..16) == 0 { lines::bytes(text.into_bytes(), &mut random) } else { text.into_bytes() }
}

/// What has to be true of every finding.
fn hold(seed: u64, case: &[u8], findings: &[Finding]) {
    let text = String::from_utf8_lossy(case);
    let lines: Vec<&str> = text.split('\n').collect();
    for finding in findings {
        let line = usize::try_from(finding.place.line).unwrap().checked_sub(1).and_then(|line| lines.get(line));
        let is_inside = line.is_some_and(|line| (1..=line.chars().count() as u64 + 1).contains(&finding.place.column));
        assert!(is_inside, "SPEC_FUZZ_SEED={seed}: the place lies outside: {finding:?}");
        for words in finding.lines("openapi.yaml") {
            assert!(!words.contains(['\n', '\r']), "SPEC_FUZZ_SEED={seed}: more than a line: {finding:?}");
        }
        assert!(!finding.message.is_empty() && !finding.help.is_empty(), "SPEC_FUZZ_SEED={seed}: {finding:?}");
    }
    assert!(findings.is_sorted(), "SPEC_FUZZ_SEED={seed}");
}
