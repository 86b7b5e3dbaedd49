//! `GET /api/v1/links/{id}/history` and `POST /api/v1/links/{id}/restore`: what a link was, and making it
//! that again.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_core::LinkVersion;

use super::LINK_BYTES;
use super::link::shown;
use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input::LinkPath;
use crate::request::input::{self, OptionalJson};
use crate::request::paging::PartQuery;
use crate::request::versions::IfMatch;
use crate::request::versions::precondition;
use crate::responses::{BadBody, BadInput, Contended, Denied, NotThere, Stale, StoreFailure};
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
    params(LinkPath, PartQuery),
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
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<VersionList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    let links = state.links();
    let versions = async |before, limit| links.history(&caller.0, id, before, limit).await;
    let number = |version: &LinkVersion| version.number;
    let slice = query.read(versions, number).await?;
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
        LinkPath,
        IfMatch,
    ),
    security(("token" = [])),
    request_body(content = Option<RestoreRequest>, description = "JSON, or nothing at all"),
    responses(
        (status = 200, description = "The link as it is now", body = LinkView, headers(("ETag" = String, description = "Its version"))),
        Contended,
        Stale,
        BadBody,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn restore(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
    OptionalJson(asked): OptionalJson<RestoreRequest, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let precondition = precondition(&request)?;
    let version = asked.unwrap_or_default().version;
    let links = state.links();
    let restored = links.restore(&caller.0, id, &precondition, version).await?;
    Ok(shown(&restored, &caller, &state))
}
