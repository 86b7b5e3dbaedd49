//! The response to a visitor whose link cannot be followed: a small page for a browser, JSON for
//! all other clients, both from one view model ([`crate::errors::ErrorBody`]).

use std::time::Instant;

use actix_web::http::header::{self, Accept, Header, HeaderValue, Quality};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::errors::ApiError;
use crate::pages;
use crate::pages::problem::Suggestions;
use crate::pages::problem::problem_page;
use crate::request::access::{self, LogLevel, RequestId};
use crate::request::credentials::Bearer;
use crate::site::see_other;
use crate::state::State;

/// Returns the response to an error in the format that the client prefers, and logs it.
pub(crate) fn answer(
    request: &HttpRequest,
    state: &State,
    error: &ApiError,
    started: Instant,
) -> HttpResponse {
    answer_with(request, state, error, started, &Suggestions::default())
}

/// Like [`answer`], with suggestions on the page.
pub(crate) fn answer_with(
    request: &HttpRequest,
    state: &State,
    error: &ApiError,
    started: Instant,
    ways: &Suggestions,
) -> HttpResponse {
    let id = RequestId::of(request.headers(), state.random());
    let mut response = if prefers_html(request) {
        html(error, state, id.as_str(), ways)
    } else {
        error.error_response()
    };
    // The same URL has two representations; a cache must keep them apart.
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    id.span().in_scope(|| {
        // Scanners request thousands of codes: a line for each would hide the other lines.
        access::write_line(
            request,
            response.status(),
            Some(error),
            started,
            LogLevel::Debug,
        );
    });
    id.complete(&mut response);
    response
}

fn html(error: &ApiError, state: &State, id: &str, ways: &Suggestions) -> HttpResponse {
    let mut response = HttpResponse::build(error.status_code());
    for header in error.headers() {
        response.insert_header(header);
    }
    let mut response = response.body(problem_page(error, state, id, ways));
    pages::head(response.headers_mut());
    response
}

/// Whether the client names HTML, as browsers do, and does not prefer JSON. `*/*`, which programs
/// send, asks for JSON (RFC 9110 §12.5.1).
pub(crate) fn prefers_html(request: &HttpRequest) -> bool {
    let Ok(Accept(ranges)) = Accept::parse(request) else {
        return false;
    };
    let quality = |types: &[&str]| {
        ranges
            .iter()
            .filter(|range| types.contains(&range.item.essence_str()))
            .map(|range| range.quality)
            .max()
            .unwrap_or(Quality::ZERO)
    };
    let html = quality(&["text/html", "application/xhtml+xml"]);
    html > Quality::ZERO && html >= quality(&["application/json"])
}

/// Whether the request comes from a browser without an API token, which can be sent to sign in.
pub(crate) fn may_sign_in(request: &HttpRequest) -> bool {
    Bearer::of(request.headers()).is_none() && prefers_html(request)
}

/// Redirects a browser to sign in and back to the link afterwards.
pub(crate) fn to_sign_in(request: &HttpRequest, state: &State) -> HttpResponse {
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    let mut response = see_other(&state.site().sign_in(path));
    let vary = HeaderValue::from_static("accept");
    response.headers_mut().insert(header::VARY, vary);
    RequestId::of(request.headers(), state.random()).complete(&mut response);
    response
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn prefers(accept: &str) -> bool {
        prefers_html(
            &TestRequest::default()
                .insert_header((header::ACCEPT, accept))
                .to_http_request(),
        )
    }

    #[test]
    fn browsers_get_a_page_and_programs_get_json() {
        assert!(prefers(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        ));
        assert!(prefers("text/html"));
        assert!(prefers("application/json;q=0.5, text/html;q=0.9"));
        for accept in [
            "*/*",
            "application/json",
            "application/json, text/html;q=0.9",
            "text/html;q=0",
            "text/*",
            "",
            "nonsense;;",
        ] {
            assert!(!prefers(accept), "{accept}");
        }
        assert!(!prefers_html(&TestRequest::default().to_http_request()));
    }
}
