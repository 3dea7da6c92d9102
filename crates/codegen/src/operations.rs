//! Generates the table of operations, which progenitor does not generate.
//!
//! The names of operations and of their response types come from the generated client, so that progenitor's naming
//! rules are not repeated here.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{format_ident, quote};

use super::{
    adapt,
    check::{
        self, Described, SCHEMAS, names,
        security::{self, Schemes},
    },
    families::Families,
    load::Node,
};

/// The content of `operations.rs`. `described` holds method and path of every operation, in the order of the generated
/// client.
pub(crate) fn table(
    document: &Node,
    described: &[(String, String)],
    client: TokenStream,
) -> Result<TokenStream, String> {
    let schemes = Schemes::read(document, &mut Vec::new()).ok_or("its security schemes cannot be read")?;
    type_names(client.clone())?;
    let mut generated = Vec::new();
    senders(client, &mut generated);
    if described.len() != generated.len() {
        return Err(format!("{} operations became {} methods", described.len(), generated.len()));
    }
    let operations: BTreeMap<_, _> =
        check::operations_of(document).map(|operation| ((operation.method, operation.path), operation)).collect();
    let headers = headers(document, &schemes);
    let families = check::families(document);
    let number = headers.len();
    let mut rows = Vec::new();
    for ((method, path), sender) in described.iter().zip(generated) {
        let operation = operations.get(&(method, path)).ok_or("the client has an unknown operation")?;
        rows.push((sender.id.clone(), row(document, &schemes, &headers, operation, &sender, &families)?));
    }
    rows.sort_by(|(left, _), (right, _)| left.cmp(right));
    let rows = rows.into_iter().map(|(_, row)| row);
    let environments = environments(document);
    let token_path = security::token_path(document, &schemes).map_err(|finding| finding.message)?;
    Ok(quote! {
        /// Every operation of the document, by id.
        pub(crate) static OPERATIONS: &[Operation] = &[#(#rows),*];
        /// The path of the token endpoint, below the base URL.
        pub(crate) const TOKEN_PATH: &str = #token_path;
        /// The headers of the session token. Requests written by hand use the first one.
        pub(crate) static SESSION_HEADERS: [http::HeaderName; #number] = [#(http::HeaderName::from_static(#headers)),*];
        #environments
    })
}

/// The session header of this operation comes first in the table: requests written by hand use it.
const ENDS: &str = "endConnectivityManagementSession";

/// The headers of session tokens, in lower case, each once.
fn headers(document: &Node, schemes: &Schemes<'_>) -> Vec<String> {
    let own = check::operations_of(document).find(|operation| operation.node.text_of("operationId") == Some(ENDS));
    let carried = |operation: &Described<'_>| schemes.needs(document, operation).ok()?.session;
    let all = check::operations_of(document).filter_map(|operation| carried(&operation));
    let mut headers: Vec<String> = Vec::new();
    for header in own.as_ref().and_then(carried).into_iter().chain([schemes.session_header]).chain(all) {
        let header = header.to_ascii_lowercase();
        if !headers.contains(&header) {
            headers.push(header);
        }
    }
    headers
}

fn row(
    document: &Node,
    schemes: &Schemes<'_>,
    headers: &[String],
    operation: &Described<'_>,
    sender: &Sender,
    families: &Families,
) -> Result<TokenStream, String> {
    let id = &sender.id;
    let needs =
        schemes.needs(document, operation).map_err(|_| format!("{id} does not say which credentials it needs"))?;
    let access_token = needs.access;
    let header = needs.session.and_then(|session| headers.iter().position(|known| known.eq_ignore_ascii_case(session)));
    let session_header = header.map_or_else(|| quote! { None }, |index| quote! { Some(#index) });
    let retry = format_ident!("{}", retry(operation));
    let ends_session = id == "end_connectivity_management_session";
    let secrets = secrets(document, operation, families);
    let success = success(document, operation, &sender.success);
    let errors = errors(document, operation);
    let (method, path) = (operation.method.to_uppercase(), operation.path);
    Ok(quote! {
        Operation {
            id: #id,
            method: #method,
            path: #path,
            access_token: #access_token,
            session_header: #session_header,
            retry: Retry::#retry,
            ends_session: #ends_session,
            secrets: &[#(#secrets),*],
            success: #success,
            errors: &[#(#errors),*],
        }
    })
}

/// The `RetryPolicy` of `x-retry`. An operation that changes nothing may omit it.
fn retry(operation: &Described<'_>) -> &'static str {
    match operation.node.text_of("x-retry") {
        Some("always") => "Always",
        Some("if-not-processed") => "IfNotProcessed",
        None if operation.is_safe() => "Always",
        _ => "IfNotSent",
    }
}

/// The documented success statuses, and how their bodies are decoded.
fn success(document: &Node, operation: &Described<'_>, reads: &syn::Type) -> TokenStream {
    let responses = operation.node.get("responses").into_iter().flat_map(Node::entries);
    let (mut ranges, mut empty) = (Vec::new(), Vec::new());
    for (status, entry) in responses.filter(|(status, _)| status.starts_with('2')) {
        let code = status.parse::<u16>().map(|code| quote! { (#code, #code) });
        let range = code.unwrap_or_else(|_| quote! { (200, 299) });
        let content = check::resolved(document, &entry.value).and_then(|response| response.get("content"));
        if content.is_none_or(|content| content.entries().next().is_none()) {
            empty.push(range.clone());
        }
        ranges.push(range);
    }
    // Without a documented success, progenitor accepts any 2xx.
    if ranges.is_empty() {
        ranges.push(quote! { (200, 299) });
    }
    let body = match quote!(#reads).to_string().as_str() {
        "ByteStream" => quote! { Body::Stream },
        "()" => quote! { Body::Ignored },
        _ if !empty.is_empty() => quote! { Body::JsonOrNone(fits::<#reads>, &[#(#empty),*]) },
        _ => quote! { Body::Json(fits::<#reads>) },
    };
    quote! { Success { statuses: &[#(#ranges),*], body: #body } }
}

/// The top-level properties of the documented errors. They distinguish an error of the platform from an error of
/// another server.
fn errors(document: &Node, operation: &Described<'_>) -> BTreeSet<String> {
    let responses = operation.node.get("responses").into_iter().flat_map(Node::entries);
    let errors = responses.filter(|(status, _)| status.starts_with(['4', '5', 'd']));
    let mut names = BTreeSet::new();
    for response in errors.filter_map(|(_, entry)| check::resolved(document, &entry.value)) {
        let bodies = response.get("content").into_iter().flat_map(Node::entries);
        let schemas = bodies.filter_map(|(_, media)| media.value.get("schema"));
        schemas.for_each(|schema| properties(document, schema, 0, &mut names));
    }
    names
}

/// Collects the properties that a value of a schema may have, through references and alternatives.
fn properties(document: &Node, schema: &Node, depth: usize, names: &mut BTreeSet<String>) {
    let Some(schema) = check::resolved(document, schema).filter(|_| depth < 16) else { return };
    names.extend(schema.get("properties").into_iter().flat_map(Node::entries).map(|(name, _)| name.to_owned()));
    for part in check::parts(schema) {
        properties(document, part, depth + 1, names);
    }
}

/// The secret properties of a request body. The crate does not pass on the text of an error response that repeats one
/// of their values.
fn secrets(document: &Node, operation: &Described<'_>, families: &Families) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Some(body) = operation.node.get("requestBody") {
        collect(document, body, families, &mut BTreeSet::new(), &mut names);
    }
    names
}

fn collect<'a>(
    document: &'a Node,
    node: &'a Node,
    families: &'a Families,
    seen: &mut BTreeSet<&'a str>,
    names: &mut BTreeSet<String>,
) {
    if let Some(reference) = node.text_of("$ref") {
        if seen.insert(reference)
            && let Some(target) = check::resolved(document, node)
        {
            collect(document, target, families, seen, names);
        }
        let name = reference.strip_prefix(SCHEMAS).unwrap_or_default();
        let variants = families.get(name).into_iter().flat_map(|member| &member.variants);
        for variant in variants.filter(|variant| *variant != name) {
            let schema = document.pointer("/components/schemas").and_then(|schemas| schemas.get(variant));
            if let Some(schema) = schema.filter(|_| seen.insert(variant)) {
                collect(document, schema, families, seen, names);
            }
        }
        return;
    }
    let properties = node.get("properties").into_iter().flat_map(Node::entries);
    names.extend(
        properties.filter(|(_, entry)| check::is_secret(document, &entry.value, 0)).map(|(name, _)| name.to_owned()),
    );
    node.entries().for_each(|(_, entry)| collect(document, &entry.value, families, seen, names));
    node.items().iter().for_each(|item| collect(document, item, families, seen, names));
}

fn environments(document: &Node) -> TokenStream {
    let (mut variants, mut arms) = (Vec::new(), Vec::new());
    for server in document.get("servers").map(Node::items).unwrap_or_default() {
        let (Some(url), Some(name)) = (server.text_of("url"), server.text_of("x-environment")) else { continue };
        let variant = format_ident!("{}", names::capitalised(name));
        let text = adapt::harmless(server.text_of("description").unwrap_or_default());
        let doc = format!("{text} `{url}`");
        let default = variants.is_empty().then(|| quote! { #[default] });
        arms.push(quote! { Self::#variant => #url });
        variants.push(quote! { #[doc = #doc] #default #[serde(rename = #name)] #variant });
    }
    quote! {
        /// The environments of the platform, from the servers of `openapi.yaml`. The first is the default. A
        /// configuration selects an environment by its `x-environment`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[non_exhaustive]
        pub enum Environment { #(#variants),* }

        impl Environment {
            /// The base URL of this environment.
            #[must_use]
            pub const fn base_url(self) -> &'static str {
                match self { #(#arms),* }
            }
        }
    }
}

/// The types of a client, if no name occurs twice.
pub(crate) fn type_names(client: TokenStream) -> Result<BTreeSet<String>, String> {
    let mut types = BTreeSet::new();
    match twice(client, false, &mut types) {
        Some(name) => Err(format!("two of its schemas become a type {name}: give one of them another name or title")),
        None => Ok(types),
    }
}

/// The first type name that occurs twice in the module `types`.
fn twice(tokens: TokenStream, are_types: bool, seen: &mut BTreeSet<String>) -> Option<String> {
    let (mut before, mut last) = (String::new(), String::new());
    for tree in tokens {
        match &tree {
            TokenTree::Group(group) if !are_types && before == "mod" && last == "types" => {
                return twice(group.stream(), true, seen);
            }
            TokenTree::Ident(name) => {
                (before, last) = (last, name.to_string());
                if are_types && ["struct", "enum"].contains(&before.as_str()) && !seen.insert(last.clone()) {
                    return Some(last);
                }
            }
            _ => {}
        }
    }
    None
}

/// An operation as the generated client has it.
struct Sender {
    id: String,
    success: syn::Type,
}

/// The operations of a client, in generated order: every `fn send` that names one.
///
/// Reads the tokens directly, because parsing a client takes longer than generating it.
fn senders(client: TokenStream, found: &mut Vec<Sender>) {
    let (mut is_function, mut signature) = (false, None::<TokenStream>);
    for tree in client {
        let was_function = is_function;
        is_function = matches!(&tree, TokenTree::Ident(word) if word == "fn");
        match (&tree, &mut signature) {
            (TokenTree::Group(group), Some(_)) if group.delimiter() == Delimiter::Brace => {
                let success = signature.take().as_ref().and_then(answered);
                let id = named(group.stream(), "operation_id");
                found.extend(id.zip(success).map(|(id, success)| Sender { id, success }));
            }
            (_, Some(signature)) => signature.extend([tree]),
            (TokenTree::Group(group), None) => senders(group.stream(), found),
            (TokenTree::Ident(name), None) if was_function && name == "send" => signature = Some(TokenStream::new()),
            _ => {}
        }
    }
}

/// The text literal that follows a name and a colon.
fn named(tokens: TokenStream, name: &str) -> Option<String> {
    let mut is_named = false;
    for tree in tokens {
        match &tree {
            TokenTree::Literal(literal) if is_named => {
                return syn::parse_str::<syn::LitStr>(&literal.to_string()).ok().map(|text| text.value());
            }
            TokenTree::Group(group) => {
                if let Some(text) = named(group.stream(), name) {
                    return Some(text);
                }
            }
            TokenTree::Ident(word) => is_named = word == name,
            TokenTree::Punct(punct) => is_named = is_named && punct.as_char() == ':',
            TokenTree::Literal(_) => is_named = false,
        }
    }
    None
}

/// `(self) -> Result<ResponseValue<S>, Error<E>>` -> S
fn answered(signature: &TokenStream) -> Option<syn::Type> {
    let function: syn::Signature = syn::parse2(quote! { fn send #signature }).ok()?;
    let syn::ReturnType::Type(_, result) = &function.output else { return None };
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
