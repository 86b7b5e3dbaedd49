//! `/admin/blocklist`: hosts that cannot be destinations.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::BLOCKLIST;
use crate::errors::{ApiError, ErrorCode};
use crate::handlers::v1::blocklist::{BlockFields, blocked, listed, unblocked};
use crate::pages::{Flash, Frame, Moment, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::paging::PartQuery;
use crate::state::State;
use crate::views::blocklist::BlockedRecord;

/// The page.
#[derive(Template)]
#[template(path = "admin/blocklist.html")]
struct BlocklistPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    typed: &'a BlockForm,
    problem: &'a Problem,
    blocked: Vec<BlockedRow>,
    path: String,
    first: bool,
    next: Option<String>,
}

/// An entry.
struct BlockedRow {
    pattern: String,
    reason: String,
    created_at: Moment,
}

/// The fields of the form that blocks a host.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct BlockForm {
    #[serde(default)]
    pattern: String,
    #[serde(default)]
    reason: String,
}

/// The fields of the form that unblocks a host.
#[derive(Debug, Deserialize)]
pub(crate) struct UnblockForm {
    #[serde(default)]
    pattern: String,
}

/// Lists the blocked hosts, sorted by pattern.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    frame: Frame,
) -> PageResult {
    let query = PartQuery::of_page(&request)?;
    let typed = BlockForm::default();
    shown(&state, &frame, &query, &typed, &Problem::NONE).await
}

/// Blocks a host.
pub(crate) async fn block(
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<BlockForm>,
    frame: Frame,
) -> PageResult {
    let fields = BlockFields {
        pattern: form.pattern.trim().to_owned(),
        reason: form.reason.clone(),
    };
    match blocked(&fields, &caller, &state).await {
        Ok(_) => Ok(frame.go_saying(BLOCKLIST, Flash::HostBlocked, &state)),
        Err(error) => {
            let query = PartQuery::default();
            shown(&state, &frame, &query, &form, &problem(error)?).await
        }
    }
}

/// Unblocks a host.
pub(crate) async fn unblock(
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<UnblockForm>,
    frame: Frame,
) -> PageResult {
    unblocked(&form.pattern, &caller, &state).await?;
    Ok(frame.go_saying(BLOCKLIST, Flash::HostUnblocked, &state))
}

fn problem(error: ApiError) -> Result<Problem, ApiError> {
    let message = error.body().message.replace("`pattern`", "the host");
    match error.code() {
        ErrorCode::BadRequest | ErrorCode::Conflict => Ok(Problem::new("pattern", &message)),
        ErrorCode::DetailInvalid => Ok(Problem::new(
            "reason",
            "a reason must be one line of at most 200 characters",
        )),
        _ => Err(error),
    }
}

async fn shown(
    state: &State,
    frame: &Frame,
    query: &PartQuery,
    typed: &BlockForm,
    problem: &Problem,
) -> PageResult {
    let list = listed(query, state).await?;
    let page = BlocklistPage {
        frame,
        tab: BLOCKLIST,
        is_tab: true,
        typed,
        problem,
        blocked: list.blocklist.into_iter().map(BlockedRow::from).collect(),
        path: format!("{}{BLOCKLIST}", frame.base()),
        first: query.cursor.is_some(),
        next: list.next_cursor,
    };
    let status = if *problem == Problem::NONE {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    frame.page(status, &page)
}

impl From<BlockedRecord> for BlockedRow {
    fn from(blocked: BlockedRecord) -> Self {
        Self {
            pattern: blocked.pattern,
            reason: blocked.reason,
            created_at: blocked.created_at.into(),
        }
    }
}
