//! The example of a service, with its own tests.

#[path = "../../examples/service.rs"]
#[allow(dead_code, reason = "its `main` is the example's own")]
mod example;
