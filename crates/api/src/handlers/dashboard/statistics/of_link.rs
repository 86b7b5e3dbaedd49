//! `GET /dashboard/links/{id}/stats`: the statistics of a link.
//!
//! After new clicks htmx fetches parts of the page: `live` (the figures and the chart, together
//! with the last clicks) and `breakdowns`.

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

/// Number of listed clicks.
const CLICKS: u32 = 50;
/// Maximum length of a referrer in characters; longer ones are cut.
const REFERRER: usize = 100;
/// Number of days of the shorter figure.
const WEEK: usize = 7;
/// The header in which htmx names the part of the page.
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

/// The parts that change with each click.
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
    /// Whether the link has no clicks yet.
    is_new: bool,
    clicks: Vec<ClickRow>,
    /// Whether there are older ones.
    has_more: bool,
}

/// The figures of a link.
struct Figures {
    total: Counted,
    last_7d: Counted,
    last_30d: Counted,
    visitors_today: u64,
    first_click: Option<Moment>,
    last_click: Option<Moment>,
    clicks_since: Option<Moment>,
    clicks_without_record: u64,
    complete_until: Moment,
}

/// A click in the list.
struct ClickRow {
    at: Moment,
    referrer: String,
    /// The browser and the operating system.
    agent: String,
    device: String,
    country: String,
    class: &'static str,
    user: Option<String>,
}

/// Shows the page, or a part of it for htmx.
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
    /// Returns the figures from the statistics of the last 30 days.
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
            clicks_without_record: found.without_record,
            complete_until: found.complete_until.into(),
        }
    }

    /// Returns the sentence that screen readers announce after a change.
    fn said(&self) -> String {
        let people = grouped(self.total.humans);
        format!(
            "{} in total, {people} by people",
            many(self.total.clicks, "click")
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
