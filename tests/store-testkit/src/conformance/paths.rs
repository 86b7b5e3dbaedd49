//! Cases of [`PathStore`](waypost_store::PathStore): codes above and below each other.

use waypost_core::{Link, ShortCode};
use waypost_store::{LinkEdit, LinkedCode, Store};

use super::{StoreFactory, insert_all, rename, update};
use crate::samples::{Samples, code, target};

fn texts(codes: &[LinkedCode]) -> Vec<&str> {
    codes.iter().map(|linked| linked.code.spelling()).collect()
}

/// Returns `below > above` for each nested code.
async fn nested(store: &dyn Store, after: Option<&str>, limit: u32) -> Vec<String> {
    let after = after.map(code);
    let nested = store.nested_codes(after.as_ref(), limit).await.unwrap();
    let pair = |(below, above): (&ShortCode, &ShortCode)| format!("{below} > {above}");
    let codes = nested
        .iter()
        .map(|nested| (&nested.below.code, &nested.above.code));
    codes.map(pair).collect()
}

/// Former codes, codes of deleted links and keywords are above a code like any other.
pub async fn the_code_above_another_is_the_longest_that_it_continues(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let keyword = Link {
        target: target("https://example.com/{slug}"),
        is_keyword: true,
        ..samples.link("gh")
    };
    let links = ["Jira", "jira/ABC", "old", "gone", "jir", "jira-x"].map(|text| samples.link(text));
    insert_all(&*store, &links).await;
    insert_all(&*store, std::slice::from_ref(&keyword)).await;
    rename(&*store, &links[2], "new").await;
    update(&*store, &links[3], LinkEdit::Delete).await;
    for (text, expected) in [
        ("JIRA/x", Some(("Jira", &links[0]))),
        ("jira/abc", Some(("Jira", &links[0]))),
        ("jira/abc/x", Some(("jira/ABC", &links[1]))),
        ("jira/abc/x/y/z", Some(("jira/ABC", &links[1]))),
        ("jira/abcd/x", Some(("Jira", &links[0]))),
        ("old/x", Some(("old", &links[2]))),
        ("new/x/y", Some(("new", &links[2]))),
        ("gone/x", Some(("gone", &links[3]))),
        ("gh/org/repo", Some(("gh", &keyword))),
        ("jira", None),
        ("jira-y/x", None),
        ("free/x", None),
    ] {
        let above = store.code_above(&code(text)).await.unwrap();
        let found = above
            .as_ref()
            .map(|above| (above.code.spelling(), above.link));
        let expected = expected.map(|(text, link)| (text, link.id));
        assert_eq!(found, expected, "{text}");
        let is_keyword = above.is_some_and(|above| above.is_keyword);
        assert_eq!(is_keyword, text.starts_with("gh"), "{text}");
    }
}

/// They continue any of its codes, and the codes of the link itself are left out.
pub async fn the_codes_below_a_link_are_those_of_others_in_order(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let upper = samples.link("old");
    let links = [
        "old/b", "old/a/x", "old/A", "new/z", "new", "old0", "old-x", "ol/d", "other/x",
    ]
    .map(|text| samples.link(text));
    insert_all(&*store, std::slice::from_ref(&upper)).await;
    insert_all(&*store, &links[..4]).await;
    let upper = rename(&*store, &upper, "old/own").await;
    let upper = rename(&*store, &upper, "new").await;
    insert_all(&*store, &links[5..]).await;
    update(&*store, &links[0], LinkEdit::Delete).await;
    let all = store.codes_below(upper.id, None, 10).await.unwrap();
    assert_eq!(texts(&all), ["new/z", "old/A", "old/a/x", "old/b"]);
    assert_eq!(all[1].link, links[2].id);
    let mut after: Option<ShortCode> = None;
    for expected in ["new/z", "old/A", "old/a/x", "old/b"] {
        let page = store
            .codes_below(upper.id, after.as_ref(), 1)
            .await
            .unwrap();
        assert_eq!(texts(&page), [expected]);
        after = page.last().map(|last| last.code.clone());
    }
    let end = store.codes_below(upper.id, after.as_ref(), 1).await;
    assert_eq!(end.unwrap(), []);
    let of_one = store.codes_below(links[2].id, None, 10).await.unwrap();
    assert_eq!(texts(&of_one), ["old/a/x"]);
    let missing = samples.link("missing");
    assert_eq!(store.codes_below(missing.id, None, 10).await.unwrap(), []);
}

/// Only the nearest code above counts, and a link is not below itself.
pub async fn nested_codes_are_listed_with_the_code_above_them(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = [
        "hr",
        "hr/payroll",
        "hr/payroll/2026",
        "free/x",
        "a-b/c",
        "a-b",
    ]
    .map(|text| samples.link(text));
    insert_all(&*store, &links).await;
    let own = rename(&*store, &links[1], "hr/payroll/own").await;
    assert_eq!(own.id, links[1].id);
    let expected = [
        "a-b/c > a-b",
        "hr/payroll > hr",
        "hr/payroll/2026 > hr/payroll",
    ];
    assert_eq!(nested(&*store, None, 10).await, expected);
    assert_eq!(nested(&*store, None, 1).await, expected[..1]);
    assert_eq!(nested(&*store, Some("a-b/c"), 1).await, expected[1..2]);
    assert_eq!(nested(&*store, Some("hr/payroll"), 9).await, expected[2..]);
    update(&*store, &links[0], LinkEdit::Delete).await;
    assert_eq!(nested(&*store, None, 10).await, expected);
    store.delete_link(links[0].id).await.unwrap();
    assert_eq!(
        nested(&*store, None, 10).await,
        ["a-b/c > a-b", "hr/payroll/2026 > hr/payroll"]
    );
}

/// Codes that are below nothing are passed over, however many they are.
pub async fn many_nested_codes_are_listed_in_pages(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let free: Vec<Link> = (0..210)
        .map(|number| samples.link(&format!("free-{number:03}/x")))
        .collect();
    insert_all(&*store, &free).await;
    let below: Vec<Link> = (0..5)
        .map(|number| samples.link(&format!("up/{number}")))
        .collect();
    insert_all(&*store, &below).await;
    insert_all(&*store, &[samples.link("up")]).await;
    assert_eq!(nested(&*store, None, 2).await, ["up/0 > up", "up/1 > up"]);
    assert_eq!(
        nested(&*store, Some("up/1"), 9).await,
        ["up/2 > up", "up/3 > up", "up/4 > up"]
    );
}
