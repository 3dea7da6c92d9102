//! The copy of this package that the tests build. Its spec has all additions of the tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

use crate::{package::Package, patience::watch_anew};

/// The fourth operation of `growth.rs`, with the security of the logout.
const REGISTRATIONS: &str = "
  /m2m/v1/registrations/{accountName}:
    get:
      operationId: listRegisteredCallbacks
      summary: List Registered Callbacks
      security:
        - thingspaceOauth: []
          vzM2mToken: []
      parameters:
        - name: accountName
          in: path
          required: true
          schema:
            type: string
      responses:
        '200':
          description: The callbacks.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Echo'
        '400':
          $ref: '#/components/responses/Error'

  /m2m/v1/neighbours/state:
    get:
      operationId: stateOfNeighbours
      security:
        - thingspaceOauth: []
          sessionToken: []
      responses:
        '200':
          description: What arrived.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Echo'
        '204':
          description: Nothing.
        '400':
          $ref: '#/components/responses/Error'

  /m2m/v1/neighbours:
    get:
      operationId: listNeighbours
      security:
        - thingspaceOauth: []
          sessionToken: []
      responses: &echo
        '200':
          description: What arrived.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Echo'
        '400':
          $ref: '#/components/responses/Error'
    post:
      operationId: addNeighbour
      security:
        - thingspaceOauth: []
          sessionToken: []
        - thingspaceOauth: []
          vzM2mToken: []
      x-retry: always
      responses: *echo
    put:
      operationId: setNeighbour
      security:
        - thingspaceOauth: []
          vzM2mToken: []
        - thingspaceOauth: []
          sessionToken: []
      x-retry: always
      responses: *echo
    delete:
      operationId: dropNeighbour
      security:
        - vzM2mToken: []
          thingspaceOauth: []
      x-retry: always
      responses: *echo

components:
";

/// The header of a neighbouring host.
const SCHEME: &str = "
  securitySchemes:
    sessionToken:
      type: apiKey
      in: header
      name: SessionToken
";

/// What the sandbox answers to anything that it has no operation for; and what needs a crate each.
const SCHEMAS: &str = "
  schemas:
    Echo:
      type: object
      required: [method, path]
      properties:
        method:
          type: string
        path:
          type: string
        token:
          type: string
          format: password
          minLength: 5
          x-note: constraints do not make a secret printable
        example:
          type: string
          format: password
          minLength: 5
    Needy:
      type: object
      properties:
        since: {type: string, format: date-time}
        day: {type: string, format: date}
        identity: {type: string, format: uuid}
        name: {type: string, pattern: '^[a-z]+$'}
";

const CALLER: &str = r#"//! Calls the fourth operation.

use thingspace_session::{ApiKey, Credentials, Error, ThingSpace, api::types::Echo};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let thingspace = ThingSpace::builder()
        .api_key(ApiKey::new("sandbox-key", "sandbox-secret"))
        .base_url(std::env::var("BASE_URL").unwrap_or_default())
        .build()?;
    let session = thingspace.start_session(Credentials::new("zbeeblebrox", "IMgr8")).await?;
    for _ in 0..2 {
        let state = session.api().state_of_neighbours().send().await?;
        println!("{} {}", state.status(), state.into_inner().is_some_and(|echo| echo.method == "GET"));
    }
    let answer = session.api().list_registered_callbacks().account_name("0000123456-00001").send().await?;
    println!("{} {}", answer.method, answer.path);
    session.api().list_neighbours().send().await?;
    session.api().add_neighbour().send().await?;
    session.api().set_neighbour().send().await?;
    session.api().drop_neighbour().send().await?;
    let by_hand = session.request(reqwest::Method::GET, "/m2m/v1/neighbours")?;
    session.send(by_hand).await?;
    println!("{:?}", Echo::builder().method("").path("").token(Some("printed?".into())).example(Some("printed?".into())));
    let refused = thingspace.api().list_registered_callbacks().account_name("x").send().await;
    println!("{}", Error::from(refused.err().unwrap_or(thingspace_session::api::Error::Custom(String::new()))));
    Ok(())
}
"#;

/// The dependencies that its types come from, in the order in which a build asks for them, and features of schemars.
const CRATES: [(&str, Option<&str>); 3] = [
    ("chrono = { version = \"0.4\", default-features = false, features = [\"serde\", \"std\"] }", Some("chrono04")),
    ("uuid = { version = \"1\", features = [\"serde\"] }", Some("uuid1")),
    ("regress = \"0.12\"", None),
];

/// The spec of 25 operations, and what else is to be in one.
pub(crate) fn spec() -> String {
    let growth = fixture("growth.yaml").replacen("\ncomponents:\n", REGISTRATIONS, 1);
    growth.replacen("\n  securitySchemes:\n", SCHEME, 1).replacen("\n  schemas:\n", SCHEMAS, 1)
}

fn fixture(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// The build output of cargo.
pub(crate) struct Grown {
    /// What its manifest says, but for its name.
    pub(crate) manifest: String,
    artifacts: Vec<Value>,
}

/// Built at most once in a run, without a word from the compiler.
pub(crate) fn grown() -> &'static Grown {
    static GROWN: LazyLock<Grown> = LazyLock::new(Grown::build);
    watch_anew();
    let grown = &GROWN;
    watch_anew();
    grown
}

impl Grown {
    fn build() -> Self {
        let mut package = Package::copy("grown");
        package.write("openapi.yaml", &spec());
        package.write("examples/catalogue_caller.rs", &fixture("growth_caller.rs"));
        package.write("examples/fourth_caller.rs", CALLER);
        for (line, feature) in CRATES {
            package.depend(line);
            if let Some(feature) = feature {
                package.enable("schemars", feature);
            }
        }
        let output = package.build(&["--message-format=json"]);
        let said = String::from_utf8_lossy(&output.stderr);
        let messages = String::from_utf8(output.stdout).unwrap();
        let messages: Vec<Value> = messages.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let compiler: Vec<&Value> = messages.iter().map(|message| &message["message"]["rendered"]).collect();
        let warnings: Vec<&str> = compiler.into_iter().filter_map(Value::as_str).collect();
        assert!(output.status.success() && warnings.is_empty(), "{said}{}", warnings.concat());
        assert!(!said.contains("warning"), "{said}");
        let own = package.folder.join("Cargo.toml");
        let is_own = |message: &Value| message["manifest_path"].as_str().is_some_and(|path| Path::new(path) == own);
        let artifacts = messages.into_iter().filter(is_own).collect();
        Self { manifest: package.file("Cargo.toml").replace("-grown\"", "\""), artifacts }
    }

    fn artifact(&self, kind: &str, name: Option<&str>) -> &Value {
        let target = |message: &Value| message["target"].clone();
        let is_it = |target: &Value| target["kind"][0] == kind && name.is_none_or(|name| target["name"] == name);
        self.artifacts.iter().find(|message| is_it(&target(message))).expect("cargo builds it")
    }

    /// The program that cargo makes of `build.rs`.
    pub(crate) fn build_script(&self) -> PathBuf {
        self.artifact("custom-build", None)["filenames"][0].as_str().unwrap().into()
    }

    /// Runs an example and returns its output.
    pub(crate) fn run(&self, example: &str, base_url: &str) -> String {
        let program = self.artifact("example", Some(example))["executable"].as_str().unwrap();
        let output = Command::new(program).env("BASE_URL", base_url).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}
