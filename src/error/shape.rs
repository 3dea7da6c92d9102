//! Where an error response has its code and its message: each service on the platform's hosts has a shape of its own.

use serde_json::Value;

/// The property that an error response is recognised by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form<'a> {
    /// `{"fault": {"code", "message", "description"}}`: the gateway answers in the platform's place.
    Fault,
    /// `{"errorCode", "errorMessage"}`: the platform's documented form.
    ErrorCode,
    /// `{"error": "…"}`: OAuth's form (RFC 6749, section 5.2), which services of the platform use as well.
    Error,
    /// Any other property.
    Other(&'a str),
}

/// The names that a code goes by elsewhere.
const CODES: [&str; 4] = ["code", "errorCode", "error_code", "responseCode"];
/// The names that the words go by, the ones that say most first.
const WORDS: [&str; 8] =
    ["errorMessage", "error_description", "description", "message", "detail", "responseMessage", "title", "cause"];

/// An error answer, with its parts found.
pub(crate) struct Shape<'a> {
    pub(crate) form: Form<'a>,
    /// The object that says it, which may be inside another.
    said: &'a Value,
    code: Option<&'a Value>,
}

impl<'a> Shape<'a> {
    pub(crate) fn of(body: &'a Value) -> Self {
        if let Some(fault) = body.get("fault").filter(|fault| !fault.is_null()) {
            return Self { form: Form::Fault, said: fault, code: fault.get("code") };
        }
        if let Some(code) = body.get("errorCode") {
            return Self { form: Form::ErrorCode, said: body, code: Some(code) };
        }
        if let Some(code) = body.get("error").filter(|error| error.is_string()) {
            return Self { form: Form::Error, said: body, code: Some(code) };
        }
        let inside = [("error", body.get("error")), ("errors", body.pointer("/errors/0"))];
        let mut inside = inside.into_iter().filter_map(|(name, said)| Some((name, said?)));
        let nested = inside.find_map(|(name, said)| Some((name, said, named(said)?.1)));
        let (name, said, code) = nested
            .or_else(|| named(body).map(|(name, code)| (name, body, code)))
            .map_or(("", without_code(body), None), |(name, said, code)| (name, said, Some(code)));
        Self { form: Form::Other(name), said, code }
    }

    /// What stands where the code belongs.
    pub(crate) fn code(&self) -> Option<&'a Value> {
        self.code
    }

    /// What may be said in words, the best first.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'a Value> {
        let said = self.said;
        WORDS.iter().filter_map(|name| said.get(name))
    }
}

/// Where the words stand if there is no code.
fn without_code(body: &Value) -> &Value {
    let inside = [body.get("error"), body.pointer("/errors/0")];
    inside.into_iter().flatten().find(|inside| inside.is_object()).unwrap_or(body)
}

/// The code in an object, by one of its usual names.
fn named(said: &Value) -> Option<(&'static str, &Value)> {
    CODES.iter().find_map(|name| Some((*name, said.get(name)?)))
}
