//! The answer to a visitor whose link cannot be followed: a small page for a browser, JSON for
//! everything else, both from one view model ([`crate::errors::ErrorBody`]).

use std::time::Instant;

use actix_web::http::header::{self, Accept, Header, HeaderValue, Quality};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::errors::ApiError;
use crate::pages;
use crate::pages::problem::Suggestions;
use crate::pages::problem::problem_page;
use crate::request::access::{self, LogLevel, RequestId};
use crate::site::see_other;
use crate::state::State;

/// Answers with an error, in the form that the client prefers, and writes its line in the log.
pub(crate) fn answer(
    request: &HttpRequest,
    state: &State,
    error: &ApiError,
    started: Instant,
) -> HttpResponse {
    answer_with(request, state, error, started, &Suggestions::default())
}

/// As [`answer`], with ways to go on where it is a page.
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
    // The same address has two forms, and a cache must not mix them up.
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    id.span().in_scope(|| {
        // Scanners try thousands of codes: a line for each would drown the others.
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

/// Whether the client names HTML, as browsers do, and does not like JSON better. `*/*`, which is
/// what programs send, asks for JSON (RFC 9110 §12.5.1).
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

/// Whether it is a browser that asks, for somebody who says nothing of who they are.
pub(crate) fn may_sign_in(request: &HttpRequest) -> bool {
    !request.headers().contains_key(header::AUTHORIZATION) && prefers_html(request)
}

/// Sends a browser to sign in, and back to the link after that.
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
