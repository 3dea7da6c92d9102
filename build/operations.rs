//! The document -> the table of what progenitor leaves out.
//!
//! The names of operations and of the types of their answers are read off the generated client, so that nothing of
//! progenitor's naming is written a second time.

use std::collections::BTreeSet;

use openapiv3::{APIKeyLocation, OpenAPI, Operation, SecurityScheme, StatusCode};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;
use syn::visit::Visit;

/// The whole of `operations.rs`.
pub(crate) fn table(document: &Value, spec: &OpenAPI, client: &syn::File) -> Result<syn::File, String> {
    let schemes = Schemes::read(spec)?;
    let generated = Generated::read(client);
    let described: Vec<_> = spec.operations().collect();
    if described.len() != generated.0.len() {
        return Err(format!("{} operations became {} methods", described.len(), generated.0.len()));
    }
    let mut rows = Vec::new();
    for ((path, method, operation), sender) in described.into_iter().zip(generated.0) {
        let place = format!("{} {path}", method.to_uppercase());
        let row = row(document, spec, &schemes, (path, method, operation), &sender);
        rows.push((sender.id, row.map_err(|reason| format!("{place}: {reason}"))?));
    }
    rows.sort_by(|(left, _), (right, _)| left.cmp(right));
    if let Some([(id, _), _]) = rows.windows(2).find(|pair| matches!(pair, [(left, _), (right, _)] if left == right)) {
        return Err(format!("two operations become {id}: give one of them another operationId"));
    }
    let rows = rows.into_iter().map(|(_, row)| row);
    let environments = environments(spec)?;
    let token_path = token_path(spec, &schemes.token_url)?;
    let session_header = schemes.session_header.to_ascii_lowercase();
    syn::parse2(quote! {
        /// Every operation of the document, by id.
        pub(crate) static OPERATIONS: &[Operation] = &[#(#rows),*];
        /// Where access tokens are had, below the base URL.
        pub(crate) const TOKEN_PATH: &str = #token_path;
        /// The header that carries the session token.
        pub(crate) const SESSION_HEADER: &str = #session_header;
        #environments
    })
    .map_err(|error| format!("yields a table that is not Rust: {error}"))
}

type Described<'a> = (&'a str, &'a str, &'a Operation);

fn row(
    document: &Value,
    spec: &OpenAPI,
    schemes: &Schemes,
    (path, method, operation): Described<'_>,
    sender: &Sender,
) -> Result<TokenStream, String> {
    let id = &sender.id;
    if method == "trace" {
        return Err("a client cannot send TRACE: leave the operation out".to_owned());
    }
    no_secret_parameters(document, path, method)?;
    let (access_token, session_token) = schemes.needs(spec, operation)?;
    let repeat = repeat(method, operation)?;
    let secrets = secrets(document, path, method);
    let success = success(operation, &sender.success);
    let method = method.to_uppercase();
    Ok(quote! {
        Operation {
            id: #id,
            method: #method,
            path: #path,
            access_token: #access_token,
            session_token: #session_token,
            repeat: Repeat::#repeat,
            secrets: &[#(#secrets),*],
            success: #success,
        }
    })
}

/// `x-repeatable`, which only an operation that changes nothing may leave out.
fn repeat(method: &str, operation: &Operation) -> Result<syn::Ident, String> {
    let variant = match operation.extensions.get("x-repeatable").map(|value| value.as_str().unwrap_or("")) {
        Some("always") => "Always",
        Some("if-unprocessed") => "IfUnprocessed",
        Some("if-unsent") => "IfUnsent",
        None if matches!(method, "get" | "head" | "options") => "Always",
        _ => {
            return Err("does not say whether it may be sent twice: write x-repeatable: always (again after any \
                        passing failure), if-unprocessed (only where the platform cannot have seen it) or if-unsent \
                        (only where it never left the machine)"
                .to_owned());
        }
    };
    Ok(format_ident!("{variant}"))
}

/// The statuses that are documented as a success, and how their body is read.
fn success(operation: &Operation, reads: &syn::Type) -> TokenStream {
    let mut ranges = Vec::new();
    for status in operation.responses.responses.keys() {
        match status {
            StatusCode::Code(code @ 200..=299) => ranges.push(quote! { (#code, #code) }),
            StatusCode::Range(2) => ranges.push(quote! { (200, 299) }),
            _ => {}
        }
    }
    // progenitor takes any success where none is documented, and where there is a default.
    if ranges.is_empty() || operation.responses.default.is_some() {
        ranges.push(quote! { (200, 299) });
    }
    let body = match quote!(#reads).to_string().as_str() {
        "ByteStream" => quote! { Body::Stream },
        "()" => quote! { Body::Ignored },
        _ => quote! { Body::Json(fits::<#reads>) },
    };
    quote! { Success { statuses: &[#(#ranges),*], body: #body } }
}

/// A parameter ends up in a URL or is printed on its way into a header: no place for a secret.
fn no_secret_parameters(document: &Value, path: &str, method: &str) -> Result<(), String> {
    let item = document.get("paths").and_then(|paths| paths.get(path));
    let parameters = [item, item.and_then(|item| item.get(method))].into_iter().flatten();
    let parameters = parameters.filter_map(|of| of.get("parameters")?.as_array()).flatten();
    for parameter in parameters.filter_map(|parameter| resolved(document, parameter)) {
        if parameter.get("schema").is_some_and(|schema| is_secret(document, schema, 0)) {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            return Err(format!("parameter {name} is format: password: send a secret in the body"));
        }
    }
    Ok(())
}

/// What a `$ref` leads to, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> Option<&'a Value> {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.strip_prefix('#')?),
        None => Some(value),
    }
}

/// Whether a schema is a secret, or a list or a map of secrets; references are followed so far.
fn is_secret(document: &Value, schema: &Value, depth: usize) -> bool {
    let Some(schema) = resolved(document, schema).filter(|_| depth < 16) else { return false };
    schema.get("format").and_then(Value::as_str) == Some("password")
        || ["items", "additionalProperties"]
            .iter()
            .any(|key| schema.get(key).is_some_and(|inner| is_secret(document, inner, depth + 1)))
}

/// The names of the secret properties of a request body: an error answer that repeats one of their values is not
/// handed on in words.
fn secrets(document: &Value, path: &str, method: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let body = document.get("paths").and_then(|paths| paths.get(path)?.get(method)?.get("requestBody"));
    if let Some(body) = body {
        collect(document, body, &mut BTreeSet::new(), &mut names);
    }
    names
}

fn collect<'a>(document: &'a Value, value: &'a Value, seen: &mut BTreeSet<&'a str>, names: &mut BTreeSet<String>) {
    if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        if seen.insert(reference)
            && let Some(target) = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer))
        {
            collect(document, target, seen, names);
        }
        return;
    }
    if let Some(properties) = value.get("properties").and_then(Value::as_object) {
        names.extend(
            properties.iter().filter(|(_, schema)| is_secret(document, schema, 0)).map(|(name, _)| name.clone()),
        );
    }
    match value {
        Value::Object(map) => map.values().for_each(|inner| collect(document, inner, seen, names)),
        Value::Array(items) => items.iter().for_each(|inner| collect(document, inner, seen, names)),
        _ => {}
    }
}

/// Which security scheme stands for which token.
struct Schemes {
    access: String,
    session: String,
    token_url: String,
    session_header: String,
}

impl Schemes {
    fn read(spec: &OpenAPI) -> Result<Self, String> {
        let (mut access, mut session) = (None, None);
        for (name, scheme) in spec.components.iter().flat_map(|components| &components.security_schemes) {
            match scheme.as_item() {
                Some(SecurityScheme::OAuth2 { flows, .. }) if access.is_none() => {
                    let flow = flows.client_credentials.as_ref();
                    let flow =
                        flow.ok_or_else(|| format!("security scheme {name}: write its clientCredentials flow"))?;
                    access = Some((name.clone(), flow.token_url.clone()));
                }
                Some(SecurityScheme::APIKey { location: APIKeyLocation::Header, name: header, .. })
                    if session.is_none() =>
                {
                    session = Some((name.clone(), header.clone()));
                }
                _ => {
                    return Err(format!(
                        "security scheme {name}: the facade knows one oauth2 scheme and one apiKey in a header"
                    ));
                }
            }
        }
        let (access, token_url) = access.ok_or("components/securitySchemes lacks the oauth2 scheme")?;
        let (session, session_header) = session.ok_or("components/securitySchemes lacks the apiKey scheme")?;
        if session_header.is_empty()
            || !session_header.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        {
            return Err(format!(
                "security scheme {session}: name: {session_header:?} is no header: use letters, digits and -"
            ));
        }
        Ok(Self { access, session, token_url, session_header })
    }

    /// Whether an operation needs the access token, and whether the session token.
    fn needs(&self, spec: &OpenAPI, operation: &Operation) -> Result<(bool, bool), String> {
        let stated = operation.security.as_ref().or(spec.security.as_ref());
        let stated = stated.ok_or_else(|| {
            format!(
                "does not say which credentials it needs: write security: with {} (and {})",
                self.access, self.session
            )
        })?;
        let [requirement] = stated.as_slice() else {
            return if stated.is_empty() {
                Ok((false, false))
            } else {
                Err("offers a choice of credentials: write one requirement".to_owned())
            };
        };
        if let Some(unknown) = requirement.keys().find(|name| **name != self.access && **name != self.session) {
            return Err(format!("needs {unknown}, which components/securitySchemes does not hold"));
        }
        Ok((requirement.contains_key(&self.access), requirement.contains_key(&self.session)))
    }
}

/// The token URL below the first server, so that it moves with the base URL.
fn token_path(spec: &OpenAPI, token_url: &str) -> Result<String, String> {
    let server = spec.servers.first().ok_or("names no server: write servers: with the production one first")?;
    let path = token_url.strip_prefix(server.url.trim_end_matches('/')).filter(|path| path.starts_with('/'));
    Ok(path
        .ok_or_else(|| format!("tokenUrl {token_url} does not lie below the first server, {}", server.url))?
        .to_owned())
}

fn environments(spec: &OpenAPI) -> Result<TokenStream, String> {
    let (mut variants, mut arms, mut variants_seen, mut first) = (Vec::new(), Vec::new(), Vec::new(), true);
    for server in &spec.servers {
        let url = &server.url;
        let name = server.extensions.get("x-environment").and_then(Value::as_str);
        let name = name.ok_or_else(|| format!("server {url}: write x-environment: with a name for it"))?;
        let variant: syn::Ident = syn::parse_str(&capitalised(name))
            .map_err(|_| format!("server {url}: x-environment: {name} is no name: use letters and digits"))?;
        if variants_seen.contains(&variant) {
            return Err(format!("server {url}: x-environment: {name} is taken: give each server a name of its own"));
        }
        variants_seen.push(variant.clone());
        if !url.starts_with("https://") {
            return Err(format!("server {url}: credentials go there: write an absolute https:// URL"));
        }
        let words = server.description.clone().unwrap_or_default();
        let doc = format!("{words} `{url}`");
        let default = first.then(|| quote! { #[default] });
        first = false;
        arms.push(quote! { Self::#variant => #url });
        variants.push(quote! { #[doc = #doc] #default #variant });
    }
    Ok(quote! {
        /// The servers that the document names; the first is the default.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Environment { #(#variants),* }

        impl Environment {
            /// The base URL of this environment.
            #[must_use]
            pub const fn base_url(self) -> &'static str {
                match self { #(#arms),* }
            }
        }
    })
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// What the generated client says of its operations, in the document's order.
struct Generated(Vec<Sender>);

struct Sender {
    id: String,
    success: syn::Type,
}

impl Generated {
    fn read(client: &syn::File) -> Self {
        let mut generated = Self(Vec::new());
        generated.visit_file(client);
        generated
    }
}

impl<'ast> Visit<'ast> for Generated {
    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if function.sig.ident == "send"
            && let Some(success) = answered(&function.sig.output)
        {
            let mut id = Id(None);
            id.visit_block(&function.block);
            if let Id(Some(id)) = id {
                self.0.push(Sender { id, success });
            }
        }
    }
}

/// `operation_id: "…"`, as the client hands it to the hooks.
struct Id(Option<String>);

impl<'ast> Visit<'ast> for Id {
    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if let (syn::Member::Named(name), syn::Expr::Lit(literal)) = (&field.member, &field.expr)
            && name == "operation_id"
            && let syn::Lit::Str(text) = &literal.lit
        {
            self.0 = Some(text.value());
        }
    }
}

/// `Result<ResponseValue<S>, Error<E>>` -> S
fn answered(output: &syn::ReturnType) -> Option<syn::Type> {
    let syn::ReturnType::Type(_, result) = output else { return None };
    arguments(arguments(result)?.first()?)?.pop()
}

fn arguments(of: &syn::Type) -> Option<Vec<syn::Type>> {
    let syn::Type::Path(path) = of else { return None };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    let types = arguments.args.iter().map(|argument| match argument {
        syn::GenericArgument::Type(inner) => Some(inner.clone()),
        _ => None,
    });
    types.collect()
}
