//! `/api/v1/admin/orphans`: paths that people try and that lead nowhere.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::Date;
use utoipa::IntoParams;
use waypost_core::OrphanPath;
use waypost_store::{Orphan, OrphanQuery};

use crate::errors::ApiError;
use crate::request::input;
use crate::request::paging::PartQuery;
use crate::responses::{BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::orphans::{OrphanDays, OrphanList, OrphanRecord};

/// Which orphans.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrphanParams {
    /// The first day, of the server's time zone (`WAYPOST_TIMEZONE`). Default: 29 days before the last one.
    #[param(format = "date", example = "2026-03-01")]
    pub(crate) from: Option<String>,
    /// The last day, itself included. Default: today.
    #[param(format = "date", example = "2026-03-30")]
    pub(crate) to: Option<String>,
    /// How many items at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    pub(crate) limit: Option<String>,
    /// The `next_cursor` of the list so far.
    pub(crate) cursor: Option<String>,
}

/// List the paths that people try and that lead nowhere
///
/// Those with most hits first. Without what leads somewhere by now, and without what scanners ask for: a path is
/// counted when it could be a code, a browser goes there, and its visitor does not try more than 10 such paths
/// within a minute. A day has room for 1,000 paths, and is kept for 90 days. Nothing is kept of who tried them.
/// For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/orphans",
    tag = "admin",
    operation_id = "listOrphans",
    params(OrphanParams),
    security(("token" = [])),
    responses(
        (status = 200, description = "Some of the paths", body = OrphanList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<web::Json<OrphanList>, ApiError> {
    let query = input::query::<OrphanParams>(&request)?;
    Ok(web::Json(listed(query, &state).await?))
}

/// Some of the paths.
///
/// # Errors
/// `BAD_REQUEST` for days and parts that there are not.
pub(crate) async fn listed(query: OrphanParams, state: &State) -> Result<OrphanList, ApiError> {
    let (from, to) = (day("from", query.from)?, day("to", query.to)?);
    let days = OrphanDays::of(from, to, state.orphans().today()).map_err(ApiError::bad_request)?;
    let part = PartQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let orphans = async |after, limit| {
        let query = OrphanQuery {
            from: days.from,
            to: days.to,
            after,
            limit,
        };
        state.orphans().list(&query).await
    };
    let slice = part.read(orphans, Orphan::cursor).await?;
    Ok(OrphanList {
        from: days.from.to_string(),
        to: days.to.to_string(),
        orphans: slice.items.iter().map(OrphanRecord::from).collect(),
        next_cursor: slice.next_cursor,
    })
}

fn day(name: &str, text: Option<String>) -> Result<Option<Date>, ApiError> {
    let day = text.map(|text| OrphanDays::parse_day(&text));
    let day = day.transpose();
    day.map_err(|error| ApiError::bad_request(format!("`{name}` {error}")))
}

/// Forget a path that people try
///
/// On all days. It comes back when it is tried again. For admins.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/orphans/{path}",
    tag = "admin",
    operation_id = "forgetOrphan",
    params(("path" = String, Path, description = "The path, as it is listed; a slash in it is sent as `%2F`", min_length = 1, max_length = 64)),
    security(("token" = [])),
    responses(
        (status = 204, description = "It is forgotten"),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn forget(
    path: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    forgotten(&path, &state).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Forgets a path.
///
/// # Errors
/// `NOT_FOUND` when it was not tried.
pub(crate) async fn forgotten(path: &str, state: &State) -> Result<(), ApiError> {
    let path = OrphanPath::parse(path).map_err(|_| ApiError::no_such_thing())?;
    if !state.orphans().forget(&path).await? {
        return Err(ApiError::no_such_thing());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_list_is_of_the_last_thirty_days_when_nothing_else_is_asked_for() {
        let today = date!(2026 - 03 - 30);
        let of = |from, to| OrphanDays::of(from, to, today).map(|days| (days.from, days.to));
        let (first, other) = (date!(2026 - 03 - 01), date!(2026 - 02 - 28));
        assert_eq!(of(None, None), Ok((first, today)));
        assert_eq!(of(Some(other), None), Ok((other, today)));
        assert_eq!(of(None, Some(other)), Ok((date!(2026 - 01 - 30), other)));
        assert_eq!(of(Some(other), Some(other)), Ok((other, other)));
        assert!(of(Some(first), Some(other)).is_err());
    }

    #[test]
    fn a_day_has_a_year_a_month_and_a_day() {
        assert_eq!(
            OrphanDays::parse_day("2026-03-01"),
            Ok(date!(2026 - 03 - 01))
        );
        for text in [
            "",
            "2026-3-1",
            "2026-02-29",
            "today",
            "1969-12-31",
            "-001-01-01",
        ] {
            assert!(OrphanDays::parse_day(text).is_err(), "{text}");
        }
    }
}
