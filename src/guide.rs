//! The guide: one task a page, the same files as in `docs/guide/`.
//!
//! Begin with [getting started](getting_started). A service needs [sessions], [errors] and [passwords]; the [glossary]
//! explains the terms.

/// A page of `docs/guide/`. Its links to other pages have labels. The page defines them as files, and this macro as
/// modules: Markdown takes the first definition of a label.
macro_rules! page {
    ($(#[$condition:meta])? $name:ident) => {
        $(#[$condition])?
        #[doc = "[document]: crate::guide::changing_the_document"]
        #[doc = "[errors]: crate::guide::errors"]
        #[doc = concat!("[fleet]: ", env!("CARGO_PKG_REPOSITORY"), "/blob/main/crates/redis/docs/fleet.md")]
        #[doc = "[lift]: crate::guide::login_guard#lift-a-suspension"]
        #[doc = "[login-guard]: crate::guide::login_guard"]
        #[doc = "[middleware]: crate::guide::middleware"]
        #[doc = "[other-program]: crate::guide::several_processes#the-session-of-another-program"]
        #[doc = "[own-store]: crate::guide::several_processes#a-store-of-your-own"]
        #[doc = "[passwords]: crate::guide::passwords"]
        #[doc = "[processes]: crate::guide::several_processes"]
        #[doc = "[session-dies]: crate::guide::sessions#when-a-session-dies"]
        #[doc = "[sessions]: crate::guide::sessions"]
        #[doc = "[testing]: crate::guide::testing"]
        #[doc = "[tls]: crate::guide::tls"]
        #[doc = ""]
        #[doc = include_str!(concat!("../docs/guide/", stringify!($name), ".md"))]
        pub mod $name {}
    };
}

// The page of a feature is always there. Its programs compile with the feature.
page!(
    #[cfg(any(not(doctest), feature = "blocking"))]
    blocking
);
page!(
    #[cfg(any(not(doctest), feature = "schemars"))]
    changing_the_document
);
page!(configuration);
page!(errors);
page!(getting_started);
page!(glossary);
page!(login_guard);
page!(
    #[cfg(any(not(doctest), all(feature = "reqwest-middleware", feature = "tower")))]
    middleware
);
page!(migrating);
page!(
    #[cfg(any(not(doctest), feature = "opentelemetry"))]
    observability
);
page!(passwords);
page!(
    #[cfg(any(not(doctest), feature = "sealed"))]
    several_processes
);
page!(sessions);
page!(testing);
page!(tls);
