//! Cases of [`LinkStore`](waypost_store::LinkStore): the details of a link are kept as given, when
//! it is inserted and when it is changed.

use time::Duration;
use waypost_core::{
    Description, Link, LinkContent, LinkDetails, SearchWord, Tag, Title, Visibility, VisitClass,
    micros,
};
use waypost_store::{LinkEdit, LinkQuery, LinkReader, LinkUpdate, Store};

use super::links::MOMENTS;
use super::{
    LATER, StoreFactory, assert_same, change, find, find_by_id, insert, record, update, updated,
};
use crate::samples::{START, Samples, tags, target};

fn details(title: &str, description: &str, texts: &[&str]) -> LinkDetails {
    LinkDetails {
        title: Title::parse(title).unwrap(),
        description: Description::parse(description).unwrap(),
        tags: tags(texts),
        ..LinkDetails::default()
    }
}

/// Returns a text of `count` different four-byte letters, from the `first` one on.
fn letters(first: u32, count: u32) -> String {
    let all = (0..count).map(|number| char::from_u32(0x2_0000 + first + number).unwrap());
    all.collect()
}

/// Returns details of maximum length, in characters of four bytes each.
fn longest_details() -> LinkDetails {
    let max_chars = u32::try_from(Title::MAX_CHARS).unwrap();
    let tags: Vec<String> = (0..20).map(|number| letters(number * 64, 64)).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    // Sixty words, and a smaller one that fills it exactly.
    let words: Vec<String> = (0..60).map(|number| letters(number * 32, 32)).collect();
    let text = format!("{}\n{}", words.join(" "), letters(9_000, 20));
    assert_eq!(text.chars().count(), Description::MAX_CHARS);
    LinkDetails {
        expires_at: Some(LATER),
        ..details(&letters(4_000, max_chars), &text, &tags)
    }
}

/// Returns details that a store might get wrong.
fn awkward_details() -> Vec<LinkDetails> {
    vec![
        LinkDetails::default(),
        details("", "A description alone", &[]),
        details("A title alone", "", &[]),
        details("", "", &["tags", "alone"]),
        details("null", "NULL", &["null", "true", "0"]),
        details("'; DROP TABLE links; --", "\"a\" 'b' `c` $1 :a @b ?", &[]),
        details(
            "\\ \\\\ \\n \\u0041 %_ %25",
            "{\"a\": [1, \"b\"]}",
            &["a:b"],
        ),
        details("two  spaces", "a\r\n\tb\n\n\nc\rd", &["c++", "c#", "v1.2"]),
        details(
            "🧭 ‘Größe’ – 日本 \u{202e}עברית",
            "e\u{301} is not é",
            &["日本"],
        ),
        // The limits of Unicode, a byte order mark, an invisible space.
        details(
            "\u{feff}a\u{200b}\u{fffd}\u{ffff}",
            "\u{10ffff}\u{1f9ed}",
            &[],
        ),
        details("<b>&amp;</b>", "<script>alert(1)</script>", &["a_b", "a-b"]),
    ]
}

/// Asserts that every way to read a link returns it as it is.
async fn assert_found(store: &dyn Store, link: &Link) {
    assert_same(&find_by_id(store, link.id).await, link);
    assert_same(&find(store, &link.code).await, link);
    let all = store.links_after(None, 1_000).await.unwrap();
    let listed = all.iter().find(|listed| listed.id == link.id);
    assert_same(listed.unwrap(), link);
    let query = LinkQuery::newest(LinkReader::All, 1_000);
    let all = store.list_links(&query).await.unwrap();
    let listed = all.iter().find(|listed| listed.id == link.id);
    assert_same(listed.unwrap(), link);
}

/// All readers get the details that a link was created with.
pub async fn details_survive_being_inserted(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let mut links = Vec::new();
    for (number, details) in awkward_details().into_iter().enumerate() {
        let link = samples.link_with(&number.to_string(), details);
        insert(&*store, &link).await;
        links.push(link);
    }
    for link in &links {
        assert_found(&*store, link).await;
    }
}

/// A change replaces all earlier details, on that link only.
pub async fn details_survive_being_changed(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let other = samples.link_with("other", details("Other", "Another one", &["other", "tags"]));
    insert(&*store, &other).await;
    let mut link = samples.link("wiki");
    insert(&*store, &link).await;
    for details in awkward_details() {
        let content = LinkContent {
            details: details.clone(),
            ..link.content()
        };
        let expected = Link {
            details,
            version: link.version + 1,
            updated_at: LATER,
            ..link.clone()
        };
        link = update(&*store, &link, LinkEdit::Content(content)).await;
        assert_same(&link, &expected);
        assert_found(&*store, &link).await;
    }
    assert_found(&*store, &other).await;
}

/// Details of maximum length are kept completely, in the history too, and found by search.
pub async fn the_longest_details_are_kept_whole(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let inserted = samples.link_with("inserted", longest_details());
    insert(&*store, &inserted).await;
    let changed = samples.link_with("changed", details("short", "", &[]));
    insert(&*store, &changed).await;
    let content = LinkContent {
        details: longest_details(),
        ..changed.content()
    };
    let changed = update(&*store, &changed, LinkEdit::Content(content)).await;
    for link in [&inserted, &changed] {
        assert_eq!(link.details, longest_details());
        assert_found(&*store, link).await;
        let versions = store.link_versions(link.id, None, 1).await.unwrap();
        assert_eq!(versions[0].after.content, link.content());
        let words = SearchWord::of_link(&link.content());
        for word in [words.first(), words.get(3), words.last()] {
            let query = LinkQuery {
                words: word.into_iter().cloned().collect(),
                ..LinkQuery::newest(LinkReader::All, 10)
            };
            let found = store.list_links(&query).await.unwrap();
            assert!(found.contains(link), "{word:?}");
        }
        for tag in &link.details.tags {
            let query = LinkQuery {
                tag: Some(tag.clone()),
                ..LinkQuery::newest(LinkReader::All, 10)
            };
            let found = store.list_links(&query).await.unwrap();
            assert_eq!(found.len(), 2, "{tag}");
        }
    }
}

/// Similar tags stay different, whatever the collation.
pub async fn tags_that_look_alike_stay_apart(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let alike = [
        "a_b", "a-b", "axb", "a.b", "größe", "grösse", "groesse", "grosse", "ß", "ss", "は", "ハ",
        "ば", "1", "１", "ａ", "a", "é", "e", "ı",
    ];
    let all = samples.link_with("all", details("", "", &alike));
    insert(&*store, &all).await;
    assert_eq!(all.details.tags.len(), 20);
    assert_found(&*store, &all).await;
    for (number, tag) in alike.into_iter().enumerate() {
        let link = samples.link_with(&number.to_string(), details("", "", &[tag]));
        insert(&*store, &link).await;
    }
    for (number, tag) in alike.into_iter().enumerate() {
        let query = LinkQuery {
            tag: Some(Tag::parse(tag).unwrap()),
            ..LinkQuery::newest(LinkReader::All, 100)
        };
        let found = store.list_links(&query).await.unwrap();
        assert_eq!(super::codes(&found), [&*number.to_string(), "all"], "{tag}");
    }
    let listed = store.tags(LinkReader::All, None, 100).await.unwrap();
    assert_eq!(listed, all.details.tags);
}

/// The visibility and the switches of each link are its own.
pub async fn every_visibility_and_switch_is_kept(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let mut links = Vec::new();
    for visibility in Visibility::ALL {
        for switches in 0..8 {
            for expires_at in [None, Some(START)] {
                let details = LinkDetails {
                    visibility,
                    disabled: switches & 1 > 0,
                    forward_query: switches & 2 > 0,
                    template: switches & 4 > 0,
                    expires_at,
                    ..LinkDetails::default()
                };
                let link = Link {
                    target: target("https://example.com/$name?$top=5"),
                    ..samples.link_with(&links.len().to_string(), details)
                };
                insert(&*store, &link).await;
                links.push(link);
            }
        }
    }
    for link in &links {
        assert_found(&*store, link).await;
    }
    // Each link gets the settings of the next one.
    let mut link = links[0].clone();
    for other in &links {
        let content = LinkContent {
            details: other.details.clone(),
            ..link.content()
        };
        link = update(&*store, &link, LinkEdit::Content(content)).await;
        assert_eq!(link.details, other.details);
        assert_found(&*store, &link).await;
    }
}

/// An expiry is an instant, in any zone, and is truncated, never rounded.
pub async fn expiry_is_the_same_instant_in_utc_cut_to_microseconds(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let mut link = samples.link("wiki");
    insert(&*store, &link).await;
    for (number, at) in MOMENTS.into_iter().enumerate() {
        let details = LinkDetails {
            expires_at: Some(at + Duration::nanoseconds(999)),
            ..LinkDetails::default()
        };
        let inserted = samples.link_with(&number.to_string(), details.clone());
        insert(&*store, &inserted).await;
        assert_found(&*store, &inserted).await;
        let content = LinkContent {
            details,
            ..link.content()
        };
        link = update(&*store, &link, LinkEdit::Content(content)).await;
        assert_eq!(link.details.expires_at, Some(at));
        assert_found(&*store, &link).await;
        let versions = store.link_versions(link.id, None, 1).await.unwrap();
        assert_eq!(versions[0].after.content, link.content());
    }
}

/// An inserted link is new, whatever its fields say about its past.
pub async fn an_inserted_link_is_a_first_version_whatever_it_says(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let link = Samples::new(1).link("wiki");
    let old = Link {
        clicks: 9,
        version: 7,
        updated_at: LATER,
        deleted_at: Some(LATER),
        ..link.clone()
    };
    insert(&*store, &old).await;
    assert_found(&*store, &link).await;
    assert_eq!((link.version, link.updated_at), (1, link.created_at));
}

/// Each change is dated and counted; a click is not a change, and a change keeps the clicks.
pub async fn a_change_is_dated_and_counted_and_a_click_is_none(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let mut link = samples.link("wiki");
    insert(&*store, &link).await;
    for (number, at) in (1..).zip(MOMENTS) {
        let click = samples.click(&link);
        let is_human = click.facts.class == Some(VisitClass::Human);
        record(&*store, &[click]).await;
        let clicked = find_by_id(&*store, link.id).await;
        let expected = Link {
            clicks: number,
            humans: link.humans + u64::from(is_human),
            ..link.clone()
        };
        assert_same(&clicked, &expected);
        let same = LinkUpdate {
            at: at + Duration::nanoseconds(999),
            ..change(&link, LinkEdit::Content(link.content()))
        };
        link = updated(&*store, &same).await;
        let expected = Link {
            version: clicked.version + 1,
            updated_at: micros(at),
            ..clicked
        };
        assert_same(&link, &expected);
        assert_found(&*store, &link).await;
    }
}
