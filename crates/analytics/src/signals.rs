//! Signals in the headers of a request: that the visitor asks not to be tracked, and that the
//! browser prefetches the link.

use crate::VisitHeaders;

/// The signals of a visit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signals {
    /// `Sec-GPC: 1` (Global Privacy Control, §3.1) or `DNT: 1` (Tracking Preference Expression,
    /// §5.2): the click is counted, and only its link, time and class are stored.
    pub is_untracked: bool,
    /// The browser loads the page in advance: `Sec-Purpose: prefetch` (Fetch, §3.9), or the older
    /// `Purpose`, `X-Purpose` and `X-Moz`.
    pub is_prefetch: bool,
}

impl Signals {
    /// Reads the signals. Iterates over the headers once, because most requests have none of these.
    #[must_use]
    pub fn of(headers: &dyn VisitHeaders) -> Self {
        let mut signals = Self::default();
        headers.all(&mut |name, value| match name {
            "sec-gpc" | "dnt" => signals.is_untracked |= value.trim_ascii() == b"1",
            "sec-purpose" | "purpose" | "x-purpose" | "x-moz" => {
                let begins = value.trim_ascii().get(..PREFETCH.len());
                signals.is_prefetch |= begins.is_some_and(|it| it.eq_ignore_ascii_case(PREFETCH));
            }
            _ => {}
        });
        signals
    }
}

const PREFETCH: &[u8] = b"prefetch";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::HeaderList;

    fn signals(name: &'static str, value: &str) -> (bool, bool) {
        let headers = HeaderList::new(&[("user-agent", "x"), (name, value)]);
        let signals = Signals::of(&headers);
        (signals.is_untracked, signals.is_prefetch)
    }

    #[test]
    fn who_asks_not_to_be_tracked_is_understood() {
        for (name, value, is_untracked) in [
            ("sec-gpc", "1", true),
            ("sec-gpc", " 1 ", true),
            ("sec-gpc", "0", false),
            ("sec-gpc", "true", false),
            ("dnt", "1", true),
            ("dnt", "0", false),
            ("dnt", "", false),
            ("x-dnt", "1", false),
        ] {
            assert_eq!(
                signals(name, value),
                (is_untracked, false),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn what_is_fetched_ahead_is_understood() {
        for (name, value, is_prefetch) in [
            ("sec-purpose", "prefetch", true),
            ("sec-purpose", "prefetch;prerender", true),
            ("sec-purpose", "Prefetch; anonymous-client-ip", true),
            ("purpose", "prefetch", true),
            ("x-purpose", "prefetch", true),
            ("x-moz", "prefetch", true),
            ("sec-purpose", "preview", false),
            ("sec-purpose", "pre", false),
            ("sec-fetch-mode", "prefetch", false),
        ] {
            assert_eq!(
                signals(name, value),
                (false, is_prefetch),
                "{name}: {value}"
            );
        }
    }
}
