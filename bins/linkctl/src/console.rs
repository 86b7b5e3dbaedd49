//! Input and output of a command: results, messages, questions and answers.

use std::io::{BufRead, Write};

use clap::builder::styling::{Effects, Style};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::Confirmation;
use crate::failure::Failure;

/// Style of the names of columns and fields. Removed if the stream is not a terminal.
pub(crate) const HEADING: Style = Style::new().effects(Effects::BOLD);

/// Where a command prints and asks.
pub(crate) struct Console<'a> {
    /// Results.
    pub(crate) output: &'a mut dyn Write,
    /// Messages and questions.
    pub(crate) messages: &'a mut dyn Write,
    /// Answers to questions.
    pub(crate) answers: &'a mut dyn BufRead,
    /// Whether questions can be answered.
    pub(crate) can_ask: bool,
    /// Whether to draw progress bars.
    pub(crate) shows_progress: bool,
    /// Whether to print results as JSON.
    pub(crate) json: bool,
}

impl Console<'_> {
    /// Prints a line of a result.
    pub(crate) fn line(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        writeln!(self.output, "{text}").map_err(Failure::Output)
    }

    /// Prints a result as JSON, on a line of its own.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.json_part("", value)?;
        self.line("")
    }

    /// Prints a text and a value as JSON, without a line break.
    pub(crate) fn json_part(
        &mut self,
        before: &str,
        value: &impl Serialize,
    ) -> Result<(), Failure> {
        write!(self.output, "{before}")
            .and_then(|()| Ok(serde_json::to_writer(&mut *self.output, value)?))
            .map_err(Failure::Output)
    }

    /// Flushes the results printed so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.output.flush().map_err(Failure::Output)
    }

    /// Prints a message, which is not part of the result.
    pub(crate) fn say(&mut self, text: impl std::fmt::Display) {
        // A closed standard error does not prevent the result.
        let _ = writeln!(self.messages, "{text}");
    }

    /// Reads a secret: the first line of standard input, without its end.
    pub(crate) fn secret(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        read.map_err(Failure::NoPassword)?;
        let line = line.strip_suffix('\n').unwrap_or(&line);
        Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
    }

    /// Asks for confirmation, unless `--yes` was passed.
    ///
    /// # Errors
    /// [`Failure::NotConfirmed`] for any answer but yes; [`Failure::NobodyToAsk`] without a terminal.
    pub(crate) fn confirm(
        &mut self,
        question: &str,
        confirmation: Confirmation,
    ) -> Result<(), Failure> {
        if confirmation.yes {
            return Ok(());
        }
        if !self.can_ask {
            return Err(Failure::NobodyToAsk);
        }
        self.flush()?;
        let asked = write!(self.messages, "{question} [y/N] ").and_then(|()| self.messages.flush());
        let mut answer = String::new();
        let read = asked.and_then(|()| self.answers.read_line(&mut answer));
        match read.map(|_| answer.trim().to_ascii_lowercase()) {
            Ok(answer) if answer == "y" || answer == "yes" => Ok(()),
            Ok(_) => Err(Failure::NotConfirmed),
            Err(_) => Err(Failure::NobodyToAsk),
        }
    }
}

/// Formats a time in RFC 3339, to the second: `2026-03-01T12:00:00Z`.
pub(crate) fn to_the_second(at: OffsetDateTime) -> String {
    let at = at.replace_nanosecond(0).unwrap_or(at);
    // Stored times are within the years of RFC 3339.
    at.format(&Rfc3339).unwrap_or_default()
}

/// Output of a command without a terminal, for tests.
#[cfg(test)]
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Printed {
    pub(crate) output: String,
    pub(crate) messages: String,
}

#[cfg(test)]
impl Printed {
    /// Runs a command and answers its questions with `answers`.
    pub(crate) async fn by<T>(
        json: bool,
        answers: Option<&str>,
        command: impl AsyncFnOnce(&mut Console<'_>) -> T,
    ) -> (T, Self) {
        let mut output = anstream::StripStream::new(Vec::new());
        let mut messages = Vec::new();
        let ended = command(&mut Console {
            output: &mut output,
            messages: &mut messages,
            answers: &mut answers.unwrap_or_default().as_bytes(),
            can_ask: answers.is_some(),
            shows_progress: false,
            json,
        })
        .await;
        let printed = Self {
            output: String::from_utf8(output.into_inner()).unwrap(),
            messages: String::from_utf8(messages).unwrap(),
        };
        (ended, printed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Confirmation = Confirmation { yes: false };

    fn confirm(answer: Option<&str>, confirmation: Confirmation) -> (Result<(), Failure>, String) {
        let mut messages = Vec::new();
        let mut console = Console {
            output: &mut Vec::new(),
            messages: &mut messages,
            answers: &mut answer.unwrap_or_default().as_bytes(),
            can_ask: answer.is_some(),
            shows_progress: false,
            json: false,
        };
        let confirmed = console.confirm("Delete it?", confirmation);
        (confirmed, String::from_utf8(messages).unwrap())
    }

    #[test]
    fn only_yes_is_a_confirmation() {
        for answer in ["y\n", "Y\n", "yes\n", " YES \r\n"] {
            let (confirmed, asked) = confirm(Some(answer), ASKED);
            assert!(confirmed.is_ok(), "{answer:?}");
            assert_eq!(asked, "Delete it? [y/N] ");
        }
        for answer in ["\n", "n\n", "no\n", "yup\n", ""] {
            let (confirmed, _) = confirm(Some(answer), ASKED);
            assert!(
                matches!(confirmed, Err(Failure::NotConfirmed)),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn no_question_is_asked_with_yes_or_without_a_terminal() {
        let (confirmed, asked) = confirm(None, Confirmation { yes: true });
        assert!(confirmed.is_ok());
        assert_eq!(asked, "");
        let (confirmed, asked) = confirm(None, ASKED);
        assert!(matches!(confirmed, Err(Failure::NobodyToAsk)));
        assert_eq!(asked, "");
    }
}
