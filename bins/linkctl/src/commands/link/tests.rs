//! Tests of the output about links.

use std::sync::Arc;

use time::macros::datetime;
use waypost_core::{ManualClock, SeededRandom};
use waypost_service::ShortenerParts;
use waypost_store::MemoryStore;

use super::*;
use crate::console::Printed;

fn shortener() -> Shortener {
    Shortener::new(ShortenerParts {
        store: Arc::new(MemoryStore::new()),
        clock: Arc::new(ManualClock::new(datetime!(2026-03-01 12:00:00.5 UTC))),
        random: Arc::new(SeededRandom::new(1)),
        reserved: ["health"].into_iter().collect(),
        base_url: "https://go.example".parse().unwrap(),
        resolver: None,
    })
}

async fn with_wiki() -> Shortener {
    let shortener = shortener();
    let made = shortener.shorten("https://example.com/wiki", Some("Wiki"));
    made.await.unwrap();
    shortener
}

#[tokio::test]
async fn a_new_link_is_printed_as_what_to_share() {
    let shortener = shortener();
    let url = "https://example.com";
    let (ended, printed) = Printed::by(false, None, async |c| {
        add(
            url,
            Some("Wiki"),
            LinkDetails::default(),
            None,
            &shortener,
            c,
        )
        .await
    })
    .await;
    ended.unwrap();
    assert_eq!(printed.output, "https://go.example/Wiki\n");
    let (ended, printed) = Printed::by(false, None, async |c| {
        add(url, None, LinkDetails::default(), None, &shortener, c).await
    })
    .await;
    ended.unwrap();
    assert_eq!(printed.output.len(), "https://go.example/1234567\n".len());
}

#[tokio::test]
async fn what_cannot_be_shortened_is_refused_with_its_reason() {
    let shortener = with_wiki().await;
    for (url, code, status) in [
        ("javascript:alert(1)", None, Status::Usage),
        ("https://go.example/wiki", None, Status::Usage),
        ("https://example.com", Some("a b"), Status::Usage),
        ("https://example.com", Some("health"), Status::Usage),
        ("https://example.com", Some("WIKI"), Status::Refused),
    ] {
        let (ended, printed) = Printed::by(false, None, async |c| {
            add(url, code, LinkDetails::default(), None, &shortener, c).await
        })
        .await;
        assert_eq!(ended.unwrap_err().status(), status, "{url} {code:?}");
        assert_eq!(printed, Printed::default());
    }
}

#[tokio::test]
async fn a_link_is_found_in_any_spelling() {
    let shortener = with_wiki().await;
    let (ended, printed) =
        Printed::by(false, None, async |c| show("wIKI", &shortener, c).await).await;
    ended.unwrap();
    assert_eq!(
        printed.output,
        "code        Wiki\n\
         short link  https://go.example/Wiki\n\
         destination https://example.com/wiki\n\
         template    no\n\
         clicks      0\n\
         people      0\n\
         created     2026-03-01T12:00:00Z\n"
    );
    let (ended, printed) =
        Printed::by(true, None, async |c| show("wiki", &shortener, c).await).await;
    ended.unwrap();
    assert_eq!(
        printed.output,
        "{\"shortCode\":\"Wiki\",\"originalUrl\":\"https://example.com/wiki\",\
         \"template\":false,\"placeholders\":[],\"clicks\":0,\"createdAt\":\"2026-03-01T12:00:00.5Z\",\"shortUrl\":\"https://go.example/Wiki\",\"humans\":0}\n"
    );
    for unknown in ["nothing", "not a code", ""] {
        let (ended, _) =
            Printed::by(false, None, async |c| show(unknown, &shortener, c).await).await;
        assert_eq!(ended.unwrap_err().status(), Status::NotFound, "{unknown:?}");
    }
}

#[tokio::test]
async fn a_list_is_as_long_as_asked_newest_first() {
    let shortener = shortener();
    let (ended, printed) =
        Printed::by(false, None, async |c| list(20, false, &shortener, c).await).await;
    ended.unwrap();
    assert_eq!(printed.output, "");
    assert!(printed.messages.contains("linkctl link add"));
    for link in 0..1_100 {
        let url = format!("https://example.com/{link}");
        shortener.shorten(&url, None).await.unwrap();
    }
    for (limit, expected) in [(1, 1), (20, 20), (500, 500), (501, 501), (u64::MAX, 1_100)] {
        let (ended, printed) = Printed::by(true, None, async |c| {
            list(limit, false, &shortener, c).await
        })
        .await;
        ended.unwrap();
        let mut lines: Vec<&str> = printed.output.lines().collect();
        assert_eq!(lines.len(), expected);
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), expected, "no link is shown twice");
    }
    let (_, printed) =
        Printed::by(false, None, async |c| list(1, false, &shortener, c).await).await;
    let mut lines = printed.output.lines();
    assert_eq!(
        lines.next(),
        Some("CODE                  CLICKS      PEOPLE  CREATED               DESTINATION")
    );
    let row = lines.next().unwrap();
    assert!(
        row.contains("           0           0  2026-03-01T12:00:00Z  https://example.com/"),
        "{row}"
    );
    assert_eq!(lines.next(), None);
}

#[tokio::test]
async fn a_link_is_deleted_when_that_was_confirmed() {
    let shortener = with_wiki().await;
    let asked = Confirmation { yes: false };
    for (answers, yes, gone) in [
        (None, false, false),
        (Some("n\n"), false, false),
        (Some("y\n"), false, true),
    ] {
        let confirmation = Confirmation { yes };
        let (ended, printed) = Printed::by(false, answers, async |c| {
            delete("wiki", true, confirmation, &shortener, c).await
        })
        .await;
        assert!(
            printed
                .messages
                .contains("`Wiki` redirects to https://example.com/wiki")
        );
        assert!(printed.messages.contains("0 clicks"));
        assert_eq!(ended.is_ok(), gone);
        assert_eq!(printed.output, if gone { "deleted Wiki\n" } else { "" });
        assert_eq!(shortener.find("wiki").await.unwrap().is_none(), gone);
    }
    let (ended, _) = Printed::by(false, None, async |c| {
        delete("wiki", true, asked, &shortener, c).await
    })
    .await;
    assert_eq!(ended.unwrap_err().status(), Status::NotFound);
}

#[tokio::test]
async fn a_confirmed_deletion_asks_no_question() {
    let shortener = with_wiki().await;
    let confirmed = Confirmation { yes: true };
    let (ended, printed) = Printed::by(true, None, async |c| {
        delete("wiki", true, confirmed, &shortener, c).await
    })
    .await;
    ended.unwrap();
    assert!(
        printed
            .output
            .starts_with("{\"deleted\":{\"shortCode\":\"Wiki\",")
    );
}

#[tokio::test]
async fn a_deleted_link_is_listed_as_such_and_restored() {
    let shortener = with_wiki().await;
    let confirmed = Confirmation { yes: true };
    let (ended, printed) = Printed::by(false, None, async |c| {
        delete("WIKI", false, confirmed, &shortener, c).await
    })
    .await;
    ended.unwrap();
    assert!(printed.messages.contains("linkctl link restore"));
    assert_eq!(shortener.find("wiki").await.unwrap(), None);
    let listed = async |deleted| {
        let (ended, printed) = Printed::by(false, None, async |c| {
            list(20, deleted, &shortener, c).await
        })
        .await;
        ended.unwrap();
        printed.output.contains("Wiki")
    };
    assert_eq!((listed(false).await, listed(true).await), (false, true));
    let restored = async |code: &str| {
        Printed::by(false, None, async |c| restore(code, &shortener, c).await).await
    };
    let (ended, printed) = restored("wiki").await;
    ended.unwrap();
    assert_eq!(printed.output, "https://go.example/Wiki\n");
    assert!(shortener.find("wiki").await.unwrap().is_some());
    for code in ["wiki", "other", "no code"] {
        let (ended, _) = restored(code).await;
        assert_eq!(ended.unwrap_err().status(), Status::NotFound, "{code}");
    }
}

#[tokio::test]
async fn codes_below_links_of_other_owners_are_listed() {
    let shortener = with_wiki().await;
    let (ended, printed) = Printed::by(false, None, async |c| foreign(&shortener, c).await).await;
    ended.unwrap();
    assert_eq!(printed.output, "");
    assert!(printed.messages.contains("no codes below"), "{printed:?}");
    let below = shortener.shorten("https://example.com/below", Some("wiki/page"));
    below.await.unwrap();
    let (ended, printed) = Printed::by(false, None, async |c| foreign(&shortener, c).await).await;
    ended.unwrap();
    let lines: Vec<&str> = printed.output.lines().collect();
    assert_eq!(lines.len(), 2, "{printed:?}");
    let words: Vec<&str> = lines[1].split_whitespace().collect();
    let expected = ["wiki/page", "-", "Wiki", "-", "https://example.com/below"];
    assert_eq!(words, expected);
    let (ended, printed) = Printed::by(true, None, async |c| foreign(&shortener, c).await).await;
    ended.unwrap();
    let record: serde_json::Value = serde_json::from_str(printed.output.trim()).unwrap();
    assert_eq!(
        (&record["code"], &record["above"]),
        (&"wiki/page".into(), &"Wiki".into())
    );
}
