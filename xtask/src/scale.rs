//! `cargo xtask scale`: what a contract of three, thirty, three hundred and a thousand operations costs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Result, generator, workspace};

/// How many operations.
const SIZES: [usize; 4] = [3, 30, 300, 1000];
/// The operations that the contract has by itself.
const OWN: usize = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Measure one size alone, without building: the table is made of such processes
    #[arg(long, value_name = "SIZE", hide = true)]
    one: Option<usize>,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    match arguments.one {
        None => table(),
        Some(size) => {
            println!("{}", one(size)?);
            Ok(())
        }
    }
}

fn table() -> Result {
    let copy = Copy::make()?;
    // Once for the dependencies, which are the same for every size.
    copy.check(OWN)?;
    println!("| operations | spec check | generation | per operation | peak memory | cargo check |");
    println!("|---:|---:|---:|---:|---:|---:|");
    for size in SIZES {
        let output = Command::new(std::env::current_exe()?).args(["scale", "--one", &size.to_string()]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let built = copy.check(size)?;
        println!("| {size} | {} | {:.1} s |", String::from_utf8_lossy(&output.stdout).trim(), built.as_secs_f64());
    }
    Ok(())
}

/// One size: how long the processor worked on the check, on the generation, and how much memory it took.
fn one(size: usize) -> Result<String> {
    let manifest = fs::read_to_string(workspace::root().join("Cargo.toml"))?;
    let text = spec(size)?;
    let start = worked();
    let document = generator::checked(&text, &manifest);
    let document =
        document.map_err(|findings| findings.iter().flat_map(|one| one.lines("spec")).collect::<String>())?;
    let checked = worked();
    generator::output(&document).map_err(|finding| finding.lines("spec").join("\n"))?;
    let (check, generation) = (checked.saturating_sub(start), worked().saturating_sub(checked));
    let each = generation.as_secs_f64() * 1000.0 / f64::from(u32::try_from(size)?);
    Ok(format!("{} ms | {} ms | {each:.1} ms | {} MB", check.as_millis(), generation.as_millis(), peak()? / 1024))
}

/// How long the processor has worked for this process, whoever else it works for.
fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The most memory that this process has had, in KiB.
fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("this system tells no peak memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// A copy of the package, with a contract of another size.
struct Copy(std::path::PathBuf);

impl Copy {
    fn make() -> Result<Self> {
        let to = workspace::target()?.join("scale");
        for folder in ["src", "build", "benches", "sandbox", "xtask"] {
            copy_folder(&workspace::root().join(folder), &to.join(folder))?;
        }
        for file in ["build.rs", "Cargo.toml", "Cargo.lock", "README.md"] {
            fs::copy(workspace::root().join(file), to.join(file))?;
        }
        Ok(Self(to))
    }

    /// How long `cargo check` takes with so many operations.
    fn check(&self, size: usize) -> Result<Duration> {
        fs::write(self.0.join("openapi.yaml"), spec(size)?)?;
        let start = Instant::now();
        let mut cargo = workspace::cargo();
        cargo.current_dir(&self.0).env("CARGO_TARGET_DIR", self.0.join("target"));
        let status = cargo.args(["check", "--quiet", "--lib", "--locked"]).status()?;
        if status.success() { Ok(start.elapsed()) } else { Err(format!("{size} operations do not build").into()) }
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// The contract, grown to so many operations: every third lists with a query, changes with a nested body, or reads by
/// a path, and each has models of its own.
fn spec(operations: usize) -> Result<String> {
    let own = std::fs::read_to_string(workspace::root().join("openapi.yaml"))?;
    let (paths, components) = own.split_once("\ncomponents:\n").ok_or("openapi.yaml has no components")?;
    let (before, schemas) = components.split_once("\n  schemas:\n").ok_or("openapi.yaml has no schemas")?;
    let (mut more_paths, mut more_schemas) = (String::new(), String::new());
    for number in OWN..operations {
        more_paths.push_str(&operation(number));
        more_schemas.push_str(&schema(number));
    }
    Ok(format!("{paths}\n{more_paths}\ncomponents:\n{before}\n  schemas:\n{more_schemas}{schemas}"))
}

fn operation(number: usize) -> String {
    let common = "
      security:
        - thingspaceOauth: []
          vzM2mToken: []
      responses:
        '200':
          description: Done.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Answer";
    let rest = format!("{number}'\n        '400':\n          $ref: '#/components/responses/Error'\n");
    match number % 3 {
        0 => format!(
            "  /m2m/v1/things{number}:
    get:
      operationId: listThings{number}
      description: Lists things.
      parameters:
        - name: maxEntries
          in: query
          schema:
            type: integer
            format: int32
        - name: state
          in: query
          schema:
            type: string{common}{rest}"
        ),
        1 => format!(
            "  /m2m/v1/things{number}/actions/change:
    post:
      operationId: changeThing{number}
      description: Changes a thing.
      x-repeatable: if-unsent
      requestBody:
        required: true
        content:
          application/json:
            schema:
              $ref: '#/components/schemas/Change{number}'{common}{rest}"
        ),
        _ => format!(
            "  /m2m/v1/things{number}/{{accountName}}/{{id}}:
    get:
      operationId: readThing{number}
      description: Reads a thing.
      parameters:
        - name: accountName
          in: path
          required: true
          schema:
            type: string
        - name: id
          in: path
          required: true
          schema:
            type: string{common}{rest}"
        ),
    }
}

fn schema(number: usize) -> String {
    let answer = format!(
        "    Answer{number}:
      type: object
      description: An answer.
      required: [id]
      properties:
        id:
          type: string
          description: Which one.
        count:
          type: integer
          format: int64
        state:
          type: string
          enum: [active, suspended, deactivated]
        labels:
          type: object
          additionalProperties:
            type: string
        things:
          type: array
          items:
            $ref: '#/components/schemas/Thing{number}'
    Thing{number}:
      type: object
      properties:
        kind:
          type: string
        id:
          type: string
        price:
          type: number
          format: double
"
    );
    let change = format!(
        "    Change{number}:
      type: object
      required: [accountName]
      properties:
        accountName:
          type: string
        devices:
          type: array
          items:
            $ref: '#/components/schemas/Thing{number}'
        servicePlan:
          type: string
          nullable: true
"
    );
    if number % 3 == 1 { answer + &change } else { answer }
}
