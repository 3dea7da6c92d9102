//! Reading a written record returns the same record. Reading anything else is an error.

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

use super::{config, records};
use crate::{
    guard::{AttemptId, Fingerprint, Finish, Record},
    store::Version,
};

/// Adds an unknown field to one of the objects.
fn add_unknown_field(value: &mut Value, objects: &mut usize) {
    if let Value::Object(fields) = value {
        if *objects == 0 {
            fields.insert("from_the_future".to_owned(), json!(1));
        }
        *objects = objects.wrapping_sub(1);
        fields.values_mut().for_each(|value| add_unknown_field(value, objects));
    }
}

fn objects(value: &Value) -> usize {
    value.as_object().map_or(0, |fields| 1 + fields.values().map(objects).sum::<usize>())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn reading_a_written_record_returns_the_same_record(record in records()) {
        prop_assert_eq!(Record::decode(&record.encode().unwrap()), Ok(record));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(Record::decode(&bytes).is_err());
    }

    #[test]
    fn a_damaged_record_is_read_without_a_panic(record in records(), place in any::<Index>(), byte in any::<u8>()) {
        let mut bytes = record.encode().unwrap().to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let _ = Record::decode(&bytes);
    }

    #[test]
    fn a_torn_record_is_an_error(record in records(), length in any::<Index>()) {
        let bytes = record.encode().unwrap();
        let length = length.index(bytes.len());
        prop_assert!(Record::decode(&bytes[..length]).is_err());
    }

    #[test]
    fn a_record_of_another_format_is_an_error(record in records(), format in any::<u32>(), is_known in any::<bool>()) {
        let mut value: Value = serde_json::from_slice(&record.encode().unwrap()).unwrap();
        prop_assume!(value["format"] != json!(format));
        value["format"] = json!(format);
        if !is_known {
            add_unknown_field(&mut value, &mut 0);
        }
        let problem = Record::decode(value.to_string().as_bytes()).unwrap_err();
        let named = format!("format {format}");
        prop_assert!(problem.contains(&named), "{}", problem);
    }

    #[test]
    fn an_unknown_field_is_an_error(record in records(), place in any::<Index>()) {
        let mut value: Value = serde_json::from_slice(&record.encode().unwrap()).unwrap();
        let mut place = place.index(objects(&value));
        add_unknown_field(&mut value, &mut place);
        let problem = Record::decode(value.to_string().as_bytes()).unwrap_err();
        prop_assert!(problem.contains("damaged at line 1"), "{}", problem);
    }
}

/// A record of one attempt with this id and this fingerprint.
fn with(id: &str, credentials: &str) -> Vec<u8> {
    let mut record = Record::default();
    let begun = record.begin_login(Fingerprint::of(7), super::at(0), std::time::Duration::from_secs(1));
    record.finish(&begun, &Finish::Rejected { code: None }, super::at(1), 0.0);
    record.history.attempts = record.history.attempts.into_values().map(|own| (AttemptId::new(1), own)).collect();
    let text = String::from_utf8(record.encode().unwrap().to_vec()).unwrap();
    text.replace(ID, id).replace(CREDENTIALS, credentials).into_bytes()
}

const ID: &str = "\"1\":";
const CREDENTIALS: &str = "\"credentials\":7,";

#[test]
fn an_id_or_a_fingerprint_has_one_text() {
    assert!(Record::decode(&with(ID, CREDENTIALS)).is_ok());
    let others = |own: u64| {
        let digit = char::from(b'0' + u8::try_from(own).unwrap());
        [
            String::new(),
            format!("0{own}"),
            format!("+{own}"),
            format!("-{own}"),
            format!("{own}.0"),
            format!("{own}e0"),
            format!("{own}-"),
            format!("{own}\\n"),
            format!("\\u00{:x}", u32::from(digit)),
            "18446744073709551616".to_owned(),
        ]
    };
    for other in others(1) {
        assert!(Record::decode(&with(&format!("\"{other}\":"), CREDENTIALS)).is_err(), "{other:?}");
    }
    for other in others(7) {
        assert!(Record::decode(&with(ID, &format!("\"credentials\":{other},"))).is_err(), "{other:?}");
    }
    assert!(Record::decode(&with("\" 1\":", CREDENTIALS)).is_err());
    assert!(Record::decode(&with(ID, "\"credentials\":\"7\",")).is_err());
}

#[test]
fn a_repeated_attempt_is_an_error() {
    let text = String::from_utf8(with(ID, CREDENTIALS)).unwrap();
    let (begin, end) = (text.find(ID).unwrap(), text.find("}}}}}").unwrap() + 1);
    let twice = format!("{}{},{}", &text[..begin], &text[begin..end], &text[begin..]);
    assert!(Record::decode(twice.as_bytes()).is_err(), "{twice}");
    let other = format!("{}{},{}", &text[..begin], text[begin..end].replace(ID, "\"2\":"), &text[begin..]);
    assert!(Record::decode(other.as_bytes()).is_ok(), "{other}");
}

#[test]
fn a_version_has_one_text() {
    let text = "0123456789abcdef0123456789abcdef";
    assert_eq!(text.parse::<Version>().map(|version| version.to_string()).as_deref(), Ok(text));
    let others = ["", &text[1..], &text.to_uppercase(), &format!("0{text}"), &format!("+{}", &text[1..]), " "];
    for other in others {
        assert!(other.parse::<Version>().is_err(), "{other:?}");
    }
}
