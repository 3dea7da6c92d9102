//! Where the server is: at an address, where sentinels say, or anywhere in a cluster.

use std::{convert::Infallible, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _, ProtocolVersion,
    PushInfo, RedisError, RedisResult, ScriptInvocation, TlsMode, Value,
    aio::MultiplexedConnection,
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    sentinel::{Sentinel, SentinelNodeConnectionInfo},
};
use tokio::runtime::{Handle, Id};

use super::changes::Changes;

/// How long a connection may take to come about, and an answer to come.
pub(super) const ANSWER: Duration = Duration::from_secs(2);

pub(super) enum Source {
    One(Client),
    Named { name: String, node: SentinelNodeConnectionInfo, sentinels: Vec<ConnectionInfo> },
    Cluster(Box<ClusterClient>),
}

/// A connection that all calls share. One of a cluster is many, which come and go by themselves.
#[derive(Clone)]
pub(super) enum Connection {
    One(MultiplexedConnection),
    /// With the runtime that drives it.
    Cluster(ClusterConnection, Option<Id>),
}

fn runtime() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

fn wrong(problem: &'static str) -> RedisError {
    (ErrorKind::InvalidClientConfig, problem).into()
}

#[cfg(not(feature = "rustls-no-provider"))]
fn check_tls() -> Result<(), &'static str> {
    Err("rediss:// needs the feature rustls")
}

/// rustls panics where no provider of cryptography is installed, and none or several are compiled.
#[cfg(feature = "rustls-no-provider")]
fn check_tls() -> Result<(), &'static str> {
    std::panic::catch_unwind(|| drop(rustls::ClientConfig::builder()))
        .map_err(|_| "rustls cannot choose a provider of cryptography: call install_default() on one before")
}

/// What is at a URL, and where that is without what it takes to be let in.
fn parse(url: &str) -> RedisResult<(ConnectionInfo, String)> {
    if url.starts_with("rediss:") {
        check_tls().map_err(wrong)?;
    }
    // The error's own text may quote the URL, and that holds a password.
    let info = url.into_connection_info().map_err(|_| {
        wrong(
            "a URL of the store is neither redis[s]://[USER:PASSWORD@]HOST[:PORT][/DATABASE] nor \
                 redis+unix:///PATH; what is special in a password is to be percent-encoded",
        )
    })?;
    if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err(wrong("the certificate of the store's server is always verified"));
    }
    // Messages come on the connection of the commands, so that there is but one to lose.
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
    pub(super) fn one(url: &str) -> RedisResult<(Self, String)> {
        let (info, address) = parse(url)?;
        Ok((Self::One(Client::open(info)?), address))
    }

    pub(super) fn cluster(
        urls: impl IntoIterator<Item = impl AsRef<str>>,
        changes: &Arc<Changes>,
    ) -> RedisResult<(Self, String)> {
        let (nodes, address) = parse_all(urls)?;
        if nodes.is_empty() {
            return Err(wrong("a cluster needs the URL of one of its nodes at least"));
        }
        if nodes.iter().any(|node| node.redis_settings().db() != 0) {
            return Err(wrong("a cluster has the database 0 alone: leave the number out of the URLs"));
        }
        if nodes.iter().any(|node| matches!(node.addr(), ConnectionAddr::Unix(_))) {
            return Err(wrong("a cluster is not reached by a socket: give redis:// or rediss:// URLs"));
        }
        let builder = ClusterClient::builder(nodes).connection_timeout(ANSWER).response_timeout(ANSWER);
        let client = builder.push_sender(told(changes)).build()?;
        Ok((Self::Cluster(Box::new(client)), format!("the cluster of {address}")))
    }

    pub(super) fn named(
        url: &str,
        sentinels: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> RedisResult<(Self, String)> {
        let (info, address) = parse(url)?;
        let (nodes, asked) = parse_all(sentinels)?;
        if nodes.is_empty() {
            return Err(wrong("the URL of one sentinel at least is needed"));
        }
        let node = SentinelNodeConnectionInfo::default().set_redis_connection_info(info.redis_settings().clone());
        let (name, node) = match info.addr() {
            ConnectionAddr::Tcp(name, _) => (name, node),
            ConnectionAddr::TcpTls { host, .. } => (host, node.set_tls_mode(TlsMode::Secure)),
            _ => return Err(wrong("sentinels know a server by its name, which is to stand in the URL as the host")),
        };
        Sentinel::build(nodes.clone())?;
        let source = Self::Named { name: name.clone(), node, sentinels: nodes };
        Ok((source, format!("{address}, as the sentinels {asked} know it")))
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    pub(super) async fn connect(&self, changes: &Arc<Changes>) -> RedisResult<Connection> {
        let client = match self {
            Self::Cluster(client) => {
                let connection = client.get_async_connection().await?;
                return Ok(Connection::Cluster(connection, runtime()));
            }
            Self::One(client) => client.clone(),
            Self::Named { name, node, sentinels } => {
                Sentinel::build(sentinels.clone())?.async_master_for(name, Some(node)).await?
            }
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER))
            .set_response_timeout(Some(ANSWER))
            .set_push_sender(told(changes));
        client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::One)
    }
}

fn told(changes: &Arc<Changes>) -> impl Fn(PushInfo) -> Result<(), Infallible> + use<> {
    let changes = changes.clone();
    move |push| {
        changes.told(&push);
        Ok(())
    }
}

impl Connection {
    pub(super) async fn run(&mut self, script: &ScriptInvocation<'_>) -> RedisResult<Value> {
        match self {
            Self::One(connection) => script.invoke_async(connection).await,
            Self::Cluster(connection, _) => script.invoke_async(connection).await,
        }
    }

    pub(super) async fn subscribe(&mut self, channel: &str) -> RedisResult<()> {
        match self {
            Self::One(connection) => connection.subscribe(channel).await,
            Self::Cluster(connection, _) => connection.subscribe(channel).await,
        }
    }

    /// Whether it can be of no more use after this.
    pub(super) fn is_lost(&self, error: &RedisError) -> bool {
        match self {
            Self::One(_) => super::link::is_passing(error),
            // It finds out by itself who serves what. To begin anew would be to know no more than where it began.
            // Unless nobody may drive it.
            Self::Cluster(_, made_on) => error.is_connection_dropped() || error.is_timeout() && *made_on != runtime(),
        }
    }
}
