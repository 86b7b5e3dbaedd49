//! Accuracy of the classification of visits, with user agents of known class from published
//! sources, none of which are the rules themselves (`tests/data/README.md`). With `--nocapture` it
//! prints the rates and the errors.

use std::collections::BTreeMap;

use waypost_analytics::UserAgents;
use waypost_core::{Family, VisitClass};

const ANSWERS: &str = include_str!("data/user_agents.tsv");

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
