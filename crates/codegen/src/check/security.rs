//! The credentials that an operation needs, and the token that each security scheme stands for.

use super::{
    super::{
        finding::{Finding, Place},
        load::{Entry, Kind, Node},
    },
    Context, Described, servers,
    shape::Shape,
};

/// The security schemes that the facade supports.
#[derive(Debug)]
pub struct Schemes<'a> {
    /// The scheme of the access token: OAuth 2.0 client credentials.
    pub access: &'a str,
    /// The URL that issues access tokens.
    pub token_url: &'a Node,
    scopes: Option<&'a Node>,
    /// The scheme of the session token: the first API key in a header.
    pub session: &'a str,
    /// The name of that header.
    pub session_header: &'a str,
    /// Every scheme of the session token, and its header.
    sessions: Vec<(&'a str, &'a str)>,
}

/// The credentials that an operation sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs<'a> {
    /// Whether it sends the access token.
    pub access: bool,
    /// The header of the session token, if it sends one.
    pub session: Option<&'a str>,
}

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(schemes) = Schemes::read(context.document, findings) else { return };
    if let Err(finding) = token_path(context.document, &schemes) {
        // Without a server, every URL is outside of the first one. The missing server has its own finding.
        findings.extend(context.document.pointer("/servers/0/url").map(|_| finding));
    }
    other_urls(context, &schemes, findings);
    // Checked even if every operation has its own `security`.
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
    let stated = context.operations().filter_map(|operation| operation.node.get("security"));
    findings.extend(stated.chain(context.document.get("security")).filter_map(|stated| schemes.choice(stated)));
}

const BOTH: &str = "the facade knows one oauth2 scheme with a clientCredentials flow (the access token) and apiKey schemes \
                    in a header (the session token)";

/// Whether this one of several API keys is the session token, judged by its name or its header's name.
fn is_session(name: &str, header: &str) -> bool {
    [name, header].iter().any(|text| {
        let text = text.to_ascii_lowercase();
        ["session", "m2m"].iter().any(|word| text.contains(word))
    })
}

impl<'a> Schemes<'a> {
    /// Reads the schemes. Returns `None` and adds findings if the facade does not support them.
    pub fn read(document: &'a Node, findings: &mut Vec<Finding>) -> Option<Self> {
        let mut access: Option<(&str, &Node, Option<&Node>)> = None;
        let mut sessions: Vec<(&str, &str)> = Vec::new();
        let schemes = document.pointer("/components/securitySchemes");
        let before = findings.len();
        let header_of = |scheme: &'a Node| scheme.text_of("name").filter(|_| scheme.text_of("in") == Some("header"));
        let key_of = |scheme: &'a Node| header_of(scheme).filter(|_| scheme.text_of("type") == Some("apiKey"));
        // A single API key may have any name.
        let are_named = schemes
            .into_iter()
            .flat_map(Node::entries)
            .any(|(name, entry)| key_of(&entry.value).is_some_and(|header| is_session(name, header)));
        for (name, Entry { key, value: scheme, .. }) in schemes.into_iter().flat_map(Node::entries) {
            let is_meant = |header| if are_named { is_session(name, header) } else { sessions.is_empty() };
            let flow = scheme.pointer("/flows/clientCredentials").and_then(|flow| flow.get("tokenUrl"));
            match (scheme.text_of("type"), flow, header_of(scheme).filter(|header| is_meant(header))) {
                (Some("oauth2"), Some(url), _) if access.is_none() => {
                    access = Some((name, url, scheme.pointer("/flows/clientCredentials/scopes")));
                }
                (Some("apiKey"), _, Some(header)) => {
                    sessions.push((name, header));
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
        if (access.is_none() || sessions.is_empty()) && findings.len() == before {
            let components = document.entry("components").map_or(document.place, |components| components.key);
            let place = document.pointer("/components/securitySchemes").map_or(components, |schemes| schemes.place);
            findings.push(Finding::new(
                "missing-security-scheme",
                place,
                "one of the two security schemes is missing",
                format!("{BOTH}: write both into components/securitySchemes"),
            ));
        }
        let ((access, token_url, scopes), (session, session_header)) = access.zip(sessions.first().copied())?;
        Some(Self { access, token_url, scopes, session, session_header, sessions })
    }

    /// Whether a scheme of the session token uses this header.
    pub fn has_header(&self, header: &str) -> bool {
        self.sessions.iter().any(|(_, known)| known.eq_ignore_ascii_case(header))
    }

    /// The findings for the scopes of a requirement.
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

    /// The tokens that an operation needs, and the header of its session token.
    ///
    /// # Errors
    ///
    /// The parts of its `security` that the facade does not support.
    pub fn needs(&self, document: &Node, operation: &Described<'_>) -> Result<Needs<'a>, Vec<Finding>> {
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

    /// The needs of the `security` at this key: those of its first requirement.
    fn read_requirement(&self, key: Place, value: &Node) -> Result<Needs<'a>, Vec<Finding>> {
        let Kind::List(items) = &value.kind else { return Err(vec![malformed(key)]) };
        let (mut first, mut findings) = (None, Vec::new());
        for requirement in items {
            match self.one_requirement(requirement) {
                Ok(needs) => first = first.or(Some(needs)),
                Err(found) => findings.extend(found),
            }
        }
        if findings.is_empty() { Ok(first.unwrap_or(Needs { access: false, session: None })) } else { Err(findings) }
    }

    /// The finding for a choice between tokens. A choice between headers of one token is no finding.
    fn choice(&self, value: &Node) -> Option<Finding> {
        let kind =
            |requirement: &Node| self.one_requirement(requirement).ok().map(|it| (it.access, it.session.is_some()));
        let [first, rest @ ..] = value.items() else { return None };
        let other =
            rest.iter().find(|other| kind(other).is_some_and(|other| kind(first).is_some_and(|it| it != other)))?;
        // According to the document, each of them is enough.
        Some(Finding::warning(
            "security-choice",
            other.place,
            "this is a choice of credentials, and the first of them is taken",
            "write the one that is meant first, or alone; names that belong together stand under one another, with one dash",
        ))
    }

    fn one_requirement(&self, requirement: &Node) -> Result<Needs<'a>, Vec<Finding>> {
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
        let header = |wanted: &str| self.sessions.iter().find(|(name, _)| *name == wanted).map(|(_, header)| *header);
        let others = requirement.entries().filter(|(name, _)| *name != self.access && header(name).is_none());
        let mut findings: Vec<_> = others.map(unknown).chain(self.scopes(requirement)).collect();
        let mut headers = requirement.entries().filter_map(|(name, entry)| Some((header(name)?, entry.key)));
        let session = headers.next().map(|(header, _)| header);
        if let Some((_, second)) = headers.next() {
            findings.push(Finding::new(
                "security-choice",
                second,
                "the session token goes into one header, and this is a second one",
                "keep one of them, or put a dash before each if either is enough",
            ));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Needs { access: requirement.entry(self.access).is_some(), session })
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

/// Reports other insecure URLs of flows, which would also receive credentials.
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

/// The path of the token URL below the first server, so that it follows the base URL.
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
