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
        message: &sentence(&quoted(&message)),
        code: code.name(),
        request_id: id,
        ways,
    };
    page.render().unwrap_or_default()
}

/// Returns a message as pages show it: names and values in quotation marks, which messages of the
/// API have in backticks.
fn quoted(message: &str) -> String {
    let mut is_open = false;
    let mut quote = || {
        is_open = !is_open;
        if is_open { '“' } else { '”' }
    };
    message
        .chars()
        .map(|letter| if letter == '`' { quote() } else { letter })
        .collect()
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
    fn names_and_values_are_in_quotation_marks() {
        let text = quoted("`sort` must be `code` or `-code`");
        assert_eq!(text, "“sort” must be “code” or “-code”");
        assert_eq!(quoted("try again"), "try again");
    }

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("check the spelling"), "Check the spelling.");
        assert_eq!(sentence("ändere es"), "Ändere es.");
    }
}
