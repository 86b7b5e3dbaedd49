//! Changes of the destination of a link, for the days of a chart.

use time::Date;
use waypost_analytics::statistics::Days;
use waypost_core::{LinkId, LinkVersion, Person};

use crate::errors::ApiError;
use crate::pages::Moment;
use crate::pages::chart::Event;
use crate::pages::text::shortened;
use crate::request::caller::Caller;
use crate::state::State;

/// Number of versions that are read at a time.
const VERSIONS: u32 = 100;
/// Maximum number of versions that are read, newest first.
const MOST_VERSIONS: usize = 1_000;
/// Maximum length of a destination in characters; longer ones are cut.
const TARGET: usize = 100;

/// A change of the destination.
pub(super) struct Change {
    day: Date,
    pub(super) at: Moment,
    /// The name of the user who made it; empty if unknown.
    pub(super) by: String,
    pub(super) before: String,
    pub(super) after: String,
}

impl Change {
    /// Returns the change of a version, if it changed the destination.
    fn of(version: &LinkVersion, day: Date) -> Option<Self> {
        let before = &version.before.as_ref()?.content.target;
        let after = &version.after.content.target;
        let name = |person: &Person| {
            let name = person.display_name.as_str();
            let name = if name.is_empty() {
                person.email.as_str()
            } else {
                name
            };
            name.to_owned()
        };
        (before.as_str() != after.as_str()).then(|| Self {
            day,
            at: version.at.into(),
            by: version.by.as_ref().map(name).unwrap_or_default(),
            before: shortened(before.as_str(), TARGET),
            after: shortened(after.as_str(), TARGET),
        })
    }

    /// Returns the event for a chart.
    pub(super) fn event(&self) -> Event {
        Event {
            day: self.day,
            text: format!("destination changed to {}", self.after),
        }
    }
}

/// Returns the changes on these days, newest first.
///
/// # Errors
/// Fails as reading the history of a link does.
pub(super) async fn changes(
    state: &State,
    caller: &Caller,
    link: LinkId,
    days: Days,
) -> Result<Vec<Change>, ApiError> {
    let zone = state.recorder().zone();
    let mut changes = Vec::new();
    let (mut seen, mut before) = (0, None);
    while seen < MOST_VERSIONS {
        let history = state.links().history(&caller.0, link, before, VERSIONS);
        let versions = history.await?;
        let Some(last) = versions.last() else { break };
        before = Some(last.number);
        seen += versions.len();
        let is_past = zone.day_of(last.at) < days.from;
        let of_days = versions.iter().filter_map(|version| {
            let day = zone.day_of(version.at);
            days.contains(day).then(|| Change::of(version, day))?
        });
        changes.extend(of_days);
        if is_past {
            break;
        }
    }
    Ok(changes)
}
