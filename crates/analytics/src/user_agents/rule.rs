//! Whether a user agent is that of a browser that a person uses, by a rule of evidence.
//!
//! A person uses a browser, or an app on a device. Both tell much of themselves in a known shape:
//! a browser its engine and its system, an app the device that it runs on. What has neither shape is
//! a program. What has one is a person, unless it declares a program itself:
//!
//! * a name that ends like those of programs (`Googlebot`), or is on the list of such names;
//! * a name that says what it is for (`LinkChecker`), where no app can have that name;
//! * `compatible`, which no browser has said for years, except in the place of the old ones;
//! * a URL or an email address, where to learn more of the program or to complain, or a domain,
//!   where no app can be called so;
//! * something added to the words `(KHTML, like Gecko)`, or put before `Mozilla/5.0`.
//!
//! Names are whole words or endings of words, without regard to case. In comments that describe a
//! device they count only as `name/1.0`, because models and builds may have any name.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::comments::Comments;
use super::previews;
use super::words::WORDS;

/// What a word is evidence of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// The product that browsers begin with.
    Mozilla,
    /// The engine that some strings begin with, which lost their beginning.
    WebKit,
    /// An operating system or a device with a browser.
    System,
    /// The engine of a browser.
    Engine,
    /// The comment describes a device.
    Device,
    /// The word `compatible`.
    Compatible,
    /// A browser that says `compatible`.
    Historic,
    /// A browser that does not claim to be Mozilla.
    Phone,
    /// An app on a device.
    App,
    /// A library or a tool.
    Library,
    /// What an app does that nobody looks at.
    Task,
    /// A program.
    Program,
    /// A service that watches sites with a browser.
    Service,
    /// What a program is for.
    Purpose,
    /// An app that is made of a browser.
    Electron,
    /// A URL or an email address.
    Contact,
    /// A domain.
    Domain,
    /// The words that all engines repeat.
    LikeGecko,
    /// A program that fetches previews of links.
    Preview,
}

/// Where a word must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Anywhere.
    Anywhere,
    /// It is a whole word.
    Word,
    /// A word begins with it.
    Start,
    /// A word ends with it.
    End,
    /// The user agent begins with it.
    Opening,
}

/// What a user agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A browser that a person uses, or an app on a device.
    Browser,
    /// A program.
    Program,
    /// A program that fetches previews of links.
    Preview,
}

/// The compiled words.
pub(super) struct Rule {
    automaton: AhoCorasick,
    /// What each word of the automaton says.
    words: Vec<(Sign, Place)>,
}

impl Rule {
    /// Compiles the words, with names of programs.
    #[expect(
        clippy::expect_used,
        reason = "the words are part of the binary, and the tests compile them"
    )]
    pub(super) fn with_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut patterns, mut words) = (Vec::new(), Vec::new());
        for kind in WORDS.iter().chain(previews::WORDS) {
            for word in kind.any_of.iter().flat_map(|words| words.split('|')) {
                patterns.push(word);
                words.push((kind.sign, kind.place));
            }
        }
        for name in names {
            patterns.push(name);
            words.push((Sign::Program, Place::Word));
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(patterns)
            .expect("words that fit together");
        Self { automaton, words }
    }

    /// Tells what a user agent is.
    pub(super) fn tell(&self, text: &str) -> Kind {
        let evidence = self.collect(text);
        if evidence.has(Sign::Preview) {
            Kind::Preview
        } else if evidence.is_shaped() && !evidence.declares_program() {
            Kind::Browser
        } else {
            Kind::Program
        }
    }

    fn collect<'a>(&self, text: &'a str) -> Evidence<'a> {
        let opening = text.find(|c: char| c.is_ascii_alphanumeric() || matches!(c, '[' | '('));
        let mut evidence = Evidence {
            text,
            comments: Comments::of(text),
            found: Vec::new(),
            signs: 0,
        };
        for found in self.automaton.find_overlapping_iter(text) {
            let Some((sign, place)) = self.words.get(found.pattern().as_usize()) else {
                continue;
            };
            let range = found.range();
            let (begins, ends) = (is_start(text, range.start), is_end(text, range.end));
            let fits = match place {
                Place::Anywhere => true,
                Place::Word => begins && ends,
                Place::Start => begins,
                Place::End => ends,
                Place::Opening => Some(range.start) == opening,
            };
            if fits {
                evidence.add(*sign, range);
            }
        }
        evidence
    }
}

/// Whether a word can start here.
fn is_start(text: &str, place: usize) -> bool {
    let before = place.checked_sub(1).and_then(|it| text.as_bytes().get(it));
    let first = text.as_bytes().get(place);
    !before.is_some_and(u8::is_ascii_alphanumeric) || !first.is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether a word can end here.
fn is_end(text: &str, place: usize) -> bool {
    let last = place.checked_sub(1).and_then(|it| text.as_bytes().get(it));
    let after = text.as_bytes().get(place);
    !after.is_some_and(u8::is_ascii_alphanumeric) || !last.is_some_and(u8::is_ascii_alphanumeric)
}

/// The words that were found in a user agent.
struct Evidence<'a> {
    text: &'a str,
    comments: Comments,
    /// Those whose place matters.
    found: Vec<(Sign, Range<usize>)>,
    /// A bit for each sign.
    signs: u32,
}

impl Evidence<'_> {
    fn add(&mut self, sign: Sign, range: Range<usize>) {
        self.signs |= bit(sign);
        match sign {
            Sign::Device => self.comments.describe_device(range.start),
            Sign::Mozilla
            | Sign::Compatible
            | Sign::Historic
            | Sign::Program
            | Sign::Contact
            | Sign::Domain
            | Sign::LikeGecko => self.found.push((sign, range)),
            _ => {}
        }
    }

    const fn has(&self, sign: Sign) -> bool {
        self.signs & bit(sign) != 0
    }

    fn places(&self, of: Sign) -> impl Iterator<Item = Range<usize>> {
        let of_sign = self.found.iter().filter(move |(sign, _)| *sign == of);
        of_sign.map(|(_, range)| range.clone())
    }

    /// Whether this is the string of a browser, or of an app that names its device.
    fn is_shaped(&self) -> bool {
        if self.has(Sign::Library) {
            return false;
        }
        if self.has(Sign::Mozilla) || self.has(Sign::WebKit) {
            return self.is_browser();
        }
        self.has(Sign::Phone)
            || (self.has(Sign::App) && self.text.contains(['/', '(']) && !self.has(Sign::Task))
    }

    fn is_browser(&self) -> bool {
        let last = self.comments.ranges().next_back();
        let rest = last.and_then(|last| self.text.get(last.end + 1..));
        let rest = rest.map(str::trim);
        if self.has(Sign::Engine) {
            // Some strings have lost their beginning, and with it the system.
            let goes_on = rest.is_some_and(|rest| !rest.is_empty());
            return self.has(Sign::System) || (self.has(Sign::WebKit) && goes_on);
        }
        if self.has(Sign::Historic) && self.has(Sign::Compatible) {
            return true;
        }
        // Old browsers, and some on consoles, send a comment and nothing else.
        self.has(Sign::System)
            && !self.has(Sign::Compatible)
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("Version/"))
    }

    fn declares_program(&self) -> bool {
        self.names_program()
            || self.is_compatible()
            || self.offers_contact()
            || self.is_engine_changed()
            || self.names_another_before()
    }

    fn names_program(&self) -> bool {
        let mut programs = self.places(Sign::Program);
        let is_named = |name: Range<usize>| {
            !self.comments.describes_device(name.start) || self.has_version(name.end)
        };
        programs.any(is_named)
            || self.has(Sign::Service)
            || (self.has(Sign::Purpose) && !self.may_be_app())
    }

    /// Whether the name of an app may stand beside that of its browser.
    fn may_be_app(&self) -> bool {
        self.comments.describe_any_device() || self.has(Sign::Electron)
    }

    /// Whether a version follows: `/1`.
    fn has_version(&self, end: usize) -> bool {
        let rest = self.text.as_bytes().get(end..).unwrap_or_default();
        matches!(rest, [b'/', digit, ..] if digit.is_ascii_digit())
    }

    /// Whether something other than an old browser says `compatible`.
    fn is_compatible(&self) -> bool {
        self.places(Sign::Compatible).any(|word| {
            let after = self.text.get(word.end..).unwrap_or_default();
            let is_said = after.trim_start().starts_with([';', ',', ')']);
            let mut historic = self.places(Sign::Historic);
            is_said && !historic.any(|it| self.comments.are_together(word.start, it.start))
        })
    }

    fn offers_contact(&self) -> bool {
        let is_contact = |found: Range<usize>| match self.text.get(found.clone()) {
            // A model or a locale may contain an `@`.
            Some("@") => is_domain(self.text.get(found.end..).unwrap_or_default()),
            _ => !self.is_origin_of_component(found.start),
        };
        if self.places(Sign::Contact).any(is_contact) {
            return true;
        }
        let mut domains = self.places(Sign::Domain);
        self.has(Sign::Engine)
            && !self.may_be_app()
            && domains.any(|found| self.is_domain_at(&found))
    }

    /// Whether the address here says where a component of an old browser comes from:
    /// `EmbeddedWB 14.52 from: http://www.bsalsa.com/`.
    fn is_origin_of_component(&self, place: usize) -> bool {
        let before = self.text.get(..place).unwrap_or_default();
        let part = before.rsplit(['(', ';']).next().unwrap_or_default();
        let names_component = part.split_once("from:").is_some_and(|(name, origin)| {
            !name.trim().is_empty() && !origin.trim().contains(char::is_whitespace)
        });
        let mut historic = self.places(Sign::Historic);
        names_component && historic.any(|it| self.comments.are_together(place, it.start))
    }

    /// Whether the domain that ends here stands for itself. The names of packages begin with a
    /// top-level domain: `com.example.app`.
    fn is_domain_at(&self, end: &Range<usize>) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let before = self.text.get(..end.start).unwrap_or_default();
        let begin = before.rfind(|c| !is_part(c)).map_or(0, |place| place + 1);
        let name = before.get(begin..).unwrap_or_default();
        let is_value = before
            .get(..begin)
            .is_some_and(|it| it.ends_with(['@', '_', '=', '/']));
        let first = name.split('.').next().unwrap_or_default();
        let after = self.text.get(end.end..).unwrap_or_default();
        let goes_on = after
            .strip_prefix(['.', '-'])
            .is_some_and(|it| it.starts_with(is_part));
        let is_package = ["com", "net", "org", "io"]
            .iter()
            .any(|top| first.eq_ignore_ascii_case(top));
        !first.is_empty() && !is_value && !goes_on && !is_package
    }

    /// Whether something was added to `(KHTML, like Gecko)` that no browser adds.
    fn is_engine_changed(&self) -> bool {
        self.places(Sign::LikeGecko).any(|found| {
            let mut comments = self.comments.ranges();
            let Some(comment) = comments.find(|comment| comment.contains(&found.start)) else {
                return false;
            };
            let inside = self
                .text
                .get(comment.start + 1..comment.end)
                .unwrap_or_default();
            let is_khtml = inside
                .get(..5)
                .is_some_and(|it| it.eq_ignore_ascii_case("khtml"));
            let added = self.text.get(found.end..comment.end).unwrap_or_default();
            let added = added
                .trim_start_matches([' ', ',', ';'])
                .to_ascii_lowercase();
            let is_browsers = ["safari", "version"].iter().any(|it| added.starts_with(it));
            is_khtml && added.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_browsers
        })
    }

    /// Whether another product stands before `Mozilla/5.0`. Phones put their model there, and some
    /// programs the name of the header.
    fn names_another_before(&self) -> bool {
        let Some(mozilla) = self.places(Sign::Mozilla).next() else {
            return false;
        };
        let before = self.text.get(..mozilla.start).unwrap_or_default();
        let name =
            before.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, ',' | '|'));
        let is_header = name.to_ascii_lowercase().starts_with("user");
        let is_phone = self.has(Sign::Phone) || self.comments.describe_any_device();
        let is_apart = !before.ends_with(|c: char| c.is_ascii_alphanumeric());
        is_apart
            && !name.is_empty()
            && !is_header
            && !self.comments.contain(mozilla.start)
            && (name.ends_with([',', '|']) || !is_phone)
    }
}

/// Whether a text begins with a domain whose top level has letters only.
fn is_domain(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let domain = text.get(..end).unwrap_or_default();
    domain
        .trim_end_matches('.')
        .rsplit_once('.')
        .is_some_and(|(_, top)| top.len() > 1 && top.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

const fn bit(sign: Sign) -> u32 {
    match sign {
        Sign::Mozilla => 1,
        Sign::WebKit => 1 << 1,
        Sign::System => 1 << 2,
        Sign::Engine => 1 << 3,
        Sign::Device => 1 << 4,
        Sign::Compatible => 1 << 5,
        Sign::Historic => 1 << 6,
        Sign::Phone => 1 << 7,
        Sign::App => 1 << 8,
        Sign::Library => 1 << 9,
        Sign::Task => 1 << 10,
        Sign::Program => 1 << 11,
        Sign::Contact => 1 << 12,
        Sign::Domain => 1 << 13,
        Sign::LikeGecko => 1 << 14,
        Sign::Preview => 1 << 15,
        Sign::Purpose => 1 << 16,
        Sign::Electron => 1 << 17,
        Sign::Service => 1 << 18,
    }
}
