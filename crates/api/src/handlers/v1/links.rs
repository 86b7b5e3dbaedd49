//! `GET` and `POST /api/v1/links`, `GET /api/v1/admin/links`, `GET /api/v1/tags/{name}/links`:
//! lists links and creates one.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use waypost_core::{Email, LinkOrder, LinkPlace, SearchWord, Tag, UserId, Visibility};
use waypost_service::OwnedLink;
use waypost_store::{LinkQuery, LinkReader};

use super::LINK_BYTES;
use super::fields::Fields;
use crate::errors::{ApiError, ErrorBody, ErrorCode};
use crate::request::caller::Caller;
use crate::request::input::{self, JsonObject};
use crate::request::paging::{Slice, limit};
use crate::request::quota;
use crate::request::versions::tag;
use crate::responses::{BadBody, BadInput, Denied, StoreFailure};
use crate::state::State;
use crate::views::links::{LinkView, VisibilityName};

/// Maximum length of a search, in characters.
const MAX_SEARCH_CHARS: usize = 200;

/// Selects links. Numbers are read as text, so that an invalid one gets the message of its own
/// rule.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinksQuery {
    /// Words that must all match the beginning of a word in the code, title, tags, destination or
    /// description; in Chinese, Japanese, Korean, Thai and other scripts without spaces, any part
    /// of it. Words consist of letters, digits and symbols such as emoji. Case, accents and the
    /// width of characters do not matter; only the first 8 words count. Empty: all links.
    #[param(max_length = 200, example = "wiki")]
    pub(crate) q: Option<String>,
    /// The tag that the links have.
    #[param(min_length = 1, max_length = 64)]
    pub(crate) tag: Option<String>,
    /// The owner of the links: an email address, an ID, or `me`.
    #[param(example = "me")]
    pub(crate) owner: Option<String>,
    /// The exact destination of the links.
    #[param(format = "uri", max_length = 2048)]
    pub(crate) url: Option<String>,
    /// The visibility of the links.
    #[param(value_type = Option<VisibilityName>)]
    pub(crate) visibility: Option<String>,
    /// Whether to list the deleted links that the caller can restore, in place of links that are
    /// not deleted.
    #[param(value_type = Option<bool>, default = false)]
    pub(crate) deleted: Option<String>,
    /// The order: `-created_at` (newest first), `created_at`, `code` or `-code`. There is no order
    /// by clicks, which change between pages.
    #[param(value_type = Option<LinkOrderName>)]
    pub(crate) sort: Option<String>,
    /// Maximum number of links.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    pub(crate) limit: Option<String>,
    /// The `next_cursor` of the previous page.
    pub(crate) cursor: Option<String>,
}

/// An order of links: a field, with the prefix `-` for descending order.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum LinkOrderName {
    #[schema(rename = "-created_at")]
    NewestFirst,
    #[schema(rename = "created_at")]
    OldestFirst,
    #[schema(rename = "code")]
    Code,
    #[schema(rename = "-code")]
    CodeReversed,
}

/// A page of links.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkList)]
pub(crate) struct LinkList {
    pub(crate) links: Vec<LinkView>,
    /// Cursor of the next page; `null` on the last page.
    pub(crate) next_cursor: Option<String>,
}

/// A query of the store and the number of links to show.
pub(crate) struct Asked {
    pub(crate) query: LinkQuery,
    /// Number of links to show: one less than the limit of the query.
    pub(crate) limit: u32,
}

impl LinksQuery {
    /// Parses the parameters; returns `None` if no link can match.
    ///
    /// # Errors
    /// The first parameter that is invalid.
    pub(crate) async fn read(
        &self,
        caller: &Caller,
        state: &State,
    ) -> Result<Option<Asked>, ApiError> {
        let limit = limit(self.limit.as_deref())?;
        let order: LinkOrder = match &self.sort {
            None => LinkOrder::default(),
            Some(text) => text.parse().map_err(bad)?,
        };
        let place = |text: &String| LinkPlace::parse(text, order);
        let visibility = self.visibility.as_deref().map(str::parse::<Visibility>);
        let url = self.url.as_deref().map(|url| state.shortener().target(url));
        let deleted = match self.deleted.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(ApiError::bad_request("`deleted` must be true or false")),
        };
        let search = self.q.as_deref().filter(|text| !text.trim().is_empty());
        let words = search.map(words).transpose()?;
        let mut query = LinkQuery {
            words: words.clone().unwrap_or_default(),
            tag: self.tag.as_deref().map(Tag::parse).transpose()?,
            target: url
                .transpose()
                .map_err(|error| ApiError::new(ErrorCode::UrlInvalid, error.to_string()))?,
            visibility: visibility.transpose().map_err(bad)?,
            deleted,
            order,
            after: self.cursor.as_ref().map(place).transpose()?,
            // One more link shows whether there is another page.
            ..LinkQuery::newest(LinkReader::All, limit.saturating_add(1))
        };
        if let Some(owner) = &self.owner {
            match owner_named(owner, caller, state).await? {
                None => return Ok(None),
                owner => query.owner = owner,
            }
        }
        let finds_nothing = words.is_some_and(|words| words.is_empty());
        Ok((!finds_nothing).then_some(Asked { query, limit }))
    }
}

fn bad(error: impl std::error::Error) -> ApiError {
    ApiError::bad_request(error.to_string())
}

/// Splits a search into words. A search without words matches no links.
fn words(text: &str) -> Result<Vec<SearchWord>, ApiError> {
    if text.chars().count() > MAX_SEARCH_CHARS {
        return Err(ApiError::bad_request(
            "`q` must have at most 200 characters",
        ));
    }
    Ok(SearchWord::of_search(text))
}

/// Finds the user with an email address, an ID or `me`; `None` if the caller is no user. An unknown
/// address is an ID that nobody has: the same is read for it, so that no answer tells whether an
/// address has an account.
async fn owner_named(
    text: &str,
    caller: &Caller,
    state: &State,
) -> Result<Option<UserId>, ApiError> {
    if text == "me" {
        return Ok(caller.0.user_id());
    }
    if let Ok(id) = uuid::Uuid::try_parse(text) {
        return Ok(Some(UserId::from_uuid(id)));
    }
    let email = Email::parse(text)
        .map_err(|_| ApiError::bad_request("`owner` must be an email address, an ID or `me`"))?;
    let user = state.accounts().user_by_email(&email).await?;
    let nobody = UserId::from_uuid(uuid::Uuid::nil());
    Ok(Some(user.map_or(nobody, |user| user.id)))
}

impl LinkList {
    fn new(links: Vec<OwnedLink>, asked: &Asked, caller: &Caller, state: &State) -> Self {
        let order = asked.query.order;
        let place = |owned: &OwnedLink| LinkPlace::behind(&owned.link, order);
        let slice = Slice::of(links, asked.limit, place);
        let view = |owned: &OwnedLink| LinkView::new(owned, &caller.0, state.shortener());
        Self {
            links: slice.items.iter().map(view).collect(),
            next_cursor: slice.next_cursor,
        }
    }

    pub(crate) const fn empty() -> Self {
        Self {
            links: Vec::new(),
            next_cursor: None,
        }
    }
}

/// List links
///
/// Links that the caller can see: public links, their own links, and links that are shared with
/// them. If links are created and deleted between pages, no link is listed twice, and no other link
/// is skipped. Unknown parameters are rejected.
#[utoipa::path(
    get,
    path = "/api/v1/links",
    tag = "links",
    operation_id = "listLinks",
    params(LinksQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of links", body = LinkList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<LinkList>, ApiError> {
    let query = input::query::<LinksQuery>(&request)?;
    listed(&query, &caller, &state).await
}

async fn listed(
    query: &LinksQuery,
    caller: &Caller,
    state: &State,
) -> Result<web::Json<LinkList>, ApiError> {
    let Some(asked) = query.read(caller, state).await? else {
        return Ok(web::Json(LinkList::empty()));
    };
    state.recorder().settle().await;
    let links = state.links().list(&caller.0, asked.query.clone()).await?;
    Ok(web::Json(LinkList::new(links, &asked, caller, state)))
}

/// List all links
///
/// Links of all owners, with the same parameters. For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/links",
    tag = "admin",
    operation_id = "listAllLinks",
    params(LinksQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of links", body = LinkList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn list_all(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<LinkList>, ApiError> {
    let query = input::query::<LinksQuery>(&request)?;
    Ok(web::Json(all(&query, &caller, &state).await?))
}

/// Returns a page of all links.
///
/// # Errors
/// `BAD_REQUEST` for an invalid parameter.
pub(crate) async fn all(
    query: &LinksQuery,
    caller: &Caller,
    state: &State,
) -> Result<LinkList, ApiError> {
    let Some(asked) = query.read(caller, state).await? else {
        return Ok(LinkList::empty());
    };
    state.recorder().settle().await;
    let all = state.links().list_all(&caller.0, asked.query.clone());
    Ok(LinkList::new(all.await?, &asked, caller, state))
}

/// Selects a page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TaggedQuery {
    /// The order: `-created_at` (newest first), `created_at`, `code` or `-code`.
    #[param(value_type = Option<LinkOrderName>)]
    sort: Option<String>,
    /// Maximum number of links.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// List the links with a tag
///
/// Links that the caller can see. The list is empty if no link has the tag.
#[utoipa::path(
    get,
    path = "/api/v1/tags/{name}/links",
    tag = "tags",
    operation_id = "listTagged",
    params(("name" = String, Path, description = "The tag", min_length = 1, max_length = 64), TaggedQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of links", body = LinkList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn tagged(
    request: HttpRequest,
    name: web::Path<String>,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<LinkList>, ApiError> {
    let TaggedQuery {
        sort,
        limit,
        cursor,
    } = input::query(&request)?;
    let query = LinksQuery {
        tag: Some(name.into_inner()),
        sort,
        limit,
        cursor,
        ..LinksQuery::default()
    };
    listed(&query, &caller, &state).await
}

/// Create a link
///
/// The caller becomes the owner. A link created by the operator has no owner.
#[utoipa::path(
    post,
    path = "/api/v1/links",
    tag = "links",
    operation_id = "createLink",
    security(("token" = [])),
    request_body(content = Fields, description = "At most 64 KiB of JSON. `url` is required. Unknown fields are rejected."),
    responses(
        (status = 201, description = "The created link", body = LinkView, headers(
            ("Location" = String, description = "The URL of the created resource"),
            ("ETag" = String, description = "The version of the link"),
        ), links(
            ("showLink" = (operation_id = "showLink", parameters(("id" = "$response.body#/id")))),
            ("changeLink" = (operation_id = "changeLink", parameters(("id" = "$response.body#/id")))),
            ("replaceLink" = (operation_id = "replaceLink", parameters(("id" = "$response.body#/id")))),
            ("deleteLink" = (operation_id = "deleteLink", parameters(("id" = "$response.body#/id")))),
            ("restoreLink" = (operation_id = "restoreLink", parameters(("id" = "$response.body#/id")))),
            ("linkHistory" = (operation_id = "linkHistory", parameters(("id" = "$response.body#/id")))),
            ("listOwners" = (operation_id = "listOwners", parameters(("id" = "$response.body#/id")))),
            ("addOwner" = (operation_id = "addOwner", parameters(("id" = "$response.body#/id")))),
            ("listShares" = (operation_id = "listShares", parameters(("id" = "$response.body#/id")))),
            ("addShare" = (operation_id = "addShare", parameters(("id" = "$response.body#/id")))),
        )),
        (status = 409, description = "Another link has or had the code: CODE_TAKEN", body = ErrorBody<'static>),
        BadBody,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn create(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<Fields, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let new = asked.new_link(state.shortener())?;
    quota::pay_links(&request, &caller.0, &state, 1)?;
    let made = state.links().create(&caller.0, new).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, state.resource_url(&made.link)))
        .insert_header(tag(&made.link))
        .json(LinkView::new(&made, &caller.0, state.shortener())))
}
