//! The counts of several days, added up.

use std::collections::HashMap;

use waypost_core::VisitClass;

use super::values::Classes;
use super::{Counted, DayFacts, Dimension};

/// The documents of some days of a link, added up. The number of values is not limited here: each
/// day adds the values that it counted separately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactsSum {
    counted: Counted,
    classes: Classes,
    values: [HashMap<String, Counted>; Dimension::ALL.len()],
}

impl FactsSum {
    /// Adds a day: the number of its clicks, and its document.
    pub fn add(&mut self, counted: Counted, facts: &DayFacts<'_>) {
        self.counted = self.counted.plus(counted);
        for class in VisitClass::ALL {
            self.classes.add(class, facts.of_class(class));
        }
        for (sums, dimension) in self.values.iter_mut().zip(Dimension::ALL) {
            for (value, counted) in facts.of(dimension) {
                match sums.get_mut(value) {
                    Some(sum) => *sum = sum.plus(counted),
                    None => {
                        sums.insert(value.to_owned(), counted);
                    }
                }
            }
        }
    }

    /// Returns all clicks of the days.
    #[must_use]
    pub const fn counted(&self) -> Counted {
        self.counted
    }

    /// Returns the number of clicks of a class.
    #[must_use]
    pub fn of_class(&self, class: VisitClass) -> u64 {
        self.classes.of(class)
    }

    /// Returns the known values of a dimension, in no particular order.
    pub fn of(&self, dimension: Dimension) -> impl Iterator<Item = (&str, Counted)> {
        let sums = Dimension::ALL.into_iter().zip(&self.values);
        let sums = sums.filter(move |(other, _)| *other == dimension);
        sums.flat_map(|(_, sums)| sums)
            .map(|(value, counted)| (value.as_str(), *counted))
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::{Click, ClickFacts, Referrer};

    use super::*;
    use waypost_store_testkit::samples::Samples;

    #[test]
    fn the_days_of_a_sum_add_up_and_values_have_no_bound() {
        let samples = Samples::new(1);
        let link = samples.link("wiki");
        let mut sum = FactsSum::default();
        for day in 0..4_u64 {
            let clicks: Vec<Click> = (0..40)
                .map(|number| Click {
                    referrer: Referrer::from_header(
                        format!("https://host{}.example/", number + day * 20).as_bytes(),
                    ),
                    facts: ClickFacts {
                        class: Some(VisitClass::Human),
                        ..ClickFacts::default()
                    },
                    ..samples.click(&link)
                })
                .collect();
            let mut facts = DayFacts::default();
            for click in &clicks {
                facts.count(click);
            }
            // A day without known facts.
            sum.add(
                Counted {
                    clicks: 41,
                    humans: 40,
                },
                &facts,
            );
        }
        assert_eq!(
            sum.counted(),
            Counted {
                clicks: 164,
                humans: 160
            }
        );
        assert_eq!(sum.of_class(VisitClass::Human), 160);
        assert_eq!(sum.of_class(VisitClass::Bot), 0);
        let hosts: HashMap<&str, Counted> = sum.of(Dimension::Referrer).collect();
        assert_eq!(hosts.len(), 100);
        let of = |host: &str| hosts.get(host).map(|counted| counted.clicks);
        assert_eq!(
            (of("host0.example"), of("host20.example")),
            (Some(1), Some(2))
        );
        assert_eq!(sum.of(Dimension::Browser).count(), 0);
    }
}
