//! `/api/v1/tokens`: the caller's API tokens.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::{Actor, ApiToken, Scope, Scopes, TokenCursor, TokenId, TokenName, TokenSecret};
use waypost_service::NewToken;

use super::LINK_BYTES;
use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::request::input::{self, JsonObject};
use crate::request::paging::PartQuery;
use crate::responses::{BadBody, BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::links::{ScopeName, TokenRecord};

/// Tokens, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenList {
    pub(crate) tokens: Vec<TokenRecord>,
    /// Where the list goes on; `null` at its end.
    pub(crate) next_cursor: Option<String>,
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    /// What it is for: one line of 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "deploy")]
    name: String,
    /// What it may do. The caller's token needs the same scopes. Default: `read` and `write`, as far as
    /// the caller's token has them.
    #[schema(value_type = Option<Vec<ScopeName>>, min_items = 1)]
    scopes: Option<Vec<String>>,
    /// From when on it is not accepted: a time to come (RFC 3339). Default: never.
    #[serde(default, with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

/// A token that was made, with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewTokenView {
    #[serde(flatten)]
    token: TokenRecord,
    /// What to send in `Authorization: Bearer …`. It is shown this once and never again.
    #[schema(min_length = 46, max_length = 46)]
    secret: String,
}

/// List one's tokens
///
/// Newest first, those that are not accepted any more included.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    tag = "account",
    operation_id = "listTokens",
    params(PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "Some of the tokens", body = TokenList),
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

/// Some of the tokens of whoever asks.
///
/// # Errors
/// `BAD_REQUEST` for a part that there is not.
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

/// Make a token
///
/// It may not do more than the one that makes it.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    tag = "account",
    operation_id = "createToken",
    security(("token" = [])),
    request_body(content = TokenRequest, description = "JSON. Unknown fields are refused."),
    responses(
        (status = 201, description = "The token and its secret", body = NewTokenView,
            headers(("Location" = String, description = "Where it is revoked"))),
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
        scopes: scopes(asked.scopes, &caller.0)?,
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

/// Makes a token of whoever asks.
///
/// # Errors
/// `FORBIDDEN` for a scope that is not theirs, `BAD_REQUEST` for an expiry in the past.
pub(crate) async fn made(
    new: NewToken,
    caller: &Caller,
    state: &State,
) -> Result<(ApiToken, TokenSecret), ApiError> {
    caller.user_id()?;
    Ok(state.accounts().create_own_token(&caller.0, new).await?)
}

/// The scopes that are asked for, which the caller must have.
pub(crate) fn scopes(asked: Option<Vec<String>>, caller: &Actor) -> Result<Scopes, ApiError> {
    let Actor::User { scopes: own, .. } = caller else {
        return Ok(Scopes::default());
    };
    let Some(names) = asked else {
        let default = Scopes::default();
        let names: Vec<_> = default
            .iter()
            .filter(|scope| own.contains(*scope))
            .collect();
        let names: Vec<_> = names.into_iter().map(Scope::as_str).collect();
        return names
            .join(",")
            .parse()
            .map_err(|_| ApiError::scope_missing(Scope::Read));
    };
    let scopes: Scopes = names
        .join(",")
        .parse()
        .map_err(|error: waypost_core::ScopesError| ApiError::bad_request(error.to_string()))?;
    let missing = scopes.iter().find(|scope| !own.contains(*scope));
    if let Some(scope) = missing {
        return Err(ApiError::scope_missing(scope));
    }
    Ok(scopes)
}

/// Revoke a token
///
/// It is not accepted any more at once, by any server.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    tag = "account",
    operation_id = "revokeToken",
    params(("id" = String, Path, description = "The id of the token", format = "uuid")),
    security(("token" = [])),
    responses(
        (status = 204, description = "It is revoked"),
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

/// Revokes a token of whoever asks.
///
/// # Errors
/// `NOT_FOUND` when they have no such token.
pub(crate) async fn revoked(
    token: TokenId,
    caller: &Caller,
    state: &State,
) -> Result<(), ApiError> {
    let user = caller.user_id()?;
    if state.accounts().revoke_token(user, token).await? {
        return Ok(());
    }
    Err(ApiError::no_such_thing())
}
