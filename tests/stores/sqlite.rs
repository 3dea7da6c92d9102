//! A store written only from the documentation of the trait.

#[path = "../../examples/sqlite_store.rs"]
#[allow(dead_code, reason = "its `main` is the example's own")]
mod example;

#[tokio::test]
async fn the_example_on_sqlite_keeps_every_guarantee() {
    example::check().await;
}
