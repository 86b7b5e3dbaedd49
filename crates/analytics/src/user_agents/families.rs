//! The browser and the operating system of a user agent, by the rules of uap-core, as families that
//! people know: Mobile Safari is Safari, Ubuntu is Linux.
//!
//! Names that a visitor invents never become families. A system is one of [`SYSTEMS`]; the name of
//! a browser is literally in the rules.

use serde::Deserialize;
use ua_parser::{os, user_agent};
use waypost_core::Family;

const RULES: &str = include_str!("../../data/uap-core.json");

/// Browsers that uap-core distinguishes and people do not, or that people know by another name.
const BROWSERS: &[(&str, &str)] = &[
    ("AVG", "AVG Secure Browser"),
    ("Amazon Silk", "Silk"),
    ("Android", "Android Browser"),
    ("Baidu Explorer", "Baidu"),
    ("BlackBerry WebKit", "BlackBerry"),
    ("Chrome Mobile", "Chrome"),
    ("Chrome Mobile WebView", "Chrome"),
    ("Chrome Mobile iOS", "Chrome"),
    ("DuckDuckGo Mobile", "DuckDuckGo"),
    ("Ecosia Android", "Ecosia"),
    ("Ecosia iOS", "Ecosia"),
    ("Edge Mobile", "Edge"),
    ("Facebook Messenger", "Facebook"),
    ("Fennec", "Firefox"),
    ("Firefox Alpha", "Firefox"),
    ("Firefox Beta", "Firefox"),
    ("Firefox Mobile", "Firefox"),
    ("Firefox iOS", "Firefox"),
    ("Google", "Google app"),
    ("IE", "Internet Explorer"),
    ("IE Large Screen", "Internet Explorer"),
    ("IE Mobile", "Internet Explorer"),
    ("Maxthon Mobile", "Maxthon"),
    ("MiuiBrowser", "Mi Browser"),
    ("Mobile Safari", "Safari"),
    ("Mobile Safari UI/WKWebView", "Safari"),
    ("Opera Coast", "Opera"),
    ("Opera GX", "Opera"),
    ("Opera Mini", "Opera"),
    ("Opera Mobile", "Opera"),
    ("Opera Neon", "Opera"),
    ("Opera Tablet", "Opera"),
    ("Opera Touch", "Opera"),
    ("QQ Browser Mini", "QQ Browser"),
    ("QQ Browser Mobile", "QQ Browser"),
    ("Yandex Browser Lite", "Yandex Browser"),
    ("WeChat Browser", "WeChat"),
    ("YandexSearch", "Yandex Browser"),
];

/// Tokens of browsers that the rules mistake for another one, checked first.
const NAMED: &[(&str, &str)] = &[
    ("Focus/", "Firefox Focus"),
    ("Klar/", "Firefox Focus"),
    ("Ddg/", "DuckDuckGo"),
    ("2345Explorer", "2345Explorer"),
    ("BIDUBrowser", "Baidu Browser"),
    ("Falkon/", "Falkon"),
    ("Iridium/", "Iridium"),
    ("LBBROWSER", "Liebao"),
    ("MicroMessenger/", "WeChat"),
    ("QihooBrowser/", "360 Browser"),
    ("Tesla/", "Tesla"),
    ("QtCarBrowser", "Tesla"),
    (" QQ/", "QQ"),
    ("baiduboxapp/", "Baidu"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("OPX/", "Opera"),
    ("coc_coc_browser", "Coc Coc"),
    ("MiuiBrowser", "Mi Browser"),
    ("HuaweiBrowser", "Huawei Browser"),
    ("HeyTapBrowser", "HeyTap Browser"),
    ("VivoBrowser", "Vivo Browser"),
    ("GSA/", "Google app"),
];

/// Operating systems, by their name in uap-core.
const SYSTEMS: &[(&str, &str)] = &[
    ("ATV OS X", "tvOS"),
    ("Android", "Android"),
    ("Arch Linux", "Linux"),
    ("BSD", "BSD"),
    ("BackTrack", "Linux"),
    ("Bada", "Bada"),
    ("BlackBerry OS", "BlackBerry"),
    ("BlackBerry Tablet OS", "BlackBerry"),
    ("Brew MP", "BREW"),
    ("BREW", "BREW"),
    ("CentOS", "Linux"),
    ("Chrome OS", "ChromeOS"),
    ("Chromecast", "Chromecast"),
    ("Chromecast Android", "Chromecast"),
    ("Chromecast Fuchsia", "Chromecast"),
    ("Chromecast Linux", "Chromecast"),
    ("Chromecast SmartSpeaker", "Chromecast"),
    ("Debian", "Linux"),
    ("Fedora", "Linux"),
    ("FireHbbTV", "Firefox OS"),
    ("Firefox OS", "Firefox OS"),
    ("FreeBSD", "FreeBSD"),
    ("Fuchsia", "Fuchsia"),
    ("Gentoo", "Linux"),
    ("GoogleTV", "Android"),
    ("HarmonyOS", "HarmonyOS"),
    ("KaiOS", "KaiOS"),
    ("Kindle", "Kindle"),
    ("Kubuntu", "Linux"),
    ("Linux", "Linux"),
    ("Linux Mint", "Linux"),
    ("Lubuntu", "Linux"),
    ("Mac OS", "macOS"),
    ("Mac OS X", "macOS"),
    ("Maemo", "Maemo"),
    ("Mageia", "Linux"),
    ("Mandriva", "Linux"),
    ("MeeGo", "MeeGo"),
    ("NetBSD", "NetBSD"),
    ("Nokia Series 30 Plus", "Series 30+"),
    ("Nokia Series 40", "Series 40"),
    ("OpenBSD", "OpenBSD"),
    ("PCLinuxOS", "Linux"),
    ("Puppy", "Linux"),
    ("Red Hat", "Linux"),
    ("Roku", "Roku"),
    ("SUSE", "Linux"),
    ("Sailfish", "Sailfish OS"),
    ("Slackware", "Linux"),
    ("Solaris", "Solaris"),
    ("Symbian OS", "Symbian"),
    ("Symbian^3", "Symbian"),
    ("Symbian^3 Anna", "Symbian"),
    ("Symbian^3 Belle", "Symbian"),
    ("Tizen", "Tizen"),
    ("Ubuntu", "Linux"),
    ("WatchOS", "watchOS"),
    ("Web0S", "webOS"),
    ("Windows", "Windows"),
    ("Windows Mobile", "Windows Phone"),
    ("Windows Phone", "Windows Phone"),
    ("iOS", "iOS"),
    ("iPadOS", "iOS"),
    ("openSUSE", "Linux"),
    ("tvOS", "tvOS"),
    ("visionOS", "visionOS"),
    ("webOS", "webOS"),
];

/// Tokens of operating systems that the rules mistake for another one, checked first.
const NAMED_SYSTEMS: &[(&str, &str)] = &[
    ("PlayStation", "PlayStation"),
    ("PLAYSTATION", "PlayStation"),
    ("Nintendo", "Nintendo"),
    ("Xbox", "Xbox"),
    ("Windows Phone", "Windows Phone"),
    ("OpenHarmony", "HarmonyOS"),
    ("HarmonyOS", "HarmonyOS"),
    ("Tizen", "Tizen"),
    ("Web0S", "webOS"),
    ("Sailfish", "Sailfish OS"),
    ("Fuchsia", "Fuchsia"),
    ("Haiku", "Haiku"),
    ("GhostBSD", "FreeBSD"),
    ("DragonFly", "DragonFly BSD"),
    ("Manjaro", "Linux"),
];

#[derive(Deserialize)]
struct Rules {
    user_agent_parsers: Vec<user_agent::Parser<'static>>,
    os_parsers: Vec<os::Parser<'static>>,
}

/// The compiled rules for browsers and operating systems.
pub(super) struct Families {
    browsers: user_agent::Extractor<'static>,
    systems: os::Extractor<'static>,
}

impl Families {
    /// Compiles the rules.
    #[expect(
        clippy::expect_used,
        reason = "the rules are part of the binary, and the tests load them"
    )]
    pub(super) fn load() -> Self {
        let rules: Rules = serde_json::from_str(RULES).expect("rules");
        let browsers = user_agent::Builder::new().push_all(rules.user_agent_parsers);
        let systems = os::Builder::new().push_all(rules.os_parsers);
        Self {
            browsers: browsers
                .expect("rules for browsers")
                .build()
                .expect("rules that fit together"),
            systems: systems
                .expect("rules for systems")
                .build()
                .expect("rules that fit together"),
        }
    }

    /// Returns the browser.
    pub(super) fn browser(&self, text: &str) -> Option<Family> {
        if let Some(name) = contained(text, NAMED) {
            return Family::of(name);
        }
        let found = self.browsers.extract(text)?;
        let name = found.family.as_ref();
        if let Some(known) = folded(name, BROWSERS) {
            return Family::of(known);
        }
        // Some rules copy a part of the user agent.
        RULES.contains(name).then(|| Family::of(name)).flatten()
    }

    /// Returns the operating system.
    pub(super) fn os(&self, text: &str) -> Option<&'static str> {
        if let Some(name) = contained(text, NAMED_SYSTEMS) {
            return Some(name);
        }
        let found = self.systems.extract(text)?;
        folded(found.os.as_ref(), SYSTEMS)
    }
}

fn contained(text: &str, tokens: &[(&str, &'static str)]) -> Option<&'static str> {
    let found = tokens.iter().find(|(token, _)| text.contains(token));
    found.map(|(_, name)| *name)
}

fn folded(name: &str, families: &[(&str, &'static str)]) -> Option<&'static str> {
    let found = families.iter().find(|(from, _)| *from == name);
    found.map(|(_, family)| *family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobile_variants_are_the_same_family() {
        let families = Families::load();
        for (text, browser, os) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
                 like Gecko) CriOS/148.0.0.0 Mobile/15E148 Safari/604.1",
                "Chrome",
                "iOS",
            ),
            (
                "Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0",
                "Firefox",
                "Android",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/141.0.0.0 Safari/537.36",
                "Chrome",
                "ChromeOS",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) Version/26.0 Safari/605.1.15",
                "Safari",
                "macOS",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
                "Edge",
                "Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0",
                "Opera",
                "Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
                "Samsung Internet",
                "Android",
            ),
        ] {
            assert_eq!(families.browser(text), Family::of(browser), "{text}");
            assert_eq!(families.os(text), Some(os), "{text}");
        }
    }

    #[test]
    fn an_invented_name_is_no_family() {
        let families = Families::load();
        for text in [
            "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Inventedscrape/7",
            "Mozilla/5.0 HbbTV/1.2.3 (; Inventedvendor ; x; 2014 x) Gecko",
        ] {
            assert_eq!(
                families
                    .browser(text)
                    .filter(|family| family.as_str().contains("nvented")),
                None
            );
            assert_eq!(families.os(text).filter(|os| os.contains("nvented")), None);
        }
    }
}
