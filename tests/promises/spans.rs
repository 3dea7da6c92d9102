//! One span a call, with the fields that are promised and no other.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
    thread::{self, ThreadId},
};

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt as _, registry::LookupSpan};

use crate::support::{ECHO, PASSWORD, credentials, sandbox};

type Fields = BTreeMap<String, String>;

/// The fields of the spans that are open, by id, and of those that are closed.
type Spans = (BTreeMap<u64, Fields>, Vec<Fields>);

/// Keeps the fields of every `thingspace.call` of one thread: the subscriber is the whole process's, because what a
/// thread's own one gets to see depends on the threads beside it.
#[derive(Clone)]
struct Calls(Arc<Mutex<Spans>>, ThreadId);

impl Calls {
    fn of(&self, operation: &str) -> Vec<Fields> {
        let (open, closed) = &*self.0.lock().unwrap();
        assert!(open.is_empty(), "{open:?}");
        closed.iter().filter(|fields| fields["operation"] == operation).cloned().collect()
    }
}

struct Recorder<'a>(&'a mut Fields);

impl Visit for Recorder<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Calls {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, _: Context<'_, S>) {
        if attributes.metadata().name() == "thingspace.call" && thread::current().id() == self.1 {
            let mut fields = Fields::new();
            attributes.record(&mut Recorder(&mut fields));
            self.0.lock().unwrap().0.insert(id.into_u64(), fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
        if let Some(fields) = self.0.lock().unwrap().0.get_mut(&id.into_u64()) {
            values.record(&mut Recorder(fields));
        }
    }

    /// The registry gives the id to another span from here on.
    fn on_close(&self, id: span::Id, _: Context<'_, S>) {
        let (open, closed) = &mut *self.0.lock().unwrap();
        closed.extend(open.remove(&id.into_u64()));
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_is_one_span_with_operation_method_path_status_duration_and_attempt() {
    let calls = Calls(Arc::default(), thread::current().id());
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(calls.clone())).unwrap();
    let (sandbox, thingspace) = sandbox().await;
    let session = thingspace.start_session(credentials()).await.unwrap();
    sandbox.fault(Operation::Other, Fault::answer(503, ""), 2);
    let request = session.request(Method::GET, &format!("{ECHO}?password={PASSWORD}")).unwrap();
    session.send(request).await.unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
    session.reset_password(PASSWORD).await.unwrap_err();

    let [login] = &calls.of("start_connectivity_management_session")[..] else { panic!("not one span") };
    let names: Vec<&str> = login.keys().map(String::as_str).collect();
    assert_eq!(names, ["attempt", "duration_ms", "method", "operation", "path", "status"]);
    assert_eq!(login["method"], "POST");
    assert_eq!(login["path"], "/m2m/v1/session/login");
    assert_eq!((&*login["status"], &*login["attempt"]), ("200", "1"));

    let [sent] = &calls.of("send")[..] else { panic!("not one span") };
    assert_eq!(sent["path"], ECHO, "below the base URL, without the query");
    assert_eq!((&*sent["status"], &*sent["attempt"]), ("200", "3"));
    assert!(sent["duration_ms"].parse::<u64>().unwrap() >= 1500, "{sent:?}");

    let [token] = &calls.of("access_token")[..] else { panic!("not one span") };
    assert_eq!(token["path"], "/ts/v1/oauth2/token");
    let [reset] = &calls.of("reset_connectivity_management_password")[..] else { panic!("not one span") };
    assert!(!reset.contains_key("status"), "there was no answer: {reset:?}");
}
