//! The client of a request: its IP address and its headers.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use waypost_analytics::{Visit, VisitHeaders};
use waypost_core::{IpHash, UserAgent};

use crate::state::State;

/// The header that htmx sends with a request for a part of a page.
const HTMX: &str = "hx-request";

/// Returns the user agent of a request.
pub(crate) fn user_agent(request: &HttpRequest) -> Option<UserAgent> {
    let value = request.headers().get(header::USER_AGENT)?;
    UserAgent::from_header(value.as_bytes())
}

/// Returns the IP address of the client, from trusted proxies if there are any.
pub(crate) fn client_address(request: &HttpRequest, state: &State) -> Option<std::net::IpAddr> {
    state.recorder().client_address(&Visit {
        peer: request.peer_addr().map(|peer| peer.ip()),
        session: None,
        headers: &RequestHeaders(request.headers()),
    })
}

/// Returns the hash of the IP address of the client with the salt of the day, for the audit trail;
/// `None` for a client without an IP address.
pub(crate) fn origin(request: &HttpRequest, state: &State) -> Option<IpHash> {
    state.recorder().origin(&Visit {
        peer: request.peer_addr().map(|peer| peer.ip()),
        session: None,
        headers: &RequestHeaders(request.headers()),
    })
}

/// Returns the host that a request is sent to. The host in the request target precedes the header
/// `Host` (RFC 9112 §3.2.2).
pub(crate) fn host_of(request: &HttpRequest) -> Option<&str> {
    let of_target = request.uri().host();
    of_target.or_else(|| request.headers().get(header::HOST)?.to_str().ok())
}

/// The headers of a request, for the recorder.
pub(crate) struct RequestHeaders<'a>(pub(crate) &'a HeaderMap);

impl VisitHeaders for RequestHeaders<'_> {
    fn first(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(HeaderValue::as_bytes)
    }

    fn all(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        self.0
            .iter()
            .for_each(|(name, value)| visit(name.as_str(), value.as_bytes()));
    }

    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        self.0
            .get_all(name)
            .for_each(|value| visit(value.as_bytes()));
    }
}

/// Returns whether htmx requests a part of a page.
pub(crate) fn is_htmx(headers: &HeaderMap) -> bool {
    headers.contains_key(HTMX)
}
