//! Reads the SQLSTATE of errors from the bytes that a server sends, because diesel-async drops it.
//!
//! A [`Tapped`] stream between the socket and the driver passes on every byte and extracts the
//! errors ([message
//! formats](https://www.postgresql.org/docs/current/protocol-message-formats.html)). The
//! [`Listener`], which is the instrumentation of the connection, keeps the error of the last query.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

/// An error reported by a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) state: SqlState,
    /// Whether the server closes the connection.
    pub(super) is_fatal: bool,
}

/// Keeps the error of the last query of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Listener(Arc<Mutex<Option<Said>>>);

impl Listener {
    /// Returns the first error since the query began; later ones follow from it.
    pub(super) fn error(&self) -> Option<Said> {
        self.said().clone()
    }

    fn said(&self) -> MutexGuard<'_, Option<Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            *self.said() = None;
        }
    }
}

/// The driver lets a connector wrap the socket in a stream of its own. That is meant for TLS; this
/// one only listens.
impl<S: Connected> MakeTlsConnect<S> for Listener {
    type Stream = Tapped<S>;
    type TlsConnect = Self;
    type Error = io::Error;

    fn make_tls_connect(&mut self, _: &str) -> io::Result<Self> {
        Ok(self.clone())
    }
}

impl<S: Connected> TlsConnect<S> for Listener {
    type Stream = Tapped<S>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Tapped<S>>>;

    fn connect(self, stream: S) -> Self::Future {
        std::future::ready(Ok(Tapped {
            stream,
            messages: Messages::default(),
            listener: self,
        }))
    }
}

/// A connected socket.
pub(super) trait Connected: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Connected for S {}

/// A stream and its listener.
pub(super) struct Tapped<S> {
    stream: S,
    messages: Messages,
    listener: Listener,
}

impl<S: Connected> TlsStream for Tapped<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: Connected> AsyncRead for Tapped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        this.messages.read(read, |error| {
            this.listener.said().get_or_insert(error);
        });
        Poll::Ready(Ok(()))
    }
}

impl<S: Connected> AsyncWrite for Tapped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// One byte for the kind of a message and four for the length of the rest, including these four.
const HEADER: usize = 5;
const LENGTH: usize = 4;
const ERROR_RESPONSE: u8 = b'E';
/// The fields of an error that are read.
const SEVERITY: u8 = b'V';
const CODE: u8 = b'C';

/// Splits the bytes of a server into messages.
#[derive(Debug, Default)]
struct Messages {
    header: Vec<u8>,
    /// The rest of the message, kept for errors only.
    body: Vec<u8>,
    /// Number of bytes of the rest that have not arrived yet.
    missing: usize,
}

impl Messages {
    /// Reads bytes and calls `heard` with each complete error.
    fn read(&mut self, mut bytes: &[u8], mut heard: impl FnMut(Said)) {
        while !bytes.is_empty() {
            if self.header.len() < HEADER {
                let head = take(&mut bytes, HEADER - self.header.len());
                self.header.extend_from_slice(head);
                self.missing = self.length().unwrap_or(0);
            } else {
                let part = take(&mut bytes, self.missing);
                self.missing -= part.len();
                if self.is_error() {
                    self.body.extend_from_slice(part);
                }
            }
            if self.header.len() == HEADER && self.missing == 0 {
                if self.is_error()
                    && let Some(error) = error(&self.body)
                {
                    heard(error);
                }
                self.header.clear();
                self.body.clear();
            }
        }
    }

    /// Returns the length of the message after its header, once the header is complete.
    fn length(&self) -> Option<usize> {
        let length = self.header.get(HEADER - LENGTH..)?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        Some(usize::try_from(length).ok()?.saturating_sub(LENGTH))
    }

    fn is_error(&self) -> bool {
        self.header.first() == Some(&ERROR_RESPONSE)
    }
}

/// Removes at most `number` bytes from the front and returns them.
fn take<'a>(bytes: &mut &'a [u8], number: usize) -> &'a [u8] {
    let (first, rest) = bytes.split_at_checked(number).unwrap_or((bytes, &[]));
    *bytes = rest;
    first
}

/// Reads the fields of an error: each is a byte for its kind and a text that ends with a zero.
fn error(body: &[u8]) -> Option<Said> {
    let mut state = None;
    let mut is_fatal = false;
    for field in body.split(|byte| *byte == 0) {
        match field {
            [CODE, code @ ..] => state = std::str::from_utf8(code).ok().map(SqlState::from_code),
            [SEVERITY, severity @ ..] => is_fatal = matches!(severity, b"FATAL" | b"PANIC"),
            _ => {}
        }
    }
    Some(Said {
        state: state?,
        is_fatal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + LENGTH).unwrap();
        [&[kind], &length.to_be_bytes()[..], body].concat()
    }

    fn error_response(severity: &str, code: &str) -> Vec<u8> {
        let body = format!("SFEHLER\0V{severity}\0C{code}\0MEs gibt das schon: C40P01\0\0");
        message(ERROR_RESPONSE, body.as_bytes())
    }

    #[test]
    fn errors_are_picked_out_however_the_bytes_are_cut() {
        let all = [
            message(b'Z', b"I"),
            message(b'D', &[ERROR_RESPONSE; 100]),
            message(b'2', b""),
            error_response("ERROR", "23505"),
            message(b'N', b"SHINWEIS\0VNOTICE\0C00000\0Mnichts\0\0"),
            error_response("FATAL", "57P01"),
            message(ERROR_RESPONSE, b"\0"),
            message(b'Z', b"E"),
        ]
        .concat();
        let said = |code, is_fatal| Said {
            state: SqlState::from_code(code),
            is_fatal,
        };
        let expected = [said("23505", false), said("57P01", true)];
        for size in 1..=all.len() {
            let mut messages = Messages::default();
            let mut heard = Vec::new();
            for bytes in all.chunks(size) {
                messages.read(bytes, |error| heard.push(error));
            }
            assert_eq!(heard, expected, "{size} bytes at a time");
        }
    }

    #[test]
    fn a_message_shorter_than_its_own_length_is_passed_over() {
        let mut messages = Messages::default();
        let mut heard = Vec::new();
        let bytes = [&[b'E', 0, 0, 0, 0][..], &error_response("ERROR", "22001")].concat();
        messages.read(&bytes, |error| heard.push(error));
        assert_eq!(heard.len(), 1);
    }
}
