//! `/api/v1/links/{id}/below` and `/api/v1/admin/foreign-codes`: codes below the codes of other
//! links.

use actix_web::{HttpRequest, web};
use waypost_core::LinkId;
use waypost_service::{CodeBelow, ForeignCode};

use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input::{self, LinkPath};
use crate::request::paging::PartQuery;
use crate::responses::{BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::paths::{CodeBelowView, CodesBelowList, ForeignCodeList, ForeignCodeRecord};

/// List the codes below a link
///
/// Codes of other links that continue a present or former code of the link (`jira/abc` below
/// `jira`), in alphabetical order. Codes of deleted links stay reserved and are listed, too. Links
/// that the caller cannot see are left out; their codes are not. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/below",
    tag = "links",
    operation_id = "listCodesBelow",
    params(LinkPath, PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of codes", body = CodesBelowList),
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn below(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<CodesBelowList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    Ok(web::Json(listed_below(&query, id, &caller, &state).await?))
}

/// Returns a page of the codes below a link.
///
/// # Errors
/// `BAD_REQUEST` for an invalid limit or cursor; `NOT_FOUND`, `FORBIDDEN`.
pub(crate) async fn listed_below(
    query: &PartQuery,
    id: LinkId,
    caller: &Caller,
    state: &State,
) -> Result<CodesBelowList, ApiError> {
    let links = state.links();
    let codes = async |after: Option<_>, limit| {
        links
            .codes_below(&caller.0, id, after.as_ref(), limit)
            .await
    };
    let place = |below: &CodeBelow| below.code.as_str().to_owned();
    let slice = query.read(codes, place).await?;
    let view = |below| CodeBelowView::new(below, &caller.0, state.shortener());
    Ok(CodesBelowList {
        codes: slice.items.iter().map(view).collect(),
        next_cursor: slice.next_cursor,
    })
}

/// List codes below links of other owners
///
/// Codes whose owners do not own the nearest link above (`jira/abc` below somebody else's `jira`),
/// in alphabetical order, with former codes and those of deleted links. Such codes are older than
/// the rule that only owners of the upper link create them, or were created by admins. For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/foreign-codes",
    tag = "admin",
    operation_id = "listForeignCodes",
    params(PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of codes", body = ForeignCodeList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn foreign(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<ForeignCodeList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    Ok(web::Json(listed_foreign(&query, &caller, &state).await?))
}

/// Returns a page of codes below links of other owners.
///
/// # Errors
/// `BAD_REQUEST` for an invalid limit or cursor.
pub(crate) async fn listed_foreign(
    query: &PartQuery,
    caller: &Caller,
    state: &State,
) -> Result<ForeignCodeList, ApiError> {
    let links = state.links();
    let codes =
        async |after: Option<_>, limit| links.foreign_codes(&caller.0, after.as_ref(), limit).await;
    let place = |foreign: &ForeignCode| foreign.code.as_str().to_owned();
    let slice = query.read(codes, place).await?;
    Ok(ForeignCodeList {
        codes: slice.items.iter().map(ForeignCodeRecord::from).collect(),
        next_cursor: slice.next_cursor,
    })
}
