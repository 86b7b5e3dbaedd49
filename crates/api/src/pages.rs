//! HTML pages: their headers, their common frame and their middleware.
//!
//! A page is a route of the kind `Page`. Its handler takes a [`Frame`], calls one function of the
//! domain, and passes its template to [`Frame::page`]. Pages work without JavaScript, and load
//! files from this server only. Their policy has no `form-action`: some browsers apply it to the
//! redirects after a form as well, and signing in redirects to the destinations of links and to
//! identity providers.
//!
//! Charts are in [`chart`], the formatting of numbers and dates is in [`text`].
//!
//! The middleware [`complete`] wraps all pages: it turns errors into pages and compresses
//! responses. It compresses neither redirects nor streams, because they have no text of known
//! length.

pub(crate) mod chart;
mod flash;
mod form;
mod frame;
mod moment;
pub(crate) mod problem;
pub(crate) mod text;

pub(crate) use flash::Flash;
pub(crate) use form::{PageForm, Problem};
pub(crate) use frame::Frame;
pub(crate) use moment::Moment;

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, Encoding, Header as _, HeaderMap, HeaderName,
    HeaderValue,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use flate2::Compression;

use crate::assets::gzip;
use crate::errors::ApiError;
use crate::pages::problem::problem_page;
use crate::pages::problem::{Suggestions, sentence};
use crate::request::access::RequestId;
use crate::request::client::is_htmx;
use crate::state::State;

/// The result of the handler of a page.
pub(crate) type PageResult = Result<HttpResponse, ApiError>;

/// The headers of every page, besides those of all responses ([`crate::headers`]).
const HEADERS: [(HeaderName, &str); 2] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
];
/// Minimum size of a compressed response in bytes. A shorter one fits into one packet anyway.
const MIN_GZIP: usize = 1_024;
/// Version of the server, as pages show it.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Sets the headers of every page.
pub(crate) fn head(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
}

/// Returns the response with a page.
fn answer(status: StatusCode, body: String) -> HttpResponse {
    let mut answer = HttpResponse::build(status).body(body);
    head(answer.headers_mut());
    answer
}

/// Wraps a page: turns an error into a page, or into a sentence for htmx, and compresses the
/// response.
pub(crate) async fn complete(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut answer = next.call(request).await?;
    let error = answer.response().error();
    if let Some(error) = error.and_then(|error| error.as_error::<ApiError>()) {
        let is_part = is_htmx(answer.request().headers());
        let body = if is_part {
            sentence(&error.body().message)
        } else {
            // What the handler suggests besides the error.
            let ways = answer.request().extensions_mut().remove::<Suggestions>();
            let extensions = answer.request().extensions();
            let id = extensions.get::<RequestId>().map(RequestId::as_str);
            problem_page(
                error,
                &state,
                id.unwrap_or_default(),
                &ways.unwrap_or_default(),
            )
        };
        answer = answer.map_body(|response, _| {
            head(&mut response.headers);
            if is_part {
                let text = HeaderValue::from_static("text/plain; charset=utf-8");
                response.headers.insert(header::CONTENT_TYPE, text);
            }
            BoxBody::new(body)
        });
    }
    Ok(compressed(answer))
}

/// Compresses a response with gzip if it is a text and the client accepts gzip.
///
/// Pages contain the CSRF token. It is masked differently in each page, so the compressed size does
/// not reveal it.
fn compressed(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let headers = answer.headers();
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|media_type| media_type.to_str().ok());
    let is_text = media_type.is_some_and(|media_type| {
        ["text/html", "text/plain", "image/svg"]
            .iter()
            .any(|text| media_type.starts_with(text))
    });
    if !is_text || headers.contains_key(header::CONTENT_ENCODING) {
        return answer;
    }
    let takes_gzip = takes_gzip(answer.request());
    answer.map_body(|response, body| {
        let vary = HeaderValue::from_static("accept-encoding");
        response.headers.append(header::VARY, vary);
        // A stream has no bytes yet.
        let content = match body.try_into_bytes() {
            Ok(content) if takes_gzip && content.len() >= MIN_GZIP => content,
            Ok(content) => return BoxBody::new(content),
            Err(body) => return body,
        };
        let Some(short) = gzip(&content, Compression::fast()) else {
            return BoxBody::new(content);
        };
        let gzip = HeaderValue::from_static("gzip");
        response.headers.insert(header::CONTENT_ENCODING, gzip);
        BoxBody::new(short)
    })
}

/// Whether a client accepts gzip (RFC 9110 §12.5.3).
pub(crate) fn takes_gzip(request: &HttpRequest) -> bool {
    let supported = [Encoding::gzip(), Encoding::identity()];
    let accepted = AcceptEncoding::parse(request).ok();
    let chosen = accepted.and_then(|accepted| accepted.negotiate(supported.iter()));
    chosen == Some(Encoding::Known(ContentEncoding::Gzip))
}
