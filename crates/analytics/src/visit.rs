//! A visit as the redirect sees it: the peer and the headers, borrowed from the request.
//!
//! The headers are behind a trait, so that no HTTP framework is known here and nothing is copied
//! that is not kept.

use std::net::IpAddr;

use waypost_core::SessionHash;

/// Looks up headers of a request. Names are given in lower case; values are bytes, because nothing
/// promises that a visitor sends text.
pub trait VisitHeaders {
    /// The value of the first header of this name.
    fn first(&self, name: &str) -> Option<&[u8]>;

    /// Shows each header: its name, in lower case, and its value.
    fn all(&self, visit: &mut dyn FnMut(&str, &[u8]));

    /// Shows the values of all headers of this name, in the order in which they were received.
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8]));
}

/// A request that followed a link. It is read before anything is awaited, so it may borrow from
/// what cannot be sent to another thread.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// The address of the other end of the connection; `None` where there is none, as on a Unix
    /// socket.
    pub peer: Option<IpAddr>,
    /// The hash of the session cookie, where there is one of the right form. Whose session it is, if
    /// anybody's, is found out when the click is stored.
    pub session: Option<SessionHash>,
    /// The headers of the request.
    pub headers: &'a dyn VisitHeaders,
}

/// Headers as a list, for tests.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct HeaderList(pub(crate) Vec<(&'static str, Vec<u8>)>);

#[cfg(test)]
impl HeaderList {
    pub(crate) fn new(headers: &[(&'static str, &str)]) -> Self {
        let bytes = |value: &str| value.as_bytes().to_vec();
        Self(headers.iter().map(|(n, v)| (*n, bytes(v))).collect())
    }

    pub(crate) fn visit(&self, peer: &str) -> Visit<'_> {
        Visit {
            peer: Some(peer.parse().unwrap()),
            session: None,
            headers: self,
        }
    }
}

#[cfg(test)]
impl VisitHeaders for HeaderList {
    fn first(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| value.as_slice())
    }

    fn all(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        self.0.iter().for_each(|(name, value)| visit(name, value));
    }

    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        let found = self.0.iter().filter(|(given, _)| *given == name);
        found.for_each(|(_, value)| visit(value));
    }
}
