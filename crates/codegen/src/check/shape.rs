//! The structure of an OpenAPI 3.0 document: the keys of each kind of object, and the values of these keys.
//!
//! The tables follow the specification (3.0.4, section 4.7). A walk along them finds every object of a kind, and every
//! key that nothing reads.

mod objects;

pub(crate) use objects::Objects;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Document,
    Info,
    Contact,
    License,
    ExternalDocs,
    Server,
    Tag,
    Components,
    PathItem,
    Operation,
    Parameter,
    RequestBody,
    MediaType,
    Response,
    Header,
    Example,
    Link,
    Schema,
    SecurityScheme,
    Flows,
    Flow,
}

/// The kind of value that a key has.
#[derive(Clone, Copy, Debug)]
enum Expect {
    Any,
    Text,
    Flag,
    Number,
    Texts,
    /// A map of texts.
    TextMap,
    /// A map of maps whose content is not read.
    Maps,
    One(Shape),
    List(Shape),
    Map(Shape),
}

use Expect::{Any, Flag, List, Map, Maps, Number, One, Text, TextMap, Texts};

/// The key, its value, and whether it is required.
type Field = (&'static str, Expect, bool);

const MUST: bool = true;
const MAY: bool = false;

impl Shape {
    #[allow(clippy::too_many_lines, reason = "it is a table")]
    fn fields(self) -> &'static [Field] {
        match self {
            Self::Document => &[
                ("openapi", Text, MUST),
                ("info", One(Self::Info), MUST),
                ("servers", List(Self::Server), MAY),
                ("paths", Map(Self::PathItem), MUST),
                ("components", One(Self::Components), MAY),
                ("security", Any, MAY),
                ("tags", List(Self::Tag), MAY),
                ("externalDocs", One(Self::ExternalDocs), MAY),
            ],
            Self::Info => &[
                ("title", Text, MUST),
                ("description", Text, MAY),
                ("termsOfService", Text, MAY),
                ("contact", One(Self::Contact), MAY),
                ("license", One(Self::License), MAY),
                ("version", Text, MUST),
            ],
            Self::Contact => &[("name", Text, MAY), ("url", Text, MAY), ("email", Text, MAY)],
            Self::License => &[("name", Text, MUST), ("url", Text, MAY)],
            Self::ExternalDocs => &[("description", Text, MAY), ("url", Text, MUST)],
            Self::Server => &[("url", Text, MUST), ("description", Text, MAY), ("variables", Maps, MAY)],
            Self::Tag => {
                &[("name", Text, MUST), ("description", Text, MAY), ("externalDocs", One(Self::ExternalDocs), MAY)]
            }
            Self::Components => &[
                ("schemas", Map(Self::Schema), MAY),
                ("responses", Map(Self::Response), MAY),
                ("parameters", Map(Self::Parameter), MAY),
                ("examples", Map(Self::Example), MAY),
                ("requestBodies", Map(Self::RequestBody), MAY),
                ("headers", Map(Self::Header), MAY),
                ("securitySchemes", Map(Self::SecurityScheme), MAY),
                ("links", Map(Self::Link), MAY),
                ("callbacks", Maps, MAY),
            ],
            Self::PathItem => &[
                ("summary", Text, MAY),
                ("description", Text, MAY),
                ("get", One(Self::Operation), MAY),
                ("put", One(Self::Operation), MAY),
                ("post", One(Self::Operation), MAY),
                ("delete", One(Self::Operation), MAY),
                ("options", One(Self::Operation), MAY),
                ("head", One(Self::Operation), MAY),
                ("patch", One(Self::Operation), MAY),
                ("trace", One(Self::Operation), MAY),
                ("servers", List(Self::Server), MAY),
                ("parameters", List(Self::Parameter), MAY),
            ],
            Self::Operation => &[
                ("tags", Texts, MAY),
                ("summary", Text, MAY),
                ("description", Text, MAY),
                ("externalDocs", One(Self::ExternalDocs), MAY),
                ("operationId", Text, MAY),
                ("parameters", List(Self::Parameter), MAY),
                ("requestBody", One(Self::RequestBody), MAY),
                ("responses", Map(Self::Response), MUST),
                ("callbacks", Maps, MAY),
                ("deprecated", Flag, MAY),
                ("security", Any, MAY),
                ("servers", List(Self::Server), MAY),
            ],
            Self::Parameter => &[
                ("name", Text, MUST),
                ("in", Text, MUST),
                ("description", Text, MAY),
                ("required", Flag, MAY),
                ("deprecated", Flag, MAY),
                ("allowEmptyValue", Flag, MAY),
                ("style", Text, MAY),
                ("explode", Flag, MAY),
                ("allowReserved", Flag, MAY),
                ("schema", One(Self::Schema), MAY),
                ("example", Any, MAY),
                ("examples", Map(Self::Example), MAY),
                ("content", Map(Self::MediaType), MAY),
            ],
            Self::RequestBody => {
                &[("description", Text, MAY), ("content", Map(Self::MediaType), MUST), ("required", Flag, MAY)]
            }
            Self::MediaType => &[
                ("schema", One(Self::Schema), MAY),
                ("example", Any, MAY),
                ("examples", Map(Self::Example), MAY),
                ("encoding", Any, MAY),
            ],
            Self::Response => &[
                ("description", Text, MUST),
                ("headers", Map(Self::Header), MAY),
                ("content", Map(Self::MediaType), MAY),
                ("links", Map(Self::Link), MAY),
            ],
            Self::Header => &[
                ("description", Text, MAY),
                ("required", Flag, MAY),
                ("deprecated", Flag, MAY),
                ("style", Text, MAY),
                ("explode", Flag, MAY),
                ("schema", One(Self::Schema), MAY),
                ("example", Any, MAY),
                ("examples", Map(Self::Example), MAY),
                ("content", Map(Self::MediaType), MAY),
            ],
            Self::Example => {
                &[("summary", Text, MAY), ("description", Text, MAY), ("value", Any, MAY), ("externalValue", Text, MAY)]
            }
            Self::Link => &[
                ("operationRef", Text, MAY),
                ("operationId", Text, MAY),
                ("parameters", Any, MAY),
                ("requestBody", Any, MAY),
                ("description", Text, MAY),
                ("server", One(Self::Server), MAY),
            ],
            Self::Schema => &[
                ("title", Text, MAY),
                ("multipleOf", Number, MAY),
                ("maximum", Number, MAY),
                ("exclusiveMaximum", Flag, MAY),
                ("minimum", Number, MAY),
                ("exclusiveMinimum", Flag, MAY),
                ("maxLength", Number, MAY),
                ("minLength", Number, MAY),
                ("pattern", Text, MAY),
                ("maxItems", Number, MAY),
                ("minItems", Number, MAY),
                ("uniqueItems", Flag, MAY),
                ("maxProperties", Number, MAY),
                ("minProperties", Number, MAY),
                ("required", Texts, MAY),
                ("enum", Any, MAY),
                ("type", Text, MAY),
                ("allOf", List(Self::Schema), MAY),
                ("oneOf", List(Self::Schema), MAY),
                ("anyOf", List(Self::Schema), MAY),
                ("not", One(Self::Schema), MAY),
                ("items", One(Self::Schema), MAY),
                ("properties", Map(Self::Schema), MAY),
                ("additionalProperties", One(Self::Schema), MAY),
                ("description", Text, MAY),
                ("format", Text, MAY),
                ("default", Any, MAY),
                ("nullable", Flag, MAY),
                ("discriminator", Any, MAY),
                ("readOnly", Flag, MAY),
                ("writeOnly", Flag, MAY),
                ("xml", Any, MAY),
                ("externalDocs", One(Self::ExternalDocs), MAY),
                ("example", Any, MAY),
                ("deprecated", Flag, MAY),
            ],
            Self::SecurityScheme => &[
                ("type", Text, MUST),
                ("description", Text, MAY),
                ("name", Text, MAY),
                ("in", Text, MAY),
                ("scheme", Text, MAY),
                ("bearerFormat", Text, MAY),
                ("flows", One(Self::Flows), MAY),
                ("openIdConnectUrl", Text, MAY),
            ],
            Self::Flows => &[
                ("implicit", One(Self::Flow), MAY),
                ("password", One(Self::Flow), MAY),
                ("clientCredentials", One(Self::Flow), MAY),
                ("authorizationCode", One(Self::Flow), MAY),
            ],
            Self::Flow => &[
                ("authorizationUrl", Text, MAY),
                ("tokenUrl", Text, MAY),
                ("refreshUrl", Text, MAY),
                ("scopes", TextMap, MUST),
            ],
        }
    }

    /// The section of `components` for objects of this kind, if a `$ref` may replace them.
    pub(crate) fn section(self) -> Option<&'static str> {
        match self {
            Self::Schema => Some("schemas"),
            Self::Response => Some("responses"),
            Self::Parameter => Some("parameters"),
            Self::RequestBody => Some("requestBodies"),
            Self::Header => Some("headers"),
            Self::Example => Some("examples"),
            Self::Link => Some("links"),
            _ => None,
        }
    }
}
