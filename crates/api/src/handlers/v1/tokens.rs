//! `/api/v1/tokens`: the caller's API tokens.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::{ApiToken, Scopes, TokenCursor, TokenId, TokenName, TokenSecret};
use waypost_service::NewToken;

use super::LINK_BYTES;
use crate::errors::{ApiError, ErrorBody};
use crate::handlers::v1::fields::optional_time;
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::request::input::{self, JsonObject};
use crate::request::paging::PartQuery;
use crate::responses::{BadBody, BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::links::{ScopeName, TokenRecord};

/// A page of tokens, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenList {
    pub(crate) tokens: Vec<TokenRecord>,
    /// Cursor of the next page; `null` on the last page.
    pub(crate) next_cursor: Option<String>,
}

/// A token to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    /// The name: one line of 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "deploy")]
    name: String,
    /// The scopes. Default: `read` and `write`.
    #[schema(value_type = Option<Vec<ScopeName>>, min_items = 1)]
    scopes: Option<Vec<String>>,
    /// When the token expires, in the future (RFC 3339). Default: never.
    #[serde(default, deserialize_with = "optional_time")]
    expires_at: Option<OffsetDateTime>,
}

/// A created token and its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewTokenView {
    #[serde(flatten)]
    token: TokenRecord,
    /// The secret to send in `Authorization: Bearer …`. It is shown only once.
    #[schema(min_length = 46, max_length = 46)]
    secret: String,
}

/// List your API tokens
///
/// Newest first, including expired and revoked tokens.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    tag = "account",
    operation_id = "listTokens",
    params(PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of tokens", body = TokenList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<TokenList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    Ok(web::Json(listed(&query, &caller, &state).await?))
}

/// Returns a page of the caller's tokens.
///
/// # Errors
/// `BAD_REQUEST` for an invalid limit or cursor.
pub(crate) async fn listed(
    query: &PartQuery,
    caller: &Caller,
    state: &State,
) -> Result<TokenList, ApiError> {
    let (user, accounts) = (caller.user_id()?, state.accounts());
    let tokens = async |after, limit| accounts.tokens(user, after, limit).await;
    let slice = query.read(tokens, |token| TokenCursor::from(token)).await?;
    Ok(TokenList {
        tokens: slice.items.iter().map(TokenRecord::from).collect(),
        next_cursor: slice.next_cursor,
    })
}

/// Create an API token
///
/// Requires a session: API tokens cannot create others. A user can have at most 100 valid tokens.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    tag = "account",
    operation_id = "createToken",
    security(("token" = [])),
    request_body(content = TokenRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 201, description = "The created token and its secret", body = NewTokenView,
            headers(("Location" = String, description = "The URL of the token, where it can be revoked"))),
        (status = 409, description = "The caller has 100 valid tokens: CONFLICT", body = ErrorBody<'static>),
        BadBody,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn create(
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<TokenRequest, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let bad = |error: String| ApiError::bad_request(error);
    let new = NewToken {
        name: TokenName::parse(&asked.name).map_err(|error| bad(error.to_string()))?,
        scopes: scopes(asked.scopes)?,
        expires_at: asked.expires_at.map(waypost_core::expiry).transpose()?,
    };
    let (token, secret) = made(new, &caller, &state).await?;
    Ok(HttpResponse::Created()
        .insert_header((
            header::LOCATION,
            state.api_url(&format!("tokens/{}", token.id)),
        ))
        .json(NewTokenView {
            token: (&token).into(),
            secret: secret.reveal().to_owned(),
        }))
}

/// Creates a token of the caller.
///
/// # Errors
/// `FORBIDDEN` for the scope `admin` of a user who is not an admin, `BAD_REQUEST` for an expiry in
/// the past, `CONFLICT` if the caller has too many tokens.
pub(crate) async fn made(
    new: NewToken,
    caller: &Caller,
    state: &State,
) -> Result<(ApiToken, TokenSecret), ApiError> {
    caller.user_id()?;
    Ok(caller
        .accounts(state)
        .create_own_token(&caller.0, new)
        .await?)
}

/// Parses the scopes of a new token.
pub(crate) fn scopes(asked: Option<Vec<String>>) -> Result<Scopes, ApiError> {
    let Some(names) = asked else {
        return Ok(Scopes::default());
    };
    let scopes = names.join(",").parse();
    scopes.map_err(|error: waypost_core::ScopesError| ApiError::bad_request(error.to_string()))
}

/// Revoke an API token
///
/// Every server rejects the token at once. Requires a session.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    tag = "account",
    operation_id = "revokeToken",
    params(("id" = String, Path, description = "The ID of the token", format = "uuid")),
    security(("token" = [])),
    responses(
        (status = 204, description = "Token revoked"),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn revoke(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    revoked(id_of(&request, "id")?, &caller, &state).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Revokes a token of the caller.
///
/// # Errors
/// `NOT_FOUND` if the caller has no such token.
pub(crate) async fn revoked(
    token: TokenId,
    caller: &Caller,
    state: &State,
) -> Result<(), ApiError> {
    let user = caller.user_id()?;
    if caller.accounts(state).revoke_token(user, token).await? {
        return Ok(());
    }
    Err(ApiError::no_such_thing())
}
