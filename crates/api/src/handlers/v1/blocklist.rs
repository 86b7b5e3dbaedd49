//! `/api/v1/admin/blocklist`: hosts that are blocked as destinations.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use waypost_core::{HostPattern, Title};
use waypost_store::BlockedHost;

use super::LINK_BYTES;
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input::{self, JsonObject};
use crate::request::paging::PartQuery;
use crate::responses::{BadBody, BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::blocklist::{BlockedRecord, Blocklist};

/// A host or network to block.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockFields {
    /// A host, with `*.` before it all its subdomains, or a network such as `203.0.113.0/24` or
    /// `2001:db8::/32`. Upper and lower case are the same; international names can be given as they
    /// are. An IP address and a network are blocked in every form. The addresses of a host name are
    /// not looked up.
    #[schema(example = "*.example.com", min_length = 1, max_length = 255)]
    pub(crate) pattern: String,
    /// The reason: one line of at most 200 characters. Default: empty.
    #[serde(default)]
    #[schema(max_length = 200, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub(crate) reason: String,
}

/// List blocked hosts
///
/// In the order of their patterns. For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/blocklist",
    tag = "admin",
    operation_id = "listBlocklist",
    params(PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of entries", body = Blocklist),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<web::Json<Blocklist>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    Ok(web::Json(listed(&query, &state).await?))
}

/// Returns a page of entries.
///
/// # Errors
/// `BAD_REQUEST` for an invalid limit or cursor.
pub(crate) async fn listed(query: &PartQuery, state: &State) -> Result<Blocklist, ApiError> {
    let blocklist = state.blocklist();
    let entries =
        async |after: Option<HostPattern>, limit| blocklist.entries(after.as_ref(), limit).await;
    let slice = query
        .read(entries, |entry| entry.pattern.to_string())
        .await?;
    Ok(Blocklist {
        blocklist: slice.items.iter().map(BlockedRecord::from).collect(),
        next_cursor: slice.next_cursor,
    })
}

/// Block a host or a network
///
/// Links to a blocked host cannot be created, and existing ones are answered with 410. The change
/// takes effect on every server within 2 s. For admins.
#[utoipa::path(
    post,
    path = "/api/v1/admin/blocklist",
    tag = "admin",
    operation_id = "blockHost",
    security(("token" = [])),
    request_body(content = BlockFields, description = "At most 64 KiB of JSON. Unknown fields are rejected."),
    responses(
        (status = 201, description = "The blocked host", body = BlockedRecord),
        (status = 409, description = "The host is already blocked: CONFLICT", body = ErrorBody<'static>),
        BadBody,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn block(
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<BlockFields, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let blocked = blocked(&asked, &caller, &state).await?;
    Ok(HttpResponse::Created().json(BlockedRecord::from(&blocked)))
}

/// Blocks a host.
///
/// # Errors
/// `BAD_REQUEST` for an invalid host, `DETAIL_INVALID` for an invalid reason, `CONFLICT` if the
/// host is already blocked.
pub(crate) async fn blocked(
    asked: &BlockFields,
    caller: &Caller,
    state: &State,
) -> Result<BlockedHost, ApiError> {
    let pattern = HostPattern::parse(&asked.pattern)
        .map_err(|error| ApiError::bad_request(format!("`pattern` {error}")))?;
    let reason = Title::parse(&asked.reason)?;
    Ok(caller
        .blocklist(state)
        .add(&caller.0, pattern, reason)
        .await?)
}

/// Unblock a host
///
/// Links to this host work again within 2 s, unless they are disabled, expired or deleted. For
/// admins.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/blocklist/{pattern}",
    tag = "admin",
    operation_id = "unblockHost",
    params(("pattern" = String, Path, description = "The pattern of the entry", min_length = 1, max_length = 255)),
    security(("token" = [])),
    responses(
        (status = 204, description = "Host unblocked"),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn unblock(
    pattern: web::Path<String>,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    unblocked(&pattern, &caller, &state).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Unblocks a host.
///
/// # Errors
/// `NOT_FOUND` if it is not blocked.
pub(crate) async fn unblocked(
    pattern: &str,
    caller: &Caller,
    state: &State,
) -> Result<(), ApiError> {
    let pattern = HostPattern::parse(pattern).map_err(|_| ApiError::no_such_thing())?;
    Ok(caller.blocklist(state).remove(&pattern).await?)
}
