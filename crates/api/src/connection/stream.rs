//! The bytes of a connection, between the socket and the HTTP service.
//!
//! The HTTP service reads whatever arrives and queues what it cannot answer yet. [`Connection`]
//! gives it one request at a time instead: while a request is answered, or an answer waits for its
//! client to read, the next one stays in the buffer of the kernel, and its sender waits.
//!
//! A head is given when it is whole and valid ([`super::head`]). In most cases it arrives in one
//! piece, is read into the buffer of the HTTP service, and stays there as it is. Instead of an
//! invalid head, one is given that stands for it ([`super::fault`]).

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::web::{Buf as _, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::exchange::Exchange;
use super::fault::{self, Fault};
use super::framing::Framing;
use super::head::{self, Found, Search};
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

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Unix(socket) => Pin::new(socket).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_flush(cx),
            Self::Unix(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Unix(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}

/// A connection that has a place.
pub(super) struct Connection {
    socket: Socket,
    place: Place,
    /// What its requests know of it.
    exchange: Rc<Exchange>,
    /// Bytes that have arrived and were not looked at yet.
    held: BytesMut,
    /// Whether these are a part of a head.
    is_part: bool,
    search: Search,
    /// A head for the HTTP service that is not in its buffer yet.
    ready: BytesMut,
    /// What follows the bytes that were given.
    framing: Framing,
    /// Whether bytes were given since the HTTP service last found that there are no more.
    given: bool,
    /// Whether the HTTP service was told that there are no bytes although there may be some.
    deferred: bool,
}

impl Connection {
    /// Returns a connection whose first bytes are `held`.
    pub(super) fn new(socket: Socket, place: Place, held: BytesMut) -> Self {
        Self {
            exchange: Exchange::new(place.slot.clone(), place.places.clone()),
            socket,
            place,
            held,
            is_part: false,
            search: Search::default(),
            ready: BytesMut::new(),
            framing: Framing::Head,
            given: false,
            deferred: false,
        }
    }

    pub(super) const fn exchange(&self) -> &Rc<Exchange> {
        &self.exchange
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
                let ended = io::Error::new(io::ErrorKind::TimedOut, ending.name());
                return Poll::Ready(Err(ended));
            }
            let readable = self.socket.poll_readable(cx);
            if readable.is_pending() {
                self.place.slot.register(cx.waker());
            }
            readable
        })
        .await
    }

    /// Gives the head of a request.
    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if !self.held.is_empty() && !self.is_part && self.finds_head() {
            return Poll::Ready(self.give_ready(buffer));
        }
        loop {
            ready!(Pin::new(&mut self.socket).poll_read(cx, buffer))?;
            let new = buffer.filled().get(before..).unwrap_or_default();
            if new.is_empty() {
                if !self.is_part {
                    return Poll::Ready(Ok(()));
                }
                self.refuse(Fault::Incomplete);
                return Poll::Ready(self.give_ready(buffer));
            }
            if self.held.is_empty()
                && let Ok(Some(head)) = head::read(new)
            {
                self.held
                    .extend_from_slice(new.get(head.length..).unwrap_or_default());
                buffer.set_filled(before + head.length);
                if head.ignores_upgrade {
                    let head = buffer.filled_mut().get_mut(before..);
                    head::ignore_upgrade(head.unwrap_or_default());
                }
                self.framing = head.next;
                self.enter_head();
                self.given = true;
                return Poll::Ready(Ok(()));
            }
            self.held.extend_from_slice(new);
            buffer.set_filled(before);
            if self.finds_head() {
                return Poll::Ready(self.give_ready(buffer));
            }
        }
    }

    /// Looks for a head in what has arrived. If there is a whole or an invalid one, it is ready to
    /// be given afterwards.
    fn finds_head(&mut self) -> bool {
        // Clients may send empty lines between requests (RFC 9112 §2.2).
        while let Some(length) = empty_line(&self.held) {
            self.held.advance(length);
        }
        if self.held.is_empty() {
            self.is_part = false;
            return false;
        }
        self.enter_head();
        match self.search.find(&mut self.held) {
            Found::Whole(head, next) => {
                self.ready = head;
                self.framing = next;
                self.is_part = false;
            }
            Found::Part => self.is_part = true,
            Found::Invalid(fault) => self.refuse(fault),
        }
        !self.is_part
    }

    /// Replaces a head by one that stands for it. All that follows is dropped.
    fn refuse(&mut self, fault: Fault) {
        self.exchange.refuse(fault);
        self.ready = fault::substitute(&self.held);
        self.held = BytesMut::new();
        self.is_part = false;
        self.framing = Framing::Anything;
    }

    fn enter_head(&self) {
        let slot = &self.place.slot;
        if slot.phase() != Phase::Head {
            slot.enter(Phase::Head, self.place.places.now());
        }
    }

    /// Gives as much of a head as the buffer has room for.
    #[expect(clippy::unnecessary_wraps, reason = "the result of reading")]
    fn give_ready(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let length = self.ready.len().min(buffer.remaining());
        buffer.put_slice(self.ready.get(..length).unwrap_or_default());
        self.ready.advance(length);
        self.given = self.ready.is_empty();
        Ok(())
    }

    /// Gives a part of a body, and none of what follows it.
    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.framing == Framing::Broken {
            return Poll::Ready(Ok(()));
        }
        let taken = if self.held.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_read(cx, buffer))?;
            let new = buffer.filled().get(before..).unwrap_or_default();
            let taken = self.framing.take(new);
            self.held
                .extend_from_slice(new.get(taken..).unwrap_or_default());
            buffer.set_filled(before + taken);
            taken
        } else {
            let length = self.held.len().min(buffer.remaining());
            let held = self.held.get(..length).unwrap_or_default();
            let taken = self.framing.take(held);
            buffer.put_slice(held.get(..taken).unwrap_or_default());
            self.held.advance(taken);
            taken
        };
        if self.framing == Framing::Broken {
            self.exchange.give_up();
        }
        if self.place.slot.phase() == Phase::Body {
            self.place.slot.count_received(taken);
        }
        self.given = taken > 0;
        Poll::Ready(Ok(()))
    }

    /// Whether bytes are there, held or in the socket. If not, the task is woken when they arrive.
    fn has_bytes(&self, cx: &mut Context<'_>) -> bool {
        let has_held = !self.held.is_empty() && !self.is_part;
        has_held || self.socket.poll_readable(cx).is_ready()
    }

    /// Whether the next bytes are for later: while an answer is under way, and while a request is
    /// whose body has arrived.
    fn must_wait(&self) -> bool {
        let slot = &self.place.slot;
        let has_body = self.framing == Framing::Head && slot.phase() == Phase::Body;
        slot.is_working() || slot.is_blocked() || has_body
    }

    /// Returns why reading and writing fail, if they do. A head that did not arrive in time is
    /// answered first.
    fn failure(&self) -> Option<io::Error> {
        let ending = self.place.slot.ending()?;
        let is_answered = ending == Ending::SlowHead && self.exchange.fault().is_some();
        if ending.is_quiet() || is_answered {
            return None;
        }
        self.socket.forget_unsent();
        Some(io::Error::new(io::ErrorKind::TimedOut, ending.name()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let ending = this.place.slot.ending();
        if ending == Some(Ending::SlowHead) && this.is_part {
            this.refuse(Fault::Timeout);
        }
        if let Some(failure) = this.failure() {
            return Poll::Ready(Err(failure));
        }
        this.place.slot.register(cx.waker());
        if this.given {
            // The HTTP service looks at what it has before it asks again.
            this.given = false;
            if ending.is_some() || this.has_bytes(cx) {
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
        if !this.ready.is_empty() {
            return Poll::Ready(this.give_ready(buffer));
        }
        if ending.is_some() {
            return Poll::Ready(Ok(()));
        }
        if this.must_wait() {
            this.deferred = this.has_bytes(cx);
            return Poll::Pending;
        }
        if this.framing == Framing::Head {
            this.poll_head(cx, buffer)
        } else {
            this.poll_body(cx, buffer)
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(failure) = this.failure() {
            return Poll::Ready(Err(failure));
        }
        let slot = &this.place.slot;
        let written = Pin::new(&mut this.socket).poll_write(cx, bytes);
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
        if this.deferred && !this.must_wait() {
            this.deferred = false;
            cx.waker().wake_by_ref();
        }
        let is_over = matches!(slot.phase(), Phase::Idle | Phase::Rest);
        if is_over && this.exchange.fault().is_some() {
            // Nothing follows the answer, but what the client still sends is read: otherwise the
            // kernel would drop the answer. If this fails, the client is gone.
            let _ = Pin::new(&mut this.socket).poll_shutdown(cx);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

/// Returns the length of an empty line at the beginning of these bytes, if there is one.
fn empty_line(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n', ..] => Some(1),
        _ => None,
    }
}
