//! `/api/v1/admin/users/{id}/identities` and `…/password`: what users sign in with, for admins.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::UserId;
use waypost_store::LinkedIdentity;

use super::LINK_BYTES;
use super::sessions::{PasswordView, new_password};
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input::{JsonObject, id_of};
use crate::responses::{BadBody, Denied, NotThere, StoreFailure};
use crate::state::State;

/// The accounts at OpenID providers that a user signs in with, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityList {
    identities: Vec<IdentityView>,
}

/// An account at an OpenID provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityView {
    /// The ID of the account on this server.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    pub(crate) id: String,
    /// The provider.
    pub(crate) issuer: String,
    /// The ID of the user at the provider.
    pub(crate) subject: String,
    /// When the user first signed in with it (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
}

impl From<&LinkedIdentity> for IdentityView {
    fn from(linked: &LinkedIdentity) -> Self {
        Self {
            id: linked.identity.id(),
            issuer: linked.identity.issuer().to_owned(),
            subject: linked.identity.subject().to_owned(),
            created_at: linked.created_at,
        }
    }
}

/// A password to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetPasswordRequest {
    /// The new password, of at least 10 characters.
    #[schema(min_length = 10, max_length = 1024)]
    new_password: String,
    /// Whether to revoke all API tokens of the user. Default: `false`.
    #[serde(default)]
    revoke_tokens: bool,
}

/// List the OpenID accounts of a user
///
/// Oldest first. A user has at most one account at a provider. For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/users/{id}/identities",
    tag = "admin",
    operation_id = "listIdentities",
    params(("id" = String, Path, description = "The ID of the user", format = "uuid")),
    security(("token" = [])),
    responses(
        (status = 200, description = "The accounts", body = IdentityList),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn identities(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<web::Json<IdentityList>, ApiError> {
    let user: UserId = id_of(&request, "id")?;
    let accounts = state.accounts();
    if accounts.user(user).await?.is_none() {
        return Err(ApiError::no_such_thing());
    }
    let linked = accounts.identities(user).await?;
    Ok(web::Json(IdentityList {
        identities: linked.iter().map(IdentityView::from).collect(),
    }))
}

/// Unlink an OpenID account from a user
///
/// Signs the user out everywhere, and takes the admin role if a group of the account gave it. The
/// next account at this provider with the email address of the user is linked to the user. Requires
/// a session or the operator's token. For admins.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/users/{id}/identities/{identity}",
    tag = "admin",
    operation_id = "unlinkIdentity",
    params(
        ("id" = String, Path, description = "The ID of the user", format = "uuid"),
        ("identity" = String, Path, description = "The ID of the account"),
    ),
    security(("token" = [])),
    responses(
        (status = 204, description = "Account unlinked"),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn unlink(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let user: UserId = id_of(&request, "id")?;
    let id = request.match_info().query("identity");
    unlinked(user, id, &caller, &state).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Unlinks an account from a user.
///
/// # Errors
/// `NOT_FOUND` if the user has no such account.
pub(crate) async fn unlinked(
    user: UserId,
    id: &str,
    caller: &Caller,
    state: &State,
) -> Result<(), ApiError> {
    let accounts = caller.accounts(state);
    let unlinked = accounts.unlink_identity(&caller.0, user, id);
    if unlinked.await? {
        return Ok(());
    }
    Err(ApiError::no_such_thing())
}

/// Set the password of a user
///
/// Signs the user out everywhere. API tokens keep working unless `revoke_tokens` is set. Requires a
/// session or the operator's token; to change your own password, use `changePassword`. For admins.
#[utoipa::path(
    post,
    path = "/api/v1/admin/users/{id}/password",
    tag = "admin",
    operation_id = "setPassword",
    params(("id" = String, Path, description = "The ID of the user", format = "uuid")),
    security(("token" = [])),
    request_body(content = SetPasswordRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 200, description = "Password set", body = PasswordView),
        (status = 409, description = "The user is the caller: CONFLICT", body = ErrorBody<'static>),
        BadBody,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn set_password(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<SetPasswordRequest, LINK_BYTES>,
) -> Result<web::Json<PasswordView>, ApiError> {
    let user: UserId = id_of(&request, "id")?;
    let password = new_password(&asked.new_password)?;
    let accounts = caller.accounts(&state);
    let set = accounts.set_password(&caller.0, user, password, asked.revoke_tokens);
    let ended = set.await?.ok_or_else(ApiError::no_such_thing)?;
    Ok(web::Json(ended.into()))
}
