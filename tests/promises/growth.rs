//! A changed spec: what is new in it works without a change under `src/`, and what is wrong with it is said.

use std::fs;

use thingspace_sandbox::Sandbox;

use crate::package::Package;

/// The fourth operation, secured like the logout.
const CALLBACKS: &str = "
  /m2m/v1/callbacks/{accountName}:
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

components:
";

/// What the sandbox answers to anything that it has no operation for.
const ECHO: &str = "
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
";

const CALLER: &str = r#"
use thingspace_session::{ApiKey, Credentials, Error, ThingSpace, api::types::Echo};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let thingspace = ThingSpace::builder()
        .api_key(ApiKey::new("sandbox-key", "sandbox-secret"))
        .base_url(std::env::var("BASE_URL").unwrap_or_default())
        .build()?;
    let session = thingspace.start_session(Credentials::new("zbeeblebrox", "IMgr8")).await?;
    let answer = session.api().list_registered_callbacks().account_name("0000123456-00001").send().await?;
    println!("{} {}", answer.method, answer.path);
    println!("{:?}", Echo::builder().method("").path("").token(Some("printed?".into())).example(Some("printed?".into())));
    let refused = thingspace.api().list_registered_callbacks().account_name("x").send().await;
    println!("{}", Error::from(refused.err().unwrap_or(thingspace_session::api::Error::Custom(String::new()))));
    Ok(())
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_fourth_operation_needs_no_change_under_src_and_is_sent_with_both_tokens() {
    let sandbox = Sandbox::start().await.unwrap();
    let base_url = sandbox.base_url().to_owned();
    let run = tokio::task::spawn_blocking(move || {
        let package = Package::copy("grown");
        let spec = package.spec().replace("\ncomponents:\n", CALLBACKS).replace("\n  schemas:\n", ECHO);
        package.write("openapi.yaml", &spec);
        package.write("examples/caller.rs", &format!("//! Calls it.\n{CALLER}"));
        package.cargo(&["run", "--quiet", "--example", "caller"], ("BASE_URL", &base_url))
    });
    let output = run.await.unwrap();
    let (said, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    assert!(!errors.contains("warning"), "{errors}");
    assert!(said.contains("GET /api/m2m/v1/callbacks/0000123456-00001"), "{said}");
    assert!(said.contains("list_registered_callbacks needs a session"), "{said}");
    assert!(said.contains("[redacted]") && !said.contains("printed?"), "{said}");

    let arrived = sandbox.requests();
    let call = arrived.iter().find(|request| request.path.ends_with("/callbacks/0000123456-00001")).unwrap();
    assert!(call.header("authorization").unwrap().starts_with("Bearer "));
    assert!(call.header("vz-m2m-token").is_some());
    assert_eq!(call.header("api-version"), None, "the platform does not know it");
}

#[test]
fn a_client_without_credentials_handling_does_not_compile() {
    let package = Package::copy("bare");
    let transport = fs::read_to_string(package.folder.join("src/transport.rs")).unwrap();
    let bare = transport.replace("impl ClientHooks<Transport> for client::Client", "trait Nothing { async fn exec(&self, request: Request, info: &OperationInfo) -> reqwest::Result<Response>; }\nimpl Nothing for client::Client");
    assert_ne!(transport, bare);
    package.write("src/transport.rs", &bare);
    let output = package.cargo(&["check", "--quiet"], ("CARGO_TERM_COLOR", "never"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("does not implement `ClientHooks<"), "{said}");
}
