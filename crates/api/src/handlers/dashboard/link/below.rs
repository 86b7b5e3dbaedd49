//! `GET /dashboard/links/{id}/below`: the codes of other links below a link.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use waypost_core::{Action, LinkId};
use waypost_service::{LinkError, OwnedLink};

use super::editor::view;
use super::rows::path_of;
use crate::errors::ApiError;
use crate::handlers::v1::paths::listed_below;
use crate::pages::{Frame, PageResult};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::request::paging::PartQuery;
use crate::state::State;
use crate::views::links::LinkView;
use crate::views::paths::{CodeBelowView, CodesBelowList};

/// Number of codes on the page of the upper link.
const SHOWN: u32 = 5;

/// The page.
#[derive(Template)]
#[template(path = "dashboard/link/below.html")]
struct BelowPage<'a> {
    frame: &'a Frame,
    link: LinkView,
    codes: Vec<CodeBelowView>,
    path: String,
    first: bool,
    next: Option<String>,
}

/// Shows the codes in alphabetical order.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let id = id_of(&request, "id")?;
    let query = PartQuery::of_page(&request)?;
    let owned: OwnedLink = state.links().get(&caller.0, id).await?;
    if !owned.is_for(&caller.0, Action::ViewBelow) {
        return Err(LinkError::Forbidden.into());
    }
    let list = listed_below(&query, id, &caller, &state).await?;
    let page = BelowPage {
        frame: &frame,
        link: view(&owned, &caller, &state),
        codes: list.codes,
        path: format!("{}{}/below", frame.base(), path_of(id)),
        first: query.cursor.is_some(),
        next: list.next_cursor,
    };
    frame.page(StatusCode::OK, &page)
}

/// Returns the first codes, for the page of the upper link.
pub(super) async fn first(
    id: LinkId,
    caller: &Caller,
    state: &State,
) -> Result<CodesBelowList, ApiError> {
    let query = PartQuery {
        limit: Some(SHOWN.to_string()),
        cursor: None,
    };
    listed_below(&query, id, caller, state).await
}
