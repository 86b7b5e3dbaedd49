//! The head of a request: whether the HTTP service can read it, and what follows it.
//!
//! A head is checked once it is whole, and before that from time to time, so that what is not HTTP
//! is refused at once. The checks are those of the HTTP service, with the same parser, and those of
//! RFC 9112 that it leaves out: the host (§3.2), the form of the target (§3.2). The HTTP service
//! therefore accepts each head that it is given.
//!
//! Some programs send characters in the target that a URI cannot contain (RFC 3986 §2). Browsers
//! percent-encode them, and so does [`Search`]: the target `/x?q=é` becomes `/x?q=%C3%A9`, whatever
//! the encoding of the text is. A space ends the target in any case (RFC 9112 §3): what follows
//! must be the version.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use actix_web::http::{Method, Uri};
use actix_web::web::{Buf as _, BytesMut};
use httparse::{Error, Request, Status};

use super::byte_class::Class;
use super::fault::Fault;
use super::framing::{Chunks, Framing};
use super::host::is_host;

/// Maximum length of a head, in bytes: the HTTP service refuses longer ones that arrive in parts.
pub(super) const MAX_HEAD: usize = 131_071;
/// Maximum number of headers, which is that of the HTTP service.
pub(super) const MAX_HEADERS: usize = 96;
/// Maximum length of a target, in bytes, which is that of [`Uri`].
pub(super) const MAX_TARGET: usize = 65_534;
/// Maximum length of the name of a header, in bytes.
const MAX_NAME: usize = 1_024;

/// Bytes that a target can contain: those of a URI (RFC 3986 §2), among them brackets, which are
/// common in queries. Of an invalid `%`, nobody knows what was meant.
const PLAIN: Class = Class::with(b"-._~:/?#[]@!$&'()*+,;=%");

/// A whole head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its length in bytes.
    pub(super) length: usize,
    /// What follows it.
    pub(super) next: Framing,
    /// Whether it asks for another protocol, which is ignored: see [`ignore_upgrade`].
    pub(super) ignores_upgrade: bool,
}

/// Reads the head at the beginning of these bytes. Returns `None` if they are only a part of one.
///
/// # Errors
/// [`Fault`] if it is invalid, or its target must be encoded first.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Head>, Fault> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(Status::Complete(length)) => {
            check_line(&request)?;
            let (next, ignores_upgrade) = check_headers(&request)?;
            Ok(Some(Head {
                length,
                next,
                ignores_upgrade,
            }))
        }
        Ok(Status::Partial) => Ok(None),
        Err(error) => Err(fault_of(error, bytes)),
    }
}

/// Returns what is wrong with a request by `GET` with this host and target.
pub(crate) fn fault_of_get(host: &str, target: &str) -> Option<Fault> {
    read(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).err()
}

/// Returns what follows a head with these headers, and whether they ask for another protocol than
/// that of web sockets.
fn check_headers(request: &Request<'_, '_>) -> Result<(Framing, bool), Fault> {
    let is_1_0 = request.version == Some(0);
    let (mut host, mut length, mut coding, mut is_upgrade) = (None, None, None, false);
    let mut names_upgrade = false;
    for header in request.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        match header.name.len() {
            4 if is("host") => {
                if host.replace(header.value).is_some() {
                    return Err(Fault::Host);
                }
            }
            7 if is("upgrade") => {
                let protocol = header.value.trim_ascii();
                is_upgrade |= protocol.eq_ignore_ascii_case(b"websocket");
            }
            10 if is(CONNECTION) => names_upgrade |= has_upgrade(header.value),
            14 if is("content-length") => {
                if length.replace(parse_length(header.value)?).is_some() {
                    return Err(Fault::BodyLength);
                }
            }
            17 if is("transfer-encoding") => {
                check_coding(header.value)?;
                if coding.replace(()).is_some() {
                    return Err(Fault::BodyLength);
                }
            }
            ..=MAX_NAME => {}
            _ => return Err(Fault::HeadTooLarge),
        }
    }
    // HTTP/1.0 knows no hosts.
    if host.map_or(!is_1_0, |host| !is_host(host)) {
        return Err(Fault::Host);
    }
    let lacks_length = is_1_0 && length.is_none() && request.method == Some("POST");
    let next = match (coding, length) {
        (Some(()), Some(_)) => return Err(Fault::BodyLength),
        (Some(()), None) if is_1_0 => return Err(Fault::BodyLength),
        (Some(()), None) => Framing::Chunked(Chunks::new()),
        _ if lacks_length && !is_upgrade => return Err(Fault::BodyLength),
        _ if is_upgrade => Framing::Anything,
        (None, Some(length)) if length > 0 => Framing::Length(length),
        _ if request.method == Some("CONNECT") => Framing::Anything,
        _ => Framing::Head,
    };
    Ok((next, names_upgrade && !is_upgrade))
}

/// The name of the header with options of the connection, among them `upgrade`.
const CONNECTION: &str = "connection";
const UPGRADE: &[u8] = b"upgrade";

/// Whether the value of `Connection` says that it is to be used for another protocol.
fn has_upgrade(value: &[u8]) -> bool {
    let mut options = value.split(|byte| *byte == b',');
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(UPGRADE))
}

/// Replaces the option `upgrade` of `Connection` by spaces. A server may ignore that a client asks
/// for another protocol (RFC 9110 §7.8): the request is answered, and others follow it. The HTTP
/// service would close the connection.
pub(super) fn ignore_upgrade(head: &mut [u8]) {
    for line in head.split_mut(|byte| *byte == b'\n') {
        let end = memchr::memchr(b':', line).unwrap_or(0);
        let (name, value) = line.split_at_mut(end);
        if !name.eq_ignore_ascii_case(CONNECTION.as_bytes()) {
            continue;
        }
        let after_colon = value.get_mut(1..).unwrap_or_default();
        for option in after_colon.split_mut(|byte| *byte == b',') {
            if option.trim_ascii().eq_ignore_ascii_case(UPGRADE) {
                let is_letter = |byte: &&mut u8| byte.is_ascii_alphabetic();
                option
                    .iter_mut()
                    .filter(is_letter)
                    .for_each(|byte| *byte = b' ');
            }
        }
    }
}

fn parse_length(value: &[u8]) -> Result<u64, Fault> {
    let value = value.trim_ascii();
    let digits = value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok())
        .ok_or(Fault::BodyLength)
}

/// Checks the codings of a body: only chunked coding is known, and it is used once (RFC 9112 §6.1).
fn check_coding(value: &[u8]) -> Result<(), Fault> {
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    if is_chunked(value) {
        return Ok(());
    }
    let mut codings = value.split(|byte| *byte == b',');
    if codings.all(|coding| is_chunked(coding) || coding.trim_ascii().is_empty()) {
        Err(Fault::BodyLength)
    } else {
        Err(Fault::Coding)
    }
}

/// Checks the method and the target, which most requests send as a path.
fn check_line(request: &Request<'_, '_>) -> Result<(), Fault> {
    let method = request.method.unwrap_or_default();
    if Method::from_bytes(method.as_bytes()).is_err() {
        return Err(Fault::RequestLine);
    }
    let target = request.path.unwrap_or_default();
    if target.len() > MAX_TARGET {
        return Err(Fault::TargetTooLong);
    }
    if !PLAIN.has_all(target.as_bytes()) {
        return Err(Fault::Target);
    }
    let is_connect = method == "CONNECT";
    if target.starts_with('/') && !is_connect {
        return Ok(());
    }
    check_other_target(request, is_connect)
}

/// Checks a target that is not a path (RFC 9112 §3.2.2 to §3.2.4): a URL, whose host must be one,
/// or `*`, or a host.
fn check_other_target(request: &Request<'_, '_>, is_connect: bool) -> Result<(), Fault> {
    let target = request.path.unwrap_or_default();
    if target == "*" && request.method == Some("OPTIONS") {
        return Ok(());
    }
    let uri = Uri::try_from(target).map_err(|_| Fault::Target)?;
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let is_right_form = uri.scheme().is_some() != is_connect;
    if is_right_form && !host.is_empty() && is_host(host.as_bytes()) {
        Ok(())
    } else {
        Err(Fault::Target)
    }
}

/// Returns what is wrong with bytes that the parser refuses.
fn fault_of(error: Error, bytes: &[u8]) -> Fault {
    match error {
        Error::TooManyHeaders => Fault::HeadTooLarge,
        Error::HeaderName | Error::HeaderValue => Fault::Header,
        Error::Version if names_other_version(bytes) => Fault::Version,
        _ => Fault::RequestLine,
    }
}

/// Whether a request line is valid except for its version.
fn names_other_version(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let end = memchr::memchr(b'\n', start).unwrap_or(start.len());
    let line = start.get(..end).unwrap_or_default().trim_ascii_end();
    let mut parts = line.split(|byte| *byte == b' ');
    let version = parts.nth(2).and_then(|part| part.strip_prefix(b"HTTP/"));
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    parts.next().is_none()
        && version.is_some_and(|version| version.split(|byte| *byte == b'.').all(digits))
}

/// What [`Search::find`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A head for the HTTP service, and what follows it.
    Whole(BytesMut, Framing),
    /// A part of one.
    Part,
    /// An invalid head.
    Invalid(Fault),
}

/// The search for the end of a head that arrives in parts.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// How many bytes were searched.
    searched: usize,
    /// At which length the bytes are read even if no line ends in them: twice that of the last
    /// time, so that bytes that arrive one at a time are not all read each time.
    read_at: usize,
}

impl Search {
    /// Looks for a head at the beginning of bytes, to which some were added since the last time,
    /// and removes it.
    pub(super) fn find(&mut self, bytes: &mut BytesMut) -> Found {
        let searched = self.searched.min(bytes.len());
        self.searched = bytes.len();
        let from = searched.saturating_sub(3);
        let end = end_of_head(bytes.get(from..).unwrap_or_default()).map(|end| from + end);
        let new = bytes.get(searched..).unwrap_or_default();
        let is_line = memchr::memchr(b'\n', new).is_some();
        if end.is_none() && !is_line && bytes.len() < self.read_at {
            return Found::Part;
        }
        self.read_at = bytes.len().saturating_mul(2);
        let whole = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        if whole.len() > MAX_HEAD {
            return Found::Invalid(fault_of_length(whole));
        }
        let text = encoded(whole);
        match read(&text) {
            Err(fault) => Found::Invalid(fault),
            Ok(None) if end.is_some() => Found::Invalid(Fault::Header),
            Ok(None) if target_of(&text).len() > MAX_TARGET => Found::Invalid(Fault::TargetTooLong),
            Ok(None) => Found::Part,
            Ok(Some(head)) if head.length > MAX_HEAD => Found::Invalid(Fault::HeadTooLarge),
            Ok(Some(head)) => {
                *self = Self::default();
                let grown = text.len() - whole.len();
                let mut head_bytes = match text {
                    Cow::Borrowed(_) => bytes.split_to(head.length),
                    Cow::Owned(text) => {
                        bytes.advance(head.length.saturating_sub(grown));
                        BytesMut::from(text.get(..head.length).unwrap_or_default())
                    }
                };
                if head.ignores_upgrade {
                    ignore_upgrade(&mut head_bytes);
                }
                Found::Whole(head_bytes, head.next)
            }
        }
    }
}

/// Returns what is wrong with a head that is too long.
fn fault_of_length(bytes: &[u8]) -> Fault {
    if target_of(bytes).len() > MAX_TARGET {
        Fault::TargetTooLong
    } else {
        Fault::HeadTooLarge
    }
}

/// Returns the target at the beginning of a head, or what has arrived of it.
fn target_of(bytes: &[u8]) -> &[u8] {
    let begin = memchr::memchr3(b' ', b'\r', b'\n', bytes);
    let rest = begin.and_then(|begin| bytes.get(begin..));
    let rest = rest.and_then(|rest| rest.strip_prefix(b" "));
    let rest = rest.unwrap_or_default();
    let end = memchr::memchr3(b' ', b'\r', b'\n', rest);
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}

/// Encodes the target of a head: see [`encoded_target`].
pub(super) fn encoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let target = target_of(bytes);
    let Cow::Owned(encoded) = encoded_target(target) else {
        return Cow::Borrowed(bytes);
    };
    let begin = memchr::memchr(b' ', bytes).map_or(0, |begin| begin + 1);
    let end = begin + target.len();
    let before = bytes.get(..begin).unwrap_or_default();
    let after = bytes.get(end..).unwrap_or_default();
    Cow::Owned([before, &encoded, after].concat())
}

/// Percent-encodes the bytes of a target that a URI cannot contain (RFC 3986 §2.1). Control
/// characters are left: they make the head invalid.
pub(crate) fn encoded_target(target: &[u8]) -> Cow<'_, [u8]> {
    if PLAIN.has_all(target) {
        return Cow::Borrowed(target);
    }
    let mut text = Vec::with_capacity(3 * target.len());
    for byte in target {
        if PLAIN.has(*byte) || byte.is_ascii_control() {
            text.push(*byte);
        } else {
            text.extend_from_slice(percent_encoding::percent_encode_byte(*byte).as_bytes());
        }
    }
    Cow::Owned(text)
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
mod tests;
