//! Requests as browsers send them.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// About 110 characters each, as in real browsers.
const USER_AGENTS: [&str; 3] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
];
const ACCEPT: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
const REFERRER: &str = "https://news.example/item/4711";
/// One in this many requests has a referrer.
const REFERRER_EVERY: usize = 3;

/// Generates requests for codes at random.
pub(super) struct Requests {
    codes: Vec<String>,
    /// The text after the code, in turn.
    tails: Vec<Vec<u8>>,
    turn: usize,
    random: StdRng,
}

impl Requests {
    pub(super) fn new(codes: &[String], port: u16) -> Self {
        let tail = |index: usize| {
            let user_agent = USER_AGENTS[index % USER_AGENTS.len()];
            let referrer = if index.is_multiple_of(REFERRER_EVERY) {
                format!("Referer: {REFERRER}\r\n")
            } else {
                String::new()
            };
            format!(
                " HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {user_agent}\r\n\
                 Accept: {ACCEPT}\r\n{referrer}\r\n"
            )
            .into_bytes()
        };
        // The first of four turns of three browsers has a referrer, then the second, …
        let turns = (0..REFERRER_EVERY).flat_map(|turn| {
            (0..USER_AGENTS.len()).map(move |index| index + turn * (USER_AGENTS.len() + 1))
        });
        Self {
            codes: codes.to_vec(),
            tails: turns.map(tail).collect(),
            turn: 0,
            random: StdRng::seed_from_u64(0),
        }
    }

    /// Writes the next request over `buffer`; returns the number of its code.
    pub(super) fn render(&mut self, buffer: &mut Vec<u8>) -> usize {
        let bits = u128::from(self.random.next_u64());
        // Maps to a number below another one without a division.
        let code = ((bits * self.codes.len() as u128) >> 64) as usize;
        buffer.clear();
        buffer.extend_from_slice(b"GET /");
        buffer.extend_from_slice(self.codes[code].as_bytes());
        buffer.extend_from_slice(&self.tails[self.turn]);
        self.turn = (self.turn + 1) % self.tails.len();
        code
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Requests;

    #[test]
    fn every_code_is_visited_and_every_third_request_has_a_referrer() {
        let codes = ["abc".to_owned(), "def".to_owned()];
        let mut requests = Requests::new(&codes, 4711);
        let mut buffer = Vec::new();
        let mut seen = BTreeSet::new();
        let mut referrers = 0;
        for _ in 0..90 {
            let code = requests.render(&mut buffer);
            seen.insert(code);
            let text = String::from_utf8(buffer.clone()).expect("is text");
            let start = format!("GET /{} HTTP/1.1\r\nHost: 127.0.0.1:4711\r\n", codes[code]);
            assert!(text.starts_with(&start), "{text}");
            assert!(text.ends_with("\r\n\r\n"), "{text}");
            referrers += usize::from(text.contains("\r\nReferer: "));
        }
        assert_eq!(seen.len(), 2);
        assert_eq!(referrers, 30);
    }
}
