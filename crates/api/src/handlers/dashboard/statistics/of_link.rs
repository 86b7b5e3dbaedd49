//! `GET /dashboard/links/{id}/stats`: how often a link is clicked, when, by whom and from where.
//!
//! htmx fetches parts of the page by themselves when there is news: `live` (the figures and the chart), with
//! which the last clicks come, and `breakdowns`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use waypost_analytics::statistics::{ClickPage, LinkStatistics};
use waypost_core::{Link, VisitClass};
use waypost_store::KeptClick;
use waypost_store::rollup::Counted;

use super::breakdowns::{BreakdownsPart, device_name};
use super::changes::{Change, changes};
use super::class_name;
use super::range::{Range, usual_days};
use crate::errors::ApiError;
use crate::pages::Moment;
use crate::pages::chart::{Chart, Event, Series};
use crate::pages::text::{grouped, many, shortened};
use crate::pages::{Frame, PageResult};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::state::State;
use crate::views::clicks::ClickView;

/// So many clicks are listed.
const CLICKS: u32 = 50;
/// Longer referrers are cut, in characters.
const REFERRER: usize = 100;
/// The days of the shorter of the two figures.
const WEEK: usize = 7;
/// The part of the page that is asked for.
const TARGET: &str = "hx-target";

/// The page.
#[derive(Template)]
#[template(path = "dashboard/statistics/link.html")]
struct StatisticsPage<'a> {
    frame: &'a Frame,
    range: &'a Range,
    zone: &'a str,
    link: &'a Link,
    short_url: String,
    live: LivePart<'a>,
    breakdowns: BreakdownsPart,
    clicks: ClicksPart<'a>,
}

/// What changes with each click.
#[derive(Template)]
#[template(path = "dashboard/statistics/news.html")]
struct NewsPart<'a> {
    live: LivePart<'a>,
    clicks: ClicksPart<'a>,
}

/// The figures and the chart.
#[derive(Template)]
#[template(path = "dashboard/statistics/live.html")]
struct LivePart<'a> {
    frame: &'a Frame,
    range: &'a Range,
    link: &'a Link,
    short_url: String,
    figures: Figures,
    chart: Chart,
    changes: Vec<Change>,
}

/// The last clicks.
#[derive(Template)]
#[template(path = "dashboard/statistics/clicks.html")]
struct ClicksPart<'a> {
    range: &'a Range,
    /// Whether nobody ever followed the link.
    is_new: bool,
    clicks: Vec<ClickRow>,
    /// Whether there are more.
    has_more: bool,
}

/// The numbers of a link.
struct Figures {
    total: Counted,
    last_7d: Counted,
    last_30d: Counted,
    visitors_today: u64,
    first_click: Option<Moment>,
    last_click: Option<Moment>,
    clicks_since: Option<Moment>,
    complete_until: Moment,
}

/// A click of the list.
struct ClickRow {
    at: Moment,
    referrer: String,
    /// The browser and the system.
    agent: String,
    device: String,
    country: String,
    class: &'static str,
    user: Option<String>,
}

/// Shows them, or a part of them.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let statistics = state.statistics();
    let link = state
        .links()
        .with_viewable_clicks(&caller.0, id_of(&request, "id")?)
        .await?;
    let path = format!("{}/dashboard/links/{}/stats", frame.base(), link.id);
    let range = Range::of(&request, path, statistics.today())?;
    let asked = request.headers().get(TARGET);
    if frame.is_htmx() && asked.is_some_and(|asked| asked == "breakdowns") {
        let part = BreakdownsPart::of(&state, link.id, range.days, range.days_text()).await?;
        return frame.part(StatusCode::OK, &part);
    }
    let live = LivePart::of(&state, &caller, &frame, &range, &link).await?;
    let page = statistics.clicks(link.id, range.class, None, CLICKS);
    let clicks = ClicksPart::of(page.await?, &range, live.figures.total.clicks == 0);
    if frame.is_htmx() {
        return frame.part(StatusCode::OK, &NewsPart { live, clicks });
    }
    let page = StatisticsPage {
        frame: &frame,
        range: &range,
        zone: statistics.zone(),
        short_url: state.shortener().short_url(&link),
        live,
        clicks,
        breakdowns: BreakdownsPart::of(&state, link.id, range.days, range.days_text()).await?,
        link: &link,
    };
    frame.page(range.status(), &page)
}

impl<'a> LivePart<'a> {
    async fn of(
        state: &State,
        caller: &Caller,
        frame: &'a Frame,
        range: &'a Range,
        link: &'a Link,
    ) -> Result<Self, ApiError> {
        let statistics = state.statistics();
        let usual = usual_days(statistics.today());
        let found = statistics.of_link(link.id, usual, None).await?;
        let daily = if (range.days, range.class) == (usual, None) {
            found.daily.clone()
        } else {
            let of_range = statistics.of_link(link.id, range.days, range.class);
            of_range.await?.daily
        };
        let changes = changes(state, caller, link.id, range.days).await?;
        let events: Vec<Event> = changes.iter().map(Change::event).collect();
        let series = range
            .class
            .map_or(Series::All, |class| Series::Of(class_name(class)));
        Ok(Self {
            frame,
            range,
            link,
            short_url: state.shortener().short_url(link),
            figures: Figures::of(&found),
            chart: Chart::of(&daily, series, &events),
            changes,
        })
    }
}

impl<'a> ClicksPart<'a> {
    fn of(page: ClickPage, range: &'a Range, is_new: bool) -> Self {
        Self {
            range,
            is_new,
            clicks: page.clicks.into_iter().map(ClickRow::of).collect(),
            has_more: page.next.is_some(),
        }
    }
}

impl Figures {
    /// The numbers of a link, of which the last 30 days were asked for.
    fn of(found: &LinkStatistics) -> Self {
        let humans = |days: usize| {
            let last = found.daily.iter().rev().take(days);
            last.map(|day| day.counted.humans).sum()
        };
        Self {
            total: found.total,
            last_7d: Counted {
                clicks: found.last_7d,
                humans: humans(WEEK),
            },
            last_30d: Counted {
                clicks: found.last_30d,
                humans: humans(found.daily.len()),
            },
            visitors_today: found.visitors_today,
            first_click: found.span.map(|span| span.first.into()),
            last_click: found.span.map(|span| span.last.into()),
            clicks_since: found.rows_since.map(Moment::from),
            complete_until: found.complete_until.into(),
        }
    }

    /// What is said of them when they change.
    fn said(&self) -> String {
        let people = grouped(self.total.humans);
        format!(
            "{} in all, {people} by people",
            many(self.total.clicks, "click", "clicks")
        )
    }
}

impl ClickRow {
    fn of(click: KeptClick) -> Self {
        let view = ClickView::from(click);
        let class = view
            .class
            .and_then(|class| class.parse::<VisitClass>().ok());
        let referrer = view.referrer.unwrap_or_default();
        let referrer = referrer
            .split_once("://")
            .map_or(&*referrer, |(_, rest)| rest);
        Self {
            at: view.clicked_at.into(),
            referrer: shortened(referrer, REFERRER),
            agent: match (view.browser, view.os) {
                (Some(browser), Some(system)) => format!("{browser} on {system}"),
                (Some(name), None) | (None, Some(name)) => name,
                (None, None) => String::new(),
            },
            device: view.device.map(device_name).unwrap_or_default().to_owned(),
            country: view.country.unwrap_or_default(),
            class: class.map_or("Unknown", class_name),
            user: view.user.map(|user| user.display_name),
        }
    }
}
