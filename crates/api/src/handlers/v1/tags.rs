//! `GET /api/v1/tags`: the tags of links.

use actix_web::{HttpRequest, web};
use serde::Serialize;
use utoipa::ToSchema;
use waypost_core::Tag;

use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input;
use crate::request::paging::PartQuery;
use crate::responses::{BadInput, Denied, StoreFailure};
use crate::state::State;

/// A tag.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tag)]
pub(crate) struct TagView {
    /// The tag, in lower case.
    #[schema(min_length = 1, max_length = 64, example = "docs")]
    name: String,
}

/// A page of tags, in alphabetical order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagList {
    tags: Vec<TagView>,
    /// Cursor of the next page; `null` on the last page.
    next_cursor: Option<String>,
}

/// List tags
///
/// Tags of the links that the caller can see, in alphabetical order; for the operator, tags of all
/// links.
#[utoipa::path(
    get,
    path = "/api/v1/tags",
    tag = "tags",
    operation_id = "listTags",
    params(PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of tags", body = TagList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<TagList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    let links = state.links();
    let tags = async |after: Option<Tag>, limit| links.tags(&caller.0, after.as_ref(), limit).await;
    let slice = query.read(tags, Tag::to_string).await?;
    let view = |tag: Tag| TagView {
        name: tag.as_str().to_owned(),
    };
    Ok(web::Json(TagList {
        tags: slice.items.into_iter().map(view).collect(),
        next_cursor: slice.next_cursor,
    }))
}
