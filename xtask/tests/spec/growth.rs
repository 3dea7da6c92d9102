//! How long a check and a generation take, as documents grow.

use std::{fmt::Write as _, time::Instant};

use crate::{changed, with_schemas};

/// A contract with so many operations, each with schemas of its own, and a family for every ten.
fn document(count: usize) -> String {
    let (mut schemas, mut operations) = (String::new(), String::new());
    for index in 0..count {
        let base = index / 10;
        if index % 10 == 0 {
            writeln!(schemas, "    Base{base}: {{type: object, required: [kind], properties: {{kind: {{type: string}}, id: {{type: string}}}}, discriminator: {{propertyName: kind}}}}").unwrap();
        }
        writeln!(schemas, "    Child{index}: {{allOf: [{{$ref: '#/components/schemas/Base{base}'}}, {{type: object, properties: {{state: {{title: State, type: string, enum: [on, 'n{index}']}}, list: {{type: array, items: {{type: object, properties: {{a{index}: {{type: string}}}}}}}}}}}}]}}").unwrap();
        writeln!(operations, "  /o{index}/{{id}}:
    put:
      operationId: put{index}
      security: []
      x-retry: always
      parameters:
        - {{name: id, in: path, required: true, schema: {{type: string}}}}
        - {{name: sort, in: query, schema: {{type: string, enum: [up, down]}}}}
      requestBody: {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/Child{index}'}}}}}}}}
      responses:
        '200': {{description: A., content: {{application/json: {{schema: {{type: object, properties: {{p: {{$ref: '#/components/schemas/Base{base}'}}}}}}}}}}}}
        '400': {{$ref: '#/components/responses/Error'}}
        default: {{description: Refused.}}").unwrap();
    }
    changed(with_schemas(&schemas), "\ncomponents:\n", &format!("\n{operations}\ncomponents:\n"))
}

#[test]
#[ignore = "it prints times: cargo test --release -p xtask --test spec growth -- --ignored --nocapture"]
fn time_grows_with_the_number_of_operations() {
    for count in [250, 500, 1000, 2000] {
        let contract = document(count);
        let start = Instant::now();
        let checked = thingspace_codegen::check(contract.as_bytes(), &crate::manifest());
        assert!(
            checked.is_ok(),
            "{:?}",
            checked.err().map(|findings| findings.into_iter().take(3).collect::<Vec<_>>())
        );
        let check = start.elapsed();
        let start = Instant::now();
        let compiled = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap();
        let whole = start.elapsed();
        println!(
            "{count} operations: check {check:.2?}, check and generate {whole:.2?}, {} bytes",
            compiled.output.client.len()
        );
    }
}
