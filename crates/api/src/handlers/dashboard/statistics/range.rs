//! Which days a page of numbers shows, and which clicks: a query that can be kept as a bookmark.
//!
//! `days=7` are the last seven days, whichever those are when the page is opened; `from` and `to` are days by
//! their dates, and count more. What cannot be read is said beside its field, above the last 30 days.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use serde::Deserialize;
use time::{Date, Duration};
use url::form_urlencoded;
use waypost_analytics::statistics::{Days, DaysError};
use waypost_core::VisitClass;

use super::{class_meaning, class_name};
use crate::errors::ApiError;
use crate::pages::Problem;
use crate::pages::text::{day_name, many};
use crate::request::input;

/// The last so many days can be chosen at once.
const PRESETS: [i64; 4] = [7, 30, 90, 365];
/// So many days are shown where nothing else is asked for.
const USUAL: i64 = 30;

/// What the address of a page says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RangeQuery {
    days: String,
    from: String,
    to: String,
    class: String,
}

/// What a page shows.
pub(super) struct Range {
    /// Where the page is.
    path: String,
    /// The days.
    pub(super) days: Days,
    /// How many of the last ones they are; `None` where they are chosen by date.
    last: Option<i64>,
    /// Clicks of this class alone.
    pub(super) class: Option<VisitClass>,
    /// What is in the field of the first day.
    pub(super) from: String,
    /// What is in the field of the last day.
    pub(super) to: String,
    /// What is wrong.
    pub(super) problem: Problem,
}

/// One of several things to be shown.
pub(super) struct Choice {
    pub(super) label: String,
    pub(super) meaning: &'static str,
    pub(super) address: String,
    pub(super) is_chosen: bool,
}

impl Range {
    /// What a request asks for, on the page at `path`.
    ///
    /// # Errors
    /// `BAD_REQUEST` for what is given twice.
    pub(super) fn of(request: &HttpRequest, path: String, today: Date) -> Result<Self, ApiError> {
        let query = input::query::<RangeQuery>(request)?;
        Ok(Self::read(&query, path, today))
    }

    fn read(query: &RangeQuery, path: String, today: Date) -> Self {
        let given = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let (from, to) = (given(&query.from), given(&query.to));
        let usual = last_days(USUAL, today);
        let mut problem = Problem::NONE;
        let (days, last) = if from.is_some() || to.is_some() {
            match Days::parse(from.as_deref(), to.as_deref(), today) {
                Ok(days) => (days, None),
                Err(error) => {
                    problem = problem_of(error);
                    (usual, None)
                }
            }
        } else if let Some(text) = given(&query.days) {
            let number = text.parse().ok();
            let number = number.filter(|number| (1..=Days::MOST).contains(number));
            if number.is_none() {
                let message = format!("`days` is a number from 1 to {}", Days::MOST);
                problem = Problem::new("", &message);
            }
            let number = number.unwrap_or(USUAL);
            (last_days(number, today), Some(number))
        } else {
            (usual, Some(USUAL))
        };
        let class = given(&query.class).map(|text| text.parse::<VisitClass>());
        let class = class.transpose().unwrap_or_else(|error| {
            problem = Problem::new("", &format!("`class`: {error}"));
            None
        });
        Self {
            path,
            days,
            last,
            class,
            from: from.unwrap_or_else(|| days.from.to_string()),
            to: to.unwrap_or_else(|| days.to.to_string()),
            problem,
        }
    }

    /// The status of the page.
    pub(super) fn status(&self) -> StatusCode {
        if self.problem == Problem::NONE {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }

    /// Where the page is.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the days are chosen by date, or should have been.
    pub(super) fn is_by_date(&self) -> bool {
        self.last.is_none()
    }

    /// What clicks are shown, in the middle of a sentence.
    pub(super) fn class_text(&self) -> String {
        self.class
            .map(class_name)
            .map_or_else(String::new, str::to_lowercase)
    }

    /// The name of the class whose clicks are shown, as it is asked for.
    pub(super) fn class_value(&self) -> &'static str {
        self.class.map_or("", VisitClass::as_str)
    }

    /// The days, in the middle of a sentence.
    pub(super) fn days_text(&self) -> String {
        match self.last {
            Some(1) => "today".to_owned(),
            Some(days) => format!("the last {} days", days.unsigned_abs()),
            None if self.days.from == self.days.to => day_name(self.days.from),
            None => format!("{} to {}", day_name(self.days.from), day_name(self.days.to)),
        }
    }

    /// The days that can be chosen at once.
    pub(super) fn presets(&self) -> Vec<Choice> {
        let choice = |days: i64| Choice {
            label: many(days.unsigned_abs(), "day", "days"),
            meaning: "",
            address: self.address(&[("days", &days.to_string())], self.class),
            is_chosen: self.last == Some(days),
        };
        PRESETS.into_iter().map(choice).collect()
    }

    /// The classes of clicks that can be chosen.
    pub(super) fn classes(&self) -> Vec<Choice> {
        let all = std::iter::once(None).chain(VisitClass::ALL.into_iter().map(Some));
        let choice = |class: Option<VisitClass>| Choice {
            label: class.map_or("All", class_name).to_owned(),
            meaning: class.map_or("all clicks", class_meaning),
            address: match self.last {
                Some(days) => self.address(&[("days", &days.to_string())], class),
                None => self.address(&[("from", &self.from), ("to", &self.to)], class),
            },
            is_chosen: self.class == class,
        };
        all.map(choice).collect()
    }

    fn address(&self, days: &[(&str, &str)], class: Option<VisitClass>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(days);
        if let Some(class) = class {
            query.append_pair("class", class.as_str());
        }
        format!("{}?{}", self.path, query.finish())
    }
}

/// Today and the days before, so many in all.
fn last_days(number: i64, today: Date) -> Days {
    let before = Duration::days(number.saturating_sub(1));
    Days {
        from: today.saturating_sub(before),
        to: today,
    }
}

/// The last days of which the numbers tell.
pub(super) fn usual_days(today: Date) -> Days {
    last_days(USUAL, today)
}

/// What to do about a range that is none.
fn problem_of(error: DaysError) -> Problem {
    match error {
        DaysError::NotADay("to") => Problem::new("to", "give a day such as 2026-03-01"),
        DaysError::NotADay(_) => Problem::new("from", "give a day such as 2026-03-01"),
        DaysError::Backwards => Problem::new("from", "choose a day that is not after the last one"),
        DaysError::TooMany => Problem::new(
            "from",
            &format!("choose a later day: at most {} are shown", Days::MOST),
        ),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 03 - 01);

    fn range(query: &str) -> Range {
        let query = actix_web::web::Query::from_query(query).unwrap();
        Range::read(&query, "/x".to_owned(), TODAY)
    }

    #[test]
    fn nothing_said_or_left_empty_is_the_last_30_days_of_all_clicks() {
        for query in ["", "from=&to=&class=&days=", "utm_source=x"] {
            let range = range(query);
            assert_eq!(range.days, last_days(30, TODAY), "{query}");
            assert_eq!(range.status(), StatusCode::OK);
            assert_eq!(range.class, None);
            assert_eq!(range.days_text(), "the last 30 days");
        }
    }

    #[test]
    fn a_choice_keeps_what_else_was_chosen() {
        let chosen = range("days=7&class=bot");
        let addresses: Vec<_> = chosen.presets().into_iter().map(|it| it.address).collect();
        assert_eq!(addresses[2], "/x?days=90&class=bot");
        let chosen = range("from=2026-02-01&to=2026-02-03");
        assert!(chosen.presets().iter().all(|it| !it.is_chosen));
        let classes = chosen.classes();
        assert_eq!(classes[0].address, "/x?from=2026-02-01&to=2026-02-03");
        assert!(classes[0].is_chosen);
        assert_eq!(
            classes[5].address,
            "/x?from=2026-02-01&to=2026-02-03&class=self"
        );
    }

    #[test]
    fn what_is_wrong_stands_at_its_field() {
        for (query, field) in [
            ("from=yesterday", "from"),
            ("to=2026-02-30", "to"),
            ("from=2026-03-02", "from"),
            ("from=1999-01-01", "from"),
            ("days=0", ""),
            ("days=3661", ""),
            ("days=x", ""),
            ("class=robot", ""),
        ] {
            let range = range(query);
            assert!(range.problem.of(field).is_some(), "{query}");
            assert_eq!(range.status(), StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(range.days, last_days(30, TODAY), "{query}");
        }
    }
}
