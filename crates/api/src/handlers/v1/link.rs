//! `GET`, `PATCH`, `PUT` and `DELETE /api/v1/links/{id}`: one link.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::IntoParams;
use waypost_core::LinkId;
use waypost_service::{LinkPatch, OwnedLink};

use super::LINK_BYTES;
use super::fields::Fields;
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input::LinkPath;
use crate::request::input::{self, JsonObject};
use crate::request::quota;
use crate::request::versions::IfMatch;
use crate::request::versions::{precondition, tag};
use crate::responses::{BadBody, BadInput, Contended, Denied, NotThere, Stale, StoreFailure};
use crate::state::State;
use crate::views::links::LinkView;

/// Show a link
///
/// Waits up to 1 second for clicks that this server has accepted but not yet stored.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}",
    tag = "links",
    operation_id = "showLink",
    params(LinkPath),
    security(("token" = [])),
    responses(
        (status = 200, description = "The link", body = LinkView, headers(("ETag" = String, description = "The version of the link"))),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn show(
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    state.recorder().settle().await;
    let found = state.links().get(&caller.0, id).await?;
    Ok(shown(&found, &caller, &state))
}

pub(super) fn shown(owned: &OwnedLink, caller: &Caller, state: &State) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(tag(&owned.link))
        .json(LinkView::new(owned, &caller.0, state.shortener()))
}

/// Change a link
///
/// Changes only the given fields. If the code changes, the previous one keeps working.
#[utoipa::path(
    patch,
    path = "/api/v1/links/{id}",
    tag = "links",
    operation_id = "changeLink",
    params(
        LinkPath,
        IfMatch,
    ),
    security(("token" = [])),
    request_body(content = Fields, description = "At most 64 KiB of JSON. Unknown fields are rejected."),
    responses(
        (status = 200, description = "The updated link", body = LinkView, headers(("ETag" = String, description = "The version of the link"))),
        (status = 409, description = "Another link has or had the code (CODE_TAKEN), or the link is being changed at the same time (CONFLICT)", body = ErrorBody<'static>),
        Stale,
        BadBody,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn change(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(fields): JsonObject<Fields, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let patch = fields.patch(state.shortener())?;
    edit(&request, id, &caller, &state, &patch).await
}

/// Replace the fields of a link
///
/// Missing fields get their defaults; `url` and `code` are required.
#[utoipa::path(
    put,
    path = "/api/v1/links/{id}",
    tag = "links",
    operation_id = "replaceLink",
    params(
        LinkPath,
        IfMatch,
    ),
    security(("token" = [])),
    request_body(content = Fields, description = "At most 64 KiB of JSON. Unknown fields are rejected."),
    responses(
        (status = 200, description = "The updated link", body = LinkView, headers(("ETag" = String, description = "The version of the link"))),
        (status = 409, description = "Another link has or had the code (CODE_TAKEN), or the link is being changed at the same time (CONFLICT)", body = ErrorBody<'static>),
        Stale,
        BadBody,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn replace(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(fields): JsonObject<Fields, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let patch = fields.replacement(state.shortener())?;
    edit(&request, id, &caller, &state, &patch).await
}

async fn edit(
    request: &HttpRequest,
    id: LinkId,
    caller: &Caller,
    state: &State,
    patch: &LinkPatch,
) -> Result<HttpResponse, ApiError> {
    let precondition = precondition(request)?;
    quota::pay_new_code(request, &caller.0, state, id, patch.code.as_ref()).await?;
    let links = state.links();
    let changed = links.edit(&caller.0, id, &precondition, patch).await?;
    Ok(shown(&changed, caller, state))
}

/// Selects how to delete.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// Whether to delete the link permanently, with all clicks and its history. For admins.
    #[param(value_type = Option<bool>, default = false)]
    permanent: Option<String>,
}

/// Delete a link
///
/// This server answers 404 at once, others within 2 s. Its codes stay reserved, and it can be
/// restored for 30 days (`WAYPOST_DELETED_LINK_DAYS`).
#[utoipa::path(
    delete,
    path = "/api/v1/links/{id}",
    tag = "links",
    operation_id = "deleteLink",
    params(
        LinkPath,
        DeleteQuery,
        IfMatch,
    ),
    security(("token" = [])),
    responses(
        (status = 204, description = "Link deleted"),
        Contended,
        Stale,
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn delete(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let query = input::query::<DeleteQuery>(&request)?;
    let precondition = precondition(&request)?;
    match query.permanent.as_deref() {
        None | Some("false") => state.links().delete(&caller.0, id, &precondition).await?,
        Some("true") => {
            caller
                .links(&state)
                .destroy(&caller.0, id, &precondition)
                .await?;
        }
        Some(_) => return Err(ApiError::bad_request("`permanent` must be true or false")),
    }
    Ok(HttpResponse::NoContent().finish())
}
