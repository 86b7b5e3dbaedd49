//! Cases of links as a whole: a store and one in memory perform the same random operations and
//! return the same results.

use std::fmt::Debug;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use waypost_core::{
    Link, LinkContent, LinkDetails, LinkId, LinkOrder, PageRequest, Random, SeededRandom,
    ShortCode, Title, UserId, Visibility,
};
use waypost_store::{
    Heir, LinkEdit, LinkQuery, LinkReader, LinkUpdate, MemoryStore, PageOf, Store, Transfer,
};

use super::{LATER, StoreFactory, add_users};
use crate::samples::{FAR_FUTURE, Samples, code, tags, target, words};

const OPERATIONS: i64 = 200;
/// Number of operations between comparisons of the stores.
const BETWEEN: i64 = 20;

const TITLES: [&str; 6] = ["", "Team wiki", "WIKI", "The Größe", "grosse", "東京 wiki"];
const TAGS: [&str; 6] = ["ops", "on-call", "on_call", "größe", "grosse", "東京"];
const URLS: [&str; 4] = [
    "https://example.com/",
    "https://example.com/Team",
    "https://example.org/team?a=%25",
    "https://example.org/$name?$top=5",
];

/// Draws the operations.
struct Draw(SeededRandom);

impl Draw {
    fn below(&self, end: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        let end = u64::try_from(end).unwrap();
        usize::try_from(u64::from_le_bytes(bytes) % end).unwrap()
    }

    fn one_of<T: Clone>(&self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// Returns one of a few codes, in a random spelling.
    fn code(&self) -> ShortCode {
        let text = format!("code-{}", self.below(120));
        code(&match self.below(3) {
            0 => text.to_uppercase(),
            _ => text,
        })
    }

    fn content(&self) -> LinkContent {
        let some_tags: Vec<&str> = (0..self.below(4)).map(|_| self.one_of(&TAGS)).collect();
        let day = i64::try_from(self.below(9)).unwrap();
        let url = self.one_of(&URLS);
        LinkContent {
            code: self.code(),
            target: target(url),
            details: LinkDetails {
                title: Title::parse(self.one_of(&TITLES)).unwrap(),
                visibility: self.one_of(&Visibility::ALL),
                tags: tags(&some_tags),
                expires_at: (day < 3).then(|| LATER + Duration::days(day)),
                disabled: self.below(4) == 0,
                forward_query: self.below(4) == 0,
                template: url.contains("$name") && self.below(2) == 0,
                ..LinkDetails::default()
            },
        }
    }
}

/// A store, and one in memory that performs the same operations.
struct Pair {
    store: Arc<dyn Store>,
    reference: MemoryStore,
    draw: Draw,
    samples: Samples,
    users: Vec<UserId>,
    /// The links that were inserted, some of which are deleted.
    links: Vec<LinkId>,
}

impl Pair {
    async fn new(store: Arc<dyn Store>, seed: u64) -> Self {
        let reference = MemoryStore::new();
        let names = ["ada", "bob", "cem", "eve"];
        let users = add_users(&*store, &Samples::new(seed), names).await;
        // The same seed, and so the same users.
        let same = add_users(&reference, &Samples::new(seed), names).await;
        assert_eq!(users, same);
        Self {
            store,
            reference,
            draw: Draw(SeededRandom::new(seed)),
            samples: Samples::new(seed + 1),
            users: users.to_vec(),
            links: Vec::new(),
        }
    }

    /// Performs an operation on both stores and asserts that the results are equal, down to the
    /// spelling of a code and the zone of a time.
    async fn on_both<T: Debug>(&self, what: impl Debug, work: impl AsyncFn(&dyn Store) -> T) -> T {
        let (answer, expected) = (work(&*self.store).await, work(&self.reference).await);
        assert_eq!(format!("{answer:?}"), format!("{expected:?}"), "{what:?}");
        answer
    }

    async fn operate(&mut self, at: OffsetDateTime) {
        match self.draw.below(40) {
            0..12 => self.insert().await,
            12 => self.take(at).await,
            13 => self.purge(at).await,
            _ => self.change(at).await,
        }
    }

    async fn insert(&mut self) {
        let content = self.draw.content();
        let link = Link {
            target: content.target,
            ..self
                .samples
                .link_with(content.code.spelling(), content.details)
        };
        let owner = self
            .draw
            .one_of(&[None, Some(self.draw.one_of(&self.users))]);
        let answer = self
            .on_both((&link, owner), async |store| {
                store.insert_link(&link, owner).await
            })
            .await;
        if answer.is_ok() {
            self.links.push(link.id);
        }
    }

    async fn take(&self, at: OffsetDateTime) {
        let (from, to) = (self.draw.below(4), self.draw.below(5));
        let to = match self.users.get(to) {
            Some(to) if *to != self.users[from] => Heir::User(*to),
            _ => Heir::Nobody,
        };
        let (from, by) = (self.users[from], Some(self.draw.one_of(&self.users)));
        let transfer = Transfer { by, at };
        self.on_both((from, to), async |store| {
            store
                .take_links(from, to, u32::MAX, transfer)
                .await
                .unwrap()
        })
        .await;
    }

    async fn purge(&self, at: OffsetDateTime) {
        let before = at - Duration::seconds(20);
        self.on_both(before, async |store| {
            let counted = store.deleted_links_before(before).await.unwrap();
            let purged = store.purge_deleted_links(before, u32::MAX).await;
            (counted, purged.unwrap())
        })
        .await;
    }

    async fn change(&self, at: OffsetDateTime) {
        let Some(id) = self.links.get(self.draw.below(self.links.len() + 1)) else {
            return;
        };
        let link = self
            .on_both(id, async |store| store.link(*id).await.unwrap())
            .await;
        let user = self.draw.one_of(&self.users);
        let (version, is_deleted) = match &link {
            Some(link) => (link.version, link.is_deleted()),
            None => (1, false),
        };
        let edit = match self.draw.below(14) {
            0 | 1 if is_deleted => LinkEdit::Restore(match link {
                Some(link) => link.content(),
                None => self.draw.content(),
            }),
            2..=5 if is_deleted => LinkEdit::Restore(self.draw.content()),
            0 => LinkEdit::Delete,
            1..=5 => LinkEdit::Content(self.draw.content()),
            6 | 7 => LinkEdit::AddOwner(user),
            8 => LinkEdit::MakePrimary(user),
            9 => LinkEdit::RemoveOwner(user),
            10 | 11 => LinkEdit::Share(user),
            12 => LinkEdit::Unshare(user),
            _ => return self.click(*id).await,
        };
        let update = LinkUpdate {
            link: *id,
            // Now and then another change came first.
            version: if self.draw.below(10) == 0 {
                version + 1
            } else {
                version
            },
            by: self
                .draw
                .one_of(&[None, Some(self.draw.one_of(&self.users))]),
            at,
            edit,
        };
        self.on_both(&update, async |store| store.update_link(&update).await)
            .await
            .ok();
    }

    async fn click(&self, id: LinkId) {
        let mut click = self.samples.click(&self.samples.link("any"));
        click.link_id = id;
        self.on_both(&click, async |store| {
            store
                .record_clicks(std::slice::from_ref(&click))
                .await
                .unwrap()
        })
        .await;
    }

    /// Returns a query with random filters.
    fn query(&self, reader: LinkReader, deleted: bool) -> LinkQuery {
        let searches = ["", "", "wiki", "te", "gro", "größe", "code exam", "東"];
        let is_asked = || self.draw.below(4) == 0;
        LinkQuery {
            reader,
            deleted,
            words: words(self.draw.one_of(&searches)),
            tag: is_asked()
                .then(|| tags(&[self.draw.one_of(&TAGS)]))
                .and_then(|mut tags| tags.pop()),
            owner: is_asked().then(|| self.draw.one_of(&self.users)),
            target: is_asked().then(|| target(self.draw.one_of(&URLS))),
            visibility: is_asked().then(|| self.draw.one_of(&Visibility::ALL)),
            order: self.draw.one_of(&LinkOrder::ALL),
            ..LinkQuery::newest(reader, 1_000)
        }
    }

    /// Asserts that both stores show the same links to every reader.
    async fn compare_lists(&self) {
        let users = self.users.iter();
        let users = users.flat_map(|user| [LinkReader::User(*user), LinkReader::Involved(*user)]);
        for reader in users.chain([LinkReader::All]) {
            for deleted in [false, true] {
                let everything = LinkQuery {
                    deleted,
                    ..LinkQuery::newest(reader, 1_000)
                };
                for query in [everything, self.query(reader, deleted)] {
                    self.on_both(&query, async |store| {
                        store.list_links(&query).await.unwrap()
                    })
                    .await;
                }
            }
            self.on_both(reader, async |store| {
                store.tags(reader, None, 100).await.unwrap()
            })
            .await;
        }
        let page = PageRequest::new(1, 100).unwrap();
        let owners = self.users.iter().map(|user| PageOf::Owner(*user));
        for of in owners.chain([PageOf::All, PageOf::Nobody]) {
            self.on_both(of, async |store| store.links_page(of, page).await.unwrap())
                .await;
        }
        self.on_both("all", async |store| {
            let counts = store.counts().await.unwrap();
            let deleted = store.deleted_links_before(FAR_FUTURE).await.unwrap();
            let ledger = store.ledger(None, 1_000).await.unwrap();
            let ledger: Vec<_> = ledger
                .iter()
                .map(|entry| (entry.link_id, entry.rows))
                .collect();
            let owners = store.owners_of_links(&self.links).await.unwrap();
            (counts, deleted, ledger, owners)
        })
        .await;
    }

    /// Asserts that both stores have the same data of a link.
    async fn compare_link(&self, id: LinkId) {
        let user = self.draw.one_of(&self.users);
        self.on_both(id, async |store| {
            let codes = store.codes_of_link(id).await.unwrap();
            let codes: Vec<String> = codes.iter().map(|code| code.as_str().to_owned()).collect();
            let shares = store.shares_of_link(id).await.unwrap();
            let standing = store.standing(id, user).await.unwrap();
            let versions = store.link_versions(id, None, 1_000).await.unwrap();
            (codes, shares, standing, versions)
        })
        .await;
    }
}

/// Whatever happens to links in whichever order, every reader sees exactly what they may see.
pub async fn links_are_the_same_in_every_store_whatever_happens(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let mut pair = Pair::new(store, 1).await;
    for number in 1..=OPERATIONS {
        pair.operate(LATER + Duration::seconds(number)).await;
        if number % BETWEEN == 0 {
            pair.compare_lists().await;
            for _ in 0..8 {
                pair.compare_link(pair.draw.one_of(&pair.links)).await;
            }
        }
    }
    for id in &pair.links {
        pair.compare_link(*id).await;
    }
}
