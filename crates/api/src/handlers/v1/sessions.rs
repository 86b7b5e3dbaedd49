//! `/api/v1/sessions`: the caller's sessions.

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_core::{Password, Session, SessionCursor, SessionId};

use super::LINK_BYTES;
use crate::errors::ApiError;
use crate::request::caller::{Caller, CurrentSession};
use crate::request::client::client_address;
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
    if state.accounts().sign_out(user, session).await? {
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
    state.accounts().sign_out_everywhere(user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Change your password
///
/// Signs out all other sessions. API tokens keep working. Attempts with a wrong password are
/// limited as for signing in (429, with `Retry-After`).
#[utoipa::path(
    post,
    path = "/api/v1/users/me/password",
    tag = "account",
    operation_id = "changePassword",
    security(("token" = [])),
    request_body(content = PasswordRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 204, description = "Password changed"),
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
    let bad = |error: waypost_core::PasswordError| ApiError::bad_request(error.to_string());
    let new = Password::parse(&asked.new_password).map_err(bad)?;
    set_password(&request, &caller, &state, asked.current_password, new).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes the password of the caller, who must know the current one.
///
/// # Errors
/// `FORBIDDEN` for a wrong password; `TOO_MANY_REQUESTS` after too many failed attempts.
pub(crate) async fn set_password(
    request: &HttpRequest,
    caller: &Caller,
    state: &State,
    known: String,
    new: Password,
) -> Result<(), ApiError> {
    let user = state.accounts().user(caller.user_id()?).await?;
    let user = user.ok_or_else(|| ApiError::unauthorized(true))?;
    let throttle = state.throttle();
    let address = client_address(request, state);
    let attempt = throttle.begin(user.email.as_str(), address, state.clock().now());
    let attempt = attempt.map_err(ApiError::too_many_attempts)?;
    let kept = current(request);
    let accounts = state.accounts();
    let changed = accounts.change_password(user.id, kept, known, new).await;
    if !matches!(changed, Err(waypost_service::AccountError::WrongPassword)) {
        throttle.give_back(&attempt);
    }
    Ok(changed?)
}
