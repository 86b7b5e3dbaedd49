//! `GET /api/v1/links/{id}/stats`, `GET /api/v1/links/{id}/breakdown` and `GET /api/v1/stats`: numbers.

use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use waypost_analytics::statistics::{BreakdownBy, DayStatistics, Days};
use waypost_core::{Link, VisitClass};
use waypost_service::Shortener;
use waypost_store::rollup::Counted;

use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input;
use crate::request::input::LinkPath;
use crate::responses::{BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::links::VisitClassName;

/// So many links are shown as those that are clicked most.
pub(crate) const TOP: u32 = 10;

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysQuery {
    /// The first day; 29 days before the last one if it is not given.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-01")]
    from: Option<String>,
    /// The last day; today if it is not given. At most 3,660 days from the first one.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-31")]
    to: Option<String>,
}

/// Which days, and which clicks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsQuery {
    /// The first day; 29 days before the last one if it is not given.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-01")]
    from: Option<String>,
    /// The last day; today if it is not given. At most 3,660 days from the first one.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-31")]
    to: Option<String>,
    /// Days count only clicks of this class.
    #[param(value_type = Option<VisitClassName>)]
    class: Option<String>,
}

/// Which days, and by what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BreakdownQuery {
    /// What the clicks are counted by.
    #[param(value_type = BreakdownName, required = true)]
    by: Option<String>,
    /// The first day; 29 days before the last one if it is not given.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-01")]
    from: Option<String>,
    /// The last day; today if it is not given. At most 3,660 days from the first one.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-31")]
    to: Option<String>,
}

/// What clicks can be counted by: the host that the visitor came from, the family of the browser or of the
/// operating system, the kind of device, the country (two letters), or the visit class.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum BreakdownName {
    Referrer,
    Browser,
    Os,
    Device,
    Country,
    Class,
}

/// The numbers of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkStatsView {
    /// The id of the link.
    #[schema(format = "uuid")]
    link_id: String,
    /// All clicks ever counted.
    total: u64,
    /// Those of today and the six days before.
    last_7d: u64,
    /// Those of today and the 29 days before.
    last_30d: u64,
    /// Those of people among all: not of bots, previews, prefetching browsers or owners who are signed in.
    humans: u64,
    /// How many different visitors came today.
    visitors_today: u64,
    /// When it was clicked first (RFC 3339); `null` if it never was.
    #[serde(with = "time::serde::rfc3339::option")]
    first_click_at: Option<OffsetDateTime>,
    /// When it was clicked last (RFC 3339); `null` if it never was.
    #[serde(with = "time::serde::rfc3339::option")]
    last_click_at: Option<OffsetDateTime>,
    /// From when on clicks are kept one by one (RFC 3339): the oldest that can be listed; `null` where
    /// there are none. All other numbers count those before as well.
    #[serde(with = "time::serde::rfc3339::option")]
    clicks_since: Option<OffsetDateTime>,
    /// Every click that this server accepted up to this time is counted (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    complete_until: OffsetDateTime,
    /// Where days begin: an IANA time zone.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// Each day from `from` to `to`, in order.
    daily: Vec<LinkDayView>,
}

/// The numbers of a link and a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkDayView {
    /// The day, in the zone `timezone`.
    #[schema(format = Date, example = "2026-03-01")]
    date: String,
    /// Its clicks.
    clicks: u64,
    /// Those of people.
    humans: u64,
    /// How many different visitors came on this day. Not to be added up: who comes on two days is a visitor
    /// of each. `null` where only clicks of a class are counted.
    visitors: Option<u64>,
}

impl From<DayStatistics> for LinkDayView {
    fn from(day: DayStatistics) -> Self {
        Self {
            date: day.day.to_string(),
            clicks: day.counted.clicks,
            humans: day.counted.humans,
            visitors: day.visitors,
        }
    }
}

/// Show how often a link is clicked
///
/// Its totals, and each day. For owners and admins. Clicks that this server has accepted and not yet
/// stored are waited for, at most 1 second.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/stats",
    tag = "statistics",
    operation_id = "linkStatistics",
    params(LinkPath, StatsQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "The numbers", body = LinkStatsView),
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn of_link(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<LinkStatsView>, ApiError> {
    let query = input::query::<StatsQuery>(&request)?;
    let class = class(query.class.as_deref())?;
    let statistics = state.statistics();
    let days = days(query.from.as_deref(), query.to.as_deref(), &state)?;
    let link = state.links().with_viewable_clicks(&caller.0, id).await?;
    let found = statistics.of_link(link.id, days, class).await?;
    Ok(web::Json(LinkStatsView {
        link_id: link.id.to_string(),
        total: found.total.clicks,
        last_7d: found.last_7d,
        last_30d: found.last_30d,
        humans: found.total.humans,
        visitors_today: found.visitors_today,
        first_click_at: found.span.map(|span| span.first),
        last_click_at: found.span.map(|span| span.last),
        clicks_since: found.rows_since,
        complete_until: found.complete_until,
        timezone: statistics.zone().to_owned(),
        daily: found.daily.into_iter().map(LinkDayView::from).collect(),
    }))
}

/// The days that are asked for.
///
/// # Errors
/// `BAD_REQUEST` when they are none.
fn days(from: Option<&str>, to: Option<&str>, state: &State) -> Result<Days, ApiError> {
    Ok(Days::parse(from, to, state.statistics().today())?)
}

/// The class that is asked for.
///
/// # Errors
/// `BAD_REQUEST` when there is no such class.
pub(super) fn class(given: Option<&str>) -> Result<Option<VisitClass>, ApiError> {
    let read = |text: &str| text.parse::<VisitClass>();
    let class = given.map(read).transpose();
    class.map_err(|error| ApiError::bad_request(format!("`class`: {error}")))
}

/// What the clicks of a link are counted by.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BreakdownView {
    /// What was asked for.
    #[schema(value_type = BreakdownName)]
    by: &'static str,
    /// The first day.
    #[schema(format = Date, example = "2026-03-01")]
    from: String,
    /// The last day.
    #[schema(format = Date, example = "2026-03-31")]
    to: String,
    /// Most clicks first. They add up to all clicks of these days.
    rows: Vec<BreakdownRow>,
}

/// The clicks of one value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BreakdownRow {
    /// The value. Empty: not known; of referrers: none. `other`: those beyond the first 50 of a day.
    #[schema(example = "Firefox")]
    value: String,
    /// Its clicks.
    clicks: u64,
    /// Those of people.
    humans: u64,
}

impl From<(String, Counted)> for BreakdownRow {
    fn from((value, counted): (String, Counted)) -> Self {
        Self {
            value,
            clicks: counted.clicks,
            humans: counted.humans,
        }
    }
}

/// Show what the clicks of a link are counted by
///
/// For owners and admins. Numbers are kept by day and outlive the clicks themselves.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/breakdown",
    tag = "statistics",
    operation_id = "linkBreakdown",
    params(LinkPath, BreakdownQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "The numbers", body = BreakdownView),
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn breakdown(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<BreakdownView>, ApiError> {
    let query = input::query::<BreakdownQuery>(&request)?;
    let by = query.by.as_deref().unwrap_or_default();
    let by: BreakdownBy = by
        .parse()
        .map_err(|error| ApiError::bad_request(format!("{error}")))?;
    let statistics = state.statistics();
    let days = days(query.from.as_deref(), query.to.as_deref(), &state)?;
    let link = state.links().with_viewable_clicks(&caller.0, id).await?;
    let found = statistics.breakdown(link.id, by, days).await?;
    Ok(web::Json(BreakdownView {
        by: by.as_str(),
        from: days.from.to_string(),
        to: days.to.to_string(),
        rows: found.rows.into_iter().map(BreakdownRow::from).collect(),
    }))
}

/// The numbers of all that the caller owns.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnStatsView {
    /// How many links those are.
    links: u64,
    /// All clicks ever counted.
    total: u64,
    /// Those of people among them.
    humans: u64,
    /// All clicks of today and the six days before.
    last_7d: u64,
    /// All clicks of today and the 29 days before.
    last_30d: u64,
    /// Every click that this server accepted up to this time is counted (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    complete_until: OffsetDateTime,
    /// Where days begin: an IANA time zone.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// Each day from `from` to `to`, in order.
    daily: Vec<OwnDayView>,
    /// The links that were clicked most on these days, at most ten.
    top: Vec<TopLinkView>,
}

/// The numbers of a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnDayView {
    /// The day, in the zone `timezone`.
    #[schema(format = Date, example = "2026-03-01")]
    date: String,
    /// Its clicks.
    clicks: u64,
    /// Those of people.
    humans: u64,
}

/// A link that is clicked much.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopLinkView {
    /// The id of the link.
    #[schema(format = "uuid")]
    pub(crate) link_id: String,
    /// What visitors type.
    #[schema(example = "Team-Wiki")]
    pub(crate) code: String,
    /// The short link.
    #[schema(example = "http://localhost:8080/Team-Wiki", format = "uri")]
    pub(crate) short_url: String,
    /// What it is called; may be empty.
    pub(crate) title: String,
    /// Its clicks on these days.
    pub(crate) clicks: u64,
    /// Those of people.
    pub(crate) humans: u64,
}

impl TopLinkView {
    pub(crate) fn new(link: &Link, counted: Counted, shortener: &Shortener) -> Self {
        Self {
            link_id: link.id.to_string(),
            code: link.code.spelling().to_owned(),
            short_url: shortener.short_url(link),
            title: link.details.title.as_str().to_owned(),
            clicks: counted.clicks,
            humans: counted.humans,
        }
    }
}

/// Show how often one's links are clicked
///
/// All that the caller owns, alone or with others, deleted links left out; nothing for the operator, who
/// is no user. Visitors are not told: who visits two links is a visitor of each.
#[utoipa::path(
    get,
    path = "/api/v1/stats",
    tag = "statistics",
    operation_id = "ownStatistics",
    params(DaysQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "The numbers", body = OwnStatsView),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn own(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<OwnStatsView>, ApiError> {
    let query = input::query::<DaysQuery>(&request)?;
    let statistics = state.statistics();
    let days = days(query.from.as_deref(), query.to.as_deref(), &state)?;
    let found = match caller.0.user_id() {
        Some(user) => statistics.of_owner(user, days, TOP).await?,
        None => statistics.of_nobody(days).await,
    };
    let day = |(day, counted): (time::Date, Counted)| OwnDayView {
        date: day.to_string(),
        clicks: counted.clicks,
        humans: counted.humans,
    };
    let top = found.top.iter();
    Ok(web::Json(OwnStatsView {
        links: found.links,
        total: found.total.clicks,
        humans: found.total.humans,
        last_7d: found.last_7d,
        last_30d: found.last_30d,
        complete_until: found.complete_until,
        timezone: statistics.zone().to_owned(),
        daily: found.daily.into_iter().map(day).collect(),
        top: top
            .map(|(link, counted)| TopLinkView::new(link, *counted, state.shortener()))
            .collect(),
    }))
}
