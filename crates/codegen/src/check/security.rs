//! Which credentials an operation needs, and which security scheme stands for which token.

use super::{
    super::{
        finding::{Finding, Place},
        load::{Entry, Kind, Node},
    },
    Context, Described, servers,
    shape::Shape,
};

/// The two schemes that the facade knows.
#[derive(Debug)]
pub struct Schemes<'a> {
    /// OAuth 2.0 client credentials: the access token.
    pub access: &'a str,
    /// Where access tokens are had.
    pub token_url: &'a Node,
    scopes: Option<&'a Node>,
    /// An API key in a header: the session token.
    pub session: &'a str,
    /// The name of that header.
    pub session_header: &'a str,
}

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(schemes) = Schemes::read(context.document, findings) else { return };
    if let Err(finding) = token_path(context.document, &schemes) {
        // Without a server, no URL lies below the first one: that there is none is told already.
        findings.extend(context.document.pointer("/servers/0/url").map(|_| finding));
    }
    other_urls(context, &schemes, findings);
    // Whether or not an operation falls back on it.
    if let Some(Err(found)) =
        context.document.entry("security").map(|entry| schemes.read_requirement(entry.key, &entry.value))
    {
        findings.extend(found);
    }
    for operation in context.operations() {
        if let Err(found) = schemes.needs(context.document, &operation) {
            findings.extend(found);
        }
    }
}

const BOTH: &str = "the facade knows one oauth2 scheme with a clientCredentials flow (the access token) and one apiKey \
                    scheme in a header (the session token)";

impl<'a> Schemes<'a> {
    /// Reads them; nothing, with the reasons, if they are not what the facade knows.
    pub fn read(document: &'a Node, findings: &mut Vec<Finding>) -> Option<Self> {
        let mut access: Option<(&str, &Node, Option<&Node>)> = None;
        let mut session: Option<(&str, &str)> = None;
        let schemes = document.pointer("/components/securitySchemes");
        let before = findings.len();
        for (name, Entry { key, value: scheme, .. }) in schemes.into_iter().flat_map(Node::entries) {
            let flow = scheme.pointer("/flows/clientCredentials").and_then(|flow| flow.get("tokenUrl"));
            let header = scheme.text_of("name").filter(|_| scheme.text_of("in") == Some("header"));
            match (scheme.text_of("type"), flow, header) {
                (Some("oauth2"), Some(url), _) if access.is_none() => {
                    access = Some((name, url, scheme.pointer("/flows/clientCredentials/scopes")));
                }
                (Some("apiKey"), _, Some(header)) if session.is_none() => {
                    session = Some((name, header));
                    findings.extend(header_name(scheme, header));
                }
                _ => findings.push(Finding::new(
                    "unsupported-security-scheme",
                    *key,
                    format!("nothing knows what to send for the security scheme {name}"),
                    format!("{BOTH}: make it one of them, or remove it"),
                )),
            }
        }
        if (access.is_none() || session.is_none()) && findings.len() == before {
            let components = document.entry("components").map_or(document.place, |components| components.key);
            let place = document.pointer("/components/securitySchemes").map_or(components, |schemes| schemes.place);
            findings.push(Finding::new(
                "missing-security-scheme",
                place,
                "one of the two security schemes is missing",
                format!("{BOTH}: write both into components/securitySchemes"),
            ));
        }
        let ((access, token_url, scopes), (session, session_header)) = access.zip(session)?;
        Some(Self { access, token_url, scopes, session, session_header })
    }

    /// What is wrong with the scopes of a requirement.
    fn scopes(&self, requirement: &Node) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, entry) in requirement.entries() {
            let Kind::List(scopes) = &entry.value.kind else {
                let help = format!("write {name}: []");
                let message = "the scopes of a security scheme are a list";
                findings.push(Finding::new("wrong-kind", entry.value.place, message, help));
                continue;
            };
            let known = self.scopes.filter(|_| name == self.access);
            for scope in scopes
                .iter()
                .filter(|scope| scope.text().is_none_or(|scope| known.and_then(|known| known.get(scope)).is_none()))
            {
                findings.push(Finding::new(
                    "unknown-scope",
                    scope.place,
                    format!("the security scheme {name} has no such scope"),
                    "write one of those under scopes: of its flow, or [] for none; access tokens are bought without",
                ));
            }
        }
        findings
    }

    /// Whether an operation needs the access token, and whether the session token.
    ///
    /// # Errors
    ///
    /// What its `security` says that the facade does not know.
    pub fn needs(&self, document: &Node, operation: &Described<'_>) -> Result<(bool, bool), Vec<Finding>> {
        let stated = operation.node.entry("security").or_else(|| document.entry("security"));
        let Some(Entry { key, value, .. }) = stated else {
            return Err(vec![Finding::new(
                "missing-security",
                operation.method_key,
                "this operation does not say which credentials it needs",
                format!(
                    "write security: with {} (and {}), or security: [] if it needs none",
                    self.access, self.session
                ),
            )]);
        };
        self.read_requirement(*key, value)
    }

    /// What a `security` at this key asks for.
    fn read_requirement(&self, key: Place, value: &Node) -> Result<(bool, bool), Vec<Finding>> {
        let requirement = match &value.kind {
            Kind::List(items) => match items.as_slice() {
                [] => return Ok((false, false)),
                [requirement] => requirement,
                [_, second, ..] => {
                    return Err(vec![Finding::new(
                        "security-choice",
                        second.place,
                        "this is a choice of credentials, and nobody makes it",
                        "write one requirement: names that belong together stand under one another, with one dash",
                    )]);
                }
            },
            _ => return Err(vec![malformed(key)]),
        };
        if requirement.map().is_none() {
            return Err(vec![malformed(requirement.place)]);
        }
        let unknown = |(name, entry): (&str, &Entry)| {
            Finding::new(
                "unknown-security-scheme",
                entry.key,
                format!("components/securitySchemes holds no {name}"),
                format!("write {} or {}", self.access, self.session),
            )
        };
        let others = requirement.entries().filter(|(name, _)| *name != self.access && *name != self.session);
        let findings: Vec<_> = others.map(unknown).chain(self.scopes(requirement)).collect();
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok((requirement.entry(self.access).is_some(), requirement.entry(self.session).is_some()))
    }
}

fn malformed(place: Place) -> Finding {
    Finding::new(
        "wrong-kind",
        place,
        "security is a list of maps",
        "write a dash, the name of a security scheme and : [], such as - thingspaceOauth: []",
    )
}

/// The other URLs that credentials would go to, in whatever flow.
fn other_urls(context: &Context<'_>, schemes: &Schemes<'_>, findings: &mut Vec<Finding>) {
    let flows = context.objects.all(Shape::Flow).flat_map(Node::entries).filter(|(key, _)| key.ends_with("Url"));
    for (_, Entry { value: url, .. }) in flows.filter(|(_, entry)| entry.value.place != schemes.token_url.place) {
        if url.text().is_some_and(|url| !servers::is_secure(url)) {
            findings.push(Finding::new(
                "insecure-token-url",
                url.place,
                "credentials go to this URL, and it is no https one",
                "write an absolute https:// URL, or leave it out",
            ));
        }
    }
}

/// The token URL below the first server, so that it moves with the base URL.
pub(crate) fn token_path<'a>(document: &Node, schemes: &Schemes<'a>) -> Result<&'a str, Finding> {
    let (url, place) = (schemes.token_url.text().unwrap_or_default(), schemes.token_url.place);
    let server = document.pointer("/servers/0").and_then(|server| server.text_of("url")).unwrap_or_default();
    if !servers::is_secure(url) {
        return Err(Finding::new(
            "insecure-token-url",
            place,
            "the API key and its secret go to this URL, and it is no https one",
            "write an absolute https:// URL below the first server",
        ));
    }
    let path = url.strip_prefix(server.trim_end_matches('/')).filter(|path| path.starts_with('/'));
    path.ok_or_else(|| {
        Finding::new(
            "foreign-token-url",
            place,
            format!("this does not lie below the first server, {server}"),
            "write a URL that begins with that of the first server, so that it moves with it",
        )
    })
}

fn header_name(scheme: &Node, header: &str) -> Option<Finding> {
    let is_header = !header.is_empty() && header.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    let place = scheme.get("name").map_or(scheme.place, |name| name.place);
    (!is_header)
        .then(|| Finding::new("header-name", place, format!("{header:?} is no header"), "use letters, digits and -"))
}
