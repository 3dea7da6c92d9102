//! `cargo xtask scale`: what a contract of three, thirty, three hundred and a thousand operations costs.

use std::time::Instant;

use crate::{Result, generator, workspace};

/// The operations that the contract has by itself.
const OWN: usize = 3;

pub(crate) fn run(arguments: &[String]) -> Result {
    let manifest = std::fs::read_to_string(workspace::root().join("Cargo.toml"))?;
    for size in arguments.iter().filter_map(|size| size.parse().ok()) {
        let text = spec(size)?;
        let start = Instant::now();
        let found = generator::checked(&text, &manifest);
        let checked = start.elapsed();
        let document = found.map_err(|findings| format!("{findings:?}"))?;
        let start = Instant::now();
        let output = generator::output(&document).map_err(|finding| format!("{finding:?}"))?;
        let generated = start.elapsed();
        println!(
            "{size} {} {:?} {:?} {} {}",
            text.len(),
            checked,
            generated,
            output.client.len(),
            output.operations.len()
        );
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
