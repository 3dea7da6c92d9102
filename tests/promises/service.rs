//! Runs the tests of the example service.

#[path = "../../examples/service.rs"]
#[allow(dead_code, reason = "its `main` is the example's own")]
mod example;
