//! What a request says of itself besides where it comes from: that nothing is to be kept of whoever
//! sent it, and that nobody has followed the link yet.

use crate::VisitHeaders;

/// What the headers of a visit say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signals {
    /// `Sec-GPC: 1` (Global Privacy Control, §3.1) or `DNT: 1` (Tracking Preference Expression, §5.2): the
    /// click is counted, and nothing else about it is kept.
    pub is_untracked: bool,
    /// A browser fetches what its user may open next: `Sec-Purpose: prefetch` (Fetch, §3.9), and what
    /// browsers sent before it, `Purpose`, `X-Purpose` and `X-Moz`.
    pub is_prefetch: bool,
}

impl Signals {
    /// Looks at each header once: none of these is one that most requests have.
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
