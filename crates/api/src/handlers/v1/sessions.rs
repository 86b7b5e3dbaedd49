//! `/api/v1/sessions`: the caller's sessions.

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_core::{Password, Session, SessionCursor, SessionId};
use waypost_service::{AccountError, NewPassword, PasswordChanged};
use waypost_store::PasswordSet;

use super::LINK_BYTES;
use crate::errors::ApiError;
use crate::handlers::auth::{keep_session, remember_browser};
use crate::request::caller::{Caller, CurrentSession};
use crate::request::client::user_agent;
use crate::request::input::id_of;
use crate::request::input::{self, JsonObject};
use crate::request::paging::PartQuery;
use crate::responses::{BadBody, BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::sessions::SessionView;

/// A page of sessions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList {
    pub(crate) sessions: Vec<SessionView>,
    /// Cursor of the next page; `null` on the last page.
    pub(crate) next_cursor: Option<String>,
}

/// A change of the password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRequest {
    /// The current password.
    #[schema(max_length = 1024)]
    current_password: String,
    /// The new password, of at least 10 characters.
    #[schema(min_length = 10, max_length = 1024)]
    new_password: String,
    /// Whether to revoke all your API tokens. Default: `false`.
    #[serde(default)]
    revoke_tokens: bool,
}

/// What a new password ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasswordView {
    /// Number of API tokens that are revoked.
    tokens_revoked: u64,
}

impl From<PasswordSet> for PasswordView {
    fn from(ended: PasswordSet) -> Self {
        Self {
            tokens_revoked: ended.tokens,
        }
    }
}

/// Returns the session of a request, if it was sent with one.
pub(crate) fn current(request: &HttpRequest) -> Option<SessionId> {
    let extensions = request.extensions();
    extensions.get::<CurrentSession>().map(|current| current.0)
}

/// List your sessions
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    tag = "account",
    operation_id = "listSessions",
    params(PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of sessions", body = SessionList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<SessionList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    let listed = listed(&query, &request, &caller, &state);
    Ok(web::Json(listed.await?))
}

/// Returns a page of the caller's sessions.
///
/// # Errors
/// `BAD_REQUEST` for an invalid limit or cursor.
pub(crate) async fn listed(
    query: &PartQuery,
    request: &HttpRequest,
    caller: &Caller,
    state: &State,
) -> Result<SessionList, ApiError> {
    let (user, accounts) = (caller.user_id()?, state.accounts());
    let sessions = async |after, limit| accounts.sessions(user, after, limit).await;
    let place = |session: &Session| SessionCursor::from(session);
    let slice = query.read(sessions, place).await?;
    let current = current(request);
    let views = slice.items.iter();
    Ok(SessionList {
        sessions: views.map(|it| SessionView::of(it, current)).collect(),
        next_cursor: slice.next_cursor,
    })
}

/// Sign out a session
///
/// Every server rejects the session at once. Requires a session.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/{id}",
    tag = "account",
    operation_id = "endSession",
    params(("id" = String, Path, description = "The ID of the session", format = "uuid")),
    security(("token" = [])),
    responses(
        (status = 204, description = "Session signed out"),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn end(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let (user, session) = (caller.user_id()?, id_of(&request, "id")?);
    if caller.accounts(&state).sign_out(user, session).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(ApiError::no_such_thing())
}

/// Sign out everywhere
///
/// Signs out all sessions of the caller, including that of this request. API tokens keep working.
/// Requires a session.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions",
    tag = "account",
    operation_id = "endSessions",
    security(("token" = [])),
    responses(
        (status = 204, description = "Sessions signed out"),
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn end_all(
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let user = caller.user_id()?;
    caller.accounts(&state).sign_out_everywhere(user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Change your password
///
/// Requires a session, which a new one replaces: the response sets its cookie. Signs out all other
/// sessions. API tokens keep working unless `revoke_tokens` is set. Attempts with a wrong password
/// are limited per session (429, with `Retry-After`).
#[utoipa::path(
    post,
    path = "/api/v1/users/me/password",
    tag = "account",
    operation_id = "changePassword",
    security(("token" = [])),
    request_body(content = PasswordRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 200, description = "Password changed", body = PasswordView),
        BadBody,
        Denied,
        (status = 429, description = "Too many failed attempts; `Retry-After` says in how many seconds to try again",
            body = crate::errors::ErrorBody<'static>,
            headers(("Retry-After" = u32, description = "Seconds"))),
        StoreFailure,
    )
)]
pub(crate) async fn change_password(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<PasswordRequest, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    caller.user_id()?;
    let password = NewPassword {
        current: asked.current_password,
        new: new_password(&asked.new_password)?,
        revoke_tokens: asked.revoke_tokens,
    };
    let changed = set_password(&request, &caller, &state, password).await?;
    let mut answer = HttpResponse::Ok().json(PasswordView::from(changed.ended));
    keep_renewed(&mut answer, &state, &changed).await;
    Ok(answer)
}

/// Parses a new password.
pub(super) fn new_password(text: &str) -> Result<Password, ApiError> {
    Password::parse(text).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// Changes the password of the caller, who must know the current one. [`keep_renewed`] completes
/// the response.
///
/// # Errors
/// `FORBIDDEN` for a wrong password; `TOO_MANY_REQUESTS` after too many failed attempts.
pub(crate) async fn set_password(
    request: &HttpRequest,
    caller: &Caller,
    state: &State,
    password: NewPassword,
) -> Result<PasswordChanged, ApiError> {
    let user = caller.user_id()?;
    let session = current(request).ok_or_else(ApiError::session_required)?;
    let throttle = state.throttle();
    let begun = throttle.begin_change(session, state.clock().now());
    begun.map_err(ApiError::too_many_attempts)?;
    let accounts = caller.accounts(state);
    let changed = accounts.change_password(user, password, user_agent(request));
    let changed = changed.await;
    if !matches!(changed, Err(AccountError::WrongPassword)) {
        throttle.give_back_change(session);
    }
    Ok(changed?)
}

/// Gives the browser the session that replaces the former one, and makes it known.
pub(crate) async fn keep_renewed(
    answer: &mut HttpResponse,
    state: &State,
    changed: &PasswordChanged,
) {
    let opened = &changed.opened;
    let expires_at = opened.session.expires_at;
    keep_session(answer, state, opened.secret.reveal(), expires_at);
    remember_browser(answer, state, &opened.user).await;
}
