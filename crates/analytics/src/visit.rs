//! A visit as the redirect sees it: the peer and the headers, borrowed from the request.
//!
//! A trait abstracts the headers, so that this crate depends on no HTTP framework, and only stored
//! values are copied.

use std::net::IpAddr;

use waypost_core::SessionHash;

/// Access to the headers of a request. Names are in lower case. Values are bytes, because a visitor
/// may send anything.
pub trait VisitHeaders {
    /// Returns the value of the first header with this name.
    fn first(&self, name: &str) -> Option<&[u8]>;

    /// Calls `visit` with each header: its name in lower case, and its value.
    fn all(&self, visit: &mut dyn FnMut(&str, &[u8]));

    /// Calls `visit` with the values of all headers with this name, in the order in which they were
    /// received.
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8]));
}

/// A request that followed a link. It is read before the first await, so it may borrow values that
/// are not `Send`.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// The IP address of the connection; `None` if there is none, as on a Unix socket.
    pub peer: Option<IpAddr>,
    /// The hash of the session cookie, if there is a well-formed one. Its user, if any, is looked
    /// up when the click is stored.
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
