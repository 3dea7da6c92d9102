//! Where tokens may go.

use reqwest::Url;
use url::{Host, Origin};

use crate::Error;

/// The origins (scheme, host, port) that requests may go to.
#[derive(Debug)]
pub(crate) struct Origins(Vec<Origin>);

impl Origins {
    /// The platform's own origin and those that the caller named.
    pub(crate) fn new<'a>(urls: impl IntoIterator<Item = &'a Url>) -> Self {
        Self(urls.into_iter().map(Url::origin).collect())
    }

    /// Whether a request may go there.
    pub(super) fn contain(&self, url: &Url) -> bool {
        let (scheme, host, port) = (url.scheme(), url.host(), url.port_or_known_default());
        let is_own = |own: &Origin| match own {
            Origin::Tuple(own_scheme, own_host, own_port) => {
                scheme == own_scheme
                    && port == Some(*own_port)
                    && host.as_ref().is_some_and(|host| is_same(own_host, host))
            }
            Origin::Opaque(_) => false,
        };
        self.0.iter().any(is_own)
    }

    /// Refuses a request to anywhere else.
    pub(super) fn permit(&self, url: &Url) -> Result<(), Error> {
        if self.contain(url) {
            return Ok(());
        }
        Err(Error::ForeignOrigin { origin: url.origin().ascii_serialization() })
    }
}

fn is_same(own: &Host<String>, other: &Host<&str>) -> bool {
    match (own, other) {
        (Host::Domain(own), Host::Domain(other)) => own == other,
        (Host::Ipv4(own), Host::Ipv4(other)) => own == other,
        (Host::Ipv6(own), Host::Ipv6(other)) => own == other,
        _ => false,
    }
}

/// Reads a base URL or an origin: absolute, `https` (or `http` to this machine, or where allowed), without user,
/// query or fragment, because what is joined to it is a path.
pub(crate) fn parse(text: &str, allow_http: bool) -> Result<Url, Error> {
    let problem = |problem: &str| Err(Error::configuration(format!("the URL {problem}")));
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(reason) => return problem(&format!("cannot be read ({reason}): write it whole, https://… included")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return problem("has a username in it: leave it out, credentials are given to the builder");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return problem("has a query or a fragment: leave it out");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_http || is_loopback(&url) => Ok(url),
        "http" => problem("is http://, which would send credentials in the clear: write https://"),
        _ => problem("is neither https:// nor http://"),
    }
}

/// Whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
