//! Finds the link for the host and the path of a request, from the memory of the [`Resolver`].
//!
//! # Order of the rules
//! 1. The first segment of the path is a keyword: the rest of the path is its slug
//!    (`/gh/org/repo`).
//! 2. The host is a keyword: all of the path is its slug (`http://gh/org/repo`). A host is
//!    considered if it is one label, or one label before a host name of this server
//!    (`gh.go.example`), but not if it is a host name of this server.
//! 3. All of the path is a code. A slash at its end is ignored.
//! 4. The leading segments of the path are a code, of which the longest is used: the rest of the
//!    path fills the placeholders of its destination, or is dropped if it has none.
//! 5. Where nothing is found, the segments are read once more as they were probably meant: without
//!    closing punctuation and hidden characters, which cannot be part of a code
//!    ([`without_marks`](waypost_core::without_marks)). A segment that can be part of a code, a
//!    value that fills a placeholder, and the rest of a keyword are never changed.
//!
//! Segments are decoded before the look-up (RFC 3986 §2.1), but `%2F` does not count as a slash.
//! The number of look-ups does not depend on the path: a longer code is only looked up if the one
//! that was found is continued by longer codes. So any path after a code is answered from memory.

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use waypost_core::{BaseUrl, FillError, RoutingRule, ShortCode, without_marks};
use waypost_store::StoreError;

use crate::resolver::Answer;
use crate::{Destination, Resolver};

/// Finds the links for requests. Clones share the memory of the resolver.
#[derive(Debug, Clone)]
pub struct Router {
    resolver: Resolver,
    base_url: Arc<BaseUrl>,
}

/// The link for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed<'p> {
    /// The part of the link that a redirect needs.
    pub destination: Arc<Destination>,
    /// The rule that found it.
    pub rule: RoutingRule,
    /// The rest of the path after the code, as it was sent, without the slash before it.
    pub rest: &'p str,
}

/// A step of the router while it looks for a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutingStep<'a> {
    /// This segment of the path, decoded or not, cannot be part of a code.
    NoCode(&'a str),
    /// This segment has marks that cannot be part of a code; without them, the leading segments are
    /// this code in its normal form.
    Meant(&'a str, &'a str),
    /// The first segment, in its normal form, is a keyword or not.
    KeywordByPath(&'a str, bool),
    /// No label of the host can be a keyword.
    NoWordInHost,
    /// This label of the host is a keyword or not.
    KeywordByHost(&'a str, bool),
    /// The leading segments, in their normal form, are the code of a link or not.
    Code(&'a str, bool),
    /// No longer code continues this one, so the search ends.
    NoLongerCode(&'a str),
}

impl Routed<'_> {
    /// Returns where a visitor with this query (without its `?`) goes.
    ///
    /// # Errors
    /// [`FillError`] when the path does not fill the placeholders of the destination.
    pub fn location(&self, query: &str) -> Result<Cow<'_, str>, FillError> {
        self.destination.location(self.rest, query)
    }
}

impl Router {
    /// Creates the router of the server that is reached under `base_url`.
    #[must_use]
    pub fn new(resolver: Resolver, base_url: &BaseUrl) -> Self {
        Self {
            resolver,
            base_url: Arc::new(base_url.clone()),
        }
    }

    /// Returns the resolver of single codes.
    #[must_use]
    pub const fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Returns the link for a request with this host (as in the header `Host`, with or without a
    /// port) and path (as it was sent, without query); `None` if there is none.
    ///
    /// Ready at once, without allocating, for codes in memory, unless the path is percent-encoded or
    /// has a segment that cannot be part of a code.
    ///
    /// # Errors
    /// As [`Resolver::resolve`].
    pub async fn route<'p>(
        &self,
        host: Option<&str>,
        path: &'p str,
    ) -> Result<Option<Routed<'p>>, StoreError> {
        self.route_telling(host, path, |_| ()).await
    }

    /// Does the same as [`Router::route`], and reports each step.
    ///
    /// # Errors
    /// As [`Resolver::resolve`].
    pub async fn route_telling<'p>(
        &self,
        host: Option<&str>,
        path: &'p str,
        mut tell: impl FnMut(RoutingStep<'_>),
    ) -> Result<Option<Routed<'p>>, StoreError> {
        let Some(segments) = path.strip_prefix('/') else {
            return Ok(None);
        };
        let (first, behind) = split(segments);
        let mut code = Normal::default();
        let mut answer = Answer::default();
        if code.push(first) {
            answer = self.resolver.look_up(code.as_str()).await?;
        } else {
            tell(RoutingStep::NoCode(first));
        }
        if let Some(routed) = keyword_by_path(&code, &mut answer, behind, &mut tell) {
            return Ok(Some(routed));
        }
        let mut keyword = None;
        if let Some(word) = host.and_then(|host| self.base_url.word_of(host)) {
            keyword = self.keyword(word).await?;
            tell(RoutingStep::KeywordByHost(word, keyword.is_some()));
        } else {
            tell(RoutingStep::NoWordInHost);
        }
        if let Some(destination) = keyword {
            return Ok(Some(Routed {
                destination,
                rule: RoutingRule::KeywordByHost,
                rest: segments,
            }));
        }
        // Nothing is found by what was sent.
        if code.is_empty() && code.push_meant(first, behind) {
            tell(RoutingStep::Meant(first, code.as_str()));
            answer = self.resolver.look_up(code.as_str()).await?;
            if let Some(routed) = keyword_by_path(&code, &mut answer, behind, &mut tell) {
                return Ok(Some(routed));
            }
        }
        if !code.is_empty() {
            tell(RoutingStep::Code(
                code.as_str(),
                answer.destination.is_some(),
            ));
        }
        self.longest(code, answer, behind, &mut tell).await
    }

    /// Returns the link of the longest code that begins the path, given the answer for its first
    /// segment.
    async fn longest<'p>(
        &self,
        mut code: Normal,
        first: Answer,
        mut behind: Option<&'p str>,
        tell: &mut impl FnMut(RoutingStep<'_>),
    ) -> Result<Option<Routed<'p>>, StoreError> {
        let mut found = first.destination.map(|found| (found, behind));
        let mut has_longer = first.has_longer;
        while let Some(text) = behind {
            if !has_longer {
                tell(RoutingStep::NoLongerCode(code.as_str()));
                break;
            }
            let segment;
            (segment, behind) = split(text);
            if !code.push(segment) {
                tell(RoutingStep::NoCode(segment));
                // A value that fills a placeholder is left alone.
                let takes_rest = |(found, _): &(Arc<Destination>, _)| found.template.is_some();
                if found.as_ref().is_some_and(takes_rest) || !code.push_meant(segment, behind) {
                    break;
                }
                tell(RoutingStep::Meant(segment, code.as_str()));
            }
            let answer = self.resolver.look_up(code.as_str()).await?;
            has_longer = answer.has_longer;
            tell(RoutingStep::Code(
                code.as_str(),
                answer.destination.is_some(),
            ));
            found = answer.destination.map(|longer| (longer, behind)).or(found);
        }
        Ok(found.map(|(destination, rest)| {
            let rest = rest.unwrap_or_default();
            let rule = if rest.is_empty() {
                RoutingRule::Code
            } else {
                RoutingRule::Prefix
            };
            Routed {
                destination,
                rule,
                rest,
            }
        }))
    }

    /// Returns the link of the keyword that a host is.
    ///
    /// # Errors
    /// As [`Resolver::resolve`].
    pub async fn keyword_of(
        &self,
        host: Option<&str>,
    ) -> Result<Option<Arc<Destination>>, StoreError> {
        match host.and_then(|host| self.base_url.word_of(host)) {
            Some(word) => self.keyword(word).await,
            None => Ok(None),
        }
    }

    async fn keyword(&self, word: &str) -> Result<Option<Arc<Destination>>, StoreError> {
        let mut code = Normal::default();
        if !code.push(word) {
            return Ok(None);
        }
        let answer = self.resolver.look_up(code.as_str()).await?;
        Ok(answer.destination.filter(|found| found.is_keyword))
    }
}

/// Returns the keyword that the first segment is, which takes the rest of the path.
fn keyword_by_path<'p>(
    code: &Normal,
    answer: &mut Answer,
    behind: Option<&'p str>,
    tell: &mut impl FnMut(RoutingStep<'_>),
) -> Option<Routed<'p>> {
    let keyword = answer.destination.take_if(|found| found.is_keyword);
    if !code.is_empty() {
        tell(RoutingStep::KeywordByPath(code.as_str(), keyword.is_some()));
    }
    keyword.map(|destination| Routed {
        destination,
        rule: RoutingRule::KeywordByPath,
        rest: behind.unwrap_or_default(),
    })
}

/// Splits off the first segment; the rest follows the slash after it, if there is one.
fn split(segments: &str) -> (&str, Option<&str>) {
    match segments.split_once('/') {
        Some((segment, behind)) => (segment, Some(behind)),
        None => (segments, None),
    }
}

/// The normal form of a code, built segment by segment.
struct Normal {
    bytes: [u8; ShortCode::MAX_LEN],
    length: usize,
}

impl Default for Normal {
    fn default() -> Self {
        Self {
            bytes: [0; ShortCode::MAX_LEN],
            length: 0,
        }
    }
}

impl Normal {
    /// Adds a segment as it was sent; returns `false` and adds nothing if it cannot be part of a
    /// code.
    fn push(&mut self, segment: &str) -> bool {
        if !segment.contains('%') {
            return self.push_decoded(segment);
        }
        match percent_decode_str(segment).decode_utf8() {
            // An encoded slash does not separate segments.
            Ok(decoded) => !decoded.contains('/') && self.push_decoded(&decoded),
            Err(_) => false,
        }
    }

    /// Adds a segment that [`Normal::push`] refused as it was probably meant, without marks
    /// ([`without_marks`]); returns `false` and adds nothing if there are none, or if the rest
    /// cannot be part of a code. `behind` is the path after the segment.
    #[cold]
    fn push_meant(&mut self, segment: &str, behind: Option<&str>) -> bool {
        let is_last = behind.is_none_or(|rest| rest.bytes().all(|byte| byte == b'/'));
        let Ok(decoded) = percent_decode_str(segment).decode_utf8() else {
            return false;
        };
        without_marks(&decoded, is_last)
            .is_some_and(|meant| !meant.contains('/') && self.push_decoded(&meant))
    }

    fn push_decoded(&mut self, segment: &str) -> bool {
        if self.is_empty() {
            // The case of nearly every path.
            let normal = ShortCode::normal_form(segment, &mut self.bytes);
            self.length = normal.map_or(0, str::len);
            return !self.is_empty();
        }
        let mut buffer = [0; ShortCode::MAX_LEN];
        let Some(normal) = ShortCode::normal_form(segment, &mut buffer) else {
            return false;
        };
        let end = self.length + 1 + normal.len();
        let Some([slash, behind @ ..]) = self.bytes.get_mut(self.length..end) else {
            return false;
        };
        *slash = b'/';
        behind.copy_from_slice(normal.as_bytes());
        self.length = end;
        true
    }

    const fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
