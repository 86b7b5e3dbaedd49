//! The answer to a visitor whose link cannot be followed: a small page for a browser, JSON for
//! everything else, both from one view model ([`crate::errors::ErrorBody`]).

use std::time::Instant;

use actix_web::http::header::{self, Accept, Header, HeaderValue, Quality};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::errors::ApiError;
use crate::pages;
use crate::request::access::{self, RequestId, Voice};
use crate::state::State;

/// What the page of an error says beside the error: where to go from there. JSON has none of it.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    /// Links that may have been meant.
    pub(crate) near: Vec<NearLink>,
    /// What else is to be known, in sentences.
    pub(crate) notes: Vec<String>,
    /// Where to go; the first one is the most likely.
    pub(crate) steps: Vec<Step>,
}

/// A link that may have been meant.
#[derive(Debug)]
pub(crate) struct NearLink {
    pub(crate) code: String,
    pub(crate) title: String,
}

/// Somewhere to go.
#[derive(Debug)]
pub(crate) struct Step {
    /// The address, with what stands before the paths of this server.
    pub(crate) href: String,
    pub(crate) label: &'static str,
}

/// Answers with an error, in the form that the client prefers, and writes its line in the log.
pub(crate) fn answer(
    request: &HttpRequest,
    state: &State,
    error: &ApiError,
    started: Instant,
) -> HttpResponse {
    answer_with(request, state, error, started, &Ways::default())
}

/// As [`answer`], with ways to go on where it is a page.
pub(crate) fn answer_with(
    request: &HttpRequest,
    state: &State,
    error: &ApiError,
    started: Instant,
    ways: &Ways,
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
            Voice::Debug,
        );
    });
    id.complete(&mut response);
    response
}

fn html(error: &ApiError, state: &State, id: &str, ways: &Ways) -> HttpResponse {
    let mut response = HttpResponse::build(error.status_code());
    for header in error.headers() {
        response.insert_header(header);
    }
    let mut response = response.body(pages::problem_page(error, state, id, ways));
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
