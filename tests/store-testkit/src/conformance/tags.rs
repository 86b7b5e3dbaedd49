//! Cases of [`CatalogStore`](waypost_store::CatalogStore): the tags of links.

use waypost_core::{Link, LinkDetails, Tag, UserId, Visibility};
use waypost_store::{LinkEdit, LinkReader, Store};

use super::{StoreFactory, add_users, insert, update};
use crate::samples::{Samples, tags};

fn tagged(samples: &Samples, code: &str, visibility: Visibility, texts: &[&str]) -> Link {
    let details = LinkDetails {
        visibility,
        tags: tags(texts),
        ..LinkDetails::default()
    };
    samples.link_with(code, details)
}

/// Returns the tags that a reader sees.
async fn seen(store: &dyn Store, reader: LinkReader) -> Vec<String> {
    let tags = store.tags(reader, None, 1_000).await.unwrap();
    tags.iter().map(|tag| tag.as_str().to_owned()).collect()
}

async fn seen_by(store: &dyn Store, user: UserId) -> Vec<String> {
    seen(store, LinkReader::User(user)).await
}

/// A tag is shown to readers who can see a link that has it, each once.
pub async fn tags_are_shown_to_those_who_see_their_links(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let names = ["ada", "bob", "eve", "stranger"];
    let [ada, bob, eve, stranger] = add_users(&*store, &samples, names).await;
    assert_eq!(seen(&*store, LinkReader::All).await, [""; 0]);
    let (public, private) = (Visibility::Public, Visibility::Private);
    let news = tagged(&samples, "news", public, &["all", "news"]);
    let hers = tagged(&samples, "hers", private, &["all", "hers"]);
    let theirs = tagged(&samples, "theirs", Visibility::Secure, &["all", "theirs"]);
    let nobodys = tagged(&samples, "nobodys", private, &["all", "nobodys"]);
    insert(&*store, &news).await;
    store.insert_link(&hers, Some(ada)).await.unwrap();
    store.insert_link(&theirs, Some(bob)).await.unwrap();
    update(&*store, &theirs, LinkEdit::Share(eve)).await;
    insert(&*store, &nobodys).await;

    let everything = ["all", "hers", "news", "nobodys", "theirs"];
    assert_eq!(seen(&*store, LinkReader::All).await, everything);
    assert_eq!(seen_by(&*store, ada).await, ["all", "hers", "news"]);
    assert_eq!(seen_by(&*store, bob).await, ["all", "news", "theirs"]);
    assert_eq!(seen_by(&*store, eve).await, ["all", "news", "theirs"]);
    assert_eq!(seen_by(&*store, stranger).await, ["all", "news"]);
    let nobody = Samples::new(2).user("nobody@example.com").id;
    assert_eq!(seen_by(&*store, nobody).await, ["all", "news"]);
}

/// A tag that only invisible links have is not shown.
pub async fn a_tag_of_private_links_alone_is_not_shown_to_strangers(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, stranger] = add_users(&*store, &samples, ["ada", "stranger"]).await;
    for (code, visibility) in [("a", Visibility::Private), ("b", Visibility::Secure)] {
        let link = tagged(&samples, code, visibility, &["layoffs"]);
        store.insert_link(&link, Some(ada)).await.unwrap();
    }
    assert_eq!(seen_by(&*store, ada).await, ["layoffs"]);
    assert_eq!(seen_by(&*store, stranger).await, [""; 0]);
    insert(
        &*store,
        &tagged(&samples, "c", Visibility::Public, &["layoffs"]),
    )
    .await;
    assert_eq!(seen_by(&*store, stranger).await, ["layoffs"]);
}

/// A tag exists as long as a link that is not deleted has it.
pub async fn a_tag_goes_with_the_last_link_that_has_it(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let seen = async || seen(&*store, LinkReader::All).await;
    let one = tagged(&samples, "one", Visibility::Public, &["both", "one"]);
    let other = tagged(&samples, "other", Visibility::Public, &["both", "other"]);
    insert(&*store, &one).await;
    insert(&*store, &other).await;
    assert_eq!(seen().await, ["both", "one", "other"]);
    let deleted = update(&*store, &one, LinkEdit::Delete).await;
    assert_eq!(seen().await, ["both", "other"]);
    let one = update(&*store, &deleted, LinkEdit::Restore(deleted.content())).await;
    assert_eq!(seen().await, ["both", "one", "other"]);
    let mut content = one.content();
    content.details.tags = tags(&["another", "both"]);
    let one = update(&*store, &one, LinkEdit::Content(content.clone())).await;
    assert_eq!(one.details.tags, content.details.tags);
    assert_eq!(seen().await, ["another", "both", "other"]);
    assert!(store.delete_link(other.id).await.unwrap());
    assert_eq!(seen().await, ["another", "both"]);
    content.details.tags.clear();
    update(&*store, &one, LinkEdit::Content(content)).await;
    assert_eq!(seen().await, [""; 0]);
}

/// Tags are in the order of their characters, whatever the collation.
pub async fn tags_are_in_the_order_of_their_characters(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    // For the first ones a collation may ignore non-letters; the last two sort differently by
    // UTF-16 code units.
    let mut expected = vec![
        "#1", "+1", "-a", "1", "10", "2", ":x", "_a", "a", "a-b", "a.b", "aa", "ab", "a_b", "b",
        "z", "ß", "ä", "ω", "я", "は", "東京", "ａ", "𠮷",
    ];
    expected.sort_unstable();
    for (number, tag) in expected.iter().enumerate() {
        let code = ((number * 7) % expected.len()).to_string();
        let link = tagged(&samples, &code, Visibility::Public, &[tag, expected[0]]);
        insert(&*store, &link).await;
    }
    assert_eq!(seen(&*store, LinkReader::All).await, expected);
    let last = &expected[expected.len() - 2..];
    assert_eq!(last, ["ａ", "𠮷"]);
}

/// A list of tags continues after any text, whether it is a tag of a link or not.
pub async fn tags_are_read_behind_a_tag_within_a_limit(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [stranger] = add_users(&*store, &samples, ["stranger"]).await;
    let texts = ["b", "d", "f", "h", "j"];
    for (number, text) in texts.iter().enumerate() {
        // Each on several links, some of which no user can see.
        for visibility in Visibility::ALL {
            let code = format!("{visibility}-{number}");
            insert(&*store, &tagged(&samples, &code, visibility, &[text])).await;
        }
    }
    insert(&*store, &tagged(&samples, "x", Visibility::Secure, &["g"])).await;
    let read = async |reader, after: Option<&str>, limit| {
        let after = after.map(|text| Tag::parse(text).unwrap());
        let tags = store.tags(reader, after.as_ref(), limit).await.unwrap();
        let texts = tags.iter().map(|tag| tag.as_str().to_owned());
        texts.collect::<Vec<String>>()
    };
    let reader = LinkReader::User(stranger);
    assert_eq!(read(reader, None, 2).await, ["b", "d"]);
    assert_eq!(read(reader, Some("d"), 2).await, ["f", "h"]);
    assert_eq!(read(LinkReader::All, Some("d"), 2).await, ["f", "g"]);
    assert_eq!(read(reader, Some("h"), 2).await, ["j"]);
    assert_eq!(read(reader, Some("j"), 2).await, [""; 0]);
    assert_eq!(read(reader, Some("a"), u32::MAX).await, texts);
    assert_eq!(read(reader, Some("e"), 100).await, ["f", "h", "j"]);
    assert_eq!(read(reader, Some("d-"), 1).await, ["f"]);
    assert_eq!(read(reader, None, 0).await, [""; 0]);
}
