//! The bytes of a connection, between the socket and the HTTP service.
//!
//! The HTTP service reads whatever arrives and queues what it cannot answer yet. [`Connection`]
//! gives it one request at a time instead: while a request is answered, or an answer waits for its
//! client to read, the next one stays in the buffer of the kernel, and its sender waits.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::web::{Buf as _, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::places::Place;
use super::slot::{Ending, Phase};

/// A socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Waits for bytes, or for the end.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => socket.poll_read_ready(cx),
            Self::Unix(socket) => socket.poll_read_ready(cx),
        }
    }

    /// Lets the kernel forget what the client has not read, when the socket is closed: otherwise
    /// it would keep it for minutes.
    fn forget_unsent(&self) {
        if let Self::Tcp(socket) = self {
            // Without it, the kernel frees the memory later.
            let _ = SockRef::from(socket).set_linger(Some(std::time::Duration::ZERO));
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Unix(socket) => Pin::new(socket).poll_read(cx, buffer),
        }
    }
}

/// A connection that has a place.
pub(super) struct Connection {
    socket: Socket,
    place: Place,
    /// Bytes that have arrived and were not given to the HTTP service yet.
    held: BytesMut,
    /// Whether bytes were given since the HTTP service last found that there are no more.
    given: bool,
    /// Whether the HTTP service was told that there are no bytes although there may be some.
    deferred: bool,
}

impl Connection {
    /// Returns a connection whose first bytes are `held`.
    pub(super) fn new(socket: Socket, place: Place, held: BytesMut) -> Self {
        Self {
            socket,
            place,
            held,
            given: false,
            deferred: false,
        }
    }

    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    /// Waits until the first bytes of a request arrive.
    ///
    /// # Errors
    /// The connection was ended, or the client closed it.
    pub(super) async fn begun(&self) -> io::Result<()> {
        if !self.held.is_empty() {
            return Ok(());
        }
        std::future::poll_fn(|cx| {
            if let Some(ending) = self.place.slot.ending() {
                return Poll::Ready(Err(ended(ending)));
            }
            let readable = self.socket.poll_readable(cx);
            if readable.is_pending() {
                self.place.slot.register(cx.waker());
            }
            readable
        })
        .await
    }

    /// Gives what has arrived, up to the end of the head of a request.
    fn poll_give(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.held.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_read(cx, buffer))?;
        } else {
            let length = self.held.len().min(buffer.remaining());
            buffer.put_slice(self.held.get(..length).unwrap_or_default());
            self.held.advance(length);
        }
        let slot = &self.place.slot;
        let phase = slot.phase();
        if phase == Phase::Body {
            slot.count_received(buffer.filled().len() - before);
        } else {
            let new = buffer.filled().get(before..).unwrap_or_default();
            if let Some(end) = end_of_head(new)
                && end < new.len()
            {
                let mut rest = BytesMut::from(new.get(end..).unwrap_or_default());
                rest.unsplit(std::mem::take(&mut self.held));
                self.held = rest;
                buffer.set_filled(before + end);
            }
            if buffer.filled().len() > before && !matches!(phase, Phase::Head | Phase::Rest) {
                slot.enter(Phase::Head, self.place.places.now());
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether bytes are there, held or in the socket. If not, the task is woken when they arrive.
    fn has_bytes(&self, cx: &mut Context<'_>) -> bool {
        !self.held.is_empty() || self.socket.poll_readable(cx).is_ready()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(ending) = this.place.slot.ending() {
            return Poll::Ready(if ending.is_quiet() {
                Ok(())
            } else {
                this.socket.forget_unsent();
                Err(ended(ending))
            });
        }
        let slot = &this.place.slot;
        slot.register(cx.waker());
        if this.given {
            // The HTTP service looks at what it has before it asks again.
            this.given = false;
            if this.has_bytes(cx) {
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
        if slot.is_working() || slot.is_blocked() {
            this.deferred = this.has_bytes(cx);
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(this.poll_give(cx, buffer))?;
        this.given = buffer.filled().len() > before;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let slot = &this.place.slot;
        if let Some(ending) = slot.ending().filter(|ending| !ending.is_quiet()) {
            this.socket.forget_unsent();
            return Poll::Ready(Err(ended(ending)));
        }
        let written = match &mut this.socket {
            Socket::Tcp(socket) => Pin::new(socket).poll_write(cx, bytes),
            Socket::Unix(socket) => Pin::new(socket).poll_write(cx, bytes),
        };
        match &written {
            Poll::Ready(Ok(count)) => slot.count_sent(*count),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                slot.block(this.place.places.now());
                slot.register(cx.waker());
            }
        }
        written
    }

    /// The HTTP service flushes when it has written all that it has.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let slot = &this.place.slot;
        if slot.wrote() {
            cx.waker().wake_by_ref();
        }
        if this.deferred && !slot.is_working() {
            this.deferred = false;
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Socket::Unix(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}

/// The error of a connection that the server ends.
fn ended(ending: Ending) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, ending.name())
}

/// Returns where the head of a request ends: after the first empty line (RFC 9112 §2.1).
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|end| {
        let rest = bytes.get(end + 1..)?;
        let line = rest.strip_prefix(b"\r").unwrap_or(rest);
        line.starts_with(b"\n")
            .then(|| bytes.len() - line.len() + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_ends_after_the_first_empty_line() {
        let end = |text: &str| end_of_head(text.as_bytes());
        assert_eq!(end("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Some(27));
        assert_eq!(end("A\r\nB\r\n\r\nC\r\n\r\n"), Some(8));
        assert_eq!(end("A\n\nB"), Some(3));
        assert_eq!(end("A\n\r\nB"), Some(4));
        for part in ["", "A", "A\r\n", "A\r\n\r", "A\r\nB\r\n", "\r\r\r"] {
            assert_eq!(end(part), None, "{part:?}");
        }
    }
}
