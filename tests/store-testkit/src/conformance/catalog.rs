//! Cases of [`CatalogStore`](waypost_store::CatalogStore): which links a query finds. Searching by
//! words is in `search.rs`, the orders and cursors of lists in `walks.rs`, tags in `tags.rs`.

use waypost_core::{
    Description, Link, LinkDetails, LinkOrder, LinkPlace, Tag, Title, UserId, Visibility,
};
use waypost_store::{LinkEdit, LinkQuery, LinkReader, Store};

use super::{StoreFactory, add_users, assert_same, insert, update};
use crate::samples::{Samples, tags, target, words};

/// Returns a query for all links, by code.
pub(super) fn all() -> LinkQuery {
    LinkQuery {
        order: LinkOrder::Code,
        ..LinkQuery::newest(LinkReader::All, 1_000)
    }
}

/// Returns the codes of the links that a query finds.
pub(super) async fn found(store: &dyn Store, query: &LinkQuery) -> Vec<String> {
    let links = store.list_links(query).await.unwrap();
    let codes = super::codes(&links).into_iter();
    codes.map(ToOwned::to_owned).collect()
}

/// Links that differ in everything that a query can ask for.
struct Library {
    ada: UserId,
    bob: UserId,
    eve: UserId,
    stranger: UserId,
}

impl Library {
    async fn new(store: &dyn Store) -> Self {
        let samples = Samples::new(1);
        let names = ["ada", "bob", "eve", "stranger"];
        let [ada, bob, eve, stranger] = add_users(store, &samples, names).await;
        let link = async |code, visibility, texts: &[&str], url, owner, edits: Vec<LinkEdit>| {
            let details = LinkDetails {
                visibility,
                tags: tags(texts),
                ..LinkDetails::default()
            };
            let mut link = samples.link_with(code, details);
            link.target = target(url);
            store.insert_link(&link, owner).await.unwrap();
            for edit in edits {
                link = update(store, &link, edit).await;
            }
        };
        let (blog, docs) = ("https://example.com/blog", "https://example.com/docs");
        let (public, private) = (Visibility::Public, Visibility::Private);
        let secure = Visibility::Secure;
        let for_eve = || vec![LinkEdit::Share(eve)];
        link("blog", public, &["news"], blog, Some(ada), vec![]).await;
        link("docs", public, &["ops", "news"], docs, Some(bob), vec![]).await;
        let with_bob = vec![LinkEdit::AddOwner(bob)];
        link("on-call", private, &["ops"], docs, Some(ada), with_bob).await;
        link("pay", secure, &["hr"], docs, Some(ada), for_eve()).await;
        link("party", private, &["news"], blog, None, for_eve()).await;
        link("plan", secure, &[], blog, None, vec![]).await;
        let deleted = vec![LinkEdit::Delete];
        link("old-blog", public, &["news"], blog, Some(ada), deleted).await;
        let deleted = vec![LinkEdit::Share(eve), LinkEdit::Delete];
        link("old-pay", secure, &["hr", "ops"], docs, Some(bob), deleted).await;
        let deleted = vec![LinkEdit::Delete];
        link("old-plan", private, &["hr"], docs, None, deleted).await;
        Self {
            ada,
            bob,
            eve,
            stranger,
        }
    }

    /// Returns queries with one filter each, and the links they find, deleted or not.
    fn filters(&self) -> Vec<(LinkQuery, Vec<&'static str>)> {
        let Self { ada, bob, eve, .. } = *self;
        let tag = |text| LinkQuery {
            tag: tags(&[text]).pop(),
            ..all()
        };
        let owner = |user| LinkQuery {
            owner: Some(user),
            ..all()
        };
        let leads_to = |url| LinkQuery {
            target: Some(target(url)),
            ..all()
        };
        let visibility = |visibility| LinkQuery {
            visibility: Some(visibility),
            ..all()
        };
        let search = |text| LinkQuery {
            words: words(text),
            ..all()
        };
        vec![
            (tag("news"), vec!["blog", "docs", "old-blog", "party"]),
            (tag("ops"), vec!["docs", "old-pay", "on-call"]),
            (tag("hr"), vec!["old-pay", "old-plan", "pay"]),
            (tag("new"), vec![]),
            (owner(ada), vec!["blog", "old-blog", "on-call", "pay"]),
            (owner(bob), vec!["docs", "old-pay", "on-call"]),
            (owner(eve), vec![]),
            (
                leads_to("https://example.com/blog"),
                vec!["blog", "old-blog", "party", "plan"],
            ),
            (leads_to("https://example.com/"), vec![]),
            (
                visibility(Visibility::Public),
                vec!["blog", "docs", "old-blog"],
            ),
            (
                visibility(Visibility::Private),
                vec!["old-plan", "on-call", "party"],
            ),
            (
                visibility(Visibility::Secure),
                vec!["old-pay", "pay", "plan"],
            ),
            (search("old"), vec!["old-blog", "old-pay", "old-plan"]),
            (
                search("p"),
                vec!["old-pay", "old-plan", "party", "pay", "plan"],
            ),
            (
                search("example doc"),
                vec!["docs", "old-pay", "old-plan", "on-call", "pay"],
            ),
        ]
    }

    /// Returns readers, and the links they can see, deleted or not.
    fn readers(&self) -> Vec<(LinkReader, Vec<&'static str>)> {
        let all = [
            "blog", "docs", "old-blog", "old-pay", "old-plan", "on-call", "party", "pay", "plan",
        ];
        let (user, involved) = (LinkReader::User, LinkReader::Involved);
        let nobody = Samples::new(2).user("nobody@example.com").id;
        vec![
            (LinkReader::All, all.to_vec()),
            (
                user(self.ada),
                vec!["blog", "docs", "old-blog", "on-call", "pay"],
            ),
            (
                user(self.bob),
                vec!["blog", "docs", "old-blog", "old-pay", "on-call"],
            ),
            (
                user(self.eve),
                vec!["blog", "docs", "old-blog", "old-pay", "party", "pay"],
            ),
            (user(self.stranger), vec!["blog", "docs", "old-blog"]),
            (user(nobody), vec!["blog", "docs", "old-blog"]),
            (
                involved(self.ada),
                vec!["blog", "old-blog", "on-call", "pay"],
            ),
            (involved(self.bob), vec!["docs", "old-pay", "on-call"]),
            (involved(self.eve), vec!["old-pay", "party", "pay"]),
            (involved(self.stranger), vec![]),
        ]
    }
}

fn is_deleted(code: &str) -> bool {
    code.starts_with("old-")
}

/// Strangers find public links; users with whom a link is shared and owners find it too, and admins
/// find all.
pub async fn readers_find_what_they_may_see(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let library = Library::new(&*store).await;
    for (reader, seen) in library.readers() {
        for deleted in [false, true] {
            let query = LinkQuery {
                reader,
                deleted,
                ..all()
            };
            let seen = seen.iter().filter(|code| is_deleted(code) == deleted);
            let expected: Vec<&str> = seen.copied().collect();
            assert_eq!(found(&*store, &query).await, expected, "{query:?}");
        }
    }
}

/// Each filter leaves out the links that do not match it.
pub async fn each_filter_finds_what_it_asks_for(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let library = Library::new(&*store).await;
    for (query, finds) in library.filters() {
        for deleted in [false, true] {
            let query = LinkQuery {
                deleted,
                ..query.clone()
            };
            let finds = finds.iter().filter(|code| is_deleted(code) == deleted);
            let expected: Vec<&str> = finds.copied().collect();
            assert_eq!(found(&*store, &query).await, expected, "{query:?}");
        }
    }
}

/// A query with several filters finds the links that each filter alone finds, as far as the reader
/// can see them.
pub async fn filters_together_find_what_each_of_them_finds(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let library = Library::new(&*store).await;
    let filters = library.filters();
    let readers = library.readers();
    for (one, finds) in &filters {
        for (other, also_finds) in &filters {
            let both = LinkQuery {
                tag: one.tag.clone().or_else(|| other.tag.clone()),
                owner: one.owner.or(other.owner),
                target: one.target.clone().or_else(|| other.target.clone()),
                visibility: one.visibility.or(other.visibility),
                words: [&one.words[..], &other.words[..]].concat(),
                ..all()
            };
            // Two filters of one kind cannot be combined, except words.
            let is_whole = (&both.tag, both.owner, &both.target, both.visibility)
                == (
                    &other.tag.clone().or_else(|| one.tag.clone()),
                    other.owner.or(one.owner),
                    &other.target.clone().or_else(|| one.target.clone()),
                    other.visibility.or(one.visibility),
                );
            if !is_whole {
                continue;
            }
            // Each pair has a reader of its own, and all readers occur.
            let turn = finds.len() * 7 + also_finds.len() + both.words.len();
            let (reader, sees) = &readers[turn % readers.len()];
            for deleted in [false, true] {
                let query = LinkQuery {
                    reader: *reader,
                    deleted,
                    ..both.clone()
                };
                let expected: Vec<&str> = finds
                    .iter()
                    .filter(|code| also_finds.contains(code) && sees.contains(code))
                    .filter(|code| is_deleted(code) == deleted)
                    .copied()
                    .collect();
                assert_eq!(found(&*store, &query).await, expected, "{query:?}");
            }
        }
    }
    let everything = LinkQuery {
        reader: LinkReader::User(library.bob),
        words: words("on call exa"),
        tag: tags(&["ops"]).pop(),
        owner: Some(library.ada),
        target: Some(target("https://example.com/docs")),
        visibility: Some(Visibility::Private),
        ..all()
    };
    assert_eq!(found(&*store, &everything).await, ["on-call"]);
}

/// Links that a user owns or that are shared with them are found in every order, however many links
/// there are.
pub async fn what_somebody_has_a_part_in_is_found_in_every_order(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let library = Library::new(&*store).await;
    for (user, codes) in [
        (library.ada, &["blog", "on-call", "pay"][..]),
        (library.bob, &["docs", "on-call"]),
        (library.eve, &["party", "pay"]),
    ] {
        for order in LinkOrder::ALL {
            let query = LinkQuery {
                order,
                ..LinkQuery::newest(LinkReader::Involved(user), 1_000)
            };
            let whole = found(&*store, &query).await;
            let mut sorted = whole.clone();
            sorted.sort();
            assert_eq!(sorted, codes, "{query:?}");
            let mut walked = Vec::new();
            let mut after = None;
            loop {
                let query = LinkQuery {
                    after,
                    limit: 1,
                    ..query.clone()
                };
                let links = store.list_links(&query).await.unwrap();
                let Some(link) = links.first() else { break };
                walked.push(link.code.as_str().to_owned());
                after = Some(LinkPlace::behind(link, order));
            }
            assert_eq!(walked, whole, "{query:?}");
        }
        let tags = store.tags(LinkReader::Involved(user), None, 10).await;
        let expected: &[&str] = match codes.len() {
            3 => &["hr", "news", "ops"],
            _ if user == library.bob => &["news", "ops"],
            _ => &["hr", "news"],
        };
        let tags = tags.unwrap();
        let tags: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        assert_eq!(tags, expected);
    }
}

/// A list shows links as they are, to every reader who can see them.
pub async fn a_list_shows_links_as_they_are(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let details = LinkDetails {
        title: Title::parse("The handbook").unwrap(),
        description: Description::parse("All\nwe know").unwrap(),
        visibility: Visibility::Secure,
        tags: tags(&["docs", "hr"]),
        expires_at: Some(super::LATER),
        disabled: true,
        forward_query: true,
        template: true,
    };
    let [ada] = add_users(&*store, &samples, ["ada"]).await;
    let link = Link {
        target: target("https://example.com/$page"),
        ..samples.link_with("Handbook", details)
    };
    store.insert_link(&link, Some(ada)).await.unwrap();
    super::record(&*store, &samples.clicks(&link, 3)).await;
    let link = update(&*store, &Link { clicks: 3, ..link }, LinkEdit::Delete).await;
    assert_eq!(link.clicks, 3);
    let query = LinkQuery {
        reader: LinkReader::User(ada),
        words: words("know hand"),
        deleted: true,
        ..all()
    };
    let [listed] = &store.list_links(&query).await.unwrap()[..] else {
        panic!("one link is deleted");
    };
    assert_same(listed, &link);
}

/// Access is decided when a list is read.
pub async fn a_list_follows_who_may_see_a_link(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, eve] = add_users(&*store, &samples, ["ada", "eve"]).await;
    let details = LinkDetails {
        visibility: Visibility::Secure,
        tags: tags(&["hr"]),
        ..LinkDetails::default()
    };
    let link = samples.link_with("pay", details);
    store.insert_link(&link, Some(ada)).await.unwrap();
    let mut public = link.content();
    public.details.visibility = Visibility::Public;
    let mut seen = link.clone();
    for (edit, is_seen) in [
        (LinkEdit::Content(link.content()), false),
        (LinkEdit::Share(eve), true),
        (LinkEdit::Unshare(eve), false),
        (LinkEdit::AddOwner(eve), true),
        (LinkEdit::RemoveOwner(eve), false),
        (LinkEdit::Content(public.clone()), true),
        (LinkEdit::Content(link.content()), false),
        (LinkEdit::MakePrimary(eve), true),
        (LinkEdit::RemoveOwner(eve), false),
    ] {
        seen = update(&*store, &seen, edit.clone()).await;
        let reader = LinkReader::User(eve);
        let query = LinkQuery { reader, ..all() };
        let found = found(&*store, &query).await;
        assert_eq!(found.len(), usize::from(is_seen), "{edit:?}");
        let listed = store.tags(reader, None, 10).await.unwrap();
        assert_eq!(listed.len(), usize::from(is_seen), "{edit:?}");
    }
}

/// Long destinations are compared to their end.
pub async fn the_longest_targets_are_told_apart(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let urls = ["a", "b", "B"].map(|end| format!("https://example.com/{end:x>2028}"));
    for (number, url) in urls.iter().enumerate() {
        let mut link = samples.link(&number.to_string());
        link.target = target(url);
        assert_eq!(url.len(), 2_048);
        insert(&*store, &link).await;
    }
    for (number, url) in urls.iter().enumerate() {
        let query = LinkQuery {
            target: Some(target(url)),
            ..all()
        };
        assert_eq!(found(&*store, &query).await, [number.to_string()]);
        let shorter = LinkQuery {
            target: Some(target(&url[..2_047])),
            ..all()
        };
        assert_eq!(found(&*store, &shorter).await, [""; 0]);
    }
}
