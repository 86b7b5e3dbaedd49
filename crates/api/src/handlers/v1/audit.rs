//! `/api/v1/admin/audit`: who did what to accounts, rights and rules.

use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use waypost_core::{AuditCursor, AuditEvent, UserId};
use waypost_store::AuditQuery;

use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input;
use crate::request::paging::PartQuery;
use crate::responses::{BadInput, Denied, StoreFailure};
use crate::state::State;
use crate::views::audit::{AuditEventName, AuditRecord};

/// Selects entries of the audit trail.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Only entries of this event.
    #[param(value_type = Option<AuditEventName>)]
    pub(crate) event: Option<String>,
    /// Only what the user with this ID did.
    #[param(format = "uuid")]
    pub(crate) user: Option<String>,
    /// Maximum number of items.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    pub(crate) limit: Option<String>,
    /// The `next_cursor` of the previous page.
    pub(crate) cursor: Option<String>,
}

/// A page of the audit trail, newest entries first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditList {
    pub(crate) entries: Vec<AuditRecord>,
    /// Cursor of the next page; `null` on the last page.
    pub(crate) next_cursor: Option<String>,
}

/// List the audit trail
///
/// Who did what to accounts, rights and rules, newest first: sign-ins, users, roles, passwords,
/// OpenID accounts, tokens, owners and sharing of links, transfers, keywords, the blocklist, purges,
/// and changed settings. Entries are never changed, and purged after `WAYPOST_AUDIT_DAYS`. For
/// admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/audit",
    tag = "admin",
    operation_id = "listAuditTrail",
    params(AuditParams),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of entries", body = AuditList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<AuditList>, ApiError> {
    let query = input::query::<AuditParams>(&request)?;
    Ok(web::Json(listed(query, &caller, &state).await?))
}

/// Returns a page of the audit trail.
///
/// # Errors
/// `BAD_REQUEST` for an invalid event, user, limit or cursor.
pub(crate) async fn listed(
    query: AuditParams,
    caller: &Caller,
    state: &State,
) -> Result<AuditList, ApiError> {
    let event = query.event.map(|event| event.parse::<AuditEvent>());
    let event = event.transpose();
    let event = event.map_err(|error| ApiError::bad_request(format!("`event` {error}")))?;
    let user = query.user.map(|user| user.parse().map(UserId::from_uuid));
    let user = user.transpose();
    let user = user.map_err(|_| ApiError::bad_request("`user` must be the ID of a user"))?;
    let part = PartQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let audit = state.accounts().audit();
    let entries = async |after, limit| {
        let query = AuditQuery {
            event,
            user,
            after,
            limit,
        };
        audit.entries(&caller.0, &query).await
    };
    let place = |entry: &_| AuditCursor::from(entry);
    let slice = part.read(entries, place).await?;
    Ok(AuditList {
        entries: slice.items.iter().map(AuditRecord::from).collect(),
        next_cursor: slice.next_cursor,
    })
}
