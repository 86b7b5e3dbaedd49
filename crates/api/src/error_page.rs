//! The answer to a visitor whose link cannot be followed: a small page for a browser, JSON for
//! everything else, both from one view model ([`crate::errors::ErrorBody`]).

use std::time::Instant;

use actix_web::http::header::{self, Accept, Header, HeaderValue, Quality};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::access::{self, RequestId, Voice};
use crate::errors::ApiError;
use crate::pages;
use crate::state::State;

/// Answers with an error, in the form that the client prefers, and writes its line in the log.
pub(crate) fn answer(
    request: &HttpRequest,
    state: &State,
    error: &ApiError,
    started: Instant,
) -> HttpResponse {
    let mut response = if prefers_html(request) {
        html(error, state)
    } else {
        error.error_response()
    };
    // The same address has two forms, and a cache must not mix them up.
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    let id = RequestId::of(request.headers(), state.random());
    id.span().in_scope(|| {
        // Scanners try thousands of codes: a line for each would drown the others.
        access::write_line(
            request,
            response.status(),
            Some(error),
            started,
            Voice::Debug,
        );
    });
    id.complete(&mut response);
    response
}

fn html(error: &ApiError, state: &State) -> HttpResponse {
    let mut response = HttpResponse::build(error.status_code());
    for header in error.headers() {
        response.insert_header(header);
    }
    let mut response = response.body(pages::problem_page(error, state));
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

/// A message, which says what to do in a few words, as a sentence.
pub(crate) fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(char::to_uppercase);
    let mut sentence: String = first.into_iter().flatten().chain(characters).collect();
    sentence.push('.');
    sentence
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

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("check the spelling"), "Check the spelling.");
        assert_eq!(sentence("ändere es"), "Ändere es.");
    }
}
