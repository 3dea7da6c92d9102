//! Finds the server: at an address, through sentinels, or in a cluster.

use std::{convert::Infallible, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _, ProtocolVersion,
    PushInfo, PushKind, RedisError, RedisResult, ScriptInvocation, TlsMode, Value,
    aio::MultiplexedConnection,
    cluster::{ClusterClient, ClusterConfig},
    cluster_async::ClusterConnection,
    sentinel::{Sentinel, SentinelNodeConnectionInfo},
};
use tokio::runtime::{Handle, Id};
use tokio::sync::Notify;

/// How long connecting may take, and how long a response.
pub(crate) const ANSWER: Duration = Duration::from_secs(2);

/// How long replicas may take to confirm a swap. All calls on the connection wait meanwhile.
const REPLICAS: Duration = Duration::from_secs(1);

pub(crate) enum Source {
    One(Client),
    Named { name: String, node: SentinelNodeConnectionInfo, sentinels: Vec<ConnectionInfo> },
    Cluster(Box<ClusterClient>),
}

/// A connection that all calls share. The client of a cluster opens and drops its connections itself.
#[derive(Clone)]
pub(crate) enum Connection {
    One(MultiplexedConnection),
    /// The connection, and the runtime that drives it.
    Cluster(ClusterConnection, Option<Id>),
}

fn runtime() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

fn wrong(problem: &'static str) -> RedisError {
    (ErrorKind::InvalidClientConfig, problem).into()
}

/// rustls panics if no provider of cryptography is installed, and none or several are compiled.
fn check_tls() -> Result<(), &'static str> {
    #[cfg(feature = "rustls-no-provider")]
    return std::panic::catch_unwind(|| drop(rustls::ClientConfig::builder()))
        .map_err(|_| "rustls cannot choose a provider of cryptography: call install_default() on one before");
    #[cfg(not(feature = "rustls-no-provider"))]
    Err("rediss:// needs the feature rustls")
}

/// The server that a URL names, and its address without user and password.
fn parse(url: &str) -> RedisResult<(ConnectionInfo, String)> {
    if url.starts_with("rediss:") {
        check_tls().map_err(wrong)?;
    }
    // The error's own text may quote the URL, which holds a password.
    let info = url.into_connection_info().map_err(|_| {
        wrong(
            "a URL of the store is neither redis[s]://[USER:PASSWORD@]HOST[:PORT][/DATABASE] nor \
                 redis+unix:///PATH; percent-encode special characters in a password",
        )
    })?;
    if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err(wrong("the certificate of the store's server is always verified"));
    }
    // With RESP3, messages and commands share one connection, so only one can be lost.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let address = format!("{}/{}", info.addr(), settings.db());
    Ok((info.set_redis_settings(settings), address))
}

fn parse_all(urls: impl IntoIterator<Item = impl AsRef<str>>) -> RedisResult<(Vec<ConnectionInfo>, String)> {
    let parsed: Vec<_> = urls.into_iter().map(|url| parse(url.as_ref())).collect::<RedisResult<_>>()?;
    let (nodes, addresses): (Vec<_>, Vec<_>) = parsed.into_iter().unzip();
    Ok((nodes, addresses.join(", ")))
}

impl Source {
    pub(crate) fn one(url: &str) -> RedisResult<(Self, String)> {
        let (info, address) = parse(url)?;
        Ok((Self::One(Client::open(info)?), address))
    }

    pub(crate) fn cluster(urls: impl IntoIterator<Item = impl AsRef<str>>) -> RedisResult<(Self, String)> {
        let (nodes, address) = parse_all(urls)?;
        if nodes.is_empty() {
            return Err(wrong("a cluster needs the URL of at least one of its nodes"));
        }
        if nodes.iter().any(|node| node.redis_settings().db() != 0) {
            return Err(wrong("a cluster has only database 0: leave the number out of the URLs"));
        }
        if nodes.iter().any(|node| matches!(node.addr(), ConnectionAddr::Unix(_))) {
            return Err(wrong("a cluster cannot be reached by a socket: give redis:// or rediss:// URLs"));
        }
        Ok((Self::Cluster(Box::new(ClusterClient::new(nodes)?)), format!("the cluster of {address}")))
    }

    pub(crate) fn named(
        url: &str,
        sentinels: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> RedisResult<(Self, String)> {
        let (info, address) = parse(url)?;
        let (nodes, asked) = parse_all(sentinels)?;
        if nodes.is_empty() {
            return Err(wrong("sentinels are missing: give the URL of at least one"));
        }
        let node = SentinelNodeConnectionInfo::default().set_redis_connection_info(info.redis_settings().clone());
        let (name, node) = match info.addr() {
            ConnectionAddr::Tcp(name, _) => (name, node),
            ConnectionAddr::TcpTls { host, .. } => (host, node.set_tls_mode(TlsMode::Secure)),
            _ => return Err(wrong("sentinels know a server by its name: give the name as the host of the URL")),
        };
        Sentinel::build(nodes.clone())?;
        let source = Self::Named { name: name.clone(), node, sentinels: nodes };
        Ok((source, format!("{address}, as the sentinels {asked} know it")))
    }

    pub(crate) async fn connect(&self, messages: &Arc<Notify>) -> RedisResult<Connection> {
        let client = match self {
            Self::Cluster(client) => {
                let config = ClusterConfig::new()
                    .set_connection_timeout(ANSWER)
                    .set_response_timeout(ANSWER)
                    .set_push_sender(forward(messages));
                return Ok(Connection::Cluster(client.get_async_connection_with_config(config).await?, runtime()));
            }
            Self::One(client) => client.clone(),
            Self::Named { name, node, sentinels } => {
                Sentinel::build(sentinels.clone())?.async_master_for(name, Some(node)).await?
            }
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER))
            .set_response_timeout(Some(ANSWER))
            .set_push_sender(forward(messages));
        client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::One)
    }
}

/// Wakes waiting tasks at each message, and after a possible loss of messages.
fn forward(messages: &Arc<Notify>) -> impl Fn(PushInfo) -> Result<(), Infallible> + use<> {
    let messages = messages.clone();
    move |push| {
        if matches!(push.kind, PushKind::Message | PushKind::Disconnection) {
            messages.notify_waiters();
        }
        Ok(())
    }
}

impl Connection {
    /// Runs a script. If it has written, waits until so many replicas have the write.
    pub(crate) async fn run(&mut self, script: &ScriptInvocation<'_>, replicas: u32) -> RedisResult<Value> {
        match self {
            Self::One(connection) => {
                let answer = script.invoke_async(connection).await?;
                if replicas > 0 && answer == Value::Int(1) {
                    let wait = redis::cmd("WAIT").arg(replicas).arg(REPLICAS.as_millis()).to_owned();
                    let found: u32 = wait.query_async(connection).await?;
                    if found < replicas {
                        return Err(redis::make_extension_error("NOREPLICAS".to_owned(), None));
                    }
                }
                Ok(answer)
            }
            Self::Cluster(connection, _) => script.invoke_async(connection).await,
        }
    }

    pub(crate) async fn subscribe(&mut self, channel: &str) -> RedisResult<()> {
        match self {
            Self::One(connection) => connection.subscribe(channel).await,
            Self::Cluster(connection, _) => connection.subscribe(channel).await,
        }
    }

    /// Whether the connection is unusable after this error.
    pub(crate) fn is_lost(&self, error: &RedisError) -> bool {
        match self {
            Self::One(_) => super::link::is_passing(error),
            // The client follows the cluster's changes by itself; a new one would know its first nodes only. But if a call
            // times out on another runtime than the client's, no thread may drive it.
            Self::Cluster(_, made_on) => error.is_connection_dropped() || error.is_timeout() && *made_on != runtime(),
        }
    }
}
