//! `GET /api/v1/links/{id}/history` and `POST /api/v1/links/{id}/restore`: what a link was, and making it
//! that again.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_core::{CursorError, LinkVersion};

use super::LINK_BYTES;
use super::link::shown;
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input::link_of;
use crate::request::input::{self, OptionalJson};
use crate::request::paging::PartQuery;
use crate::request::paging::{Slice, limit};
use crate::request::versions::precondition;
use crate::responses::{BadBody, BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::links::{LinkView, VersionView};

/// What became of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionList {
    versions: Vec<VersionView>,
    /// Where the list goes on; `null` at its end.
    next_cursor: Option<String>,
}

/// Show what became of a link
///
/// Every change, newest first: who made it, when, and what the link was before and after. Of a deleted
/// link as well. For owners and admins. The first version of a link that is older than its history is in
/// `before` of the second.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/history",
    tag = "links",
    operation_id = "linkHistory",
    params(("id" = String, Path, description = "The id of the link", format = "uuid"), PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "Some of the versions", body = VersionList),
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<VersionList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    let limit = limit(query.limit.as_deref())?;
    let before = query
        .cursor
        .map(|text| text.parse().map_err(|_| CursorError));
    let (id, before) = (link_of(&request)?, before.transpose()?);
    let one_more = limit.saturating_add(1);
    let found = state
        .links()
        .history(&caller.0, id, before, one_more)
        .await?;
    let slice = Slice::of(found, limit, |version: &LinkVersion| version.number);
    Ok(web::Json(VersionList {
        versions: slice.items.into_iter().map(VersionView::from).collect(),
        next_cursor: slice.next_cursor,
    }))
}

/// What to restore.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreRequest {
    /// The version to go back to: its code, target and all that is said of it, not its owners. Without
    /// one a deleted link becomes what it was.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    version: Option<u32>,
}

/// Restore a link
///
/// A deleted one, or one that should be what it was at an earlier version. Going back is a new version.
#[utoipa::path(
    post,
    path = "/api/v1/links/{id}/restore",
    tag = "links",
    operation_id = "restoreLink",
    params(
        ("id" = String, Path, description = "The id of the link", format = "uuid"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that is the newest"),
    ),
    security(("token" = [])),
    request_body(content = Option<RestoreRequest>, description = "JSON, or nothing at all"),
    responses(
        (status = 200, description = "The link as it is now", body = LinkView, headers(("ETag" = String, description = "Its version"))),
        (status = 409, description = "Others change the link all the time: CONFLICT", body = ErrorBody<'static>),
        (status = 412, description = "The link is not the version that `If-Match` names", body = ErrorBody<'static>),
        BadBody,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn restore(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    OptionalJson(asked): OptionalJson<RestoreRequest, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let (id, precondition) = (link_of(&request)?, precondition(&request)?);
    let version = asked.unwrap_or_default().version;
    let links = state.links();
    let restored = links.restore(&caller.0, id, &precondition, version).await?;
    Ok(shown(&restored, &caller, &state))
}
