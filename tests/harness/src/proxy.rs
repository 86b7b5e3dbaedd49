//! A TCP proxy in front of a database, which can interrupt and restore the connection.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use crate::database::TestDatabase;

/// Forwards connections to a database server until it is cut. Ends with the value.
pub struct DatabaseProxy {
    url: String,
    /// Each connection watches it as long as it lasts.
    open: Arc<watch::Sender<bool>>,
    task: JoinHandle<()>,
}

impl DatabaseProxy {
    /// Starts a proxy on a free loopback port, in front of the database's server.
    ///
    /// # Panics
    /// For SQLite, which has no server, and when there is no free port.
    pub async fn before(database: &TestDatabase) -> Self {
        let mut url = Url::parse(database.url()).expect("the URL of a database server");
        let host = url
            .host_str()
            .expect("a database server has a host")
            .to_owned();
        let port = url.port().expect("a database of the tests has a port");
        let target = format!("{host}:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("a bound listener");
        url.set_ip_host(address.ip()).expect("the URL has a host");
        url.set_port(Some(address.port()))
            .expect("the URL has a host");
        let open = Arc::new(watch::Sender::new(true));
        Self {
            url: url.into(),
            task: tokio::spawn(accept(listener, target, Arc::clone(&open))),
            open,
        }
    }

    /// Returns the URL of the database through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Breaks all connections, and each new one as soon as it is opened. Nothing is forwarded after
    /// it returns.
    pub async fn cut(&self) {
        self.open.send_replace(false);
        self.open.closed().await;
    }

    /// Lets new connections through again.
    pub fn restore(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for DatabaseProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: String, open: Arc<watch::Sender<bool>>) {
    while let Ok((client, _)) = listener.accept().await {
        let (target, mut state) = (target.clone(), open.subscribe());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = state.wait_for(|open| !open) => {}
                () = forward(client, &target) => {}
            }
        });
    }
}

async fn forward(mut client: TcpStream, target: &str) {
    if let Ok(mut server) = TcpStream::connect(target).await {
        // Either side may break the connection; that is the purpose of the proxy.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
