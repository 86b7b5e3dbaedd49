//! Why a request is refused before the HTTP service sees it, and what takes its place.
//!
//! The HTTP service would answer without a body and log an error, although anyone can send such a
//! request. Instead it is given a request that stands for the refused one ([`substitute`]). The
//! routes answer it with [`Fault::error`]. The answer is thus like any other: in the format that the
//! client prefers where its head can be read, with the headers of every response, an ID, and a line
//! in the log at `debug`. It is the last of its connection.

use std::mem::MaybeUninit;
use std::rc::Rc;

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::BytesMut;
use httparse::Request;

use super::exchange::Exchange;
use super::head::{MAX_HEAD, MAX_HEADERS, MAX_TARGET, encoded};
use crate::errors::{ApiError, ErrorCode};
use crate::request::access::REQUEST_ID;

/// Maximum length of a header of a refused request that its answer depends on, in bytes.
const MAX_VALUE: usize = 4_096;

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request line is not a method, a target and a version.
    RequestLine,
    /// The target is neither a path nor a URL.
    Target,
    /// The target is too long.
    TargetTooLong,
    /// The version is not 1.0 or 1.1.
    Version,
    /// A line is not a header.
    Header,
    /// The head is too long, or has too many headers.
    HeadTooLarge,
    /// The host is missing, there are several, or it is not one.
    Host,
    /// The length of the body is invalid, or there are several.
    BodyLength,
    /// The body has a coding that is not chunked.
    Coding,
    /// The client closed the connection before the end of the head.
    Incomplete,
    /// The head did not arrive in time.
    Timeout,
}

impl Fault {
    /// Returns the error that the client gets.
    pub(crate) fn error(self) -> ApiError {
        match self {
            Self::RequestLine => ApiError::bad_request(
                "invalid request line; send a method, a target without spaces and control \
                 characters, and HTTP/1.1, each after one space",
            ),
            Self::Target => ApiError::bad_request(
                "invalid request target; send a path that begins with `/`, or an http URL",
            ),
            Self::TargetTooLong => ApiError::new(
                ErrorCode::UriTooLong,
                format!("the path and the query must have at most {MAX_TARGET} bytes"),
            ),
            Self::Version => ApiError::new(
                ErrorCode::VersionUnsupported,
                "unsupported version of HTTP; send HTTP/1.1, or use the proxy of this server",
            ),
            Self::Header => ApiError::bad_request(
                "invalid header; send a name, a colon and a value in one line",
            ),
            Self::HeadTooLarge => ApiError::new(
                ErrorCode::HeadTooLarge,
                format!(
                    "the head of a request must have at most {MAX_HEAD} bytes and {MAX_HEADERS} \
                     headers; delete cookies of this site, or send fewer headers"
                ),
            ),
            Self::Host => ApiError::bad_request(
                "invalid or missing header `Host`; send one, with a host name or an IP address, \
                 and a port if needed",
            ),
            Self::BodyLength => ApiError::bad_request(
                "invalid length of the body; send one `Content-Length`, or \
                 `Transfer-Encoding: chunked`",
            ),
            Self::Coding => ApiError::new(
                ErrorCode::CodingUnsupported,
                "unsupported transfer coding; send `Transfer-Encoding: chunked`, or a \
                 `Content-Length`",
            ),
            Self::Incomplete => {
                ApiError::bad_request("the head of the request is incomplete; send it again")
            }
            Self::Timeout => ApiError::new(
                ErrorCode::RequestTimeout,
                "the head of the request did not arrive within 10 seconds; send it again",
            ),
        }
    }

    /// Returns the fault that a request stands for, if it does.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        request.conn_data::<Rc<Exchange>>()?.fault()
    }
}

/// Returns the head of a request that stands for a refused one, which begins with these bytes. It
/// has a body that never ends: what the client still sends is read and dropped, so that it can read
/// its answer.
pub(super) fn substitute(refused: &[u8]) -> BytesMut {
    let method = if refused.starts_with(b"HEAD ") {
        "HEAD"
    } else {
        "GET"
    };
    let line = format!("{method} / HTTP/1.1\r\nhost: localhost\r\n");
    let mut head = BytesMut::from(line.as_str());
    let length = format!("content-length: {}\r\n", u64::MAX);
    head.extend_from_slice(length.as_bytes());
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = Request::new(&mut []);
    let refused = encoded(refused);
    // What could not be read has no headers.
    let _ = request.parse_with_uninit_headers(&refused, &mut headers);
    for name in [header::ACCEPT, REQUEST_ID] {
        let given = request
            .headers
            .iter()
            .filter(|given| name.as_str().eq_ignore_ascii_case(given.name))
            .find(|given| given.value.len() <= MAX_VALUE);
        if let Some(given) = given {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(given.value);
            head.extend_from_slice(b"\r\n");
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}
