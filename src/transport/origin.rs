//! The origins that tokens may go to.

use reqwest::Url;
use url::Host;

use crate::{Error, generated::operations::Environment};

/// The origins (scheme, host, port) of these URLs, which requests may go to.
#[derive(Debug)]
pub(crate) struct Origins(pub(crate) Vec<Url>);

impl Origins {
    /// Whether a request may go to this URL.
    pub(super) fn contain(&self, url: &Url) -> bool {
        // `Url::origin` would copy the host for every request.
        fn origin(url: &Url) -> (&str, Option<Host<&str>>, Option<u16>) {
            (url.scheme(), url.host(), url.port_or_known_default())
        }
        self.0.iter().any(|own| origin(own) == origin(url))
    }

    /// Returns an error for a request to another origin.
    pub(super) fn permit(&self, url: &Url) -> Result<(), Error> {
        if self.contain(url) {
            return Ok(());
        }
        let problem = format!(
            "it would take the tokens to {}: use a URL below the configured base URL, or name this origin with \
             ThingSpaceBuilder::allow_origin",
            url.origin().ascii_serialization()
        );
        Err(Error::InvalidRequest { problem })
    }
}

/// Reads a base URL or an origin: absolute, `https` (or `http`, to this machine or if allowed), without user, query or
/// fragment, because the crate joins paths to it.
pub(crate) fn parse(text: &str, allow_http: bool) -> Result<Url, Error> {
    let problem = |problem: &str| Err(Error::configuration(format!("the URL {problem}")));
    let example = Environment::default().base_url();
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(reason) => {
            return problem(&format!("cannot be read ({reason}): write it whole, such as {example}"));
        }
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
        _ => problem(&format!("begins with neither https:// nor http://: write it whole, such as {example}")),
    }
}

/// Whether the host of a URL is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
