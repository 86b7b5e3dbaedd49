//! The URL of a visit, as a browser sends it.

use std::borrow::Cow;

use waypost_core::BaseUrl;

use super::ExplainedStep;
use crate::connection::{self, Fault};
use crate::errors::ApiError;

/// The parts of a URL that browsers send, encoded as the connection passes them on.
pub(super) struct Sent<'a> {
    pub(super) host: Option<&'a str>,
    pub(super) path: Cow<'a, str>,
    /// The path with that of the base URL, if it was left out of `path`.
    pub(super) whole: Option<Cow<'a, str>>,
    pub(super) query: Cow<'a, str>,
}

impl<'a> Sent<'a> {
    /// Returns what is wrong with the request, if no server accepts it.
    pub(super) fn fault(&self) -> Option<ApiError> {
        let path = self.whole.as_ref().unwrap_or(&self.path);
        let target = match &*self.query {
            "" => path.clone().into_owned(),
            query => format!("{path}?{query}"),
        };
        connection::fault_of_get(self.host.unwrap_or_default(), &target).map(Fault::error)
    }

    /// Returns the first step.
    pub(super) fn step(&self) -> ExplainedStep {
        let host = match self.host {
            Some(host) => format!("the host is {host}"),
            None => "the host is that of this server".to_owned(),
        };
        ExplainedStep {
            what: "path",
            found: format!("the path is {}, {host}", self.path),
        }
    }

    /// Leaves the path of the base URL out of the path, and returns the step that says so.
    pub(super) fn leave_out(&mut self, base_url: &BaseUrl) -> Option<ExplainedStep> {
        let below = base_url.below(&self.path)?.to_owned();
        let found = format!(
            "`{}` is the path of the base URL; the path below it is {below}",
            base_url.path()
        );
        self.whole = Some(std::mem::replace(&mut self.path, below.into()));
        Some(ExplainedStep {
            what: "prefix",
            found,
        })
    }

    /// Splits a URL. A text without a scheme is a path, with or without a leading slash.
    pub(super) fn of(url: &'a str) -> Self {
        let url = url.split('#').next().unwrap_or_default();
        let is_web =
            |scheme: &str| matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
        let (host, target) = match url.split_once("://") {
            Some((scheme, after)) if is_web(scheme) => {
                let end = after.find(['/', '?']).unwrap_or(after.len());
                let (authority, target) = after.split_at(end);
                // Browsers send no name or password of a URL.
                let host = authority.rsplit('@').next().unwrap_or_default();
                (Some(host), target)
            }
            _ => (None, url),
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (path, query) = (encoded(path), encoded(query));
        let path = if path.starts_with('/') {
            path
        } else {
            Cow::Owned(format!("/{path}"))
        };
        Self {
            host,
            path,
            whole: None,
            query,
        }
    }
}

/// Percent-encodes what a URI cannot contain.
fn encoded(text: &str) -> Cow<'_, str> {
    match connection::encoded_target(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_unchanged() {
        let parts = |url| {
            let Sent {
                host, path, query, ..
            } = Sent::of(url);
            (host, path.into_owned(), query.into_owned())
        };
        assert_eq!(
            parts("https://go.example/a/%2e?b=c#d"),
            (Some("go.example"), "/a/%2e".to_owned(), "b=c".to_owned())
        );
        assert_eq!(
            parts("http://gh"),
            (Some("gh"), "/".to_owned(), String::new())
        );
        assert_eq!(
            parts("http://gh?x"),
            (Some("gh"), "/".to_owned(), "x".to_owned())
        );
        assert_eq!(parts("/a//b"), (None, "/a//b".to_owned(), String::new()));
        assert_eq!(parts(""), (None, "/".to_owned(), String::new()));
        assert_eq!(parts("wiki/x"), (None, "/wiki/x".to_owned(), String::new()));
        assert_eq!(
            parts("http://ada:secret@gh/größe?a=\"b\"|é c"),
            (
                Some("gh"),
                "/gr%C3%B6%C3%9Fe".to_owned(),
                "a=%22b%22%7C%C3%A9%20c".to_owned()
            )
        );
        assert_eq!(
            parts("/wiki/http://a"),
            (None, "/wiki/http://a".to_owned(), String::new())
        );
    }
    #[test]
    fn what_no_server_accepts_is_told() {
        let status = |url: &str| {
            let fault = Sent::of(url).fault();
            fault.map(|error| error.code().status().as_u16())
        };
        for url in ["/", "wiki", "http://gh", "https://[::1]:80/x?é", "/a b?c d"] {
            assert_eq!(status(url), None, "{url}");
        }
        assert_eq!(status("http://a b/x"), Some(400));
        assert_eq!(status("http://gh:99999/x"), Some(400));
        assert_eq!(status("/x?a\u{1}"), Some(400));
        let long = "x".repeat(70_000);
        assert_eq!(status(&format!("/x?{long}")), Some(414));
        assert_eq!(status(&format!("/{long}")), Some(414));
    }
}
