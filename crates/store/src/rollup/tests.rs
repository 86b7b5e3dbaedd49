//! Tests of the documents of days.

use waypost_core::{ClickFacts, DeviceClass, Family, Referrer};

use super::*;
use waypost_store_testkit::samples::Samples;

fn click(class: VisitClass, host: &str) -> Click {
    let samples = Samples::new(1);
    let mut click = samples.click(&samples.link("wiki"));
    let page = format!("https://{host}/page");
    click.referrer = Referrer::from_header(page.as_bytes());
    click.facts = ClickFacts {
        class: Some(class),
        browser: Family::of("Firefox"),
        device: Some(DeviceClass::Desktop),
        ..ClickFacts::default()
    };
    click
}

fn sum(facts: &DayFacts<'_>, dimension: Dimension) -> Counted {
    let counted = facts.of(dimension).map(|(_, counted)| counted);
    counted.fold(Counted::default(), Counted::plus)
}

#[test]
fn a_document_is_read_as_it_was_written() {
    let clicks = [
        click(VisitClass::Human, "a.example"),
        click(VisitClass::Bot, "a.example"),
        click(VisitClass::Human, "b.example"),
    ];
    let mut facts = DayFacts::default();
    for click in &clicks {
        facts.count(click);
    }
    let text = facts.to_text();
    assert_eq!(
        text,
        "{\"v\":{\"human\":2,\"bot\":1},\"r\":{\"a.example\":[2,1],\"b.example\":[1,1]},\"b\":{\"Firefox\":[3,2]},\
         \"d\":{\"desktop\":[3,2]}}"
    );
    assert_eq!(DayFacts::parse(&text).unwrap(), facts);
    assert_eq!(DayFacts::parse("{}").unwrap(), DayFacts::default());
    assert_eq!(facts.clone().into_owned(), facts);
    for bad in ["", "{\"v\":{\"ghost\":1}}", "{\"b\":{\"x\":[1]}}"] {
        DayFacts::parse(bad).unwrap_err();
    }
    let parts = Dimension::ALL.map(Part::Of);
    for part in [Part::All, Part::Classes].into_iter().chain(parts) {
        let read = DayFacts::parse_part(&text, part).unwrap();
        assert_eq!(read, facts.clone().only(part), "{part:?}");
        DayFacts::parse_part("", part).unwrap_err();
        DayFacts::parse_part("{\"v\":", part).unwrap_err();
    }
}

#[test]
fn a_part_is_found_whatever_values_are_called() {
    let names = [
        "\"c\":{\"DE\":[9,9]}",
        "c",
        "\\\"c\\\":{",
        "r",
        "d",
        "{",
        "}}",
    ];
    let clicks = names.map(|name| {
        let mut click = click(VisitClass::Human, "a.example");
        click.facts.browser = Family::of(name);
        click.facts.os = Family::of(name);
        click.facts.country = waypost_core::Country::parse("FR");
        click
    });
    let mut facts = DayFacts::default();
    for click in &clicks {
        facts.count(click);
    }
    let text = facts.to_text();
    // As it is written, and with white space, which no version writes.
    for text in [text.clone(), text.replace(":{\"", ": { \"")] {
        let all = DayFacts::parse(&text).unwrap();
        let parts = Dimension::ALL.map(Part::Of);
        for part in parts.into_iter().chain([Part::Classes]) {
            let read = DayFacts::parse_part(&text, part).unwrap();
            assert_eq!(read, all.clone().only(part), "{part:?} of {text}");
        }
    }
}

#[test]
fn what_is_taken_back_was_never_counted() {
    let clicks: Vec<Click> = (0..120)
        .map(|n| click(VisitClass::ALL[n % 5], &format!("host{}.example", n % 60)))
        .collect();
    let mut facts = DayFacts::default();
    for click in &clicks {
        facts.count(click);
    }
    // The last ones were counted under `other` and are removed from there.
    for click in clicks.iter().skip(60).rev() {
        facts.uncount(click);
    }
    let mut first = DayFacts::default();
    for click in clicks.iter().take(60) {
        first.count(click);
    }
    assert_eq!(facts, first);
    for click in clicks.iter().take(60).rev() {
        facts.uncount(click);
    }
    assert_eq!(facts.to_text(), "{}");
}

#[test]
fn a_host_that_is_too_long_is_counted_with_the_others() {
    let clicks = [253, 254].map(|length| click(VisitClass::Human, &"x".repeat(length)));
    let mut facts = DayFacts::default();
    for click in &clicks {
        facts.count(click);
    }
    let hosts: Vec<usize> = facts
        .of(Dimension::Referrer)
        .map(|(host, _)| host.len())
        .collect();
    assert_eq!(hosts, [253, OTHER.len()]);
}

#[test]
fn hosts_that_earlier_versions_counted_apart_are_one() {
    let text = "{\"v\":{\"human\":6},\"r\":{\"www.a.example.\":[2,2],\"com.Slack\":[1,1],\
                \"www.a.example\":[2,1],\"com.slack\":[1,1]},\"b\":{\"Firefox\":[6,6]}}";
    let of = |clicks, humans| Counted { clicks, humans };
    let wanted = [("www.a.example", of(4, 3)), ("com.slack", of(2, 2))];
    for part in [Part::All, Part::Of(Dimension::Referrer)] {
        let facts = DayFacts::parse_part(text, part).unwrap();
        let found: Vec<_> = facts.of(Dimension::Referrer).collect();
        assert_eq!(found, wanted, "{part:?}");
    }
    // A stored click of an earlier version is removed from where it is counted now.
    let mut old = click(VisitClass::Human, "www.a.example");
    old.referrer = Some(Referrer::from_stored("https://www.A.example./x".to_owned()));
    let mut facts = DayFacts::parse(text).unwrap();
    facts.uncount(&old);
    assert_eq!(
        facts.of(Dimension::Referrer).next(),
        Some(("www.a.example", of(3, 2)))
    );
    // Families keep their case.
    assert_eq!(
        facts.of(Dimension::Browser).next(),
        Some(("Firefox", of(5, 5)))
    );
}

#[test]
fn what_has_to_be_escaped_comes_back() {
    let mut odd = click(VisitClass::Human, "a.example");
    odd.facts.browser = Family::of("\"qu\\ot\u{e9}\"");
    let mut facts = DayFacts::default();
    facts.count(&odd);
    let text = facts.to_text();
    assert_eq!(DayFacts::parse(&text).unwrap(), facts);
}

#[test]
fn whatever_the_batches_are_no_click_is_lost_and_no_day_grows_beyond_its_bound() {
    let clicks: Vec<Click> = (0..300)
        .map(|n| click(VisitClass::Human, &format!("host{}.example", n % 120)))
        .collect();
    for size in [1, 7, 100, 300] {
        let mut stored = "{}".to_owned();
        for batch in clicks.chunks(size) {
            let mut facts = DayFacts::parse(&stored).unwrap();
            for click in batch {
                facts.count(click);
            }
            stored = facts.to_text();
        }
        let facts = DayFacts::parse(&stored).unwrap();
        assert_eq!(sum(&facts, Dimension::Referrer).clicks, 300);
        assert_eq!(facts.of(Dimension::Referrer).count(), MAX_VALUES + 1);
        let (_, other) = facts.of(Dimension::Referrer).last().unwrap();
        // Each of the first 50 hosts occurred three times.
        assert_eq!(other.clicks, 150);
        assert_eq!(facts.of_class(VisitClass::Human), 300);
    }
}
