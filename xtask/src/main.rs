//! `cargo xtask`: what maintainers run.
fn main() {}
