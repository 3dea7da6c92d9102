//! Reads the report of schemathesis.

use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Result;

/// A run with fewer cases fails, because it tested too little.
const FEWEST_CASES: u64 = 500;
const PHASES: [&str; 3] = ["examples", "coverage", "fuzzing"];

/// A complete run without failures.
#[derive(Debug)]
pub(crate) struct Report {
    cases: u64,
}

impl Report {
    pub(crate) fn read(path: &Path) -> Result<Report> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Report::parse(&text).map_err(|problem| format!("schemathesis: {problem}; see {}", path.display()).into())
    }

    fn parse(text: &str) -> std::result::Result<Report, String> {
        let report: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let count = |name| {
            let pointer = format!("/test_cases/{name}");
            report.pointer(&pointer).and_then(Value::as_u64).ok_or_else(|| format!("the report has no {pointer}"))
        };
        let (cases, failures, errors) = (count("generated")?, count("with_failures")?, count("errored")?);
        if failures + errors > 0 {
            return Err(format!("{cases} cases, {failures} failures, {errors} errors"));
        }
        for phase in PHASES {
            let status = report.pointer(&format!("/phases/{phase}/status")).and_then(Value::as_str);
            if status != Some("success") {
                return Err(format!("the phase `{phase}` ended with {status:?}"));
            }
        }
        if cases < FEWEST_CASES {
            return Err(format!("{cases} cases are too few"));
        }
        Ok(Report { cases })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schemathesis: {} cases, 0 failures", self.cases)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(cases: u64, failures: u64, fuzzing: &str) -> std::result::Result<String, String> {
        let success = json!({ "status": "success" });
        let report = json!({
            "test_cases": { "generated": cases, "with_failures": failures, "errored": 0 },
            "phases": { "examples": success, "coverage": success, "fuzzing": { "status": fuzzing } },
        });
        Report::parse(&report.to_string()).map(|report| report.to_string())
    }

    #[test]
    fn a_successful_run_reports_its_number_of_cases() {
        assert_eq!(report(1234, 0, "success").as_deref(), Ok("schemathesis: 1234 cases, 0 failures"));
    }

    #[test]
    fn a_run_with_failures_or_too_few_cases_is_an_error() {
        assert_eq!(report(1234, 2, "failure"), Err("1234 cases, 2 failures, 0 errors".to_owned()));
        assert!(report(1234, 0, "skip").is_err());
        assert!(report(3, 0, "success").is_err());
        assert!(Report::parse("{}").is_err());
    }
}
