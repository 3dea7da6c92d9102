//! Files that are hardly a contract, or one in another dress.

use std::{fmt::Write as _, time::Instant};

use crate::{RETRY, changed, contract, found, said, with_schemas};

#[test]
fn a_file_that_is_no_contract_is_told_in_its_place() {
    let deep_list = format!("x-a: {}{}", "[".repeat(5000), "]".repeat(5000));
    let deep_map = format!("x-a: {}1{}", "{a: ".repeat(5000), "}".repeat(5000));
    let deep_block: String = (0..2000).flat_map(|depth| [" ".repeat(depth), "a:\n".to_owned()]).collect();
    for (text, place, rule) in [
        ("", "1:1", "openapi-version"),
        ("# nothing\n", "2:1", "openapi-version"),
        ("~", "1:1", "openapi-version"),
        ("hello", "1:1", "openapi-version"),
        ("- a", "1:1", "openapi-version"),
        ("\u{feff}", "1:1", "openapi-version"),
        ("openapi: [3]", "1:10", "openapi-version"),
        ("a: b\n---\nc: d\n", "3:1", "yaml-syntax"),
        ("a: \0", "1:4", "yaml-syntax"),
        ("a:\n\tb: c", "2:2", "yaml-syntax"),
        ("a: !custom b", "1:12", "yaml-syntax"),
        ("? [a, b]\n: c", "1:3", "yaml-syntax"),
        ("~: c", "1:1", "yaml-syntax"),
        ("a: 1e999", "1:4", "yaml-syntax"),
        (&deep_list, "1:261", "yaml-syntax"),
        (&deep_map, "1:258", "yaml-syntax"),
        (&deep_block, "65:65", "yaml-syntax"),
    ] {
        let said = said(text);
        let start = format!("openapi.yaml:{place}: error[{rule}]: ");
        assert!(said.starts_with(&start) && said.lines().count() == 2, "{}: {said}", text.get(..40).unwrap_or(text));
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_told_where_the_first_of_them_is() {
    let at = "openapi.yaml:2:4: error[not-utf-8]: here the file is not UTF-8\n  help: save the file in UTF-8\n";
    assert_eq!(said(b"a: b\n\xc3\xa9: \xff\n"), at);
    assert!(said(b"\xff\xfeo\0").starts_with("openapi.yaml:1:1: error[not-utf-8]"), "UTF-16");
}

#[test]
fn the_same_contract_in_another_dress_is_the_same() {
    let plain = contract();
    assert_eq!(said(format!("\u{feff}{plain}")), "", "with a byte order mark");
    assert_eq!(said(plain.replace('\n', "\r\n")), "", "with the line ends of Windows");
    assert_eq!(said(plain.replace("'200'", "200")), "", "with statuses that are numbers");
    let json: serde_json::Value = serde_saphyr::from_str(&plain).unwrap();
    assert_eq!(said(json.to_string()), "", "in JSON");
    assert_eq!(said(format!("{json:#}")), "", "in JSON for people");

    let both = "        - thingspaceOauth: []\n          vzM2mToken: []\n";
    let first = changed(&plain, &format!("security:\n{both}{RETRY}"), &format!("security: &both\n{both}{RETRY}"));
    let alias = changed(first, &format!("security:\n{both}"), "security: *both\n");
    assert_eq!(said(alias), "", "with an alias");
    assert_eq!(said(changed(&plain, "required: [username, password]", "<<: {required: [username, password]}")), "");
    assert_eq!(said(changed(&plain, "example: zbeeblebrox", "example: no")), "", "as in YAML 1.2, `no` is a text");
}

#[test]
fn a_mistake_is_found_at_the_same_place_whatever_the_line_ends() {
    let wrong = changed(contract(), "type: apiKey", "type: apikey");
    let wrong = changed(wrong, "example: zbeeblebrox", "example: 5");
    assert_eq!(said(wrong.replace('\n', "\r\n")), said(&wrong));
    assert!(!said(&wrong).is_empty());
}

#[test]
fn a_small_file_that_would_become_a_large_document_is_refused_at_once() {
    let mut bomb = "x-a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in ('b'..='m').zip('a'..) {
        let list = vec![format!("*{before}"); 9].join(", ");
        writeln!(bomb, "x-{name}: &{name} [{list}]").unwrap();
    }
    let long = format!("x-a: {}\n{}", "x".repeat(1_000_000), contract());
    for text in [bomb, long] {
        let start = Instant::now();
        let findings = found(&text);
        assert!(findings.len() <= 1, "{findings:?}");
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }
}

#[test]
fn a_contract_as_deep_as_it_may_be_becomes_code() {
    let deep =
        (0..26).fold("{type: string}".to_owned(), |inner, _| format!("{{type: object, properties: {{a: {inner}}}}}"));
    assert_eq!(said(with_schemas(&format!("    Deep: {deep}\n"))), "");
}

#[test]
fn however_much_is_wrong_and_however_entangled_it_is_a_check_comes_to_its_end() {
    let schema = |name: &str, says: &str| format!("    {name}: {says}\n");
    let one_of = |names: &[String]| {
        let references: Vec<_> = names.iter().map(|name| format!("{{$ref: '#/components/schemas/{name}'}}")).collect();
        format!("{{oneOf: [{}], default: 1}}", references.join(", "))
    };
    let of_itself = schema("Top", &one_of(&["Top"; 10].map(str::to_owned)));
    let mut entangled = schema("Top", &one_of(&["Part0x0".to_owned()]));
    for (depth, part) in (0..20).flat_map(|depth| (0..6).map(move |part| (depth, part))) {
        let below: Vec<_> = (0..6).map(|part| format!("Part{}x{part}", depth + 1)).collect();
        let says = if depth == 19 { format!("{{type: string, maxLength: {part}}}") } else { one_of(&below) };
        entangled.push_str(&schema(&format!("Part{depth}x{part}"), &says));
    }
    let lost: String = (0..3000)
        .map(|number| {
            schema(
                &format!("Thing{number}"),
                &format!(
                    "{{type: object, properties: \
        {{a: {{$ref: '#/components/schemas/Thnig{number}'}}}}}}"
                ),
            )
        })
        .collect();
    let values: Vec<_> = (0..20_000).map(|number| format!("v{number}")).collect();
    let values = schema("Top", &format!("{{type: string, enum: [{}]}}", values.join(", ")));
    let parameter = "      parameters: [{name: q, in: query, schema: {$ref: '#/components/schemas/Top'}}]\n";
    for (schemas, findings) in [
        // The circle, nine copies and a default; a default for each `oneOf`; a reference each, and that of the parameter.
        (of_itself, 1 + 9 + 1),
        (entangled, 1 + 19 * 6),
        (lost, 3000 + 1),
        (values, 0),
    ] {
        let contract = changed(with_schemas(&schemas), RETRY, &format!("{parameter}{RETRY}"));
        let start = Instant::now();
        assert_eq!(found(&contract).len(), findings);
        // Not a matter of speed: what multiplies never ends.
        assert!(start.elapsed().as_secs() < 120, "{:?}", start.elapsed());
    }
}
