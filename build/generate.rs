//! The typed document -> progenitor's client.

use std::panic;

use openapiv3::OpenAPI;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle};
use schemars::schema::{InstanceType, SchemaObject};

/// Has progenitor write the client, as syntax.
pub(crate) fn client(spec: &OpenAPI) -> Result<syn::File, String> {
    let settings = settings()?;
    // progenitor asserts where it could report. A panic is caught here and told like any other refusal.
    panic::set_hook(Box::new(|_| {}));
    let generated = panic::catch_unwind(|| Generator::new(&settings).generate_tokens(spec));
    drop(panic::take_hook());
    let tokens = match generated {
        Ok(Ok(tokens)) => tokens,
        Ok(Err(error)) => return Err(format!("cannot be turned into a client: {error}")),
        Err(panic) => return Err(format!("holds something that progenitor cannot generate: {}", said(&*panic))),
    };
    syn::parse2(tokens).map_err(|error| format!("yields a client that is not Rust: {error}"))
}

fn settings() -> Result<GenerationSettings, String> {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_hooks(HooksMode::Expected)
        .with_inner_type("crate::transport::Transport".parse().map_err(|error| format!("{error}"))?)
        .with_derive("schemars::JsonSchema")
        .with_conversion(secret(), "crate::Secret", std::iter::empty());
    Ok(settings)
}

/// The schema of every secret.
fn secret() -> SchemaObject {
    SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        format: Some("password".to_owned()),
        ..SchemaObject::default()
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it gives no reason")
}
