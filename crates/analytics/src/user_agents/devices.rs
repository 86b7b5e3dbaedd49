//! The kind of device of a user agent, by the operating system and by words that manufacturers use.
//!
//! The rules of uap-core for devices identify manufacturers and models, not kinds. They would take
//! 0.1 s and 17 MiB to compile and 8 µs for each look-up, and the kind would still depend on words.
//!
//! An iPad that requests desktop sites, which is the default, claims to be a Mac and cannot be
//! recognised.

use waypost_core::DeviceClass;

const CONSOLES: &[&str] = &["playstation", "xbox", "nintendo"];

const TVS: &[&str] = &[
    "smarttv",
    "smart-tv",
    "smart_tv",
    "smart tv",
    "hbbtv",
    "googletv",
    "google tv",
    "appletv",
    "apple tv",
    "tvos",
    "android tv",
    "bravia",
    "crkey",
    "netcast",
    "web0s",
    "roku",
    "viera",
    "large screen",
    "dtv",
    " tv ",
    "; tv;",
    "aftb",
    "afts",
    "aftt",
    "aftm",
    "aftn",
    "aftk",
    "aftr",
    "aftg",
    "aftw",
    "nettv",
    "opera tv",
    "webtv",
    "mitv",
    "linux/smarttv",
];

const OTHERS: &[&str] = &[
    "watchos",
    "apple watch",
    "watch os",
    "kindle/",
    "kobo",
    "nook browser",
    "tesla/",
    "qtcarbrowser",
    "oculusbrowser",
    "quest ",
    "visionos",
    "cruisecontrol",
    "windows iot",
];

const TABLETS: &[&str] = &[
    "ipad",
    "playbook",
    "kindle fire",
    "kftt",
    "kfot",
    "kfjw",
    "kfap",
    "kfth",
    "kfso",
    "kfsa",
    "kfas",
    "kfar",
    "kffo",
    "kfme",
    "kfgi",
    "kfda",
    "kfsu",
    "kfka",
    "kfmu",
    "kfon",
    "kftr",
    "kfra",
    "touchpad",
    "xoom",
    "nexus 7",
    "nexus 9",
    "nexus 10",
    "sm-t",
    "sm-x",
    "rim tablet",
    "tablet;",
    "tablet)",
    "tablet ",
    "silk-accelerated",
    "galaxy tab",
    "wetab",
];

const PHONES: &[&str] = &[
    "mobi",
    "iphone",
    "ipod",
    "phone",
    "blackberry",
    "bb10",
    "symbian",
    "series60",
    "series40",
    "nokia",
    "midp",
    "cldc",
    "up.browser",
    "up.link",
    "opera mini",
    "kaios",
    "palmos",
    "webos/",
    "docomo",
    "obigo",
    "netfront",
    "brew",
    "ucweb",
    "sonyericsson",
    "sailfish",
    "maemo",
    "meego",
    "windows ce",
    "bada",
    "j2me",
];

/// Returns the kind of device, if known.
pub(super) fn device(text: &str, os: Option<&str>) -> Option<DeviceClass> {
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let windows = os == Some("Windows");
    if says(CONSOLES) {
        Some(DeviceClass::Console)
    } else if says(OTHERS) {
        Some(DeviceClass::Other)
    } else if !windows && says(TVS) {
        Some(DeviceClass::Tv)
    // On a PC, "Tablet PC" is a component of Windows.
    } else if !windows && says(TABLETS) {
        Some(DeviceClass::Tablet)
    } else if !windows && says(PHONES) {
        Some(DeviceClass::Mobile)
    } else {
        match os? {
            // Android browsers on phones send `Mobile` (developer.chrome.com, "Mobile or tablet").
            "Android" | "HarmonyOS" => Some(DeviceClass::Tablet),
            "Windows" | "macOS" | "Linux" | "ChromeOS" | "FreeBSD" | "OpenBSD" | "NetBSD"
            | "BSD" | "Solaris" | "Haiku" => Some(DeviceClass::Desktop),
            "Tizen" | "webOS" | "Chromecast" | "Roku" | "tvOS" => Some(DeviceClass::Tv),
            "iOS" | "Windows Phone" | "BlackBerry" | "Symbian" | "KaiOS" | "Firefox OS"
            | "Series 40" | "Series 30+" | "BREW" => Some(DeviceClass::Mobile),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_told_by_the_words_of_their_makers() {
        for (text, os, device_class) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Tablet PC 2.0)",
                "Windows",
                DeviceClass::Desktop,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One)",
                "Xbox",
                DeviceClass::Console,
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) Mobile/15E148",
                "iOS",
                DeviceClass::Tablet,
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) Chrome/141.0.0.0 Mobile",
                "Android",
                DeviceClass::Mobile,
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) Chrome/141.0.0.0 Safari",
                "Android",
                DeviceClass::Tablet,
            ),
            (
                "Mozilla/5.0 (Web0S; Linux/SmartTV) Chrome/94.0",
                "webOS",
                DeviceClass::Tv,
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:143.0)",
                "Linux",
                DeviceClass::Desktop,
            ),
        ] {
            assert_eq!(device(text, Some(os)), Some(device_class), "{text}");
        }
        assert_eq!(device("Mozilla/5.0 (AmigaOS)", None), None);
    }
}
