//! `GET /urls`: lists the links, newest first.

use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use waypost_core::{Actor, PageError, PageRequest};

use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input;
use crate::responses::{Denied, StoreFailure};
use crate::state::State;
use crate::views::simple::LinkRecord;

/// Which page. Texts, not numbers: whatever is no number gets the message of its rule.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The page, from 1.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 4_294_967_295_u64, default = 1, example = 1)]
    page: Option<String>,
    /// How many links a page has.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20, example = 20)]
    limit: Option<String>,
}

impl ListQuery {
    fn page(&self) -> Result<PageRequest, PageError> {
        let number = |text: &Option<String>, default, error| match text {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| error),
        };
        PageRequest::new(
            number(&self.page, 1, PageError::Number)?,
            number(&self.limit, PageRequest::DEFAULT_LIMIT, PageError::Limit)?,
        )
    }
}

/// A page of the list of links.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkPage {
    /// The links of this page; none behind the last page.
    data: Vec<LinkRecord>,
    /// The number of this page.
    #[schema(value_type = u64, minimum = 1, maximum = 4_294_967_295_u64)]
    page: u32,
    /// How many links a page has.
    #[schema(minimum = 1, maximum = 100)]
    limit: u32,
    /// How many links there are.
    total: u64,
    /// Time up to which every click that this server accepted is counted, in UTC (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    clicks_complete_until: OffsetDateTime,
}

/// List the links, newest first
///
/// Those that the caller owns; for the operator all there are, and without a token, where the server allows
/// that (`WAYPOST_ANONYMOUS_LINKS`), the public ones that nobody owns. Clicks that this server has accepted and not
/// yet stored are waited for, at most 1 second. Unknown parameters are refused.
#[utoipa::path(
    get,
    path = "/urls",
    tag = "simple",
    operation_id = "listUrls",
    security((), ("token" = [])),
    params(ListQuery),
    responses(
        (status = 200, description = "A page of the list", body = LinkPage),
        (status = 400, description = "The page or the limit is out of range, or a parameter is unknown", body = ErrorBody<'static>),
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<LinkPage>, ApiError> {
    let asked = input::query::<ListQuery>(&request)?.page()?;
    let clicks_complete_until = state.recorder().settle().await;
    let page = if caller.0 == Actor::Anonymous {
        state.links().nobodys_page(asked).await?
    } else {
        state.links().own_page(&caller.0, asked).await?
    };
    let data = page.items.iter();
    Ok(web::Json(LinkPage {
        data: data
            .map(|link| LinkRecord::new(link, state.shortener()))
            .collect(),
        page: asked.number(),
        limit: asked.limit(),
        total: page.total,
        clicks_complete_until,
    }))
}
