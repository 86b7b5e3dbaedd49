//! Where the requests of a connection begin and end (RFC 9112 §6).
//!
//! The connection gives the HTTP service one request at a time, and must therefore know where its
//! body ends. What is not a body in chunked coding ends where the mistake is, as if the client had
//! closed the connection: the request gets its answer, and is the last.

/// What the next bytes of a client are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// The head of a request.
    Head,
    /// So many bytes of a body.
    Length(u64),
    /// A body in chunked coding.
    Chunked(Chunks),
    /// A body that ends with the connection.
    Anything,
    /// What follows a mistake in chunked coding; it is not read.
    Broken,
}

impl Framing {
    /// Returns how many of these bytes belong to the body, and goes on to what follows them.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::Head | Self::Broken => 0,
            Self::Anything => bytes.len(),
            Self::Length(left) => {
                let taken = at_most(bytes.len(), *left);
                *left -= length(taken);
                if *left == 0 {
                    *self = Self::Head;
                }
                taken
            }
            Self::Chunked(chunks) => {
                let taken = chunks.take(bytes);
                match chunks.at {
                    At::End => *self = Self::Head,
                    At::Mistake => *self = Self::Broken,
                    _ => {}
                }
                taken
            }
        }
    }
}

/// A place in a body in chunked coding (RFC 9112 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunks {
    at: At,
    /// The rest of the chunk, in bytes.
    left: u64,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The first digit of a length.
    Size,
    /// Further digits.
    SizeRest,
    /// White space after the digits.
    SizeSpace,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The first byte of a line after the last chunk.
    Line,
    Trailer,
    TrailerLf,
    EndLf,
    End,
    Mistake,
}

impl Chunks {
    pub(super) const fn new() -> Self {
        Self {
            at: At::Size,
            left: 0,
        }
    }

    /// Returns how many of these bytes belong to the body: all of them before its end or a mistake.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while self.at != At::End
            && let Some((byte, next)) = rest.split_first()
        {
            if self.at == At::Data {
                let data = at_most(rest.len(), self.left);
                self.left -= length(data);
                rest = rest.get(data..).unwrap_or_default();
                if self.left == 0 {
                    self.at = At::DataCr;
                }
                continue;
            }
            self.at = self.after(*byte);
            if self.at == At::Mistake {
                break;
            }
            rest = next;
        }
        bytes.len() - rest.len()
    }

    /// Returns what follows a byte that is not data.
    fn after(&mut self, byte: u8) -> At {
        match (self.at, byte) {
            (At::Size, _) => {
                self.left = 0;
                self.digit(byte)
            }
            (At::SizeRest | At::SizeSpace, b'\t' | b' ') => At::SizeSpace,
            (At::SizeRest | At::SizeSpace, b';')
            | (At::Extension, b'\t' | b' '..=b'~' | 0x80..) => At::Extension,
            (At::SizeRest | At::SizeSpace | At::Extension, b'\r') => At::SizeLf,
            (At::SizeRest, _) => self.digit(byte),
            (At::SizeLf, b'\n') if self.left > 0 => At::Data,
            (At::SizeLf | At::TrailerLf, b'\n') => At::Line,
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size,
            (At::Line, b'\r') => At::EndLf,
            (At::Trailer, b'\r') => At::TrailerLf,
            (At::Line | At::Trailer, _) => At::Trailer,
            (At::EndLf, b'\n') => At::End,
            _ => At::Mistake,
        }
    }

    /// Adds a hexadecimal digit to the length of the chunk.
    fn digit(&mut self, byte: u8) -> At {
        let digit = char::from(byte).to_digit(16);
        let longer = digit.and_then(|digit| self.left.checked_mul(16)?.checked_add(digit.into()));
        self.left = longer.unwrap_or(0);
        longer.map_or(At::Mistake, |_| At::SizeRest)
    }
}

fn at_most(length: usize, limit: u64) -> usize {
    usize::try_from(limit).map_or(length, |limit| length.min(limit))
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use actix_http::h1::Message;
    use actix_web::web::BytesMut;
    use tokio_util::codec::Decoder as _;

    use super::super::codec::with_codec;
    use super::*;

    fn chunked(text: &str) -> (usize, Framing) {
        let mut framing = Framing::Chunked(Chunks::new());
        (framing.take(text.as_bytes()), framing)
    }

    #[test]
    fn a_body_ends_after_its_length() {
        let mut framing = Framing::Length(5);
        assert_eq!(framing.take(b"he"), 2);
        assert_eq!(framing.take(b"lloGET /"), 3);
        assert_eq!(framing, Framing::Head);
        assert_eq!(framing.take(b"GET /"), 0);
        let mut endless = Framing::Length(u64::MAX);
        assert_eq!(endless.take(&[0; 9]), 9);
    }

    #[test]
    fn a_body_in_chunks_ends_after_its_trailers() {
        for body in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "A \t;a=\"é\"\r\n0123456789\r\n1;x\r\n!\r\n00\r\nDigest: x\r\nY: z\r\n\r\n",
        ] {
            let text = format!("{body}GET / HTTP/1.1\r\n");
            assert_eq!(chunked(&text), (body.len(), Framing::Head), "{body:?}");
            // Byte by byte.
            let mut framing = Framing::Chunked(Chunks::new());
            let taken: usize = text.bytes().map(|byte| framing.take(&[byte])).sum();
            assert_eq!((taken, framing), (body.len(), Framing::Head), "{body:?}");
        }
    }

    #[test]
    fn a_body_in_chunks_ends_at_the_first_mistake() {
        for (text, good) in [
            ("\r\n", 0),
            ("x", 0),
            ("5\nhello", 1),
            ("5 5\r\n", 2),
            ("5\r\nhello!", 8),
            ("5\r\nhello\n", 8),
            ("5\r\nhello\r\r", 9),
            ("1;\u{1}\r\n", 2),
            ("0\r\n\rx", 4),
            ("0\r\nA: b\rx", 8),
            ("-1\r\n", 0),
            ("0x5\r\n", 1),
            ("fffffffffffffffff\r\n", 16),
        ] {
            assert_eq!(chunked(text), (good, Framing::Broken), "{text:?}");
        }
    }

    /// Returns how many bytes the HTTP service takes for a body, if it accepts them all.
    fn accepted(body: &[u8]) -> Option<(usize, bool)> {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut bytes = BytesMut::from(head);
        bytes.extend_from_slice(body);
        with_codec(|mut codec| {
            codec.decode(&mut bytes).unwrap().unwrap();
            let mut is_over = false;
            while !is_over && let Some(message) = codec.decode(&mut bytes).ok()? {
                is_over = matches!(message, Message::Chunk(None));
            }
            Some((body.len() - bytes.len(), is_over))
        })
    }

    proptest::proptest! {
        #[test]
        fn the_http_service_reads_the_same_body(
            parts in proptest::collection::vec("[0-9a-f]{1,2}|\r\n|\r|\n|;|[ -~]{1,3}|0\r\n\r\n", 0..12)
        ) {
            let body = parts.concat();
            let mut framing = Framing::Chunked(Chunks::new());
            let taken = framing.take(body.as_bytes());
            let given = accepted(&body.as_bytes()[..taken]);
            proptest::prop_assert_eq!(given, Some((taken, framing == Framing::Head)));
        }
    }
}
