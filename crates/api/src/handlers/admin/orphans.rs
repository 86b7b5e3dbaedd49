//! `GET` and `POST /admin/orphans`: lists orphan paths, offers to create links for them, and
//! dismisses them.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::{ORPHANS, address, given};
use crate::errors::{ApiError, ErrorCode};
use crate::handlers::v1::orphans::{OrphanParams, forgotten, listed};
use crate::pages::{Flash, Frame, Moment, PageForm, PageResult, Problem};
use crate::request::input;
use crate::state::State;
use crate::views::orphans::{OrphanList, OrphanRecord};

/// The page.
#[derive(Template)]
#[template(path = "admin/orphans.html")]
struct OrphansPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    from: &'a str,
    to: &'a str,
    zone: &'a str,
    problem: &'a Problem,
    orphans: Vec<OrphanRow>,
    path: String,
    first: bool,
    next: Option<String>,
}

/// An orphan path in the list.
struct OrphanRow {
    path: String,
    /// The path of the page that creates a link for it.
    make: String,
    hits: u64,
    days: u32,
    first_at: Moment,
    last_at: Moment,
}

/// The days to list.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    cursor: Option<String>,
}

/// The fields of the form that dismisses a path.
#[derive(Debug, Deserialize)]
pub(crate) struct ForgetForm {
    #[serde(default)]
    path: String,
}

/// Lists orphan paths, the most requested first.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    frame: Frame,
) -> PageResult {
    let asked = input::page_query::<Asked>(&request)?;
    let query = OrphanParams {
        from: given(&asked.from),
        to: given(&asked.to),
        cursor: asked.cursor.clone(),
        limit: None,
    };
    let (list, problem) = match listed(query, &state).await {
        Ok(list) => (list, Problem::NONE),
        Err(error) => (asked.nothing(), problem(error)?),
    };
    let base = frame.base();
    let page = OrphansPage {
        frame: &frame,
        tab: ORPHANS,
        is_tab: true,
        from: &list.from,
        to: &list.to,
        zone: state.recorder().zone().name(),
        problem: &problem,
        path: address(base, ORPHANS, &[("from", &list.from), ("to", &list.to)]),
        orphans: list.orphans.into_iter().map(|it| row(it, base)).collect(),
        first: asked.cursor.is_some(),
        next: list.next_cursor,
    };
    let status = if problem == Problem::NONE {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    frame.page(status, &page)
}

/// Dismisses a path.
pub(crate) async fn forget(
    state: web::Data<State>,
    PageForm(form): PageForm<ForgetForm>,
    frame: Frame,
) -> PageResult {
    forgotten(&form.path, &state).await?;
    Ok(frame.go_saying(ORPHANS, Flash::PathForgotten, &state))
}

impl Asked {
    /// Returns an empty list for the requested days.
    fn nothing(&self) -> OrphanList {
        OrphanList {
            from: self.from.clone(),
            to: self.to.clone(),
            orphans: Vec::new(),
            next_cursor: None,
        }
    }
}

/// Returns the error of a day. Fails with the error itself if it is about the cursor.
fn problem(error: ApiError) -> Result<Problem, ApiError> {
    let message = error.body().message.into_owned();
    match (error.code(), message.as_str()) {
        (ErrorCode::BadRequest, message) if message.starts_with("`from`") => Ok(Problem::new(
            "from",
            &message.replace("`from`", "the first day"),
        )),
        (ErrorCode::BadRequest, message) if message.starts_with("`to`") => {
            Ok(Problem::new("to", &message.replace("`to`", "the last day")))
        }
        (ErrorCode::BadRequest, message) if message.starts_with("the last day") => {
            Ok(Problem::new("to", message))
        }
        _ => Err(error),
    }
}

fn row(orphan: OrphanRecord, base: &str) -> OrphanRow {
    let make = [("code", orphan.path.as_str()), ("from", "orphan")];
    OrphanRow {
        make: address(base, "/dashboard", &make),
        path: orphan.path,
        hits: orphan.hits,
        days: orphan.days,
        first_at: orphan.first_at.into(),
        last_at: orphan.last_at.into(),
    }
}
