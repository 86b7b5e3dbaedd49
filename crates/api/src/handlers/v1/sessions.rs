//! `/api/v1/sessions`: where one is signed in.

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

/// Sessions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList {
    pub(crate) sessions: Vec<SessionView>,
    /// Where the list goes on; `null` at its end.
    pub(crate) next_cursor: Option<String>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRequest {
    /// The password that one has.
    #[schema(max_length = 1024)]
    current_password: String,
    /// The one to have from now on, of at least 10 characters.
    #[schema(min_length = 10, max_length = 1024)]
    new_password: String,
}

/// The session that a request was sent with, if it was one.
pub(crate) fn current(request: &HttpRequest) -> Option<SessionId> {
    let extensions = request.extensions();
    extensions.get::<CurrentSession>().map(|current| current.0)
}

/// List one's sessions
///
/// Newest first: where one is signed in.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    tag = "account",
    operation_id = "listSessions",
    params(PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "Some of the sessions", body = SessionList),
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

/// Some of the sessions of whoever asks.
///
/// # Errors
/// `BAD_REQUEST` for a part that there is not.
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

/// End a session
///
/// It is not accepted any more at once, by any server.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/{id}",
    tag = "account",
    operation_id = "endSession",
    params(("id" = String, Path, description = "The id of the session", format = "uuid")),
    security(("token" = [])),
    responses(
        (status = 204, description = "It is ended"),
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
/// Ends all of one's sessions, the one that asks included. API tokens stay.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions",
    tag = "account",
    operation_id = "endSessions",
    security(("token" = [])),
    responses(
        (status = 204, description = "They are ended"),
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

/// Change one's password
///
/// Ends one's other sessions. API tokens stay. Attempts with a wrong password are limited as those of
/// signing in are (429, with `Retry-After`).
#[utoipa::path(
    post,
    path = "/api/v1/users/me/password",
    tag = "account",
    operation_id = "changePassword",
    security(("token" = [])),
    request_body(content = PasswordRequest, description = "JSON. Unknown fields are refused."),
    responses(
        (status = 204, description = "It is changed"),
        BadBody,
        Denied,
        (status = 429, description = "Too many attempts failed; `Retry-After` says in how many seconds to try again",
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

/// Changes the password of whoever asks and knows the one that they have.
///
/// # Errors
/// `FORBIDDEN` when they do not; `TOO_MANY_REQUESTS` after too many attempts.
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
