//! Sockets that listen: opened here, or handed over by systemd.
//!
//! What all connections of a socket have in common is set on it, because the connections inherit
//! it (Linux): that costs no system call per connection.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::address::ListenAddress;

/// Connections that the kernel has accepted and this process has not.
const BACKLOG: i32 = 2_048;
/// How long the kernel tries to deliver to a client that acknowledges nothing, its window being
/// closed included (`TCP_USER_TIMEOUT`, RFC 5482).
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);
/// Bytes of an answer that the kernel keeps beyond what the client has room for.
const UNSENT_BYTES: u32 = 8 * 1_024;
/// Bytes of requests that the kernel keeps for a connection that is not read. The kernel doubles
/// this for its own needs.
const UNREAD_BYTES: usize = 32 * 1_024;
/// A Unix socket is for its owner and its group, in which the proxy is.
const UNIX_MODE: u32 = 0o660;

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The sockets of a list of addresses, with the actual addresses.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(crate) sockets: Vec<(ListenAddress, Listening)>,
    /// The files of the sockets that were opened here.
    pub(crate) files: Vec<SocketFile>,
}

impl Listeners {
    /// Opens the sockets.
    ///
    /// # Errors
    /// The address that cannot be used, and why. Nothing is listened on then.
    pub(crate) fn open(addresses: &[ListenAddress]) -> Result<Self, (ListenAddress, io::Error)> {
        let mut opened = Self::default();
        for address in addresses {
            let added = match address {
                ListenAddress::Tcp(address) => opened.add_tcp(*address),
                ListenAddress::Unix(path) => opened.add_unix(path),
                ListenAddress::Systemd => opened.add_inherited(),
            };
            added.map_err(|error| (address.clone(), error))?;
        }
        Ok(opened)
    }

    /// Returns the addresses, with the actual ports.
    pub(crate) fn addresses(&self) -> Vec<ListenAddress> {
        let sockets = self.sockets.iter();
        sockets.map(|(address, _)| address.clone()).collect()
    }

    fn add_tcp(&mut self, address: SocketAddr) -> io::Result<()> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        // Before listening, or the window of connections would not follow from it.
        socket.set_recv_buffer_size(UNREAD_BYTES)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        self.take_tcp(socket.into())
    }

    fn take_tcp(&mut self, listener: TcpListener) -> io::Result<()> {
        let socket = SockRef::from(&listener);
        socket.set_tcp_nodelay(true)?;
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
        socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
        let address = listener.local_addr()?;
        self.sockets
            .push((address.into(), Listening::Tcp(listener)));
        Ok(())
    }

    fn add_unix(&mut self, path: &Path) -> io::Result<()> {
        remove_abandoned(path)?;
        let listener = UnixListener::bind(path)?;
        self.files.push(SocketFile(path.to_owned()));
        fs::set_permissions(path, fs::Permissions::from_mode(UNIX_MODE))?;
        let address = ListenAddress::Unix(path.to_owned());
        self.sockets.push((address, Listening::Unix(listener)));
        Ok(())
    }

    fn add_inherited(&mut self) -> io::Result<()> {
        let mut inherited = ListenFd::from_env();
        if inherited.len() == 0 {
            let why = "systemd handed over no socket; start the server by its socket unit";
            return Err(io::Error::other(why));
        }
        for index in 0..inherited.len() {
            match inherited.take_unix_listener(index) {
                Ok(Some(listener)) => {
                    let address = listener.local_addr()?;
                    let path = address.as_pathname().map(Path::to_owned);
                    let address = ListenAddress::Unix(path.unwrap_or_default());
                    self.sockets.push((address, Listening::Unix(listener)));
                }
                Ok(None) => {}
                Err(_) => {
                    if let Some(listener) = inherited.take_tcp_listener(index)? {
                        self.take_tcp(listener)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Returns whether systemd handed over sockets to this process.
pub(crate) fn has_inherited() -> bool {
    std::env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string())
        && std::env::var("LISTEN_FDS").is_ok_and(|count| count != "0")
}

/// Removes the socket of a server that ended without doing so.
///
/// # Errors
/// A server answers on it, or the file is not a socket.
fn remove_abandoned(path: &Path) -> io::Result<()> {
    let Ok(file) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !file.file_type().is_socket() {
        let why = "a file that is not a socket is in the way; remove it or choose another path";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

/// The file of a Unix socket. Dropping it removes the file.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever starts next removes it otherwise.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_unix_socket_is_replaced_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "what a killed server leaves");
        let addresses = [ListenAddress::Unix(path.clone())];
        let first = Listeners::open(&addresses).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, UNIX_MODE);
        let (_, error) = Listeners::open(&addresses).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(path.exists(), "the socket of the first is still there");
        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.txt");
        fs::write(&path, "mine").unwrap();
        let addresses = [ListenAddress::Unix(path.clone())];
        let (_, error) = Listeners::open(&addresses).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(path).unwrap(), "mine");
    }

    #[test]
    fn without_sockets_of_systemd_nothing_is_taken_over() {
        let (address, _) = Listeners::open(&[ListenAddress::Systemd]).unwrap_err();
        assert_eq!(address, ListenAddress::Systemd);
    }
}
