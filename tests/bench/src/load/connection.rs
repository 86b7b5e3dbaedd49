//! One keep-alive connection, which writes requests and reads their responses.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// More than the head of a response has.
const BUFFER_BYTES: usize = 8_192;
/// More headers than a response has.
const MAX_HEADERS: usize = 32;

/// A connection to the server.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Box<[u8; BUFFER_BYTES]>,
    filled: usize,
    /// The status of the response and the missing bytes of its body, once its head is read.
    body: Option<(u16, usize)>,
    request: Option<Request>,
}

/// A pending request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) code: usize,
    /// When it should have been sent.
    pub(super) due: Instant,
}

impl Connection {
    pub(super) fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            buffer: Box::new([0; BUFFER_BYTES]),
            filled: 0,
            body: None,
            request: None,
        })
    }

    /// Sends a request; the one before must have its response.
    pub(super) fn send(&mut self, bytes: &[u8], request: Request) -> io::Result<()> {
        self.request = Some(request);
        self.filled = 0;
        self.body = None;
        // The socket's buffer is empty, so it takes a complete request.
        if self.stream.write(bytes)? == bytes.len() {
            Ok(())
        } else {
            Err(io::Error::new(ErrorKind::WriteZero, "half a request"))
        }
    }

    /// Returns whether a response is pending.
    pub(super) fn is_busy(&self) -> bool {
        self.request.is_some()
    }

    /// Reads available bytes; returns the request and its status when the response is complete.
    pub(super) fn receive(&mut self) -> io::Result<Option<(Request, u16)>> {
        loop {
            let read = match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let Some(request) = self.request else {
                return Err(bad("an unexpected response"));
            };
            // A full buffer may not be all; otherwise everything was read, and more bytes cause
            // another event.
            let drained = self.filled + read < BUFFER_BYTES;
            if let Some(status) = self.take(read)? {
                self.request = None;
                return Ok(Some((request, status)));
            }
            if drained {
                return Ok(None);
            }
        }
    }

    /// Processes bytes that were read; returns the status when the response is complete.
    fn take(&mut self, read: usize) -> io::Result<Option<u16>> {
        let (status, left) = match self.body {
            Some((status, left)) => (status, left.checked_sub(read)),
            None => {
                self.filled += read;
                match parse(&self.buffer[..self.filled])? {
                    Some(head) => (head.status, head.length.checked_sub(self.filled)),
                    None if self.filled == BUFFER_BYTES => return Err(bad("a long head")),
                    None => return Ok(None),
                }
            }
        };
        let left = left.ok_or_else(|| bad("more than the response"))?;
        self.filled = 0;
        self.body = Some((status, left));
        Ok((left == 0).then_some(status))
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The head of a response.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Length of the response, head and body, in bytes.
    length: usize,
}

/// Parses the head of a response; returns `None` while it is incomplete.
fn parse(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).map_err(|_| bad("what is not HTTP"))?;
    let (httparse::Status::Complete(head), Some(status)) = (parsed, response.code) else {
        return Ok(None);
    };
    let body = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok())
        .unwrap_or(0);
    let length = head + usize::min(body, usize::MAX - head);
    Ok(Some(Head { status, length }))
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::{Connection, Head, Request, parse};

    const FOUND: &[u8] = b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n";
    const AWAY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\naway!";

    #[test]
    fn the_head_of_an_answer_tells_its_length() {
        let head = |status, length| Some(Head { status, length });
        assert_eq!(parse(FOUND).expect("is HTTP"), head(302, FOUND.len()));
        assert_eq!(parse(AWAY).expect("is HTTP"), head(503, AWAY.len()));
        assert_eq!(parse(&FOUND[..30]).expect("is HTTP"), None);
        assert!(parse(b"SSH-2.0").is_err());
    }

    fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("can listen");
        let port = listener.local_addr().expect("is bound").port();
        let connection = Connection::open(port).expect("can connect");
        (connection, listener.accept().expect("can accept").0)
    }

    fn answer(connection: &mut Connection) -> Result<u16, std::io::ErrorKind> {
        for _ in 0..2_000 {
            match connection.receive() {
                Ok(Some((_, status))) => return Ok(status),
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(error.kind()),
            }
        }
        panic!("no answer in 2 s");
    }

    #[test]
    fn answers_are_read_in_pieces_and_one_after_the_other() {
        let (mut connection, mut server) = pair();
        let request = Request {
            code: 0,
            due: Instant::now(),
        };
        for (bytes, status) in [(AWAY, 503), (FOUND, 302), (AWAY, 503)] {
            connection.send(b"GET", request).expect("is sent");
            assert!(connection.is_busy());
            let mut received = [0; 3];
            server.read_exact(&mut received).expect("is sent");
            for piece in bytes.chunks(20) {
                server.write_all(piece).expect("is connected");
                std::thread::sleep(Duration::from_millis(2));
                if !bytes.ends_with(piece) {
                    assert!(connection.receive().expect("is HTTP").is_none());
                }
            }
            assert_eq!(answer(&mut connection), Ok(status));
            assert!(!connection.is_busy());
        }
        drop(server);
        assert_eq!(
            answer(&mut connection),
            Err(std::io::ErrorKind::UnexpectedEof)
        );
    }
}
