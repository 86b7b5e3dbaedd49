//! What is said about a request: its id, in the answer and in the log, and one line in the log.
//!
//! A line has the method, the pattern of the route, the status and the time it took. It never has
//! the path, the query, the code or the address of the client: those say who followed what. A
//! redirect that succeeded has neither an id nor a line: it is in the metrics, and it is what the
//! server does a hundred thousand times a second.

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
use crate::request::route_names;
use crate::state::State;

/// The header that carries the id, in requests and in answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over from a request, in bytes.
const MAX_ID_LEN: usize = 128;

/// Identifies one request, in its answer and in every line that it causes in the log.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The id that a proxy in front gave, where it is at most 128 visible ASCII characters;
    /// otherwise a new UUID.
    pub(crate) fn of(headers: &HeaderMap, random: &dyn Random) -> Self {
        let given = headers.get(REQUEST_ID).filter(|id| {
            let id = id.as_bytes();
            (1..=MAX_ID_LEN).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
        });
        Self(given.cloned().unwrap_or_else(|| Self::drawn(random)))
    }

    /// The id, for a page.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    fn drawn(random: &dyn Random) -> HeaderValue {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        let id = Builder::from_random_bytes(bytes).into_uuid().to_string();
        // Hexadecimal digits and hyphens always make a header.
        HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
    }

    /// The span in which everything that is logged carries the id. It is of the highest level, so
    /// that no filter takes the id from a line that it lets through.
    pub(crate) fn span(&self) -> Span {
        error_span!("request", request_id = self.as_str())
    }

    /// Completes an answer: with the id, and with a ban on storing it where it says nothing else.
    pub(crate) fn complete(self, response: &mut HttpResponse) {
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.0);
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// An answer to somebody who asks too often, or for what takes longer than there is time for, is held back for
/// so long: whoever sends the next request when the last one is answered sends few, and each of them costs
/// next to nothing.
const HELD_BACK: Duration = Duration::from_secs(1);

fn is_sent_too_often(error: Option<&ApiError>) -> bool {
    let codes = [ErrorCode::TooManyRequests, ErrorCode::Busy];
    error.is_some_and(|error| codes.contains(&error.code()))
}

/// How loud a request is in the log when nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// A line at level `info`.
    Info,
    /// A line at level `debug`: for what machines ask every few seconds.
    Debug,
}

/// Stands around an operation: gives the request its id and writes its line.
pub(crate) async fn observe(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    observed(&state, request, next, LogLevel::Info).await
}

/// Like [`observe`], for what machines ask all the time.
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
    // For the page of an error, which shows it.
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

/// Writes the line of a request that was answered. `error` is what the answer was made of, where it
/// was an error.
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
        (Some(ErrorCode::OidcUnavailable | ErrorCode::OidcFailed | ErrorCode::OidcRefused), _) => {
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

/// To the microsecond: more digits would be noise.
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
