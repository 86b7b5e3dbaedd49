use proptest::prelude::*;

use super::*;
use crate::{Description, LinkDetails, ShortCode, Tag, TargetUrl, Title};

fn texts(words: &[SearchWord]) -> Vec<&str> {
    words.iter().map(SearchWord::as_str).collect()
}

fn content(url: &str, details: LinkDetails) -> LinkContent {
    LinkContent {
        code: ShortCode::parse("Team-Wiki").unwrap(),
        target: TargetUrl::from_stored(url.to_owned()).unwrap(),
        details,
    }
}

fn titled(title: &str) -> LinkContent {
    let details = LinkDetails {
        title: Title::parse(title).unwrap(),
        ..LinkDetails::default()
    };
    content("https://docs.example.com/", details)
}

fn is_found(link: &LinkContent, text: &str) -> bool {
    let (words, searched) = (SearchWord::of_link(link), SearchWord::of_search(text));
    let matches = |searched| {
        words
            .iter()
            .any(|word: &SearchWord| word.is_found_by(searched))
    };
    !searched.is_empty() && searched.iter().all(matches)
}

#[test]
fn a_search_is_read_as_folded_words() {
    let words = SearchWord::of_search(" Größe des WIKI-Teams, wiki ");
    assert_eq!(texts(&words), ["grosse", "des", "wiki", "teams"]);
    assert_eq!(SearchWord::of_search(" -,%_ "), []);
    let many = SearchWord::of_search("1 2 3 4 5 6 7 8 9");
    assert_eq!(many.len(), SearchWord::MAX_PER_SEARCH);
    for letter in ["ж", "手", "あ", "ä"] {
        let long = SearchWord::of_search(&letter.repeat(40));
        assert_eq!(long[0].as_str().chars().count(), 32);
    }
}

#[test]
fn a_link_is_found_by_all_that_is_said_about_it() {
    let details = LinkDetails {
        title: Title::parse("All we know").unwrap(),
        tags: Tag::parse_all(["on-call"]).unwrap(),
        description: Description::parse("More\nlines").unwrap(),
        ..LinkDetails::default()
    };
    let words = SearchWord::of_link(&content("https://docs.example.com/a?b=1", details));
    let expected = [
        "team", "wiki", "all", "we", "know", "on", "call", "docs", "example", "com", "a", "b", "1",
        "more", "lines",
    ];
    assert_eq!(texts(&words), expected);
    let searched = &SearchWord::of_search("exam")[0];
    assert!(words.iter().any(|word| word.is_found_by(searched)));
}

#[test]
fn a_link_is_found_in_every_script_and_spelling() {
    for (title, found, not_found) in [
        (
            "部署手册 内部",
            "手册 部署手册 册 署手 内部",
            "部手 册部 手帳",
        ),
        ("東京都庁の案内", "案内 東京 京都 の案 庁", "京東 案の"),
        ("Rust入門", "rust入門 RUST 門 入門", "入口 ust"),
        ("ﾘﾘｰｽ手順", "リリース リース 手順", "リス"),
        ("사내 위키문서", "문서 위키 위키문서 키", "문위"),
        ("คู่มือการใช้งาน", "คู่มือ การใช้ ใช้งาน ง", "งานใช้"),
        ("ຄູ່ມືການໃຊ້", "ຄູ່ມື ການ", "ງານ"),
        ("ការណែនាំ", "ណែនាំ ការ", "នាំណែ"),
        ("လမ်းညွှန်", "ညွှန် လမ်း", "ညွှန်လ"),
        ("བོད་ཡིག", "བོད ཡིག བོད་ཡིག", "ཡོད"),
        ("हिन्दी पुस्तक", "हिन्दी हिन् पुस्तक", "हिंदी"),
        (
            "Cafe\u{301} Zürich",
            "Café CAFÉ cafe zurich ZU\u{308}RICH",
            "cafes",
        ),
        ("Größe und Maße", "GRÖSSE größe MASSE maß", "grösser"),
        ("ΠΛΗΡΟΦΟΡΙΕΣ", "πληροφορίες πληροφοριεσ", "πληροφορία"),
        ("Ёлка й", "елка ЁЛКА", "олка"),
        ("İstanbul IŞIK", "istanbul ISTANBUL ışık isik", "stanbul"),
        ("Łódź København", "lodz łódź kobenhavn", "odz"),
        ("ＡＢＣ１２３ ﬁles", "ABC123 abc files FI", "bc123"),
        ("مُحَمَّد ۳", "محمد 3 ٣", "حمد"),
        ("שָׁלוֹם", "שלום שָׁלוֹם", "לום"),
        ("🚀 launch", "🚀 🚀launch launch🚀", "🔥"),
        (
            "👩🏽\u{200d}💻 devs",
            "👩\u{200d}💻 👩🏿\u{200d}💻 👩",
            "👨\u{200d}💻",
        ),
        ("❤\u{fe0f} 🇩🇪🇫🇷", "❤ 🇩🇪 🇫🇷 🇫🇷🇩🇪", "🇪🇫 💔"),
        ("C++ and C#, 5 €", "C++ c# c+ C €", "c++11 d#"),
        ("5 ½ ㎏ №7", "1/2 ½ kg no", "17"),
    ] {
        let link = titled(title);
        for text in found.split(' ') {
            assert!(is_found(&link, text), "{text} finds {title}");
        }
        for text in not_found.split(' ') {
            assert!(!is_found(&link, text), "{text} does not find {title}");
        }
    }
}

#[test]
fn a_link_is_found_however_its_apostrophe_is_written() {
    let apostrophes = [
        '\'', '\u{2019}', '\u{2018}', '\u{2b9}', '\u{2bb}', '\u{2bc}', '\u{2be}', '\u{2bf}',
        '\u{a78b}', '\u{a78c}', '\u{55a}', '\u{5f3}', '\u{ff07}',
    ];
    for written in apostrophes {
        let link = titled(&format!("п{written}ять Hawai{written}i {written}okina"));
        for typed in apostrophes {
            for text in [
                format!("п{typed}ять"),
                format!("hawai{typed}i"),
                format!("{typed}okina"),
            ] {
                assert!(is_found(&link, &text), "{text:?} finds {written:?}");
            }
        }
        assert!(is_found(&link, "okina"), "{written:?}");
    }
}

#[test]
fn a_destination_is_found_as_people_read_it() {
    let link = content(
        "https://xn--mnchen-3ya.example:8080/wiki/%E6%9D%B1%E4%BA%AC?q=Caf%C3%A9#a%20b%FF",
        LinkDetails::default(),
    );
    for text in [
        "münchen",
        "東京",
        "京",
        "cafe",
        "b",
        "8080",
        "https://xn--mnchen-3ya.example:8080/wiki/%E6%9D%B1%E4%BA%AC",
        " HTTPS://münchen.example/wiki ",
    ] {
        assert!(is_found(&link, text), "{text}");
    }
    for text in ["https", "e6", "3ya"] {
        assert!(!is_found(&link, text), "{text}");
    }
}

#[test]
fn the_code_and_the_title_are_found_however_long_the_rest_is() {
    let ideographs = |first: u32, count: u32| -> String {
        (first..first + count).filter_map(char::from_u32).collect()
    };
    let title = ideographs(0x4e00, 200);
    let tags: Vec<String> = (0..20).map(|n| ideographs(0x5000 + n * 64, 64)).collect();
    let details = LinkDetails {
        title: Title::parse(&title).unwrap(),
        tags: Tag::parse_all(tags.iter().map(String::as_str)).unwrap(),
        description: Description::parse(&ideographs(0x6000, 2_000)).unwrap(),
        ..LinkDetails::default()
    };
    let link = content("https://docs.example.com/", details);
    assert_eq!(SearchWord::of_link(&link).len(), SearchWord::MAX_PER_LINK);
    assert!(is_found(&link, "wiki"));
    let letters: Vec<char> = title.chars().collect();
    for part in letters.windows(2) {
        assert!(is_found(&link, &String::from_iter(part)), "{part:?}");
    }
    // With a short title there is room for the rest.
    let short = LinkDetails {
        title: Title::parse(&ideographs(0x4e00, 20)).unwrap(),
        description: Description::parse(&ideographs(0x6000, 300)).unwrap(),
        ..LinkDetails::default()
    };
    let link = content("https://docs.example.com/", short);
    assert!(is_found(&link, &ideographs(0x6000 + 298, 2)));
}

/// Texts as people write them, of one script or several.
fn written() -> impl Strategy<Value = String> {
    let letters = "[ a-cA-C1é\u{301}ßıİςσøﬁ\u{ad}Ａｱｶﾞ東京部手のカー々한글กำที่क्षिहिམུحُ٣ש🚀👩\u{200d}💻🇩🇪+#.-]{0,30}";
    prop_oneof![
        letters.prop_map(String::from),
        ".{0,80}".prop_map(String::from)
    ]
}

proptest! {
    #[test]
    fn words_are_read_alike_everywhere(text in written()) {
        for word in SearchWord::of_search(&text) {
            prop_assert_eq!(SearchWord::of_search(word.as_str()), vec![word]);
        }
    }

    #[test]
    fn a_link_is_found_by_its_title_and_by_each_of_its_words(title in written()) {
        if let Ok(parsed) = Title::parse(&title) {
            let link = titled(parsed.as_str());
            let words = SearchWord::of_link(&link);
            prop_assert!(words.len() <= SearchWord::MAX_PER_LINK);
            for word in &words {
                prop_assert!(word.as_str().chars().count() <= SearchWord::MAX_CHARS);
                prop_assert!(is_found(&link, word.as_str()), "{}", word);
            }
            for searched in SearchWord::of_search(parsed.as_str()) {
                prop_assert!(words.iter().any(|word| word.is_found_by(&searched)), "{}", searched);
            }
        }
    }

    #[test]
    fn a_text_without_spaces_is_found_by_each_of_its_parts(
        text in "[東京都庁の案内カタ々ー部手册한글문서]{1,40}",
        from in 0..40usize,
        count in 1..10usize,
    ) {
        let link = titled(&text);
        let part: String = text.chars().skip(from).take(count).collect();
        prop_assert!(part.is_empty() || is_found(&link, &part), "{}", part);
        prop_assert!(is_found(&link, &text));
    }
}
