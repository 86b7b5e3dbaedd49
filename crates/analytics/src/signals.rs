//! Signals in the headers of a request: that the visitor asks not to be tracked, and that nobody
//! looks at the page yet, because a browser loads it in advance or shows a preview of it.

use std::convert::Infallible;

use sfv::visitor::{
    EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ListVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, Parser};
use waypost_core::VisitClass;

use crate::VisitHeaders;

/// The signals of a visit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signals {
    /// `Sec-GPC: 1` (Global Privacy Control, §3.1) or `DNT: 1` (Tracking Preference Expression,
    /// §5.2): the click is counted, and only its link, time and class are stored.
    pub is_untracked: bool,
    /// The class that the request announces: [`VisitClass::Prefetch`] or [`VisitClass::Preview`].
    /// `Sec-Purpose` (Fetch, §3.9) is a structured field; the older `Purpose`, `X-Purpose` and
    /// `X-Moz` are read as lists of words. A prefetch counts as one if both are announced.
    pub announced: Option<VisitClass>,
}

impl Signals {
    /// Reads the signals. Iterates over the headers once, because most requests have none of these.
    #[must_use]
    pub fn of(headers: &dyn VisitHeaders) -> Self {
        let mut signals = Self::default();
        headers.all(&mut |name, value| match name {
            "sec-gpc" => signals.is_untracked |= value.trim_ascii() == b"1",
            // Extensions may follow the first character.
            "dnt" => signals.is_untracked |= value.trim_ascii_start().starts_with(b"1"),
            "sec-purpose" => signals.announce(structured(value)),
            "purpose" | "x-purpose" | "x-moz" => signals.announce(listed(value)),
            _ => {}
        });
        signals
    }

    fn announce(&mut self, class: Option<VisitClass>) {
        self.announced = first(self.announced, class);
    }
}

/// Returns the class that counts if both are announced.
fn first(one: Option<VisitClass>, other: Option<VisitClass>) -> Option<VisitClass> {
    match (one, other) {
        (Some(VisitClass::Prefetch), _) | (_, None) => one,
        _ => other,
    }
}

/// Returns the class that a word announces.
fn announced(word: &[u8]) -> Option<VisitClass> {
    if word.eq_ignore_ascii_case(b"prefetch") {
        Some(VisitClass::Prefetch)
    } else if word.eq_ignore_ascii_case(b"preview") {
        Some(VisitClass::Preview)
    } else {
        None
    }
}

/// Reads words, separated by commas, with parameters after a semicolon. An app is known to put a
/// colon before the word.
fn listed(value: &[u8]) -> Option<VisitClass> {
    value
        .split(|byte| *byte == b',')
        .filter_map(|word| word.split(|byte| *byte == b';').next())
        .map(|word| word.trim_ascii().strip_prefix(b":").unwrap_or(word))
        .fold(None, |class, word| {
            first(class, announced(word.trim_ascii()))
        })
}

/// Reads the tokens of a structured field (RFC 8941, §3.1). A malformed field says nothing.
fn structured(value: &[u8]) -> Option<VisitClass> {
    let class = Parser::new(value).parse_list_with_visitor(Tokens::default());
    class.ok().flatten()
}

/// The class that the tokens of a structured field announce. Strings, numbers and parameters
/// announce nothing.
#[derive(Default)]
struct Tokens(Option<VisitClass>);

impl<'de> ListVisitor<'de> for Tokens {
    type Out = Option<VisitClass>;
    type Error = Infallible;

    fn entry(&mut self) -> Result<impl EntryVisitor<'de>, Infallible> {
        Ok(self)
    }

    fn finish(self) -> Result<Self::Out, Infallible> {
        Ok(self.0)
    }
}

impl<'de> EntryVisitor<'de> for &mut Tokens {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'de>, Infallible> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Infallible> {
        Ok(Ignored)
    }
}

impl<'de> ItemVisitor<'de> for &mut Tokens {
    type Out = ();
    type Error = Infallible;

    fn bare_item(
        self,
        item: BareItemFromInput<'de>,
    ) -> Result<impl ParameterVisitor<'de, Out = ()>, Infallible> {
        if let BareItemFromInput::Token(token) = item {
            self.0 = first(self.0, announced(token.as_str().as_bytes()));
        }
        Ok(Ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::HeaderList;

    fn signals(name: &'static str, value: &str) -> (bool, Option<VisitClass>) {
        let headers = HeaderList::new(&[("user-agent", "x"), (name, value)]);
        let signals = Signals::of(&headers);
        (signals.is_untracked, signals.announced)
    }

    #[test]
    fn who_asks_not_to_be_tracked_is_understood() {
        for (name, value, is_untracked) in [
            ("sec-gpc", "1", true),
            ("sec-gpc", " 1 ", true),
            ("sec-gpc", "0", false),
            ("sec-gpc", "true", false),
            ("dnt", "1", true),
            ("dnt", "1abc", true),
            ("dnt", "1, 1", true),
            ("dnt", "0", false),
            ("dnt", "0, 1", false),
            ("dnt", "", false),
            ("x-dnt", "1", false),
        ] {
            assert_eq!(
                signals(name, value),
                (is_untracked, None),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn what_is_fetched_ahead_is_understood() {
        let [prefetch, preview] = [VisitClass::Prefetch, VisitClass::Preview].map(Some);
        for (name, value, announced) in [
            ("sec-purpose", "prefetch", prefetch),
            ("sec-purpose", "prefetch;prerender", prefetch),
            ("sec-purpose", "Prefetch; anonymous-client-ip", prefetch),
            ("sec-purpose", "prefetch;x=\"a, preview\";y=?0", prefetch),
            ("sec-purpose", "other, prefetch", prefetch),
            ("sec-purpose", "preview", preview),
            ("sec-purpose", "preview, prefetch", prefetch),
            ("sec-purpose", "prefetch, preview", prefetch),
            ("sec-purpose", "prefetchable", None),
            ("sec-purpose", "\"prefetch\"", None),
            ("sec-purpose", "(prefetch)", None),
            ("sec-purpose", "other;prefetch", None),
            ("sec-purpose", "prefetch;", None),
            ("sec-purpose", "prefetch,", None),
            ("sec-purpose", "pre", None),
            ("sec-purpose", "", None),
            ("purpose", "prefetch", prefetch),
            ("purpose", "preview", preview),
            ("purpose", "prefetch;prerender", prefetch),
            ("purpose", "other, PREFETCH", prefetch),
            ("x-purpose", "prefetch", prefetch),
            ("x-purpose", "preview", preview),
            ("x-purpose", " Preview ", preview),
            ("x-purpose", ": preview", preview),
            ("x-purpose", "preview, prefetch", prefetch),
            ("x-purpose", "previewed", None),
            ("x-purpose", "\"preview\"", None),
            ("x-purpose", "no preview", None),
            ("x-moz", "prefetch", prefetch),
            ("x-moz", "livebookmarks", None),
            ("sec-fetch-mode", "prefetch", None),
        ] {
            assert_eq!(signals(name, value), (false, announced), "{name}: {value}");
        }
    }

    #[test]
    fn headers_that_announce_different_classes_announce_a_prefetch() {
        for names in [["x-purpose", "sec-purpose"], ["sec-purpose", "x-purpose"]] {
            let headers = HeaderList::new(&[(names[0], "preview"), (names[1], "prefetch")]);
            let announced = Signals::of(&headers).announced;
            assert_eq!(announced, Some(VisitClass::Prefetch), "{names:?}");
        }
        let headers = HeaderList(vec![("sec-purpose", b"prefetch\xff".to_vec())]);
        assert_eq!(Signals::of(&headers).announced, None);
    }
}
