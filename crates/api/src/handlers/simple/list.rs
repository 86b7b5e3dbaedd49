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

/// Selects a page. Numbers are read as text, so that an invalid one gets the message of its own
/// rule.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The number of the page, from 1.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 4_294_967_295_u64, default = 1, example = 1)]
    page: Option<String>,
    /// Number of links per page.
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

/// A page of links.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkPage {
    /// The links of this page; empty after the last page.
    data: Vec<LinkRecord>,
    /// The number of this page.
    #[schema(value_type = u64, minimum = 1, maximum = 4_294_967_295_u64)]
    page: u32,
    /// Number of links per page.
    #[schema(minimum = 1, maximum = 100)]
    limit: u32,
    /// Number of all links.
    total: u64,
    /// Time up to which every click that this server accepted is counted, in UTC (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    clicks_complete_until: OffsetDateTime,
}

/// List the links, newest first
///
/// Links that the caller owns; for the operator, all links; without a token, if
/// `WAYPOST_ANONYMOUS_LINKS` is set, public links without an owner. Waits up to 1 second for clicks
/// that this server has accepted but not yet stored. Unknown parameters are rejected.
#[utoipa::path(
    get,
    path = "/urls",
    tag = "simple",
    operation_id = "listUrls",
    security((), ("token" = [])),
    params(ListQuery),
    responses(
        (status = 200, description = "A page of links", body = LinkPage),
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
