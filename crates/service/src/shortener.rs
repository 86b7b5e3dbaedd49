//! Creating, finding and deleting links over any store. Shared by the HTTP API, `linkctl` and
//! embedders.

use std::net::SocketAddr;
use std::sync::Arc;

use waypost_core::{
    BaseUrl, Clock, CodeError, CodeLength, HostPattern, Link, LinkContent, LinkDetails, LinkId,
    Random, ReservedWords, ShortCode, TargetUrl, TargetUrlError, UserId, micros,
};
use waypost_store::{Store, StoreError};

use crate::Resolver;
use crate::templates::check_template;

/// Number of codes of one length that may be in use before a longer one is generated.
const DRAWS_PER_LENGTH: usize = 3;
/// Maximum number of generated codes. If all of them are in use, there is another problem.
const MAX_DRAWS: usize = 24;

/// The parts that a [`Shortener`] is built from.
#[derive(Clone)]
pub struct ShortenerParts {
    /// The store of links.
    pub store: Arc<dyn Store>,
    /// The clock for times of creation.
    pub clock: Arc<dyn Clock>,
    /// The source of codes and IDs.
    pub random: Arc<dyn Random>,
    /// Words that cannot be codes.
    pub reserved: ReservedWords,
    /// The prefix of short links.
    pub base_url: BaseUrl,
    /// The cache of this process, which is updated at once. Resolvers elsewhere notice changes by
    /// the change feed.
    pub resolver: Option<Resolver>,
}

/// Creates and finds links without permission checks, which are left to its callers.
#[derive(Clone)]
pub struct Shortener(pub(crate) ShortenerParts);

/// A link to create.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// The destination.
    pub target: TargetUrl,
    /// The code; if `None`, one is generated.
    pub code: Option<ShortCode>,
    /// Its other settings.
    pub details: LinkDetails,
}

impl Shortener {
    /// Creates a shortener from these parts.
    #[must_use]
    pub const fn new(parts: ShortenerParts) -> Self {
        Self(parts)
    }

    /// Returns the shortener of a server that listens on these addresses: destinations on them are
    /// refused.
    #[must_use]
    pub fn listening_on(mut self, sockets: Vec<SocketAddr>) -> Self {
        self.0.base_url = self.0.base_url.listening_on(sockets);
        self
    }

    /// Creates a link to `url` without an owner, under `code` or else under a generated code.
    ///
    /// # Errors
    /// [`ShortenError`] says which of the two is invalid, or why the store failed.
    pub async fn shorten(&self, url: &str, code: Option<&str>) -> Result<Link, ShortenError> {
        let new = NewLink {
            target: self.target(url)?,
            code: code.map(ShortCode::parse).transpose()?,
            details: LinkDetails::default(),
        };
        self.make(new, None).await
    }

    /// Creates a link, under its code or else under a generated one.
    ///
    /// # Errors
    /// [`ShortenError`] says what is invalid, or why the store failed: [`StoreError::NotFound`]
    /// when the user does not exist.
    pub async fn make(&self, new: NewLink, owner: Option<UserId>) -> Result<Link, ShortenError> {
        self.make_as(new, owner, false).await
    }

    /// Creates a keyword, which has no owner.
    pub(crate) async fn make_keyword(&self, new: NewLink) -> Result<Link, ShortenError> {
        self.make_as(new, None, true).await
    }

    async fn make_as(
        &self,
        new: NewLink,
        owner: Option<UserId>,
        is_keyword: bool,
    ) -> Result<Link, ShortenError> {
        let NewLink {
            target,
            code,
            details,
        } = new;
        check_template(&target, &details, is_keyword)?;
        self.check_target(&target).await?;
        match code {
            Some(code) => {
                self.0.reserved.check(&code)?;
                let content = LinkContent {
                    code,
                    target,
                    details,
                };
                let link = Link {
                    is_keyword,
                    ..self.link(content)
                };
                match self.insert(&link, owner).await {
                    Ok(()) => Ok(link),
                    Err(StoreError::Conflict) => Err(ShortenError::Taken(link.code)),
                    Err(error) => Err(error.into()),
                }
            }
            None => self.draw(target, details, owner).await,
        }
    }

    /// Parses a destination that a link of this shortener may have.
    ///
    /// # Errors
    /// [`TargetUrlError`] for any other.
    pub fn target(&self, url: &str) -> Result<TargetUrl, TargetUrlError> {
        TargetUrl::parse(url, &self.0.base_url)
    }

    /// Checks that links may have a destination at present: its host is not on the blocklist and is
    /// not a keyword of this server.
    ///
    /// # Errors
    /// [`ShortenError::Blocked`], [`TargetUrlError::OwnHost`], or of the store.
    pub(crate) async fn check_target(&self, target: &TargetUrl) -> Result<(), ShortenError> {
        let ShortenerParts {
            store, base_url, ..
        } = &self.0;
        let host = target.host();
        if let Some(blocked) = store.blocking(&host).await? {
            return Err(ShortenError::Blocked(blocked.pattern));
        }
        if let Some(word) = base_url.word_of(&host)
            && self.find(word).await?.is_some_and(|link| link.is_keyword)
        {
            return Err(TargetUrlError::OwnHost.into());
        }
        Ok(())
    }

    /// Inserts under generated codes until one is unused. Only the unique index can decide this,
    /// not a look-up.
    async fn draw(
        &self,
        target: TargetUrl,
        details: LinkDetails,
        owner: Option<UserId>,
    ) -> Result<Link, ShortenError> {
        for draw in 0..MAX_DRAWS {
            let length = CodeLength::default().grown_by(draw / DRAWS_PER_LENGTH);
            let code = ShortCode::generate(&*self.0.random, length);
            if self.0.reserved.check(&code).is_err() {
                continue;
            }
            let link = self.link(LinkContent {
                code,
                target: target.clone(),
                details: details.clone(),
            });
            match self.insert(&link, owner).await {
                Ok(()) => return Ok(link),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ShortenError::Exhausted)
    }

    async fn insert(&self, link: &Link, owner: Option<UserId>) -> Result<(), StoreError> {
        let _change = self.change(vec![link.code.clone()]);
        self.0.store.insert_link(link, owner).await
    }

    /// Begins a change of the links of these codes.
    pub(crate) fn change(&self, codes: Vec<ShortCode>) -> Change {
        let resolver = self.0.resolver.clone();
        Change { resolver, codes }
    }

    fn link(&self, content: LinkContent) -> Link {
        let created_at = micros(self.0.clock.now());
        let id = LinkId::new(created_at, &*self.0.random);
        Link::of(id, content, created_at)
    }

    /// Finds the link of a code as a visitor typed it. A text that cannot be a code has no link.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn find(&self, code: &str) -> Result<Option<Link>, StoreError> {
        match ShortCode::parse(code) {
            Ok(code) => self.0.store.link_by_code(&code).await,
            Err(_) => Ok(None),
        }
    }

    /// Permanently deletes the link of a code with its clicks. Returns `false` when it does not
    /// exist.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    pub async fn delete(&self, code: &str) -> Result<bool, StoreError> {
        match self.find(code).await? {
            Some(link) => {
                let codes = self.0.store.codes_of_link(link.id).await?;
                let _change = self.change(codes);
                self.0.store.delete_link(link.id).await
            }
            None => Ok(false),
        }
    }

    /// Returns the short link of a link.
    #[must_use]
    pub fn short_url(&self, link: &Link) -> String {
        self.0.base_url.short_url(&link.code)
    }

    /// Returns the words that cannot be codes.
    #[must_use]
    pub const fn reserved(&self) -> &ReservedWords {
        &self.0.reserved
    }

    /// Returns the underlying store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    /// Returns the underlying store as a shared reference.
    #[must_use]
    pub fn shared_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0.store)
    }
}

/// A running change. When it is dropped, the resolver of this process forgets the codes, however
/// the change ended: after an error, or when the caller stopped waiting, it may have happened all
/// the same.
pub(crate) struct Change {
    resolver: Option<Resolver>,
    codes: Vec<ShortCode>,
}

impl Drop for Change {
    fn drop(&mut self) {
        if let Some(resolver) = &self.resolver {
            for code in &self.codes {
                resolver.forget(code);
            }
        }
    }
}

/// Why a link was not created.
#[derive(Debug, thiserror::Error)]
pub enum ShortenError {
    /// The destination is invalid.
    #[error(transparent)]
    Url(#[from] TargetUrlError),
    /// The code is invalid.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The host of the destination is on the blocklist.
    #[error("the destination is blocked on this server (`{0}` is on the blocklist)")]
    Blocked(HostPattern),
    /// Another link has the code.
    #[error("the code `{0}` is in use; choose another one or leave it out to generate one")]
    Taken(ShortCode),
    /// Every generated code was in use or reserved.
    #[error("no unused code could be generated; try again")]
    Exhausted,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
pub(crate) mod tests {
    use waypost_core::{ManualClock, SeededRandom};
    use waypost_store::MemoryStore;
    use waypost_store_testkit::failing::{FailingStore, Failure, Operation, When};
    use waypost_store_testkit::samples::{RepeatingRandom, START, Samples};

    use super::*;

    /// Creates a shortener for `https://go.example` whose clock stands at [`START`], without
    /// reserved words.
    pub(crate) fn shortener_over(store: Arc<dyn Store>, random: Arc<dyn Random>) -> Shortener {
        Shortener::new(ShortenerParts {
            store,
            clock: Arc::new(ManualClock::new(START)),
            random,
            reserved: ReservedWords::default(),
            base_url: "https://go.example".parse().unwrap(),
            resolver: None,
        })
    }

    /// Creates a store that counts its calls, and a shortener over it.
    fn shortener(random: impl Random + 'static) -> (Arc<FailingStore>, Shortener) {
        let store = Arc::new(FailingStore::<dyn Store>::new(
            Arc::new(MemoryStore::new()),
            1,
        ));
        let shortener = shortener_over(store.clone(), Arc::new(random));
        (store, shortener)
    }

    fn reserving<'a>(shortener: Shortener, words: impl IntoIterator<Item = &'a str>) -> Shortener {
        Shortener::new(ShortenerParts {
            reserved: words.into_iter().collect(),
            ..shortener.0
        })
    }

    async fn stored(store: &FailingStore) -> u64 {
        store.inner().counts().await.unwrap().links
    }

    #[tokio::test]
    async fn a_link_under_a_chosen_code_is_made_found_and_deleted() {
        let (_, shortener) = shortener(SeededRandom::new(1));
        let made = shortener.shorten("https://example.com", Some("Wiki"));
        let made = made.await.unwrap();
        assert_eq!(made.created_at, START);
        assert_eq!(shortener.short_url(&made), "https://go.example/Wiki");
        for typed in ["Wiki", "wiki", "WIKI"] {
            assert_eq!(shortener.find(typed).await.unwrap(), Some(made.clone()));
        }
        assert!(shortener.delete("WIKI").await.unwrap());
        assert!(!shortener.delete("wiki").await.unwrap());
        assert_eq!(shortener.find("wiki").await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_cannot_be_a_code_has_no_link_and_does_not_reach_the_store() {
        let (store, shortener) = shortener(SeededRandom::new(1));
        for typed in ["", "-", "a b", "a//b", "\0", "ä", &"x".repeat(65)] {
            assert_eq!(shortener.find(typed).await.unwrap(), None, "{typed:?}");
            assert!(!shortener.delete(typed).await.unwrap(), "{typed:?}");
        }
        assert_eq!(store.calls(Operation::LinkByCode), 0);
        assert_eq!(store.calls(Operation::DeleteLink), 0);
    }

    #[tokio::test]
    async fn a_taken_code_is_refused_in_any_case_and_the_first_link_stays() {
        let (store, shortener) = shortener(SeededRandom::new(1));
        let first = shortener.shorten("https://example.com/1", Some("wiki"));
        let first = first.await.unwrap();
        let second = shortener.shorten("https://example.com/2", Some("WIKI"));
        let error = second.await.unwrap_err();
        assert!(
            matches!(&error, ShortenError::Taken(code) if code.spelling() == "WIKI"),
            "{error:?}"
        );
        assert_eq!(shortener.find("wiki").await.unwrap(), Some(first));
        assert_eq!(stored(&store).await, 1);
    }

    #[tokio::test]
    async fn a_bad_url_or_code_is_refused_and_nothing_is_stored() {
        let (store, shortener) = shortener(SeededRandom::new(1));
        let shortener = reserving(shortener, ["api"]);
        for url in [
            "",
            "example.com",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://user:secret@example.com",
            "https://go.example/wiki",
            "https://example.com/\u{7}",
        ] {
            for code in [None, Some("wiki")] {
                let error = shortener.shorten(url, code).await.unwrap_err();
                assert!(matches!(error, ShortenError::Url(_)), "{url}: {error:?}");
            }
        }
        for code in ["", "a b", "-a", "api", "API", &"x".repeat(65)] {
            let error = shortener.shorten("https://example.com", Some(code)).await;
            let error = error.unwrap_err();
            assert!(matches!(error, ShortenError::Code(_)), "{code}: {error:?}");
        }
        assert_eq!(store.calls(Operation::InsertLink), 0);
    }

    #[tokio::test]
    async fn a_reserved_word_that_is_drawn_is_skipped() {
        let repeated = RepeatingRandom::code(7);
        // A reserved word is rejected before an ID is generated.
        let (store, shortener) = shortener(RepeatingRandom::new(2, 1));
        let shortener = reserving(shortener, [repeated.as_str()]);
        let link = shortener.shorten("https://example.com", None).await;
        let link = link.unwrap();
        assert_ne!(link.code.as_str(), repeated);
        assert_eq!(link.code.as_str().len(), 7);
        assert_eq!(store.calls(Operation::InsertLink), 1);
    }

    #[tokio::test]
    async fn codes_grow_while_every_one_that_is_drawn_is_taken_and_end_after_24_draws() {
        let (store, shortener) = shortener(RepeatingRandom::new(usize::MAX, 1));
        let samples = Samples::new(1);
        for length in 7..=14 {
            let draws = store.calls(Operation::InsertLink);
            let link = shortener.shorten("https://example.com", None).await;
            let link = link.unwrap();
            assert_eq!(link.code.as_str(), RepeatingRandom::code(length));
            // After three codes of each shorter length.
            let needed = store.calls(Operation::InsertLink) - draws;
            assert_eq!(needed, 3 * u64::try_from(length - 7).unwrap() + 1);
            // Its ID came from zeros, as those of the next ones will.
            shortener.delete(link.code.as_str()).await.unwrap();
            let sample = samples.link(link.code.as_str());
            store.inner().insert_link(&sample, None).await.unwrap();
        }
        let draws = store.calls(Operation::InsertLink);
        let error = shortener.shorten("https://example.com", None).await;
        assert!(matches!(error, Err(ShortenError::Exhausted)), "{error:?}");
        assert_eq!(store.calls(Operation::InsertLink) - draws, 24);
        assert_eq!(stored(&store).await, 8);
    }

    #[tokio::test]
    async fn reserved_words_alone_end_after_24_draws_too() {
        let words: Vec<String> = (7..=14).map(RepeatingRandom::code).collect();
        let (store, shortener) = shortener(RepeatingRandom::new(usize::MAX, 1));
        let shortener = reserving(shortener, words.iter().map(String::as_str));
        let error = shortener.shorten("https://example.com", None).await;
        assert!(matches!(error, Err(ShortenError::Exhausted)), "{error:?}");
        assert_eq!(store.calls(Operation::InsertLink), 0);
    }

    #[tokio::test]
    async fn a_failure_of_the_store_is_told_and_not_taken_for_a_collision() {
        let store = FailingStore::<dyn Store>::new(Arc::new(MemoryStore::new()), 1).fail(
            Operation::InsertLink,
            When::EveryNth(1),
            Failure::Before,
        );
        let store = Arc::new(store);
        let shortener = shortener_over(store.clone(), Arc::new(SeededRandom::new(1)));
        for (calls, code) in [(1, None), (2, Some("wiki"))] {
            let error = shortener.shorten("https://example.com", code).await;
            let unavailable = matches!(
                error,
                Err(ShortenError::Store(StoreError::Unavailable { .. }))
            );
            assert!(unavailable, "{error:?}");
            assert_eq!(store.calls(Operation::InsertLink), calls);
        }
    }
}
