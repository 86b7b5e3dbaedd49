//! `POST /api/v1/links/bulk`: makes many links, and says of each what became of it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::fields::Fields;
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input::JsonObject;
use crate::request::quota;
use crate::responses::{BadBody, Denied, StoreFailure};
use crate::state::State;
use crate::views::links::LinkView;

/// The most links of one request.
const MAX_LINKS: usize = 1_000;
/// The longest body, in bytes.
const BULK_BYTES: usize = 4 * 1_024 * 1_024;
/// So many are made at the same time.
const AT_ONCE: usize = 4;

/// Links to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkRequest {
    /// Each as in `POST /api/v1/links`.
    // As they were written: read by itself, one that is wrong does not spoil the others.
    #[schema(value_type = Vec<Fields>, max_items = 1000)]
    links: Vec<Box<RawValue>>,
}

/// What became of each link, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkResults {
    results: Vec<BulkResult>,
}

/// What became of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// The status that it would have had by itself: 201 when it was made.
    #[schema(minimum = 100, maximum = 599)]
    status: u16,
    /// The link that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = LinkView, required = false)]
    link: Option<LinkView>,
    /// Why none was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ErrorBody<'static>, required = false)]
    error: Option<ErrorBody<'static>>,
}

/// Make many links
///
/// Up to 1,000, each by itself: one that cannot be made keeps no other from being made.
#[utoipa::path(
    post,
    path = "/api/v1/links/bulk",
    tag = "links",
    operation_id = "createLinks",
    security(("token" = [])),
    request_body(content = BulkRequest, description = "At most 4 MiB of JSON. Unknown fields are refused."),
    responses(
        (status = 200, description = "What became of each", body = BulkResults),
        BadBody,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<BulkRequest, BULK_BYTES>,
) -> Result<web::Json<BulkResults>, ApiError> {
    if asked.links.len() > MAX_LINKS {
        return Err(ApiError::bad_request(
            "`links` must have at most 1,000 items",
        ));
    }
    quota::pay_links(&request, &caller.0, &state, asked.links.len())?;
    let make = |item: Box<RawValue>| make(item, &caller, &state);
    let results = stream::iter(asked.links).map(make).buffered(AT_ONCE);
    Ok(web::Json(BulkResults {
        results: results.collect().await,
    }))
}

async fn make(item: Box<RawValue>, caller: &Caller, state: &State) -> BulkResult {
    match made(&item, caller, state).await {
        Ok(link) => BulkResult {
            status: StatusCode::CREATED.as_u16(),
            link: Some(link),
            error: None,
        },
        Err(error) => {
            let code = error.code().name();
            let chain = error.chain();
            if error.code().status().is_server_error() {
                tracing::error!(code, error = chain, "a link of many was not made");
            }
            BulkResult {
                status: error.code().status().as_u16(),
                link: None,
                error: Some(error.into_body()),
            }
        }
    }
}

async fn made(item: &RawValue, caller: &Caller, state: &State) -> Result<LinkView, ApiError> {
    if !item.get().starts_with('{') {
        return Err(ApiError::bad_request(
            "each of `links` must be a JSON object",
        ));
    }
    let fields: Fields = serde_json::from_str(item.get())
        .map_err(actix_web::error::JsonPayloadError::Deserialize)?;
    let new = fields.new_link(state.shortener())?;
    let made = state.links().create(&caller.0, new).await?;
    Ok(LinkView::new(&made, &caller.0, state.shortener()))
}
