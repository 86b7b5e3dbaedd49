//! The days and the click type that a statistics page shows, as a query that can be bookmarked.
//!
//! `days=7` means the last seven days when the page is opened. `from` and `to` are dates, and take
//! precedence. With an invalid value the page shows an error beside its field, and the last 30
//! days.

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
use crate::pages::text::{day_name, grouped, many};
use crate::request::input;

/// Ranges to choose from: the last 7, 30, 90 and 365 days.
const PRESETS: [i64; 4] = [7, 30, 90, 365];
/// Number of days that are shown by default.
const USUAL: i64 = 30;

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RangeQuery {
    days: String,
    from: String,
    to: String,
    class: String,
}

/// The days and the click type that a page shows.
pub(super) struct Range {
    /// The path of the page.
    path: String,
    pub(super) days: Days,
    /// The number of days up to today; `None` if they were chosen by date.
    last: Option<i64>,
    /// The click type; `None` for all.
    pub(super) class: Option<VisitClass>,
    /// The content of the field for the first day.
    pub(super) from: String,
    /// The content of the field for the last day.
    pub(super) to: String,
    /// The error of the query.
    pub(super) problem: Problem,
}

/// A link to one of several choices.
pub(super) struct Choice {
    pub(super) label: String,
    pub(super) meaning: &'static str,
    pub(super) address: String,
    pub(super) is_chosen: bool,
}

impl Range {
    /// Reads the query of a request for the page at `path`.
    ///
    /// # Errors
    /// `BAD_REQUEST` if the query cannot be read.
    pub(super) fn of(request: &HttpRequest, path: String, today: Date) -> Result<Self, ApiError> {
        let query = input::page_query::<RangeQuery>(request)?;
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
                let most = grouped(Days::MOST);
                let message = format!("the number of days must be from 1 to {most}");
                problem = Problem::new("", &message);
            }
            let number = number.unwrap_or(USUAL);
            (last_days(number, today), Some(number))
        } else {
            (usual, Some(USUAL))
        };
        let class = given(&query.class).map(|text| text.parse::<VisitClass>());
        let class = class.transpose().unwrap_or_else(|_| {
            problem = Problem::new("", "unknown click type; choose one above");
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

    /// Returns the status of the page.
    pub(super) fn status(&self) -> StatusCode {
        if self.problem == Problem::NONE {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }

    /// Returns the path of the page.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the days were chosen by date, or an attempt to do so failed.
    pub(super) fn is_by_date(&self) -> bool {
        self.last.is_none()
    }

    /// Returns the name of the click type within a sentence; empty for all.
    pub(super) fn class_text(&self) -> String {
        self.class
            .map(class_name)
            .map_or_else(String::new, str::to_lowercase)
    }

    /// Returns the click type as the value of the query; empty for all.
    pub(super) fn class_value(&self) -> &'static str {
        self.class.map_or("", VisitClass::as_str)
    }

    /// Returns the days within a sentence.
    pub(super) fn days_text(&self) -> String {
        match self.last {
            Some(1) => "today".to_owned(),
            Some(days) => format!("the last {}", many(days.unsigned_abs(), "day")),
            None if self.days.from == self.days.to => day_name(self.days.from),
            None => format!("{} to {}", day_name(self.days.from), day_name(self.days.to)),
        }
    }

    /// Returns links to the usual ranges.
    pub(super) fn presets(&self) -> Vec<Choice> {
        let choice = |days: i64| Choice {
            label: many(days.unsigned_abs(), "day"),
            meaning: "",
            address: self.address(&[("days", &days.to_string())], self.class),
            is_chosen: self.last == Some(days),
        };
        PRESETS.into_iter().map(choice).collect()
    }

    /// Returns links to the click types.
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

/// Returns the last `number` days including today.
fn last_days(number: i64, today: Date) -> Days {
    let before = Duration::days(number.saturating_sub(1));
    Days {
        from: today.saturating_sub(before),
        to: today,
    }
}

/// Returns the days that are shown by default.
pub(super) fn usual_days(today: Date) -> Days {
    last_days(USUAL, today)
}

/// Returns the error of an invalid range.
fn problem_of(error: DaysError) -> Problem {
    match error {
        DaysError::NotADay("to") => Problem::new("to", "enter a date such as 2026-03-01"),
        DaysError::NotADay(_) => Problem::new("from", "enter a date such as 2026-03-01"),
        DaysError::Backwards => {
            Problem::new("from", "the first day must not be after the last day")
        }
        DaysError::TooMany => Problem::new(
            "from",
            &format!(
                "choose a later day; at most {} days are shown",
                grouped(Days::MOST)
            ),
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
    fn an_empty_query_means_all_clicks_of_the_last_30_days() {
        for query in ["", "from=&to=&class=&days=", "utm_source=x"] {
            let range = range(query);
            assert_eq!(range.days, last_days(30, TODAY), "{query}");
            assert_eq!(range.status(), StatusCode::OK);
            assert_eq!(range.class, None);
            assert_eq!(range.days_text(), "the last 30 days");
        }
    }

    #[test]
    fn a_choice_keeps_the_other_choices() {
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
    fn an_error_is_shown_at_its_field() {
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
