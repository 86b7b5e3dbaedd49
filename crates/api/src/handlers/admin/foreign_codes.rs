//! `GET /admin/foreign-codes`: lists codes below links of other owners.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::{FOREIGN_CODES, address};
use crate::handlers::v1::paths::listed_foreign;
use crate::pages::{Frame, PageResult};
use crate::request::caller::Caller;
use crate::request::paging::PartQuery;
use crate::state::State;
use crate::views::paths::ForeignCodeRecord;

/// The page.
#[derive(Template)]
#[template(path = "admin/foreign_codes.html")]
struct ForeignCodesPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    codes: Vec<ForeignCodeRecord>,
    path: String,
    first: bool,
    next: Option<String>,
}

/// Lists the codes in alphabetical order.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let query = PartQuery::of_page(&request)?;
    let list = listed_foreign(&query, &caller, &state).await?;
    let page = ForeignCodesPage {
        frame: &frame,
        tab: FOREIGN_CODES,
        is_tab: true,
        codes: list.codes,
        path: address(frame.base(), FOREIGN_CODES, &[]),
        first: query.cursor.is_some(),
        next: list.next_cursor,
    };
    frame.page(StatusCode::OK, &page)
}
