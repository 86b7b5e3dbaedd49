//! The page of an error.

use askama::Template;

use crate::errors::{ApiError, ErrorBody, ErrorCode};
use crate::pages::frame::Frame;
use crate::state::State;

/// What an error page shows besides the error: how to continue. The JSON response has none of it.
#[derive(Debug, Default)]
pub(crate) struct Suggestions {
    /// Links with similar codes.
    pub(crate) near: Vec<NearLink>,
    /// Further sentences.
    pub(crate) notes: Vec<String>,
    /// Links to other pages, the most likely first.
    pub(crate) steps: Vec<Step>,
}

/// A link with a similar code.
#[derive(Debug)]
pub(crate) struct NearLink {
    pub(crate) code: String,
    pub(crate) title: String,
}

/// A link to another page.
#[derive(Debug)]
pub(crate) struct Step {
    /// The path, with the path prefix of this server.
    pub(crate) href: String,
    pub(crate) label: &'static str,
}

/// Turns a message of the API into a sentence: first letter in upper case, full stop at the end.
pub(crate) fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(char::to_uppercase);
    let mut sentence: String = first.into_iter().flatten().chain(characters).collect();
    sentence.push('.');
    sentence
}

/// The page.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct ProblemPage<'a> {
    frame: &'a Frame,
    heading: &'a str,
    message: &'a str,
    code: &'a str,
    request_id: &'a str,
    ways: &'a Suggestions,
}

/// Renders the page of an error. Returns an empty page if that fails: the status still tells the
/// error.
pub(crate) fn problem_page(
    error: &ApiError,
    state: &State,
    id: &str,
    ways: &Suggestions,
) -> String {
    let ErrorBody { code, message, .. } = error.body();
    let page = ProblemPage {
        frame: &Frame::bare(state.site()),
        heading: heading(code),
        message: &sentence(for_people(code, &message)),
        code: code.name(),
        request_id: id,
        ways,
    };
    page.render().unwrap_or_default()
}

/// Returns what people can do about an error. Messages about requests name the fields of the API in
/// backticks; who sees them on a page followed a link that was cut or changed.
fn for_people(code: ErrorCode, message: &str) -> &str {
    if code == ErrorCode::BadRequest && message.contains('`') {
        return "the address of this page is incomplete or was changed; open the page from the menu";
    }
    message
}

/// Returns the title of the page of an error.
const fn heading(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NotFound => "Link not found",
        ErrorCode::Gone => "This link does not work",
        ErrorCode::Unauthorized
        | ErrorCode::Forbidden
        | ErrorCode::ScopeMissing
        | ErrorCode::SessionRequired
        | ErrorCode::OidcRefused => "You do not have access",
        ErrorCode::TooManyRequests => "Too many requests",
        ErrorCode::Unavailable | ErrorCode::Busy | ErrorCode::OidcUnavailable => {
            "Temporarily unavailable"
        }
        ErrorCode::OidcFailed => "Sign-in not completed",
        ErrorCode::OidcMisconfigured => "Sign-in is not set up correctly",
        ErrorCode::Csrf => "Form not accepted",
        _ => "Something went wrong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_do_not_name_fields_of_the_api() {
        let shown = |code, message| for_people(code, message).contains('`');
        assert!(!shown(ErrorCode::BadRequest, "`sort` must be `code`"));
        assert!(!shown(
            ErrorCode::BadRequest,
            "unknown field `x`, expected `q`"
        ));
        assert_eq!(for_people(ErrorCode::BadRequest, "try again"), "try again");
        // The message of a link may quote what was typed.
        assert!(shown(ErrorCode::NotFound, "`x` is not there"));
    }

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("check the spelling"), "Check the spelling.");
        assert_eq!(sentence("ändere es"), "Ändere es.");
    }
}
