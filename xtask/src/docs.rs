//! `cargo xtask docs`: builds the rustdoc, and beside it `openapi.yaml` as a page and the guide as a book.
//!
//! With `--check` a browser searches the guide and opens the page; neither may use the network. On the page that the
//! sandbox serves, the browser logs in and out. The script is in `xtask/docs/`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::python::Python;
use crate::sandbox::{self, Running};
use crate::{Result, process, workspace};

/// Names under which Chromium is installed, Debian's first.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const CHECK_LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Test the pages in Chromium, too: log in and out on the page that the sandbox serves
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    // Fail before the slow builds if no browser is installed.
    let browser = if arguments.check { Some(browser()?) } else { None };

    let doc = workspace::target()?.join("doc");
    rustdoc()?;
    println!("rustdoc: {}", doc.join("thingspace_session").join("index.html").display());
    let program = sandbox::build()?;
    let page = doc.join("api.html");
    fs::write(&page, sandbox::docs(&program)?).map_err(|error| format!("{}: {error}", page.display()))?;
    println!("openapi.yaml: {}", page.display());
    let guide = book(&doc)?.join("index.html");
    println!("guide: {}", guide.display());

    match browser {
        Some(browser) => try_out(&browser, &program, &guide, &page),
        None => Ok(()),
    }
}

fn rustdoc() -> Result {
    let status = workspace::cargo().args(["doc", "--workspace", "--no-deps", "--all-features"]).status()?;
    if status.success() { Ok(()) } else { Err("cargo doc failed".into()) }
}

/// The guide with search, beside the rustdoc.
fn book(doc: &Path) -> Result<PathBuf> {
    let to = doc.join("guide");
    let mut book = workspace::cargo();
    book.args(["run", "--quiet", "--package", "xtask", "--features", "book", "--bin", "book", "--"]);
    let status = book.arg(workspace::root()).arg(&to).status()?;
    if status.success() { Ok(to) } else { Err("mdBook cannot build the guide".into()) }
}

fn try_out(browser: &Path, program: &Path, guide: &Path, page: &Path) -> Result {
    let scripts = workspace::root().join("xtask").join("docs");
    let work = workspace::target()?.join("docs");
    fs::create_dir_all(&work)?;
    println!("python: environment in {}", work.join("venv").display());
    let python = Python::prepare(&scripts, &work, "playwright.sync_api")?;
    let sandbox = Running::start(program, &work.join("sandbox.log"))?;
    println!("sandbox: {}", sandbox.base_url);

    let picture = work.join("page.png");
    let mut check = python.script("check.py", &sandbox.base_url);
    check.arg(browser).arg(guide).arg(page).arg(&picture);
    process::run("the check of the pages", &mut check, &work.join("check.log"), CHECK_LIMIT)?;
    println!("guide: the search finds a page without the network");
    println!("offline page: opens without a request");
    println!("page of the sandbox: logs in and out; picture in {}", picture.display());
    Ok(())
}

fn browser() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = BROWSERS.iter().find_map(|name| {
        let mut places = env::split_paths(&path).map(|directory| directory.join(name));
        places.find(|place| place.is_file())
    });
    found.ok_or_else(|| {
        let names = BROWSERS.join(", ");
        format!("no Chromium in the PATH (looked for {names}): install it, on Debian with the package chromium").into()
    })
}
