//! Cases of [`CatalogStore`](waypost_store::CatalogStore): links are found by words as people read
//! them, and by nothing else.

use waypost_core::{Description, Link, LinkContent, LinkDetails, Title};
use waypost_store::{LinkEdit, LinkQuery, Store};

use super::catalog::{all, found};
use super::{StoreFactory, insert, recoded, rename, update};
use crate::samples::{Samples, tags, target, words};

/// Returns the codes of the links that a search finds.
async fn searched(store: &dyn Store, text: &str) -> Vec<String> {
    let query = LinkQuery {
        words: words(text),
        ..all()
    };
    found(store, &query).await
}

/// A link is found by the beginnings of its words, all of which must match, in any case and script.
pub async fn links_are_found_by_the_beginnings_of_all_words(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let texts = [
        (
            "wiki",
            "The Team Wiki",
            "https://wiki.example.com/Start?page=100",
        ),
        ("size", "Größe und Maße", "https://example.org/"),
        ("book", "Grosse Masse", "https://example.org/"),
        ("tokyo", "東京都 𠮷野家 ばら", "https://example.org/"),
        (
            "paris",
            "Café e\u{301}te\u{301} ФОРУМ",
            "https://example.org/",
        ),
    ];
    for (code, title, url) in texts {
        let details = LinkDetails {
            title: Title::parse(title).unwrap(),
            ..LinkDetails::default()
        };
        let mut link = samples.link_with(code, details);
        link.target = target(url);
        insert(&*store, &link).await;
    }
    let searches: [(&str, &[&str]); 24] = [
        ("wiki", &["wiki"]),
        ("WIK", &["wiki"]),
        ("team the", &["wiki"]),
        ("tea wik 10", &["wiki"]),
        ("team cafe", &[]),
        ("eam", &[]),
        ("wikis", &[]),
        ("https", &[]),
        ("start", &["wiki"]),
        ("exam", &["book", "paris", "size", "tokyo", "wiki"]),
        ("exam com", &["wiki"]),
        ("größe", &["book", "size"]),
        ("GRÖ", &["book", "size"]),
        ("gross", &["book", "size"]),
        ("GROSSE masse", &["book", "size"]),
        ("grosse und", &["size"]),
        ("maß", &["book", "size"]),
        ("東", &["tokyo"]),
        ("東京 𠮷", &["tokyo"]),
        ("吉野家", &[]),
        ("ばら", &["tokyo"]),
        ("は", &[]),
        ("caf", &["paris"]),
        ("форум café", &["paris"]),
    ];
    for (text, expected) in searches {
        assert_eq!(searched(&*store, text).await, expected, "{text}");
    }
    // Nothing is searched for, so nothing is left out.
    assert_eq!(searched(&*store, " -,%_ ").await.len(), 5);
}

/// A text is found in the scripts and spellings in which people type it: in scripts without spaces
/// by any part, otherwise by the beginnings of words.
pub async fn links_are_found_in_every_script_and_spelling(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let cases: [(&str, &[&str], &[&str]); 17] = [
        (
            "部署手册 内部",
            &["手册", "部署手册", "署", "内部"],
            &["部手", "册部"],
        ),
        (
            "東京都庁の案内",
            &["案内", "京都", "東京都庁の案内", "の"],
            &["案東"],
        ),
        (
            "Rust入門 第3章",
            &["入門", "rust入門", "門", "3章"],
            &["ust"],
        ),
        ("ﾘﾘｰｽ手順", &["リリース", "リース手順"], &["リス"]),
        ("사내위키 문서", &["위키", "사내위키"], &["위문"]),
        ("คู่มือการใช้งาน", &["คู่มือ", "การใช้", "งาน"], &["งานใช้"]),
        ("हिन्दी पुस्तक", &["हिन्दी", "पुस्त"], &["स्तक"]),
        (
            "Cafe\u{301} du Monde",
            &["Café", "CAFE", "cafe\u{301}"],
            &["cafes"],
        ),
        ("Übergröße", &["ÜBERGRÖSSE", "ubergro"], &["größe"]),
        (
            "ＡＢＣ１２３ ﬁnance",
            &["ABC123", "finance", "ＦＩ"],
            &["bc1"],
        ),
        ("🚀 launch", &["🚀", "🚀launch"], &["🔥"]),
        (
            "👩🏽\u{200d}💻 on call",
            &["👩\u{200d}💻", "👩"],
            &["👨\u{200d}💻"],
        ),
        ("🇩🇪🇫🇷 offices", &["🇫🇷", "🇩🇪"], &["🇪🇫"]),
        ("ΟΔΟΣ Αθηνών", &["οδος", "οδός", "ΑΘΗΝΏΝ"], &["δος"]),
        ("İZMİR IŞIK", &["izmir", "ışık", "IŞIK"], &["zmir"]),
        ("مُحَمَّد ۲۵", &["محمد", "25"], &["حمد"]),
        ("C++ and C#", &["c++", "C#", "c"], &["c+#"]),
    ];
    for (place, (title, ..)) in cases.iter().enumerate() {
        let details = LinkDetails {
            title: Title::parse(title).unwrap(),
            ..LinkDetails::default()
        };
        let mut link = samples.link_with(&format!("x{place}"), details);
        link.target = target("https://example.org/");
        insert(&*store, &link).await;
    }
    for (place, (_, found, not_found)) in cases.iter().enumerate() {
        let code = format!("x{place}");
        for text in *found {
            let codes = searched(&*store, text).await;
            assert!(codes.contains(&code), "{text}: {codes:?}");
        }
        for text in *not_found {
            let codes = searched(&*store, text).await;
            assert!(!codes.contains(&code), "{text}: {codes:?}");
        }
    }
}

/// The longest texts are stored and changed with all their words, whatever these words are.
pub async fn the_longest_texts_are_found_by_their_parts(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let letters = |first: u32, count: u32| -> String {
        (first..first + count).filter_map(char::from_u32).collect()
    };
    let details = |title: String, description: String| LinkDetails {
        title: Title::parse(&title).unwrap(),
        description: Description::parse(&description).unwrap(),
        ..LinkDetails::default()
    };
    // Each takes four bytes in UTF-8.
    let first = details(letters(0x2_0000, 200), letters(0x2_1000, 2_000));
    let link = Samples::new(1).link_with("long", first);
    insert(&*store, &link).await;
    for part in [
        letters(0x2_00c6, 2),
        letters(0x2_0000, 200),
        letters(0x2_1000, 2),
    ] {
        assert_eq!(searched(&*store, &part).await, ["long"], "{part}");
    }
    let mut content = recoded(&link, "long");
    content.details = details(letters(0x2_00c8, 200), String::new());
    update(&*store, &link, LinkEdit::Content(content)).await;
    assert_eq!(searched(&*store, &letters(0x2_00c7, 1)).await, [""; 0]);
    assert_eq!(searched(&*store, &letters(0x2_0180, 15)).await, ["long"]);
}

/// Characters that are patterns elsewhere are plain characters here.
pub async fn patterns_are_characters_like_any_other(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let tails = [
        "100%", "100_", "100x", "a%25b", "a_b", "axb", "A_b", "a\\b", "a*b",
    ];
    for (number, tail) in tails.iter().enumerate() {
        let mut link = samples.link(&format!("link{number}"));
        link.target = target(&format!("https://example.com/{tail}"));
        insert(&*store, &link).await;
    }
    for (number, tail) in tails.iter().enumerate() {
        let query = LinkQuery {
            target: Some(target(&format!("https://example.com/{tail}"))),
            ..all()
        };
        let expected = [format!("link{number}")];
        assert_eq!(found(&*store, &query).await, expected, "{tail}");
    }
    for pattern in [
        "https://example.com/%",
        "https://example.com/a_",
        "http://_",
    ] {
        let query = LinkQuery {
            target: Some(target(pattern)),
            ..all()
        };
        assert_eq!(found(&*store, &query).await, [""; 0], "{pattern}");
    }
    for (text, expected) in [("1%0", 0), ("10%", 3), ("1_", 3), ("lin_", 9), ("l*k2", 0)] {
        assert_eq!(searched(&*store, text).await.len(), expected, "{text}");
    }
}

/// A link is found by its present content, deleted or not, and by its present code only.
pub async fn a_search_follows_the_changes_of_a_link(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let other = samples.link("other");
    insert(&*store, &other).await;
    let content = |link: &Link, code, title: &str, texts: &[&str], url| {
        let mut content = LinkContent {
            target: target(url),
            ..recoded(link, code)
        };
        content.details.title = Title::parse(title).unwrap();
        content.details.tags = tags(texts);
        content
    };
    let link = samples.link("first");
    insert(&*store, &link).await;
    let finds = async |deleted, text: &str| {
        let query = LinkQuery {
            words: words(text),
            deleted,
            ..all()
        };
        found(&*store, &query).await.len()
    };
    let old = content(
        &link,
        "first",
        "Alpha beta",
        &["gamma"],
        "https://delta.example/",
    );
    let link = update(&*store, &link, LinkEdit::Content(old)).await;
    for word in ["first", "alpha", "beta", "gamma", "delta"] {
        assert_eq!(finds(false, word).await, 1, "{word}");
    }
    let new = content(&link, "first", "Beta", &["eta"], "https://theta.example/");
    let link = update(&*store, &link, LinkEdit::Content(new)).await;
    for (word, count) in [
        ("alpha", 0),
        ("beta", 1),
        ("gamma", 0),
        ("delta", 0),
        ("eta", 1),
    ] {
        assert_eq!(finds(false, word).await, count, "{word}");
    }
    let link = rename(&*store, &link, "second").await;
    assert_eq!(
        (finds(false, "first").await, finds(false, "second").await),
        (0, 1)
    );
    let link = update(&*store, &link, LinkEdit::Delete).await;
    assert_eq!(
        (finds(false, "theta").await, finds(true, "theta").await),
        (0, 1)
    );
    let restored = content(&link, "third", "Iota", &[], "https://kappa.example/");
    let link = update(&*store, &link, LinkEdit::Restore(restored)).await;
    for (word, count) in [
        ("theta", 0),
        ("eta", 0),
        ("third", 1),
        ("iota", 1),
        ("second", 0),
    ] {
        assert_eq!(finds(false, word).await, count, "{word}");
        assert_eq!(finds(true, word).await, 0, "{word}");
    }
    assert!(store.delete_link(link.id).await.unwrap());
    assert_eq!(finds(false, "iota").await, 0);
    assert_eq!(finds(false, "other").await, 1);
}

/// New links are indexed when they are stored.
pub async fn new_links_are_findable_at_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    assert_eq!(store.index_links(10).await.unwrap(), 0);
    let link = Samples::new(1).link("wiki");
    insert(&*store, &link).await;
    assert_eq!(searched(&*store, "wiki").await, ["wiki"]);
    assert_eq!(store.index_links(10).await.unwrap(), 0);
    let link = rename(&*store, &link, "docs").await;
    let link = update(&*store, &link, LinkEdit::Delete).await;
    update(&*store, &link, LinkEdit::Restore(link.content())).await;
    assert_eq!(store.links_to_index().await.unwrap(), 0);
    assert_eq!(store.index_links(10).await.unwrap(), 0);
}
