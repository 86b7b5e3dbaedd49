//! The bytes of one record of the journal, and the click that is read from them.
//!
//! The redirect writes raw values. User agent and referrer are parsed when the record is read,
//! which does not delay a redirect. Secrets are never written: the IP address and the session
//! cookie of a signed-in visitor are hashed before, and a referrer loses its query, fragment and
//! credentials. Of a visitor who asks not to be tracked, the user agent is not written either: its
//! class is.

use std::borrow::Cow;

use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;
use waypost_core::{
    Click, ClickFacts, ClickId, Country, IpHash, LinkId, Referrer, SessionHash, UserAgent,
    VisitClass,
};

/// Maximum length of a written user agent in bytes: enough for the maximum number of characters.
const MAX_USER_AGENT: usize = UserAgent::MAX_CHARS * 4;
/// Maximum length of a record in bytes: the fixed part, a user agent and a referrer, with some
/// reserve.
pub(super) const MAX_RECORD: usize = 8 * 1_024;
/// Minimum length of a record in bytes: the fixed part, with empty texts.
pub(super) const MIN_RECORD: usize = 16 + 16 + 8 + 4 + 1 + 2 + 2;

const HAS_ADDRESS_HASH: u8 = 1;
const HAS_SESSION_HASH: u8 = 2;
const HAS_COUNTRY: u8 = 4;
const IS_PREFETCH: u8 = 8;
const IS_HUMAN: u8 = 16;
const IS_PREVIEW: u8 = 32;
const KNOWN_FLAGS: u8 =
    HAS_ADDRESS_HASH | HAS_SESSION_HASH | HAS_COUNTRY | IS_PREFETCH | IS_HUMAN | IS_PREVIEW;

/// A click as the redirect sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClickRecord<'a> {
    pub(crate) id: ClickId,
    pub(crate) link_id: LinkId,
    pub(crate) clicked_at: OffsetDateTime,
    pub(crate) day: Date,
    pub(crate) ip_hash: Option<IpHash>,
    /// The session that the visitor presented, which may not exist.
    pub(crate) session: Option<SessionHash>,
    /// The country of the visitor's IP address.
    pub(crate) country: Option<Country>,
    /// The class, if it is told already: the request announces it, or the visitor asks not to be
    /// tracked, in which case all other optional fields are `None`. Otherwise it is told from the
    /// user agent when the click is stored; a click without a user agent is by a bot.
    pub(crate) class: Option<VisitClass>,
    /// The value of the header, as it was sent; empty if there was none.
    pub(crate) user_agent: &'a [u8],
    /// The value of the header, as it was sent; empty if there was none.
    pub(crate) referrer: &'a [u8],
}

/// A click as it is read from a record. Its user is looked up later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadClick {
    /// The click, without a user.
    pub click: Click,
    /// The session that the visitor presented.
    pub session: Option<SessionHash>,
}

impl<'a> ClickRecord<'a> {
    /// Returns the record that the click was read from.
    pub(crate) fn of(click: &'a Click, session: Option<SessionHash>) -> Self {
        let user_agent = click.user_agent.as_ref().map_or("", UserAgent::as_str);
        let referrer = click.referrer.as_ref().map_or("", Referrer::as_str);
        Self {
            id: click.id,
            link_id: click.link_id,
            clicked_at: click.clicked_at,
            day: click.day,
            ip_hash: click.ip_hash,
            session,
            country: click.facts.country,
            class: click.facts.class.filter(|class| match class {
                VisitClass::Prefetch | VisitClass::Preview => true,
                // With a user agent, the class comes from it and not from the record.
                VisitClass::Human => click.user_agent.is_none(),
                VisitClass::Bot | VisitClass::Own => false,
            }),
            user_agent: user_agent.as_bytes(),
            referrer: referrer.as_bytes(),
        }
    }
}

impl ClickRecord<'_> {
    /// Appends the bytes of the record to `bytes`.
    ///
    /// | bytes | contents, numbers little-endian |
    /// | --- | --- |
    /// | 16 | id |
    /// | 16 | link |
    /// | 8 | microseconds since 1970, signed |
    /// | 4 | the day, as a Julian day number, signed |
    /// | 1 | flags: bit 0: has an IP address hash; bit 1: has a session hash; bit 2: has a country; bit 3: prefetch; bit 4: human, whatever the user agent; bit 5: preview, which earlier versions cannot read |
    /// | 0 or 32 | IP address hash |
    /// | 0 or 32 | session hash; records of earlier versions have none |
    /// | 0 or 2 | country; records of earlier versions have none |
    /// | 2, n | user agent: length and text |
    /// | 2, n | referrer: length and text |
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.id.as_uuid().as_bytes());
        bytes.extend_from_slice(self.link_id.as_uuid().as_bytes());
        bytes.extend_from_slice(&unix_micros(self.clicked_at).to_le_bytes());
        bytes.extend_from_slice(&self.day.to_julian_day().to_le_bytes());
        let address = self.ip_hash.as_ref().map(IpHash::as_bytes);
        let session = self.session.as_ref().map(SessionHash::as_bytes);
        let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
        bytes.push(
            flag(HAS_ADDRESS_HASH, address.is_some())
                | flag(HAS_SESSION_HASH, session.is_some())
                | flag(HAS_COUNTRY, self.country.is_some())
                | self.class.map_or(0, class_flag),
        );
        for hash in [address, session].into_iter().flatten() {
            bytes.extend_from_slice(hash);
        }
        if let Some(country) = self.country {
            bytes.extend_from_slice(&country.as_bytes());
        }
        let user_agent = self.user_agent.get(..MAX_USER_AGENT);
        write_text(bytes, user_agent.unwrap_or(self.user_agent));
        write_text(bytes, &without_secrets(self.referrer));
    }
}

/// Returns the flag of a class that is told already. A bot has none: a record without a class and
/// without a user agent is that of a bot.
const fn class_flag(class: VisitClass) -> u8 {
    match class {
        VisitClass::Human => IS_HUMAN,
        VisitClass::Prefetch => IS_PREFETCH,
        VisitClass::Preview => IS_PREVIEW,
        VisitClass::Bot | VisitClass::Own => 0,
    }
}

fn write_text(bytes: &mut Vec<u8>, text: &[u8]) {
    // The callers have cut it to far less than 64 KiB.
    let length = u16::try_from(text.len()).unwrap_or(0);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.get(..usize::from(length)).unwrap_or_default());
}

/// Returns the part of a referrer that may be written: scheme, host and path.
///
/// A usual web URL loses everything after `?` or `#`, without parsing. Other referrers (other
/// schemes, an `@`, which may follow a password, or a great length) are parsed.
fn without_secrets(referrer: &[u8]) -> Cow<'_, [u8]> {
    let end = referrer.iter().position(|byte| matches!(byte, b'?' | b'#'));
    let page = end.map_or(referrer, |end| referrer.get(..end).unwrap_or_default());
    let usual = (page.starts_with(b"https://") || page.starts_with(b"http://"))
        && page.len() <= Referrer::MAX_CHARS
        && !page.contains(&b'@');
    if usual || page.is_empty() {
        return Cow::Borrowed(page);
    }
    let parsed = Referrer::from_header(referrer);
    Cow::Owned(parsed.map_or_else(Vec::new, |referrer| referrer.as_str().as_bytes().to_vec()))
}

/// Reads a record. Returns `None` if the bytes are not a record.
pub(super) fn read(bytes: &[u8]) -> Option<ReadClick> {
    let mut rest = bytes;
    let id = ClickId::from_uuid(Uuid::from_bytes(take(&mut rest)?));
    let link_id = LinkId::from_uuid(Uuid::from_bytes(take(&mut rest)?));
    let clicked_at = from_unix_micros(i64::from_le_bytes(take(&mut rest)?))?;
    let day = Date::from_julian_day(i32::from_le_bytes(take(&mut rest)?)).ok()?;
    let [flags] = take(&mut rest)?;
    if flags & !KNOWN_FLAGS != 0 {
        return None;
    }
    let ip_hash = if flags & HAS_ADDRESS_HASH == 0 {
        None
    } else {
        Some(IpHash::from_bytes(take(&mut rest)?))
    };
    let session = if flags & HAS_SESSION_HASH == 0 {
        None
    } else {
        Some(SessionHash::from_bytes(take(&mut rest)?))
    };
    let country = if flags & HAS_COUNTRY == 0 {
        None
    } else {
        Some(Country::of(take(&mut rest)?)?)
    };
    // Otherwise it is told from the user agent when the click is stored.
    let told = [VisitClass::Prefetch, VisitClass::Preview, VisitClass::Human];
    let class = told
        .into_iter()
        .find(|class| flags & class_flag(*class) != 0);
    let user_agent = UserAgent::from_header(take_text(&mut rest)?);
    let referrer = Referrer::from_header(take_text(&mut rest)?);
    let click = Click {
        id,
        link_id,
        user_id: None,
        ip_hash,
        user_agent,
        referrer,
        clicked_at,
        day,
        facts: ClickFacts {
            class,
            country,
            ..ClickFacts::default()
        },
    };
    rest.is_empty().then_some(ReadClick { click, session })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*taken)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_le_bytes(take(rest)?);
    let (text, behind) = rest.split_at_checked(usize::from(length))?;
    *rest = behind;
    Some(text)
}

fn unix_micros(at: OffsetDateTime) -> i64 {
    // All times fit: the year 9999 is 2.5 × 10^17 µs away.
    i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(0)
}

fn from_unix_micros(micros: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::UNIX_EPOCH.checked_add(Duration::microseconds(micros))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::{date, datetime};
    use waypost_core::SeededRandom;

    use super::*;

    fn sample<'a>(user_agent: &'a [u8], referrer: &'a [u8]) -> ClickRecord<'a> {
        let random = SeededRandom::new(1);
        let clicked_at = datetime!(2026-03-01 23:30:00.123_456 UTC);
        ClickRecord {
            id: ClickId::new(clicked_at, &random),
            link_id: LinkId::new(clicked_at, &random),
            clicked_at,
            day: date!(2026 - 03 - 02),
            ip_hash: Some(IpHash::from_bytes([7; 32])),
            session: Some(SessionHash::from_bytes([9; 32])),
            country: Country::parse("DE"),
            class: None,
            user_agent,
            referrer,
        }
    }

    fn written(record: &ClickRecord<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.write(&mut bytes);
        bytes
    }

    #[test]
    fn a_record_is_read_as_the_click_that_was_written() {
        let record = sample(
            b"Mozilla/5.0",
            b"https://example.org/page?token=secret#here",
        );
        let expected = Click {
            id: record.id,
            link_id: record.link_id,
            user_id: None,
            ip_hash: record.ip_hash,
            user_agent: UserAgent::from_header(b"Mozilla/5.0"),
            referrer: Referrer::from_header(b"https://example.org/page"),
            clicked_at: record.clicked_at,
            day: record.day,
            facts: ClickFacts {
                country: Country::parse("DE"),
                ..ClickFacts::default()
            },
        };
        let read_click = |click: &Click, session| {
            let click = click.clone();
            Some(ReadClick { click, session })
        };
        let found = read(&written(&record));
        assert_eq!(found, read_click(&expected, record.session));
        let anonymous = ClickRecord {
            session: None,
            ..record
        };
        assert_eq!(read(&written(&anonymous)), read_click(&expected, None));
        let bare = ClickRecord {
            ip_hash: None,
            user_agent: b"",
            referrer: b"",
            ..record
        };
        let expected = Click {
            ip_hash: None,
            user_agent: None,
            referrer: None,
            ..expected
        };
        let found = read(&written(&bare));
        assert_eq!(found, read_click(&expected, record.session));
    }

    #[test]
    fn a_record_of_an_earlier_version_is_read() {
        let record = ClickRecord {
            session: None,
            country: None,
            ..sample(b"Mozilla/5.0", b"https://example.org/")
        };
        // The record as earlier versions without sessions wrote it.
        let mut bytes = Vec::new();
        bytes.extend_from_slice(record.id.as_uuid().as_bytes());
        bytes.extend_from_slice(record.link_id.as_uuid().as_bytes());
        bytes.extend_from_slice(&unix_micros(record.clicked_at).to_le_bytes());
        bytes.extend_from_slice(&record.day.to_julian_day().to_le_bytes());
        bytes.push(1);
        bytes.extend_from_slice(&[7; 32]);
        write_text(&mut bytes, record.user_agent);
        write_text(&mut bytes, record.referrer);
        assert_eq!(written(&record), bytes);
        assert_eq!(read(&bytes).unwrap().session, None);
    }

    #[test]
    fn a_class_that_is_told_already_is_kept_also_when_the_click_is_set_aside() {
        let told = |class, user_agent: &[u8]| {
            let record = ClickRecord {
                class,
                ..sample(user_agent, b"")
            };
            let read_click = read(&written(&record)).unwrap();
            let again = ClickRecord::of(&read_click.click, read_click.session);
            assert_eq!(read(&written(&again)), Some(read_click.clone()));
            read_click.click.facts.class
        };
        for class in [VisitClass::Human, VisitClass::Prefetch, VisitClass::Preview].map(Some) {
            assert_eq!(told(class, b""), class);
        }
        for class in [VisitClass::Prefetch, VisitClass::Preview].map(Some) {
            assert_eq!(told(class, b"Mozilla/5.0"), class);
        }
        // Without a user agent, this becomes a bot.
        assert_eq!(told(Some(VisitClass::Bot), b""), None);
        assert_eq!(told(None, b"Mozilla/5.0"), None);
    }

    #[test]
    fn a_record_of_an_earlier_version_has_its_class() {
        let class_of = |flags: u8| {
            let record = ClickRecord {
                ip_hash: None,
                session: None,
                country: None,
                ..sample(b"", b"")
            };
            let mut bytes = written(&record);
            bytes[16 + 16 + 8 + 4] = flags;
            read(&bytes).map(|it| it.click.facts.class)
        };
        assert_eq!(class_of(8), Some(Some(VisitClass::Prefetch)));
        // As of a visitor who asked not to be tracked.
        assert_eq!(class_of(16), Some(Some(VisitClass::Human)));
        assert_eq!(class_of(8 | 16), Some(Some(VisitClass::Prefetch)));
        assert_eq!(class_of(64), None);
    }

    #[test]
    fn no_secret_of_a_referrer_is_written() {
        for referrer in [
            "https://example.org/page?token=hunter2",
            "https://example.org/page#hunter2",
            "https://user:hunter2@example.org/",
            "https:\\\\user:hunter2@example.org/",
            "android-app://hunter2@example.org/",
            "HTTPS://example.org/?hunter2",
            "data:text/plain,hunter2",
            "hunter2",
        ] {
            let bytes = written(&sample(b"", referrer.as_bytes()));
            let found = bytes.windows(7).any(|window| window == b"hunter2");
            assert!(!found, "{referrer}");
        }
    }

    #[test]
    fn the_longest_headers_fit_into_a_record() {
        let referrer = format!("https://example.org/{}", "x".repeat(10_000));
        let user_agent = "🦀".repeat(10_000);
        let bytes = written(&sample(user_agent.as_bytes(), referrer.as_bytes()));
        assert!(bytes.len() < MAX_RECORD, "{}", bytes.len());
        let click = read(&bytes).unwrap().click;
        assert_eq!(click.user_agent.unwrap().as_str().chars().count(), 512);
        assert_eq!(click.referrer.unwrap().as_str(), "https://example.org/");
    }

    #[test]
    fn the_shortest_record_has_nothing_but_what_is_fixed() {
        let record = ClickRecord {
            ip_hash: None,
            session: None,
            country: None,
            ..sample(b"", b"")
        };
        assert_eq!(written(&record).len(), MIN_RECORD);
    }

    #[test]
    fn what_is_too_short_or_too_long_is_no_record() {
        let bytes = written(&sample(b"Mozilla/5.0", b"https://example.org/"));
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), None, "{length}");
        }
        assert_eq!(read(&[bytes.as_slice(), b"x"].concat()), None);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_would_be_kept_without_a_journal(
            user_agent in prop::collection::vec(any::<u8>(), 0..600),
            begins in "(https?://)?[a-zA-Z@:/?#.\\\\]{0,40}",
            ends in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let referrer = [begins.as_bytes(), &ends].concat();
            let record = sample(&user_agent, &referrer);
            let click = read(&written(&record)).unwrap().click;
            prop_assert_eq!(click.user_agent, UserAgent::from_header(&user_agent));
            prop_assert_eq!(click.referrer, Referrer::from_header(&referrer));
        }

        #[test]
        fn any_bytes_are_a_record_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}
