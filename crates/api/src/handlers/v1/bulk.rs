//! `POST /api/v1/links/bulk`: creates many links and returns a result for each.

use actix_web::http::StatusCode;
use actix_web::{FromRequest as _, HttpRequest, web};
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

/// Maximum number of links in one request.
const MAX_LINKS: usize = 1_000;
/// Maximum length of the body, in bytes.
const BULK_BYTES: usize = 4 * 1_024 * 1_024;
/// Number of links that are created at the same time.
const AT_ONCE: usize = 4;

/// The links to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkRequest {
    /// The links, each as in `POST /api/v1/links`.
    // Parsed one by one later, so that an invalid link does not affect the others.
    #[schema(value_type = Vec<Fields>, max_items = 1000)]
    links: Vec<Box<RawValue>>,
}

/// The results, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkResults {
    results: Vec<BulkResult>,
}

/// The result for one link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// The HTTP status that a single request would have had: 201 for a created link.
    #[schema(minimum = 100, maximum = 599)]
    status: u16,
    /// The created link.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = LinkView, required = false)]
    link: Option<LinkView>,
    /// Why no link was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ErrorBody<'static>, required = false)]
    error: Option<ErrorBody<'static>>,
}

/// Create many links
///
/// Creates up to 1,000 links independently; a failure does not affect the others. A user can send 4
/// such requests at a time.
#[utoipa::path(
    post,
    path = "/api/v1/links/bulk",
    tag = "links",
    operation_id = "createLinks",
    security(("token" = [])),
    request_body(content = BulkRequest, description = "At most 4 MiB of JSON. Unknown fields are rejected."),
    responses(
        (status = 200, description = "The result for each link", body = BulkResults),
        BadBody,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<web::Json<BulkResults>, ApiError> {
    let _place = state.limits().large_bodies.take(caller.0.user_id())?;
    let mut payload = payload.into_inner();
    let body = JsonObject::<BulkRequest, BULK_BYTES>::from_request(&request, &mut payload);
    let JsonObject(asked) = body.await?;
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
                tracing::error!(
                    code,
                    error = chain,
                    "creating a link of a bulk request failed"
                );
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
