//! The connection layer: between the sockets that listen and the HTTP service of actix.
//!
//! Every connection has a place while it lives ([`places`]), and every wait for a client has a
//! limit:
//!
//! | wait | limit |
//! | --- | --- |
//! | for the first request, for the rest of a head | 10 s |
//! | for a body, for a client to read an answer | 4,000 bytes in each 10 s |
//! | for the next request | 75 s, or until another connection needs the place |
//! | for the header of the PROXY protocol | 10 s |
//!
//! A client gets one answer at a time: what it sends meanwhile is read afterwards ([`stream`]).
//! Answers are passed on in slices of a few kilobytes ([`exchange`]), so that a client that does
//! not read one costs their size and not that of the answer.
//!
//! What is not a valid request never reaches the HTTP service ([`fault`]).
//!
//! | subject | file |
//! | --- | --- |
//! | addresses to listen on | `address.rs` |
//! | sockets that listen | `listener.rs` |
//! | the addresses of the server itself | `own.rs` |
//! | places, shares and the sweep | `places.rs` |
//! | the state of one connection and its limits | `slot.rs` |
//! | its bytes | `stream.rs` |
//! | heads, and the hosts in them | `head.rs`, `host.rs`, `byte_class.rs` |
//! | where bodies end | `framing.rs` |
//! | invalid requests | `fault.rs` |
//! | its requests and answers | `exchange.rs` |
//! | the header of the PROXY protocol | `proxy_header.rs` |

mod address;
mod byte_class;
#[cfg(test)]
mod codec;
mod exchange;
mod fault;
mod framing;
mod head;
mod host;
mod listener;
mod metrics;
mod own;
mod places;
mod proxy_header;
mod slot;
mod stream;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_server::Server;
use actix_service::{ServiceFactory, ServiceFactoryExt as _, fn_service};
use actix_web::body::BoxBody;
use actix_web::web::BytesMut;
use tokio::io::AsyncReadExt as _;
use tracing::{debug, error};
use waypost_analytics::TrustedProxies;

pub use address::{ListenAddress, ListenAddressError};
pub(crate) use fault::Fault;
pub(crate) use head::{encoded_target, fault_of_get};
pub(crate) use listener::{Listeners, Listening, SocketFile, has_inherited};
pub(crate) use metrics::ConnectionMetrics;
pub(crate) use own::own_sockets;
pub(crate) use places::{Limits, Places};

use places::Refusal;
use stream::{Connection, Socket};

/// Maximum time to close a connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time for the header of the PROXY protocol.
const PROXY_HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that may wait for a place, for each worker.
const WAITING: usize = 64;
/// Bytes of answers that the HTTP service collects before it writes them.
const WRITE_BUFFER: usize = 4 * 1_024;

/// What the connections of a server have in common.
#[derive(Clone)]
pub(crate) struct Entrance {
    pub(crate) places: Arc<Places>,
    pub(crate) proxies: TrustedProxies,
    /// Whether trusted proxies send the header of the PROXY protocol.
    pub(crate) proxy_protocol: bool,
}

/// How a server runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Running {
    pub(crate) workers: usize,
    pub(crate) connections: usize,
    /// How long running requests may take when the server stops; whole seconds.
    pub(crate) grace: Duration,
}

/// Starts workers that serve an application on sockets. `app` is called once for each worker and
/// socket.
///
/// # Errors
/// A socket cannot be used.
pub(crate) fn start<App, Factory, Answer>(
    sockets: Vec<Listening>,
    entrance: &Entrance,
    running: Running,
    app: Factory,
) -> io::Result<Server>
where
    Factory: Fn() -> App + Clone + Send + 'static,
    App: ServiceFactory<Request, Config = (), Response = Answer> + 'static,
    App::Service: 'static,
    App::Future: 'static,
    App::Error: Into<Response<BoxBody>> + 'static,
    App::InitError: std::fmt::Debug,
    Answer: Into<Response<BoxBody>> + 'static,
{
    let per_worker = running.connections.div_ceil(running.workers);
    let mut server = Server::build()
        .workers(running.workers)
        .max_concurrent_connections(per_worker.saturating_add(WAITING))
        .shutdown_timeout(running.grace.as_secs())
        .disable_signals();
    for socket in sockets {
        let entrance = entrance.clone();
        let app = app.clone();
        server = match socket {
            Listening::Tcp(listener) => server.listen("http", listener, move || {
                let entrance = entrance.clone();
                fn_service(move |socket| enter(Socket::Tcp(socket), entrance.clone()))
                    .and_then(http(app()))
                    .map_err(note)
            })?,
            Listening::Unix(listener) => server.listen_uds("http", listener, move || {
                let entrance = entrance.clone();
                fn_service(move |socket| enter(Socket::Unix(socket), entrance.clone()))
                    .and_then(http(app()))
                    .map_err(note)
            })?,
        };
    }
    Ok(server.run())
}

/// The HTTP service above the connections.
fn http<App, Answer>(
    app: App,
) -> impl ServiceFactory<
    (Connection, Protocol, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
>
where
    App: ServiceFactory<Request, Config = (), Response = Answer> + 'static,
    App::Service: 'static,
    App::Future: 'static,
    App::Error: Into<Response<BoxBody>> + 'static,
    App::InitError: std::fmt::Debug,
    Answer: Into<Response<BoxBody>> + 'static,
{
    HttpService::build()
        // The sweep ends idle connections and slow heads, without a timer for each request.
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .h1_write_buffer_size(WRITE_BUFFER)
        .on_connect_ext(|connection: &Connection, data| {
            data.insert(connection.exchange().clone());
        })
        .finish(exchange::observed(app))
}

/// Gives a connection a place, and waits for its first request.
async fn enter(
    socket: Socket,
    entrance: Entrance,
) -> Result<(Connection, Protocol, Option<SocketAddr>), DispatchError> {
    let mut socket = socket;
    let mut peer = match &socket {
        Socket::Tcp(socket) => Some(socket.peer_addr()?),
        Socket::Unix(_) => None,
    };
    let mut held = BytesMut::new();
    let mut counted = peer.map(|peer| peer.ip());
    if entrance.proxies.trusts_peer(counted) {
        // The connections of a proxy are those of its visitors.
        counted = None;
        if entrance.proxy_protocol {
            let header = proxied(&mut socket, &mut held);
            let header = tokio::time::timeout(PROXY_HEADER_TIMEOUT, header).await;
            let Ok(Ok(client)) = header else {
                return Err(refuse(&entrance, Refusal::ProxyHeader));
            };
            if let Some(client) = client {
                counted = Some(client).filter(|ip| !entrance.proxies.trusts_peer(Some(*ip)));
                // Its port is nobody's business.
                peer = Some(SocketAddr::new(client, 0));
            }
        }
    }
    let place = entrance.places.take(counted).await;
    let place = place.map_err(|refusal| refuse(&entrance, refusal))?;
    let connection = Connection::new(socket, place, held);
    connection.begun().await?;
    Ok((connection, Protocol::Http1, peer))
}

/// Reads the header that a proxy sends first. What follows it stays in `held`.
async fn proxied(socket: &mut Socket, held: &mut BytesMut) -> io::Result<Option<IpAddr>> {
    loop {
        if socket.read_buf(held).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match proxy_header::read(held)? {
            proxy_header::Read::Whole(client) => return Ok(client),
            proxy_header::Read::Partial => {}
        }
    }
}

fn refuse(entrance: &Entrance, refusal: Refusal) -> DispatchError {
    entrance.places.refused(refusal);
    DispatchError::Io(io::Error::other(refusal.name()))
}

/// Logs why a connection ended early: at `debug`, because anyone can cause that, except what is a
/// failure of this server.
fn note(failure: DispatchError) -> DispatchError {
    match &failure {
        DispatchError::Body(cause) => error!(%cause, "sending a response failed"),
        DispatchError::InternalError => error!("the HTTP service failed"),
        other => debug!(cause = %other, "connection ended early"),
    }
    failure
}
