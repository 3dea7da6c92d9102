//! `cargo xtask compare`: runs this crate and Verizon's Python SDK in the same situations; writes `docs/comparison.md`.
//!
//! `examples/compare.rs` and `xtask/interop/compare.py` produce the situations on a sandbox.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::python::Python;
use crate::sandbox::{self, Running};
use crate::{Result, workspace};

const FILE: &str = "docs/comparison.md";

/// The situations: the name in both programs, and the title on the page.
const SITUATIONS: [(&str, &str); 12] = [
    ("dead_session", "the session has expired: the next request"),
    ("same_wrong_password", "six logins with one wrong password"),
    ("other_wrong_passwords", "six logins with six wrong passwords"),
    ("lost_reset", "a reset whose response is lost"),
    ("failing_reset", "a reset that is processed and answered with status 503, two retries of `PUT` allowed"),
    ("crowd", "ten logins at once on a fresh client"),
    ("old_access_token", "a request 30 s before the access token expires"),
    ("rejected_access_token", "the gateway rejects the access token (900901): the next request"),
    ("failing_token_endpoint", "the token endpoint answers with status 503"),
    ("printed", "`repr` or `Debug` of secrets"),
    ("redirect", "a redirect to another path of the host"),
    ("web_page", "a logout is answered with status 200 and a web page"),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write nothing; fail if the page is stale
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let scripts = workspace::root().join("xtask").join("interop");
    let work = workspace::target()?.join("interop");
    fs::create_dir_all(&work)?;
    let python = Python::prepare(&scripts, &work, "verizon, schemathesis")?;
    let sandbox = Running::start(&sandbox::build()?, &work.join("compare-sandbox.log"))?;
    let sdk = observe(&mut python.script("compare.py", &sandbox.base_url))?;
    let program = sandbox::program(&["--package", "thingspace-session", "--example", "compare"])?;
    let own = observe(&mut Command::new(program))?;
    let version = fs::read_to_string(scripts.join("requirements.txt"))?;
    let version = version.lines().find(|line| line.starts_with("sdksio-verizon-apis-sdk")).unwrap_or_default();
    let page = page(&own, &sdk, &version.replace("==", " "))?;
    let path = workspace::root().join(FILE);
    if fs::read_to_string(&path).is_ok_and(|current| current.replace("\r\n", "\n") == page) {
        println!("{FILE} is up to date");
    } else if arguments.check {
        return Err(format!("{FILE} is stale: run `cargo xtask compare`, and commit what it writes").into());
    } else {
        fs::write(path, page)?;
        println!("wrote {FILE}");
    }
    Ok(())
}

/// Observations by situation. The program prints lines such as `["crowd", "1 token request"]`.
fn observe(command: &mut Command) -> Result<BTreeMap<String, String>> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let lines = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<(String, String)>();
    Ok(lines.collect::<std::result::Result<_, _>>()?)
}

fn page(own: &BTreeMap<String, String>, sdk: &BTreeMap<String, String>, version: &str) -> Result<String> {
    let mut page = format!(
        "# Comparison\n\n`cargo xtask compare` writes this page. It runs this crate and Verizon's Python SDK ({version}) in the \
         same situations on a sandbox and prints what a caller sees.\n\n| situation | this crate | Python SDK |\n|---|---|---|\n"
    );
    for (name, title) in SITUATIONS {
        let cell = |column: &BTreeMap<String, String>| {
            let text = column.get(name).ok_or_else(|| format!("{name} was not observed"))?;
            Ok::<_, String>(text.replace('|', "\\|").replace('<', "&lt;"))
        };
        let _ = writeln!(page, "| {title} | {} | {} |", cell(own)?, cell(sdk)?);
    }
    page.push_str(
        "\nThe registries that this command uses have no official SDK for TypeScript; the one for Ruby would need Ruby.\n",
    );
    Ok(page)
}
