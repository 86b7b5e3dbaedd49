//! Accuracy of the classification of visits, with user agents of known class from published
//! sources (`tests/data/README.md`). With `--nocapture` it prints the rates, and the errors in the
//! part of the corpus that the rule may be tuned with. Those in the part that is kept back are not
//! printed, so that nobody tunes with them.

use std::collections::BTreeMap;

use waypost_analytics::UserAgents;
use waypost_core::{Family, VisitClass};

/// With the browser, system and device.
const ANSWERS: &str = include_str!("data/user_agents.tsv");
/// With the class alone, which tells people from programs.
const CLASSES: &str = include_str!("data/user_agent_classes.tsv");
/// Told rightly, all of them.
const TOLD: &str = include_str!("data/user_agents_told.tsv");

/// Correct and wrong answers.
#[derive(Default)]
struct Tally {
    answers: f64,
    right: f64,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, wanted: &str, found: &str, user_agent: &str) {
        self.answers += 1.0;
        if wanted == found {
            self.right += 1.0;
        } else {
            let wrong = format!("{wanted} is {found}: {user_agent}");
            self.wrong.push(wrong);
        }
    }

    fn rate(&self) -> f64 {
        self.right / self.answers
    }
}

#[test]
fn visits_are_told_apart_as_well_as_measured() {
    let agents = UserAgents::new();
    let mut tallies = BTreeMap::<&str, Tally>::new();
    for line in ANSWERS.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [_source, class, browser, os, device, user_agent] = columns[..] else {
            panic!("not six columns: {line}");
        };
        let facts = agents.facts(Some(user_agent));
        let tally = tallies.entry(class).or_default();
        tally.add(class, facts.class.as_str(), user_agent);
        if facts.class != VisitClass::Human {
            continue;
        }
        let family = |family: &Option<Family>| {
            let text = family.as_ref().map_or("-", Family::as_str);
            text.to_owned()
        };
        let found_device = facts.device.map_or("-", |device| device.as_str());
        for (subject, wanted, found) in [
            ("browser", browser, family(&facts.browser)),
            ("os", os, family(&facts.os)),
            ("device", device, found_device.to_owned()),
        ] {
            if wanted != "-" {
                let tally = tallies.entry(subject).or_default();
                tally.add(wanted, &found, user_agent);
            }
        }
    }
    for (subject, tally) in &tallies {
        println!("{subject}: {:.4} of {}", tally.rate(), tally.answers);
        for wrong in &tally.wrong {
            println!("  {wrong}");
        }
    }
    for (subject, floor) in [
        ("human", 0.985),
        ("bot", 0.985),
        ("preview", 1.0),
        ("browser", 0.90),
        ("os", 0.94),
        ("device", 0.98),
    ] {
        let rate = tallies.get(subject).map_or(0.0, Tally::rate);
        assert!(rate >= floor, "{subject}: {rate:.4} is less than {floor}");
    }
}

/// Returns the rows of the corpus: source, `human` or `bot`, user agent.
fn classes() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    CLASSES.lines().filter_map(|line| {
        let (source, rest) = line.split_once('\t')?;
        let (class, user_agent) = rest.split_once('\t')?;
        Some((source, class, user_agent))
    })
}

/// Whether a user agent is in the third that is kept back, by its hash (FNV-1a).
fn is_kept_back(user_agent: &str) -> bool {
    let hash = user_agent.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash.is_multiple_of(3)
}

#[test]
fn people_and_programs_are_told_apart_in_a_part_that_was_kept_back() {
    let agents = UserAgents::new();
    assert_eq!(classes().count(), CLASSES.lines().count());
    let mut tallies = BTreeMap::<(bool, &str, &str), Tally>::new();
    for (source, class, user_agent) in classes() {
        let is_human = agents.class(Some(user_agent)) == VisitClass::Human;
        let found = if is_human { "human" } else { "bot" };
        for source in [source, "all"] {
            let of = (is_kept_back(user_agent), class, source);
            tallies.entry(of).or_default().add(class, found, user_agent);
        }
    }
    for ((kept_back, class, source), tally) in &tallies {
        let part = if *kept_back {
            "kept back"
        } else {
            "tuned with"
        };
        let (rate, answers) = (tally.rate(), tally.answers);
        println!("{part}, {class}, {source}: {rate:.4} of {answers}");
        if !kept_back && *source != "all" {
            for wrong in &tally.wrong {
                println!("  {wrong}");
            }
        }
    }
    for class in ["human", "bot"] {
        let tally = &tallies[&(true, class, "all")];
        assert!(tally.answers > 500.0);
        assert!(tally.rate() >= 0.97, "{class}: {:.4}", tally.rate());
    }
}

#[test]
fn what_people_reported_is_told_rightly() {
    let agents = UserAgents::new();
    for line in TOLD.lines() {
        let (class, user_agent) = line.split_once('\t').unwrap();
        let facts = agents.facts(Some(user_agent));
        assert_eq!(facts.class.as_str(), class, "{user_agent}");
        assert_eq!(agents.class(Some(user_agent)), facts.class, "{user_agent}");
        let is_human = facts.class == VisitClass::Human;
        assert!(is_human || facts.browser.is_none(), "{user_agent}");
    }
}

/// A browser that has one of the names would be told as a program, which a new version of the list
/// must not cause.
#[test]
fn no_browser_of_the_corpus_has_a_name_of_the_list() {
    let [with_names, without] = [UserAgents::new(), UserAgents::with_names("")];
    let told = TOLD.lines().filter_map(|line| line.strip_prefix("human\t"));
    let browsers = classes().filter(|(_, class, _)| *class == "human");
    let answers = ANSWERS.lines().filter(|line| line.contains("\thuman\t"));
    let answers = answers.filter_map(|line| line.rsplit('\t').next());
    for user_agent in told.chain(browsers.map(|(.., it)| it)).chain(answers) {
        let [with_names, without] = [&with_names, &without].map(|it| it.class(Some(user_agent)));
        assert_eq!(with_names, without, "{user_agent}");
    }
}

#[test]
fn names_count_without_regard_to_case_and_only_as_whole_words() {
    let agents = UserAgents::with_names("examplewatch\n");
    let class = |text: &str| agents.class(Some(text));
    let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                  Chrome/141.0.0.0 Safari/537.36";
    let android = "Mozilla/5.0 (Linux; Android 14; ExampleWatch Build/UP1A) AppleWebKit/537.36 \
                   (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36";
    assert_eq!(class(chrome), VisitClass::Human);
    for added in [
        "ExampleWatch",
        "EXAMPLEWATCH/2.0",
        "examplewatch; x",
        "(ExampleWatch 3)",
    ] {
        assert_eq!(
            class(&format!("{chrome} {added}")),
            VisitClass::Bot,
            "{added}"
        );
    }
    for added in ["ExampleWatcher/1.0", "MyExampleWatch/1.0"] {
        assert_eq!(
            class(&format!("{chrome} {added}")),
            VisitClass::Human,
            "{added}"
        );
    }
    // The model of a device may have any name, and a program any version.
    assert_eq!(class(android), VisitClass::Human);
    let versioned = android.replace("UP1A", "UP1A; ExampleWatch/1.0");
    assert_eq!(class(&versioned), VisitClass::Bot);
}
