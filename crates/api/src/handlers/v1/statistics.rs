//! `GET /api/v1/links/{id}/stats`, `GET /api/v1/links/{id}/breakdown` and `GET /api/v1/stats`:
//! statistics.

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

/// Maximum number of links in the list of those with the most clicks.
pub(crate) const TOP: u32 = 10;

/// Selects days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysQuery {
    /// The first day. Default: 29 days before the last day.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-01")]
    from: Option<String>,
    /// The last day. Default: today. There are at most 3,660 days.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-31")]
    to: Option<String>,
}

/// Selects days and clicks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsQuery {
    /// The first day. Default: 29 days before the last day.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-01")]
    from: Option<String>,
    /// The last day. Default: today. There are at most 3,660 days.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-31")]
    to: Option<String>,
    /// The click type to count in `daily`. Default: all.
    #[param(value_type = Option<VisitClassName>)]
    class: Option<String>,
}

/// Selects days and a breakdown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BreakdownQuery {
    /// The property to count clicks by.
    #[param(value_type = BreakdownName, required = true)]
    by: Option<String>,
    /// The first day. Default: 29 days before the last day.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-01")]
    from: Option<String>,
    /// The last day. Default: today. There are at most 3,660 days.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-31")]
    to: Option<String>,
}

/// A property to count clicks by: the host of the referrer, the family of the browser or of the
/// operating system, the kind of device, the country (two letters), or the click type.
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

/// The statistics of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkStatsView {
    /// The ID of the link.
    #[schema(format = "uuid")]
    link_id: String,
    /// Number of all clicks.
    total: u64,
    /// Number of clicks of today and the six days before.
    last_7d: u64,
    /// Number of clicks of today and the 29 days before.
    last_30d: u64,
    /// Number of all clicks by people, without bots, previews, prefetches and signed-in owners.
    humans: u64,
    /// Number of unique visitors today.
    visitors_today: u64,
    /// When the first click was (RFC 3339); `null` if there is none.
    #[serde(with = "time::serde::rfc3339::option")]
    first_click_at: Option<OffsetDateTime>,
    /// When the last click was (RFC 3339); `null` if there is none.
    #[serde(with = "time::serde::rfc3339::option")]
    last_click_at: Option<OffsetDateTime>,
    /// When the oldest click record is from (RFC 3339); `null` if there is none. All other counts
    /// include earlier clicks.
    #[serde(with = "time::serde::rfc3339::option")]
    clicks_since: Option<OffsetDateTime>,
    /// Number of clicks without a record, because it was purged or the server keeps no more of a
    /// day. All other counts include these clicks; lists and exports of clicks do not.
    clicks_without_record: u64,
    /// Time up to which every click that this server accepted is counted (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    complete_until: OffsetDateTime,
    /// The time zone of the days, as in the IANA database.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// Each day from `from` to `to`, in order.
    daily: Vec<LinkDayView>,
}

/// The statistics of a link on one day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkDayView {
    /// The day, in the zone `timezone`.
    #[schema(format = Date, example = "2026-03-01")]
    date: String,
    /// Number of clicks.
    clicks: u64,
    /// Number of clicks by people.
    humans: u64,
    /// Number of unique visitors on this day. Do not add days up: a visitor of two days is counted
    /// on each. `null` if only one click type is counted.
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

/// Show the statistics of a link
///
/// Totals, and the clicks of each day. For owners and admins. Waits up to 1 second for clicks that
/// this server has accepted but not yet stored.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/stats",
    tag = "statistics",
    operation_id = "linkStatistics",
    params(LinkPath, StatsQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "The statistics", body = LinkStatsView),
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
        clicks_without_record: found.without_record,
        complete_until: found.complete_until,
        timezone: statistics.zone().to_owned(),
        daily: found.daily.into_iter().map(LinkDayView::from).collect(),
    }))
}

/// Parses the first and the last day.
///
/// # Errors
/// `BAD_REQUEST` for invalid days.
fn days(from: Option<&str>, to: Option<&str>, state: &State) -> Result<Days, ApiError> {
    Ok(Days::parse(from, to, state.statistics().today())?)
}

/// Parses a click type.
///
/// # Errors
/// `BAD_REQUEST` for an unknown one.
pub(super) fn class(given: Option<&str>) -> Result<Option<VisitClass>, ApiError> {
    let read = |text: &str| text.parse::<VisitClass>();
    let class = given.map(read).transpose();
    class.map_err(|error| ApiError::bad_request(format!("`class`: {error}")))
}

/// The breakdown of the clicks of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BreakdownView {
    /// The property that clicks are counted by.
    #[schema(value_type = BreakdownName)]
    by: &'static str,
    /// The first day.
    #[schema(format = Date, example = "2026-03-01")]
    from: String,
    /// The last day.
    #[schema(format = Date, example = "2026-03-31")]
    to: String,
    /// The values, most clicks first. Their clicks add up to all clicks of these days.
    rows: Vec<BreakdownRow>,
}

/// A value and its clicks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BreakdownRow {
    /// The value. Empty if unknown, or if there is no referrer. `other`: all values after the first
    /// 50 of a day.
    #[schema(example = "Firefox")]
    value: String,
    /// Number of clicks.
    clicks: u64,
    /// Number of clicks by people.
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

/// Break down the clicks of a link
///
/// Counts clicks by one property. Daily totals are kept when click records are purged. For owners
/// and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/breakdown",
    tag = "statistics",
    operation_id = "linkBreakdown",
    params(LinkPath, BreakdownQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "The breakdown", body = BreakdownView),
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

/// The statistics of all links that the caller owns.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnStatsView {
    /// Number of links.
    links: u64,
    /// Number of all clicks.
    total: u64,
    /// Number of all clicks by people.
    humans: u64,
    /// Number of clicks of today and the six days before.
    last_7d: u64,
    /// Number of clicks of today and the 29 days before.
    last_30d: u64,
    /// Time up to which every click that this server accepted is counted (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    complete_until: OffsetDateTime,
    /// The time zone of the days, as in the IANA database.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// Each day from `from` to `to`, in order.
    daily: Vec<OwnDayView>,
    /// The links with the most clicks on these days, at most ten.
    top: Vec<TopLinkView>,
}

/// The statistics of one day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnDayView {
    /// The day, in the zone `timezone`.
    #[schema(format = Date, example = "2026-03-01")]
    date: String,
    /// Number of clicks.
    clicks: u64,
    /// Number of clicks by people.
    humans: u64,
}

/// A link and its clicks on the selected days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopLinkView {
    /// The ID of the link.
    #[schema(format = "uuid")]
    pub(crate) link_id: String,
    /// The code.
    #[schema(example = "Team-Wiki")]
    pub(crate) code: String,
    /// The short link.
    #[schema(example = "http://localhost:8080/Team-Wiki", format = "uri")]
    pub(crate) short_url: String,
    /// The title; may be empty.
    pub(crate) title: String,
    /// Number of clicks on these days.
    pub(crate) clicks: u64,
    /// Number of clicks by people.
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

/// Show the statistics of your links
///
/// All links that the caller owns, alone or with others, without deleted ones; none for the
/// operator, who is not a user. There are no unique visitors, because a visitor of two links is
/// counted for each.
#[utoipa::path(
    get,
    path = "/api/v1/stats",
    tag = "statistics",
    operation_id = "ownStatistics",
    params(DaysQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "The statistics", body = OwnStatsView),
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
