//! `/api/v1/keywords`: words, also as host names, that pass on the rest of the path.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use waypost_core::{Description, Link, LinkDetails, ShortCode, TargetUrlError, Title};
use waypost_service::NewKeyword;

use super::LINK_BYTES;
use crate::errors::{ApiError, ErrorBody, ErrorCode};
use crate::request::caller::Caller;
use crate::request::input::{self, JsonObject};
use crate::request::paging::PartQuery;
use crate::request::quota;
use crate::responses::{BadBody, BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::keywords::{KeywordList, KeywordRecord};

/// The fields of a new keyword.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeywordFields {
    /// The word: letters a-z in either case, digits, `-` and `_`, beginning and ending with a
    /// letter or digit. It must not be the code of a link, or the first part of one.
    #[schema(
        example = "gh",
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$"
    )]
    pub(crate) keyword: String,
    /// The destination: an absolute http or https URL of at most 2,048 bytes with `{slug}` in its
    /// path, query or fragment, which is filled with the rest of the path.
    #[schema(example = "https://github.com/{slug}", max_length = 2048)]
    pub(crate) url: String,
    /// The title: one line of at most 200 characters. Default: empty.
    #[serde(default)]
    #[schema(max_length = 200, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub(crate) title: String,
    /// The description, of at most 2,000 characters. Default: empty.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub(crate) description: String,
    /// Whether the query of the visitor is added to that of the destination. Default: `true`.
    #[serde(default = "forwards")]
    #[schema(default = true)]
    pub(crate) forward_query: bool,
}

const fn forwards() -> bool {
    true
}

/// List keywords
///
/// In alphabetical order. For admins.
#[utoipa::path(
    get,
    path = "/api/v1/keywords",
    tag = "keywords",
    operation_id = "listKeywords",
    params(PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of keywords", body = KeywordList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<KeywordList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    Ok(web::Json(listed(&query, &caller, &state).await?))
}

/// Returns a page of keywords.
///
/// # Errors
/// `BAD_REQUEST` for an invalid limit or cursor.
pub(crate) async fn listed(
    query: &PartQuery,
    caller: &Caller,
    state: &State,
) -> Result<KeywordList, ApiError> {
    let links = state.links();
    let keywords = async |after: Option<ShortCode>, limit| {
        state.recorder().settle().await;
        links.keywords(&caller.0, after.as_ref(), limit).await
    };
    let place = |keyword: &Link| keyword.code.as_str().to_owned();
    let slice = query.read(keywords, place).await?;
    let keywords = slice.items.iter();
    Ok(KeywordList {
        keywords: keywords
            .map(|keyword| KeywordRecord::new(keyword, state.shortener()))
            .collect(),
        next_cursor: slice.next_cursor,
    })
}

/// Create a keyword
///
/// The keyword `gh` redirects `/gh/org/repo`, and if that host name resolves to this server,
/// `http://gh/org/repo`, to its URL with `org/repo` in place of `{slug}`. Creating a removed
/// keyword again restores it with its clicks. For admins.
#[utoipa::path(
    post,
    path = "/api/v1/keywords",
    tag = "keywords",
    operation_id = "createKeyword",
    security(("token" = [])),
    request_body(content = KeywordFields, description = "At most 64 KiB of JSON. Unknown fields are rejected."),
    responses(
        (status = 201, description = "The created keyword", body = KeywordRecord,
            headers(("Location" = String, description = "The URL of the keyword as a link"))),
        (status = 409, description = "The word is the code of a link, or the first part of one: CODE_TAKEN", body = ErrorBody<'static>),
        BadBody,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn create(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<KeywordFields, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let made = made(&asked, &request, &caller, &state).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, state.resource_url(&made)))
        .json(KeywordRecord::new(&made, state.shortener())))
}

/// Creates a keyword.
///
/// # Errors
/// The first field that is invalid, `CODE_TAKEN`, and `TOO_MANY_REQUESTS`.
pub(crate) async fn made(
    asked: &KeywordFields,
    request: &HttpRequest,
    caller: &Caller,
    state: &State,
) -> Result<Link, ApiError> {
    let links = caller.links(state);
    let bad_url = |error: TargetUrlError| ApiError::new(ErrorCode::UrlInvalid, error.to_string());
    let code = ShortCode::parse(&asked.keyword);
    let new = NewKeyword {
        code: code.map_err(|error| ApiError::new(ErrorCode::CodeInvalid, error.to_string()))?,
        target: links.keyword_target(&asked.url).map_err(bad_url)?,
        details: LinkDetails {
            title: Title::parse(&asked.title)?,
            description: Description::parse(&asked.description)?,
            forward_query: asked.forward_query,
            ..LinkDetails::default()
        },
    };
    quota::pay_links(request, &caller.0, state, 1)?;
    Ok(links.add_keyword(&caller.0, new).await?)
}

/// Remove a keyword
///
/// Short links with this keyword stop working. The word stays reserved, and the keyword can be
/// restored as a link. For admins.
#[utoipa::path(
    delete,
    path = "/api/v1/keywords/{keyword}",
    tag = "keywords",
    operation_id = "removeKeyword",
    params(("keyword" = String, Path, description = "The word, in upper or lower case", min_length = 1, max_length = 64)),
    security(("token" = [])),
    responses(
        (status = 204, description = "Keyword removed"),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn remove(
    keyword: web::Path<String>,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    caller
        .links(&state)
        .remove_keyword(&caller.0, &keyword)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
