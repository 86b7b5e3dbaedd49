//! Facts about a click: visit class, browser, operating system, device and country. All but the
//! country are derived when the click is stored, not during the redirect.

use std::fmt;
use std::str::FromStr;

/// The class of a visit. Visits of all classes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum VisitClass {
    /// A person using a browser, as far as Waypost can tell.
    #[default]
    Human,
    /// A crawler, or a program that uses an HTTP library.
    Bot,
    /// A program that fetches a page to show a preview of the link, as chat apps do.
    Preview,
    /// A browser that loads a page in advance.
    Prefetch,
    /// A signed-in owner of the link.
    Own,
}

impl VisitClass {
    /// All values.
    pub const ALL: [Self; 5] = [
        Self::Human,
        Self::Bot,
        Self::Preview,
        Self::Prefetch,
        Self::Own,
    ];

    /// Returns its name, as it is stored and displayed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Bot => "bot",
            Self::Preview => "preview",
            Self::Prefetch => "prefetch",
            Self::Own => "self",
        }
    }
}

impl fmt::Display for VisitClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for VisitClass {
    type Err = VisitClassError;

    fn from_str(text: &str) -> Result<Self, VisitClassError> {
        let mut all = Self::ALL.into_iter();
        all.find(|class| class.as_str() == text)
            .ok_or(VisitClassError)
    }
}

/// The text is not a visit class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected human, bot, preview, prefetch or self")]
pub struct VisitClassError;

/// The kind of device of a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceClass {
    /// A desktop computer or a laptop.
    Desktop,
    /// A phone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A television or a set-top box.
    Tv,
    /// A game console.
    Console,
    /// Another known device: a watch, an e-book reader, a car.
    Other,
}

impl DeviceClass {
    /// All values.
    pub const ALL: [Self; 6] = [
        Self::Desktop,
        Self::Mobile,
        Self::Tablet,
        Self::Tv,
        Self::Console,
        Self::Other,
    ];

    /// Returns its name, as it is stored and displayed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Tv => "tv",
            Self::Console => "console",
            Self::Other => "other",
        }
    }
}

impl FromStr for DeviceClass {
    type Err = DeviceClassError;

    fn from_str(text: &str) -> Result<Self, DeviceClassError> {
        let mut all = Self::ALL.into_iter();
        all.find(|class| class.as_str() == text)
            .ok_or(DeviceClassError)
    }
}

/// The text is not a device class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected desktop, mobile, tablet, tv, console or other")]
pub struct DeviceClassError;

/// The family of a browser or of an operating system, without its version: `Firefox`, `Windows`.
/// 1 to 64 characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Family(String);

impl Family {
    /// Maximum length in characters; a longer name is cut.
    pub const MAX_CHARS: usize = 64;

    /// Creates a family from the beginning of a name. Returns `None` if nothing is left.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let kept: String = name
            .trim()
            .chars()
            .filter(|character| !character.is_control())
            .take(Self::MAX_CHARS)
            .collect();
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A country: two upper-case letters of ISO 3166-1, or `XK` (Kosovo).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// Creates a country from two letters. Returns `None` if they are not letters.
    #[must_use]
    pub fn of(letters: [u8; 2]) -> Option<Self> {
        let letters = letters.map(|letter| letter.to_ascii_uppercase());
        let are_letters = letters.iter().all(u8::is_ascii_uppercase);
        are_letters.then_some(Self(letters))
    }

    /// Parses two letters. Returns `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(text.as_bytes().try_into().ok()?)
    }

    /// Returns the two letters.
    #[must_use]
    pub const fn as_bytes(&self) -> [u8; 2] {
        self.0
    }

    /// Returns the two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The letters are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Facts about a click. Unknown ones are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClickFacts {
    /// The class of the visit; `None` for clicks stored by versions without classes.
    pub class: Option<VisitClass>,
    /// The browser.
    pub browser: Option<Family>,
    /// The operating system.
    pub os: Option<Family>,
    /// The device.
    pub device: Option<DeviceClass>,
    /// The country of the visitor's IP address.
    pub country: Option<Country>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_as_they_are_written() {
        for class in VisitClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        for class in DeviceClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        assert_eq!("Human".parse::<VisitClass>(), Err(VisitClassError));
        assert_eq!("".parse::<DeviceClass>(), Err(DeviceClassError));
    }

    #[test]
    fn a_family_is_short_and_printable() {
        assert_eq!(Family::of(" Firefox\u{7}\n").unwrap().as_str(), "Firefox");
        assert_eq!(Family::of(" \t"), None);
        let long = Family::of(&"ü".repeat(100)).unwrap();
        assert_eq!(long.as_str().chars().count(), 64);
    }

    #[test]
    fn a_country_is_two_letters() {
        assert_eq!(Country::parse("de").unwrap().as_str(), "DE");
        for bad in ["", "D", "DEU", "D1", "ü"] {
            assert_eq!(Country::parse(bad), None, "{bad}");
        }
    }
}
