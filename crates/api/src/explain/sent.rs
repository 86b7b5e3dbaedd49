//! The URL of a visit, as a browser sends it.

use std::borrow::Cow;

use waypost_core::BaseUrl;

use super::ExplainedStep;

/// The parts of a URL that browsers send, unchanged.
pub(super) struct Sent<'a> {
    pub(super) host: Option<&'a str>,
    pub(super) path: Cow<'a, str>,
    /// The path with that of the base URL, if it was left out of `path`.
    pub(super) whole: Option<Cow<'a, str>>,
    pub(super) query: &'a str,
}

impl<'a> Sent<'a> {
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
                let (host, target) = after.split_at(end);
                (Some(host), target)
            }
            _ => (None, url),
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = if path.starts_with('/') {
            Cow::Borrowed(path)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_unchanged() {
        let parts = |url| {
            let Sent {
                host, path, query, ..
            } = Sent::of(url);
            (host, path.into_owned(), query)
        };
        assert_eq!(
            parts("https://go.example/a/%2e?b=c#d"),
            (Some("go.example"), "/a/%2e".to_owned(), "b=c")
        );
        assert_eq!(parts("http://gh"), (Some("gh"), "/".to_owned(), ""));
        assert_eq!(parts("http://gh?x"), (Some("gh"), "/".to_owned(), "x"));
        assert_eq!(parts("/a//b"), (None, "/a//b".to_owned(), ""));
        assert_eq!(parts(""), (None, "/".to_owned(), ""));
        assert_eq!(parts("wiki/x"), (None, "/wiki/x".to_owned(), ""));
        assert_eq!(
            parts("/wiki/http://a"),
            (None, "/wiki/http://a".to_owned(), "")
        );
    }
}
