//! Cargo features: each only adds something. No feature changes a program that does not use it.

#[cfg(feature = "rustls-no-provider")]
use std::sync::Arc;
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
    process::Command,
};

#[cfg(feature = "rustls-no-provider")]
use rustls::crypto::ring;
use thingspace_session::ThingSpace;

use super::*;

/// The crates that cargo resolves for these features on any platform: each crate with its dependents.
///
/// A program that depends on this package is locked to the versions of `Cargo.lock`. That takes no crate, only the
/// index that any build has: `cargo tree` wants the crates themselves, those of other platforms and features too.
fn locked(features: &str) -> HashMap<String, HashSet<String>> {
    let manifest_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let write = |file: &str, text: &str| {
        fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
        fs::write(folder.path().join(file), text).unwrap();
    };
    let manifest = fs::read_to_string(manifest_dir.join("Cargo.toml")).unwrap();
    let sections = manifest.split("\n[").filter(|section| !section.starts_with("build-dependencies]"));
    let manifest = sections.collect::<Vec<_>>().join("\n[");
    let is_of_the_workspace = |line: &str| line.contains("members = ") || line.contains("dep:thingspace-codegen");
    let manifest: String = manifest.split_inclusive('\n').filter(|line| !is_of_the_workspace(line)).collect();
    write("package/Cargo.toml", &manifest.replace("default = [\"codegen\", ", "default = ["));
    write("package/src/lib.rs", "");
    write("package/README.md", "");
    let features: Vec<&str> = features.split_terminator(',').collect();
    let program = "[workspace]\n[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n\
        thingspace-session = { path = \"../package\", default-features = false, features = ";
    write("program/Cargo.toml", &format!("{program}{features:?} }}\n"));
    write("program/src/lib.rs", "");
    let lock = fs::read_to_string(manifest_dir.join("Cargo.lock")).unwrap();
    write("program/Cargo.lock", &lock);
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(["update", "--workspace", "--offline"]).current_dir(folder.path().join("program")).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let resolved = fs::read_to_string(folder.path().join("program/Cargo.lock")).unwrap();
    let mut crates: HashMap<String, HashSet<String>> = HashMap::new();
    for package in resolved.split("\n[[package]]\n").skip(1) {
        let mut words = package.split('"').skip(1).step_by(2);
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        let is_ours = ["program", "thingspace-session"].contains(&name);
        assert!(is_ours || lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{name} {version}");
        crates.entry(name.to_owned()).or_default();
        for dependency in
            package.split_once("dependencies = [").map_or("", |(_, list)| list).split('"').skip(1).step_by(2)
        {
            let dependency = dependency.split(' ').next().unwrap();
            crates.entry(dependency.to_owned()).or_default().insert(name.to_owned());
        }
    }
    crates
}

/// The crates that cargo compiles for these features without tests. Only for this platform if those of others are not
/// fetched; `None` if the crates of the features are not fetched.
fn tree(features: &str) -> Option<HashSet<String>> {
    let tree = |more: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["tree", "--offline", "--locked", "--edges=normal", "--prefix=none"]).args(more);
        cargo.args(["--package=thingspace-session", "--no-default-features", "--features", features]);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
    };
    let everywhere = tree(&["--target=all"]);
    let output = if everywhere.status.success() { everywhere } else { tree(&[]) };
    let is_fetched = cfg!(feature = "native-tls") || !features.contains("native-tls");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || !is_fetched, "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| lines.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect())
}

#[test]
fn each_feature_adds_its_crates_and_a_custom_provider_adds_no_other() {
    for (features, rustls, aws_lc, native) in [
        ("", false, false, false),
        ("rustls", true, true, false),
        ("rustls-no-provider", true, false, false),
        ("native-tls", false, false, true),
        ("rustls-no-provider,native-tls", true, false, true),
    ] {
        let (locked, tree) = (locked(features), tree(features));
        for names in [Some(locked.keys().cloned().collect()), tree.clone()].into_iter().flatten() {
            let names: HashSet<String> = names;
            assert_eq!(names.contains("rustls"), rustls, "{features}");
            assert_eq!(names.iter().any(|name| name.starts_with("aws-lc")), aws_lc, "{features}");
            assert_eq!(names.contains("native-tls"), native, "{features}");
        }
        assert!(tree.is_none_or(|names| !names.contains("ring")), "{features}");
        // cargo locks it for a weak feature of these two crates. No other crate may depend on it.
        let name_it = locked.get("ring").into_iter().flatten();
        assert!(name_it.clone().all(|name| ["quinn-proto", "rustls-webpki"].contains(&name.as_str())), "{features}");
        assert!(rustls || name_it.count() == 0, "{features}");
    }
}

/// reqwest by itself would select the other backend as soon as any crate enables it.
#[cfg(feature = "rustls-no-provider")]
#[tokio::test]
async fn rustls_is_the_backend_even_if_others_are_compiled() {
    let _ = backends();
    for is_configured in [false, true] {
        let error = refused(Authority::new("unknown").issue("localhost", VALID), |builder| {
            if is_configured { builder.http_client(|http| http.tls_certs_merge([])) } else { builder }
        });
        let error = shown(&error.await);
        assert!(error.contains("UnknownIssuer"), "{error}");
    }
}

#[cfg(not(feature = "rustls-no-provider"))]
#[test]
fn a_compiled_backend_is_used_only_if_named() {
    let error = ThingSpace::builder().api_key(api_key()).build().unwrap_err();
    assert!(error.to_string().contains(".tls_backend(TlsBackend::NativeTls)"), "{error}");
    let named = ThingSpace::builder().api_key(api_key()).tls_backend(TlsBackend::NativeTls);
    named.build().unwrap();
}

#[cfg(feature = "rustls-no-provider")]
fn preconfigured(authority: &Authority) -> TlsBackend {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    TlsBackend::Preconfigured(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(feature = "rustls-no-provider")]
#[tokio::test]
async fn a_custom_configuration_decides_which_certificates_are_trusted() {
    let authority = Authority::new("known");
    let sandbox = Sandbox::start().await.unwrap();
    let server = Server::start(authority.issue("localhost", VALID), sandbox.address()).await;
    lives(client_of(&server).tls_backend(preconfigured(&authority))).await;

    let error = refused(Authority::new("unknown").issue("localhost", VALID), |builder| {
        builder.tls_backend(preconfigured(&authority)) //
    });
    assert!(shown(&error.await).contains("UnknownIssuer"));
}

/// Runs a test in a process without an installed provider.
#[cfg(feature = "rustls-no-provider")]
fn passes_alone(test: &str) {
    passed(alone(&format!("tls::features::{test}")).env("THINGSPACE_TEST_ALONE", "yes"));
}

#[cfg(feature = "rustls-no-provider")]
fn is_alone() -> bool {
    std::env::var_os("THINGSPACE_TEST_ALONE").is_some()
}

/// This test program contains aws-lc and ring.
#[cfg(feature = "rustls")]
#[test]
fn two_providers_in_the_tree_cause_no_panic() {
    if !is_alone() {
        return passes_alone("two_providers_in_the_tree_cause_no_panic");
    }
    std::panic::catch_unwind(rustls::ClientConfig::builder).expect_err("rustls itself cannot choose");
    let builder = || ThingSpace::builder().api_key(api_key());
    builder().build().unwrap();
    builder().http_client(|http| http).build().unwrap();
    builder().http_client(|http| http).tls_backend(TlsBackend::Rustls).build().unwrap();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none(), "the crate must not install a provider");
}

/// The closure returns a new reqwest builder without a backend by mistake.
#[cfg(all(feature = "rustls-no-provider", feature = "native-tls"))]
#[tokio::test]
async fn a_named_backend_holds_even_if_the_builder_is_replaced() {
    let _ = backends();
    let error = refused(Authority::new("unknown").issue("localhost", VALID), |builder| {
        builder.http_client(|_| reqwest::Client::builder().no_proxy()).tls_backend(TlsBackend::Rustls)
    });
    assert!(shown(&error.await).contains("UnknownIssuer"));
}

/// With and without TLS: reqwest needs a provider in both cases.
#[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
#[test]
fn without_a_provider_the_error_has_advice() {
    if !is_alone() {
        return passes_alone("without_a_provider_the_error_has_advice");
    }
    let builder = || ThingSpace::builder().api_key(api_key());
    let given = || builder().http_client(|http| http);
    let plain = || builder().base_url("http://127.0.0.1:9/api");
    for builder in [builder(), given(), plain(), given().tls_backend(TlsBackend::Rustls)] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
        assert!(error.to_string().contains("call install_default()"), "{error}");
    }
    given().tls_backend(preconfigured(&Authority::new("known"))).build().unwrap();
    #[cfg(feature = "native-tls")]
    given().tls_backend(TlsBackend::NativeTls).build().unwrap();

    ring::default_provider().install_default().unwrap();
    builder().build().unwrap();
    given().build().unwrap();
}
