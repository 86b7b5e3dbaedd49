//! Links, clicks, salts, users and API tokens for tests: the same for the same seed, at fixed
//! times.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use time::macros::datetime;
use time::{Duration, OffsetDateTime, UtcOffset};
use waypost_core::{
    AcceptedLossId, ApiToken, Click, ClickFacts, ClickId, Country, DeviceClass, DisplayName, Email,
    Family, IpHash, JournalId, JournalOwner, Link, LinkDetails, LinkId, Random, Referrer, Role,
    Salt, Scopes, SearchWord, SeededRandom, Session, SessionId, SessionSecret, SetupSecret,
    ShortCode, Tag, TargetUrl, TokenId, TokenName, TokenSecret, User, UserAgent, UserId,
    VisitClass,
};
use waypost_store::{Claimed, JournalClaim, JournalRecord, Store};

/// The time from which samples count.
pub const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

/// Later than any sample.
pub const FAR_FUTURE: OffsetDateTime = datetime!(2200-01-01 00:00 UTC);

/// Creates samples, each different from the one before.
#[derive(Debug)]
pub struct Samples {
    random: SeededRandom,
    made: AtomicI64,
}

impl Samples {
    /// Creates the samples of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: SeededRandom::new(seed),
            made: AtomicI64::new(0),
        }
    }

    /// Creates a link under `code`, a second younger than the sample before.
    pub fn link(&self, code: &str) -> Link {
        let number = self.next();
        Link {
            target: target(&format!("https://example.com/page/{number}")),
            ..self.link_at(code, START + Duration::seconds(number))
        }
    }

    /// Creates a link under `code` with this `created_at`, kept as it is.
    pub fn link_at(&self, code: &str, created_at: OffsetDateTime) -> Link {
        Link::new(
            LinkId::new(created_at, &self.random),
            self::code(code),
            target("https://example.com/"),
            created_at,
        )
    }

    /// Creates a link under `code` with these details, a second younger than the sample before.
    pub fn link_with(&self, code: &str, details: LinkDetails) -> Link {
        Link {
            details,
            ..self.link(code)
        }
    }

    /// Creates links under codes that no other sample has, each a second younger than the one
    /// before.
    pub fn links(&self, count: usize) -> Vec<Link> {
        (0..count)
            .map(|_| self.link(&format!("sample-{}", self.next())))
            .collect()
    }

    /// Creates a click on `link`, a millisecond later than the sample before.
    pub fn click(&self, link: &Link) -> Click {
        self.click_at(link, START + Duration::milliseconds(self.next()))
    }

    /// Creates a click on `link` at `clicked_at`, kept as it is. Its day is that of UTC; it has no
    /// user, because the store has none to refer to.
    pub fn click_at(&self, link: &Link, clicked_at: OffsetDateTime) -> Click {
        let number = self.next();
        let mut digest = [0; 32];
        self.random.fill(&mut digest);
        Click {
            id: ClickId::new(clicked_at, &self.random),
            link_id: link.id,
            user_id: None,
            ip_hash: Some(IpHash::from_bytes(digest)),
            user_agent: Some(UserAgent::from_stored(format!("Sample/{number}"))),
            referrer: Some(Referrer::from_stored(format!(
                "https://example.com/from/{number}"
            ))),
            clicked_at,
            day: clicked_at.to_offset(UtcOffset::UTC).date(),
            facts: facts(number),
        }
    }

    /// Creates clicks on `link`, each a few milliseconds later than the one before.
    pub fn clicks(&self, link: &Link, count: usize) -> Vec<Click> {
        (0..count).map(|_| self.click(link)).collect()
    }

    /// Creates a member, a second younger than the sample before.
    pub fn user(&self, email: &str) -> User {
        let created_at = START + Duration::seconds(self.next());
        User {
            id: UserId::new(created_at, &self.random),
            email: Email::parse(email).expect("an address"),
            display_name: DisplayName::default(),
            role: Role::Member,
            disabled_at: None,
            created_at,
        }
    }

    /// Creates an API token of `user`, a second younger than the sample before, and its secret.
    pub fn token(&self, user: &User) -> (ApiToken, TokenSecret) {
        let created_at = START + Duration::seconds(self.next());
        let token = ApiToken {
            id: TokenId::new(created_at, &self.random),
            user_id: user.id,
            name: TokenName::parse("sample").expect("a name"),
            scopes: Scopes::default(),
            created_at,
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        (token, TokenSecret::generate(&self.random))
    }

    /// Creates a session of `user` that lasts for a day, a second younger than the sample before,
    /// and its secret.
    pub fn session(&self, user: &User) -> (Session, SessionSecret) {
        let created_at = START + Duration::seconds(self.next());
        let session = Session {
            id: SessionId::new(created_at, &self.random),
            user_id: user.id,
            created_at,
            last_used_at: created_at,
            expires_at: created_at + Duration::DAY,
            ended_at: None,
            user_agent: None,
        };
        (session, SessionSecret::generate(&self.random))
    }

    /// Creates the secret of a set-up link.
    pub fn setup_secret(&self) -> SetupSecret {
        SetupSecret::generate(&self.random)
    }

    /// Creates the ID of a journal.
    pub fn journal(&self) -> JournalId {
        JournalId::new(START + Duration::seconds(self.next()), &self.random)
    }

    /// Creates the ID of a process.
    pub fn owner(&self) -> JournalOwner {
        JournalOwner::new(START + Duration::seconds(self.next()), &self.random)
    }

    /// Creates the ID of an accepted loss.
    pub fn accepted_loss(&self) -> AcceptedLossId {
        AcceptedLossId::new(START + Duration::seconds(self.next()), &self.random)
    }

    /// Creates a salt.
    pub fn salt(&self) -> Salt {
        Salt::generate(&self.random)
    }

    fn next(&self) -> i64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }
}

/// Returns facts of all kinds, some of them unknown.
fn facts(number: i64) -> ClickFacts {
    let nth = |length: usize| usize::try_from(number).unwrap_or(0) % length;
    let browsers = [Some("Firefox"), Some("Chrome"), None];
    let systems = [Some("Windows"), None, Some("macOS"), Some("Linux")];
    let countries = [Some("DE"), Some("FR"), None, Some("JP"), Some("XK")];
    ClickFacts {
        class: VisitClass::ALL.get(nth(5)).copied(),
        browser: browsers[nth(3)].and_then(Family::of),
        os: systems[nth(4)].and_then(Family::of),
        device: DeviceClass::ALL.get(nth(7)).copied(),
        country: countries[nth(5)].and_then(Country::parse),
    }
}

/// Returns the code that `text` spells.
#[must_use]
pub fn code(text: &str) -> ShortCode {
    ShortCode::parse(text).expect("a code")
}

/// Returns the destination `text`, as a store would return it.
#[must_use]
pub fn target(text: &str) -> TargetUrl {
    TargetUrl::from_stored(text.to_owned()).expect("a target")
}

/// Returns the tags of one link.
#[must_use]
pub fn tags(texts: &[&str]) -> Vec<Tag> {
    Tag::parse_all(texts.iter().copied()).expect("tags")
}

/// Returns the words of the search for `text`.
#[must_use]
pub fn words(text: &str) -> Vec<SearchWord> {
    SearchWord::of_search(text)
}

/// Fills with zeros a number of times, and after that at random from a seed: code that draws from
/// it draws the same code repeatedly before it gets another one.
///
/// A code drawn from zeros is [`RepeatingRandom::code`]. The shortener draws twice for each
/// attempt: the code and the ID.
#[derive(Debug)]
pub struct RepeatingRandom {
    zeros: AtomicUsize,
    then: SeededRandom,
}

impl RepeatingRandom {
    /// Fills with zeros `times` times, then from `seed`.
    #[must_use]
    pub fn new(times: usize, seed: u64) -> Self {
        Self {
            zeros: AtomicUsize::new(times),
            then: SeededRandom::new(seed),
        }
    }

    /// Returns the code of `length` characters that is drawn from zeros.
    #[must_use]
    pub fn code(length: usize) -> String {
        "2".repeat(length)
    }
}

impl Random for RepeatingRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let left = self
            .zeros
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        match left {
            Ok(_) => bytes.fill(0),
            Err(_) => self.then.fill(bytes),
        }
    }
}

/// Returns the process that owns a journal in tests that need only one.
#[must_use]
pub fn owner_of(journal: JournalId) -> JournalOwner {
    JournalOwner::from_uuid(*journal.as_uuid())
}

/// Takes a journal for the process of [`owner_of`]; a new one begins at `began`.
///
/// # Panics
/// When the store fails, or another process owns it.
pub async fn take_journal(store: &dyn Store, journal: JournalId, began: u64) -> JournalRecord {
    let claim = JournalClaim::new(journal, owner_of(journal), began, START);
    match store.take_journal(&claim).await.unwrap() {
        Claimed::Taken(record) => record,
        Claimed::Refused { record, .. } => panic!("another process owns it: {record:?}"),
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::CodeLength;

    use super::*;

    #[test]
    fn samples_are_the_same_for_the_same_seed_and_differ_within_it() {
        let make = |seed| {
            let samples = Samples::new(seed);
            let links = samples.links(3);
            let clicks = samples.clicks(&links[0], 3);
            (links, clicks, samples.salt())
        };
        assert_eq!(make(1), make(1));
        let (links, clicks, _) = make(2);
        assert_ne!(links[0].code, links[1].code);
        assert!(links[0].created_at < links[1].created_at);
        assert!(clicks[0].id < clicks[1].id);
    }

    #[test]
    fn a_repeating_random_draws_the_same_code_until_it_is_used_up() {
        let random = RepeatingRandom::new(2, 1);
        let draw = || ShortCode::generate(&random, CodeLength::default());
        let repeated = code(&RepeatingRandom::code(7));
        assert_eq!((draw(), draw()), (repeated.clone(), repeated.clone()));
        assert_ne!(draw(), repeated);
    }
}
