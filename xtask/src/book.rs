//! Writes the guide as a book with a search that works offline. `cargo xtask docs` runs this program.
//!
//! The pages come from `docs/guide/`; the page of the fleet comes from `crates/redis/`.
#![allow(clippy::print_stderr, reason = "a program reports errors on standard error")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mdbook_driver::{MDBook, config::Config};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const GUIDE: &str = "docs/guide";
const FLEET: &str = "crates/redis/docs/fleet.md";
const STYLE: &str = include_str!("../docs/book.css");
/// Readers open the pages as files, without a playground server.
const CONFIG: &str = r#"
[book]
title = "thingspace-session"
language = "en"

[output.html]
additional-css = ["book.css"]

[output.html.playground]
runnable = false
"#;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(root), Some(to), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        eprintln!("usage: book ROOT TO");
        return ExitCode::from(2);
    };
    match write(&root, &to) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write the book: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the book of the repository at `root` into the folder `to`.
fn write(root: &Path, to: &Path) -> Result {
    let work = to.with_extension("work");
    let pages = work.join("src");
    fs::create_dir_all(&pages)?;
    for entry in fs::read_dir(root.join(GUIDE))? {
        let page = entry?;
        // mdBook takes pages from one folder.
        let text = fs::read_to_string(page.path())?.replace(&format!("../../{FLEET}"), "fleet.md");
        fs::write(pages.join(page.file_name()), text)?;
    }
    fs::write(pages.join("fleet.md"), format!("# A fleet\n\n{}", fs::read_to_string(root.join(FLEET))?))?;
    fs::write(work.join("book.css"), STYLE)?;
    let mut config: Config = CONFIG.parse()?;
    to.clone_into(&mut config.build.build_dir);
    MDBook::load_with_config(&work, config)?.build()?;
    fs::remove_dir_all(work)?;
    Ok(())
}
