//! Request IDs, in the response and in the log, and one line in the log per request.
//!
//! A line has the method, the pattern of the route, the status and the duration. It never has the
//! path, the query, the code or the IP address of the client, which would reveal who followed which
//! link. A successful redirect has neither an ID nor a line: metrics count it, and the server
//! handles about 100,000 of them per second.

use std::time::{Duration, Instant};

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use tracing::{Instrument, Span, debug, error, error_span, info, warn};
use uuid::Builder;
use waypost_core::Random;

use crate::errors::{ApiError, ErrorCode};
use crate::headers::REFERRER_POLICY;
use crate::request::route_names;
use crate::state::State;

/// The header with the ID, in requests and responses.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Maximum length of an ID that a request sets, in bytes.
const MAX_ID_LEN: usize = 128;

/// Identifies a request, in its response and in all its lines in the log.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// Returns the ID that the request sets, if it has at most 128 visible ASCII characters;
    /// otherwise generates a UUID.
    pub(crate) fn of(headers: &HeaderMap, random: &dyn Random) -> Self {
        let given = headers.get(REQUEST_ID).filter(|id| {
            let id = id.as_bytes();
            (1..=MAX_ID_LEN).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
        });
        Self(given.cloned().unwrap_or_else(|| Self::drawn(random)))
    }

    /// Returns the ID as text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    fn drawn(random: &dyn Random) -> HeaderValue {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        let id = Builder::from_random_bytes(bytes).into_uuid().to_string();
        // Hexadecimal digits and hyphens are always valid in a header.
        HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
    }

    /// Creates a span that adds the ID to every line in the log. It has the highest level, so that
    /// no filter removes the ID from a line that it passes.
    pub(crate) fn span(&self) -> Span {
        error_span!("request", request_id = self.as_str())
    }

    /// Adds the ID and the referrer policy to a response, and `Cache-Control: no-store` if it has
    /// no such header.
    pub(crate) fn complete(self, response: &mut HttpResponse) {
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.0);
        let (name, value) = REFERRER_POLICY;
        headers.insert(name, value);
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// Delay of a response to a client that exceeds a limit or meets a busy server. Clients that wait
/// for each response then send few requests, and each costs almost nothing.
const HELD_BACK: Duration = Duration::from_secs(1);

fn is_sent_too_often(error: Option<&ApiError>) -> bool {
    let codes = [ErrorCode::TooManyRequests, ErrorCode::Busy];
    error.is_some_and(|error| codes.contains(&error.code()))
}

/// The level of the line of a request without an internal error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// A line at level `info`.
    Info,
    /// A line at level `debug`, for requests that machines send every few seconds.
    Debug,
}

/// Wraps an operation: gives the request its ID and writes its line.
pub(crate) async fn observe(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    observed(&state, request, next, LogLevel::Info).await
}

/// As [`observe`], for requests that machines send all the time.
pub(crate) async fn observe_quietly(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    observed(&state, request, next, LogLevel::Debug).await
}

async fn observed(
    state: &State,
    request: ServiceRequest,
    next: Next<BoxBody>,
    voice: LogLevel,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = RequestId::of(request.headers(), state.random());
    let span = id.span();
    // For the error page, which shows the ID.
    request.extensions_mut().insert(id.clone());
    let answered = async {
        let mut answer = next.call(request).await?;
        let error = answer.response().error();
        let error = error.and_then(|error| error.as_error::<ApiError>());
        let status = answer.status();
        write_line(answer.request(), status, error, started, voice);
        let is_sent_too_often = is_sent_too_often(error);
        id.complete(answer.response_mut());
        if is_sent_too_often {
            tokio::time::sleep(HELD_BACK).await;
        }
        Ok(answer)
    };
    answered.instrument(span).await
}

/// Writes the line of an answered request. `error` is the error of the response, if it is one.
pub(crate) fn write_line(
    request: &HttpRequest,
    status: StatusCode,
    error: Option<&ApiError>,
    started: Instant,
    voice: LogLevel,
) {
    let method = request.method().as_str();
    let route = route_names::name_of(request);
    let ms = milliseconds(started.elapsed());
    let code = error.map_or("none", |error| error.code().name());
    let status = status.as_u16();
    match (error.map(ApiError::code), voice) {
        (Some(ErrorCode::Internal), _) => {
            let error = error.map(ApiError::chain).unwrap_or_default();
            error!(method, route, status, ms, code, error, "request failed");
        }
        (Some(ErrorCode::Unavailable), _) => {
            let error = error.map(ApiError::chain).unwrap_or_default();
            warn!(
                method,
                route, status, ms, code, error, "request failed: database unavailable"
            );
        }
        (
            Some(
                ErrorCode::OidcUnavailable
                | ErrorCode::OidcMisconfigured
                | ErrorCode::OidcFailed
                | ErrorCode::OidcRefused,
            ),
            _,
        ) => {
            let error = error.map(ApiError::chain).unwrap_or_default();
            warn!(
                method,
                route, status, ms, code, error, "OpenID sign-in failed"
            );
        }
        (Some(_), LogLevel::Info) => info!(method, route, status, ms, code, "refused"),
        (Some(_), LogLevel::Debug) => debug!(method, route, status, ms, code, "refused"),
        (None, LogLevel::Info) => info!(method, route, status, ms, "answered"),
        (None, LogLevel::Debug) => debug!(method, route, status, ms, "answered"),
    }
}

/// Converts to milliseconds, rounded to microseconds: more digits would be noise.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use waypost_core::SeededRandom;

    use super::*;

    fn id(given: Option<&[u8]>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(given) = given {
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(given).unwrap());
        }
        let RequestId(id) = RequestId::of(&headers, &SeededRandom::new(1));
        id.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_usable_id_is_taken_over_and_any_other_replaced() {
        let longest = "x".repeat(MAX_ID_LEN);
        assert_eq!(id(Some(b"a-1")), "a-1");
        assert_eq!(id(Some(longest.as_bytes())), longest);
        let too_long = format!("{longest}x");
        for bad in [b"".as_slice(), b"a b", b"\xff", too_long.as_bytes()] {
            let drawn = id(Some(bad));
            assert_eq!(uuid::Uuid::parse_str(&drawn).unwrap().get_version_num(), 4);
        }
        assert_eq!(id(None).len(), 36);
    }
}
