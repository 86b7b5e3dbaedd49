//! The page of an error.

use askama::Template;

use crate::errors::{ApiError, ErrorBody};
use crate::pages::frame::Frame;
use crate::state::State;

/// What the page of an error says beside the error: where to go from there. JSON has none of it.
#[derive(Debug, Default)]
pub(crate) struct Suggestions {
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

/// A message, which says what to do in a few words, as a sentence.
pub(crate) fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(char::to_uppercase);
    let mut sentence: String = first.into_iter().flatten().chain(characters).collect();
    sentence.push('.');
    sentence
}

/// What went wrong.
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

/// The page of an error. Where it cannot be filled in, it is empty: the status says what it is.
pub(crate) fn problem_page(
    error: &ApiError,
    state: &State,
    id: &str,
    ways: &Suggestions,
) -> String {
    let ErrorBody {
        error,
        code,
        message,
    } = error.body();
    let page = ProblemPage {
        frame: &Frame::bare(state.site()),
        heading: error,
        message: &sentence(&message),
        code: code.name(),
        request_id: id,
        ways,
    };
    page.render().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("check the spelling"), "Check the spelling.");
        assert_eq!(sentence("ändere es"), "Ändere es.");
    }
}
