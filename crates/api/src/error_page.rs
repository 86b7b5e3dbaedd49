//! The answer to a visitor whose link cannot be followed: a small page for a browser, JSON for
//! everything else, both from one view model ([`ErrorBody`]).

use std::fmt;
use std::time::Instant;

use actix_web::http::header::{self, Accept, ContentType, Header, HeaderValue, Quality};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::access::{self, RequestId, Voice};
use crate::errors::{ApiError, ErrorBody};
use crate::state::State;

/// The page loads nothing and runs nothing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto 0;\
                     padding:0 1rem;color-scheme:light dark}h1{font-size:1.5rem}";

/// Answers with an error, in the form that the client prefers, and writes its line in the log.
pub(crate) fn answer(
    request: &HttpRequest,
    state: &State,
    error: &ApiError,
    started: Instant,
) -> HttpResponse {
    let mut response = if prefers_html(request) {
        html(error)
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

fn html(error: &ApiError) -> HttpResponse {
    let mut response = HttpResponse::build(error.status_code());
    for header in error.headers() {
        response.insert_header(header);
    }
    response
        .insert_header(ContentType::html())
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .body(Page(error.body()).to_string())
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

struct Page<'a>(ErrorBody<'a>);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ErrorBody {
            error,
            code,
            message,
        } = &self.0;
        let title = Escaped(error);
        write!(
            f,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"robots\" content=\"noindex\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
             <body>\n<h1>{title}</h1>\n<p>{}</p>\n<p><small>{}</small></p>\n</body>\n</html>\n",
            Escaped(&sentence(message)),
            Escaped(code.name()),
        )
    }
}

/// A message, which says what to do in a few words, as a sentence.
pub(crate) fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(char::to_uppercase);
    let mut sentence: String = first.into_iter().flatten().chain(characters).collect();
    sentence.push('.');
    sentence
}

/// Text as it may stand in HTML, in an element or in a quoted attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => fmt::Write::write_char(f, other),
        })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::errors::ErrorCode;

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

    fn page(message: &'static str) -> String {
        Page(ApiError::new(ErrorCode::NotFound, message).body()).to_string()
    }

    #[test]
    fn a_page_says_what_to_do_in_a_sentence() {
        let page = page("check the spelling");
        assert!(page.contains("<p>Check the spelling.</p>"), "{page}");
    }

    #[test]
    fn a_page_escapes_what_it_shows() {
        let page = page("<script>alert(\"1\")</script> & 'x'");
        assert!(!page.contains("<script"), "{page}");
        assert!(
            page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;"),
            "{page}"
        );
    }
}
