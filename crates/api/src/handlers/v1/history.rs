//! `GET /api/v1/links/{id}/history` and `POST /api/v1/links/{id}/restore`: the versions of a link,
//! and restoring one.

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

/// A page of the versions of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionList {
    versions: Vec<VersionView>,
    /// Cursor of the next page; `null` on the last page.
    next_cursor: Option<String>,
}

/// Show the history of a link
///
/// The changes, newest first, with their time, their author, and the link before and after them: the
/// first version, the newest 100, and of the others the last of each day. Includes deleted links. For
/// owners and admins. If a link is older than its history, its first version is in `before` of the
/// second.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/history",
    tag = "links",
    operation_id = "linkHistory",
    params(LinkPath, PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of versions", body = VersionList),
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

/// Selects what to restore.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreRequest {
    /// The version to restore: its code, destination and other settings. Owners and sharing do not
    /// change. Without it, a deleted link is restored as it was.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    version: Option<u32>,
}

/// Restore a link
///
/// Restores a deleted link, or an earlier version, which becomes a new version.
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
    request_body(content = Option<RestoreRequest>, description = "JSON, or an empty body"),
    responses(
        (status = 200, description = "The restored link", body = LinkView, headers(("ETag" = String, description = "The version of the link"))),
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
