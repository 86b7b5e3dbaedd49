//! `GET /dashboard/stats`: statistics of all links that a user owns.

use actix_web::{HttpRequest, web};
use askama::Template;
use time::Date;
use waypost_analytics::statistics::DayStatistics;
use waypost_store::rollup::Counted;

use super::range::Range;
use crate::handlers::v1::statistics::{TOP, TopLinkView};
use crate::pages::Moment;
use crate::pages::chart::{Chart, Series};
use crate::pages::text::percent;
use crate::pages::{Frame, PageResult};
use crate::request::caller::Caller;
use crate::state::State;

/// The page.
#[derive(Template)]
#[template(path = "dashboard/statistics/own.html")]
struct OwnPage<'a> {
    frame: &'a Frame,
    range: &'a Range,
    zone: &'a str,
    links: u64,
    total: Counted,
    last_7d: u64,
    last_30d: u64,
    complete_until: Moment,
    chart: Chart,
    top: Vec<TopLinkView>,
}

impl OwnPage<'_> {
    /// Returns the clicks of a link in percent of the clicks of the most clicked link.
    fn percent_of_first(&self, link: &TopLinkView) -> u64 {
        let first = self.top.first().map_or(0, |first| first.clicks);
        percent(link.clicks, first).max(1)
    }
}

/// Shows the page.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let statistics = state.statistics();
    let path = format!("{}/dashboard/stats", frame.base());
    let range = Range::of(&request, path, statistics.today())?;
    let found = match caller.0.user_id() {
        Some(user) => statistics.of_owner(user, range.days, TOP).await?,
        None => statistics.of_nobody(range.days).await,
    };
    let day = |(day, counted): &(Date, Counted)| DayStatistics {
        day: *day,
        counted: *counted,
        visitors: None,
    };
    let daily: Vec<DayStatistics> = found.daily.iter().map(day).collect();
    let top = found.top.iter();
    let page = OwnPage {
        frame: &frame,
        range: &range,
        zone: statistics.zone(),
        links: found.links,
        total: found.total,
        last_7d: found.last_7d,
        last_30d: found.last_30d,
        complete_until: found.complete_until.into(),
        chart: Chart::of(&daily, Series::All, &[]),
        top: top
            .map(|(link, counted)| TopLinkView::new(link, *counted, state.shortener()))
            .collect(),
    };
    frame.page(range.status(), &page)
}
