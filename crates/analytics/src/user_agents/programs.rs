//! User agents of programs that are not browsers: crawlers, monitors, HTTP libraries.
//!
//! Crawlers are recognised by name, from a list. Other programs are recognised by how they identify
//! themselves: they contain a word such as `bot` or `monitor`, or a URL or email address, or do not
//! begin like a browser.

use regex_filtered::{Builder, Options, Regexes};

const CRAWLERS: &str = include_str!("../../data/crawler-user-agents.json");

/// Patterns of the list that also match browsers and phones of people.
const NOT_ONLY_PROGRAMS: &[&str] = &[
    "Blackboard",       // an app of schools
    "Butterfly",        // a phone of HTC
    "Code\\/1\\.",      // the browser inside an editor
    "Fluid",            // a browser for one site
    "MetaIAB Facebook", // the browser inside Facebook's app
    "Sogou",            // a browser; the crawler says `spider`
    "Trae\\/",          // the browser inside an editor
    "mail\\.ru",        // a browser
];

/// Words by which programs identify themselves, case-insensitive.
const WORDS: &[&str] = &[
    // `bot` as a word or at the end of one, but not CUBOT and M BOT, which are phones.
    r"(?:^|[^a-z ]|[^m] |^ |[^c]u|[a-tv-z])bots?(?:[^a-z]|$)",
    r"crawl|spider|slurp|scrap|archiver|archive\.|indexer|harvest|extractor|analy[sz]er|inspect",
    r"monitor|checker|validator|lighthouse|page ?speed|search console|synthetic|nagios|zabbix",
    r"fetch|preview|scanner|screenshot|thumbnail|web ?thumb|wkhtmlto|feed|rss[ /;-]|seo[ /;-]",
    r"headless|phantomjs|selenium|cypress|playwright|puppeteer|prerender|rendertron|zombie\.js",
    r"(?:image|mail|-)proxy|google-|google favicon|webpagetest|ptst[/ ]|neustar wpm|gomezagent",
    // Office requests a link itself before it passes it to the browser, which requests it again.
    r"microsoft (?:office|outlook)|ms-?office|\) (?:word|excel|powerpoint)/",
    // A URL with a description of the program, or a contact.
    r"https?://|\+http|www\.|@[a-z0-9-]+\.(?:com|org|net|de|io)",
    r"(?:^|[ (,;])(?:curl|wget|perl|php|ruby|python)[/-]|^java/",
];

/// Words in user agents of browsers, including those of old phones.
const BROWSERS: &[&str] = &[
    "webkit|gecko|mozilla|presto|^opera|^lynx|^links |^elinks|^w3m|^dillo|^netsurf|^icab|mosaic",
    r"midp|up\.(?:browser|link)|obigo|netfront|brew|ucweb|uc ?browser|blackberry|nokia|samsung",
    "sonyericsson|^lg|^sec-|^mot-|^sie-|^htc|^alcatel|^zte|teleca|docomo|kddi|softbank|vodafone",
    "maui|dorado|wap|symbian|profile/|maxthon|konqueror|skyfire|^roku|hbbtv|^midori|^xombrero",
    // The browsers inside the apps of Facebook.
    r"^\[fban/",
];

/// `Mozilla/5.0` and a comment, without anything else that a browser would send.
const BARE: &str = r"^mozilla/[0-9.]+(?: \([^()]*\))?$";
/// Words in such a comment that identify an old browser.
const BARE_BROWSERS: &str = "msie|trident|konqueror|windows|mac|linux|x11|nintendo|playstation|\
                             amigaos|beos|os/2|nokia|rv:";

/// The compiled patterns of programs.
pub(super) struct Programs {
    known: Regexes,
    browsers: Regexes,
    bare: Regexes,
    bare_browsers: Regexes,
}

impl Programs {
    /// Compiles the list.
    #[expect(
        clippy::expect_used,
        reason = "the list is part of the binary, and the tests load it"
    )]
    pub(super) fn load() -> Self {
        let list: Vec<String> = serde_json::from_str(CRAWLERS).expect("a list of patterns");
        let named = list
            .iter()
            .map(String::as_str)
            .filter(|pattern| !NOT_ONLY_PROGRAMS.contains(pattern));
        let known = add(Builder::new(), named, false);
        let known = add(known, WORDS.iter().copied(), true);
        let any_case =
            |patterns: &[&str]| build(add(Builder::new(), patterns.iter().copied(), true));
        Self {
            known: build(known),
            browsers: any_case(BROWSERS),
            bare: any_case(&[BARE]),
            bare_browsers: any_case(&[BARE_BROWSERS]),
        }
    }

    /// Whether a user agent is that of a program.
    pub(super) fn is_program(&self, text: &str) -> bool {
        self.known.is_match(text)
            || !self.browsers.is_match(text)
            || (self.bare.is_match(text) && !self.bare_browsers.is_match(text))
    }
}

#[expect(
    clippy::expect_used,
    reason = "the patterns are part of the binary, and the tests compile them"
)]
fn add<'a>(builder: Builder, patterns: impl Iterator<Item = &'a str>, any_case: bool) -> Builder {
    patterns.fold(builder, |builder, pattern| {
        let mut options = Options::new();
        options.case_insensitive(any_case);
        builder.push_opt(pattern, &options).expect("a pattern")
    })
}

#[expect(
    clippy::expect_used,
    reason = "the patterns are part of the binary, and the tests compile them"
)]
fn build(builder: Builder) -> Regexes {
    builder.build().expect("patterns that fit together")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exception_is_in_the_list() {
        let list: Vec<String> = serde_json::from_str(CRAWLERS).unwrap();
        for exception in NOT_ONLY_PROGRAMS {
            assert!(
                list.iter().any(|pattern| pattern == exception),
                "{exception}"
            );
        }
    }

    #[test]
    fn libraries_and_tools_are_programs() {
        let programs = Programs::load();
        for text in [
            "curl/8.15.0",
            "Wget/1.25.0",
            "python-requests/2.32.5",
            "Go-http-client/2.0",
            "okhttp/5.1.0",
            "Java/21.0.8",
            "Apache-HttpClient/5.5 (Java/21)",
            "axios/1.12.0",
            "node",
            "undici",
            "Dalvik/2.1.0 (Linux; U; Android 15; Pixel 9 Build/AP4A)",
            "Mozilla/5.0",
            "Mozilla/5.0 (compatible; Something/1.0)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
             HeadlessChrome/141.0.0.0 Safari/537.36",
        ] {
            assert!(programs.is_program(text), "{text}");
        }
    }

    #[test]
    fn phones_whose_names_sound_like_programs_are_none() {
        let programs = Programs::load();
        for model in [
            "CUBOT P9",
            "CUBOT_MANITO",
            "M bot 54",
            "HTC Butterfly",
            "Google Nexus 4",
        ] {
            let text = format!(
                "Mozilla/5.0 (Linux; Android 7.0; {model} Build/NRD90M) AppleWebKit/537.36 (KHTML, \
                 like Gecko) Chrome/64.0.3282.137 Mobile Safari/537.36"
            );
            assert!(!programs.is_program(&text), "{text}");
        }
    }
}
