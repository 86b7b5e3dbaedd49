//! `/api/v1/admin/orphans`: paths that people requested and that match no link.

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

/// Selects orphan paths.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrphanParams {
    /// The first day, in the server's time zone (`WAYPOST_TIMEZONE`). Default: 29 days before the
    /// last day.
    #[param(format = "date", example = "2026-03-01")]
    pub(crate) from: Option<String>,
    /// The last day, which is included. Default: today.
    #[param(format = "date", example = "2026-03-30")]
    pub(crate) to: Option<String>,
    /// Maximum number of items.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    pub(crate) limit: Option<String>,
    /// The `next_cursor` of the previous page.
    pub(crate) cursor: Option<String>,
}

/// List orphan paths
///
/// Paths that people requested and that match no link, most requests first. Paths that match a link
/// by now are left out, and requests of scanners: a path is counted only if it could be a code, a
/// browser navigates to it, and its visitor requests at most 10 such paths within a minute. At most
/// 1,000 paths are recorded per day, and kept for 90 days. Nothing is stored about the visitors.
/// For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/orphans",
    tag = "admin",
    operation_id = "listOrphans",
    params(OrphanParams),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of paths", body = OrphanList),
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

/// Returns a page of orphan paths.
///
/// # Errors
/// `BAD_REQUEST` for invalid days, an invalid limit or an invalid cursor.
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

/// Dismiss an orphan path
///
/// Removes it on all days. It comes back when it is requested again. For admins.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/orphans/{path}",
    tag = "admin",
    operation_id = "forgetOrphan",
    params(("path" = String, Path, description = "The path, as listed, with `%2F` for a slash", min_length = 1, max_length = 64)),
    security(("token" = [])),
    responses(
        (status = 204, description = "Path dismissed"),
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

/// Dismisses a path.
///
/// # Errors
/// `NOT_FOUND` if it is not listed.
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
    fn a_list_is_of_the_last_thirty_days_by_default() {
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
