//! `GET /admin/links`: lists the links of all users, including deleted ones.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::{LINKS, address, given};
use crate::errors::{ApiError, ErrorCode};
use crate::handlers::v1::links::{LinkList, LinksQuery, all};
use crate::pages::{Frame, Moment, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input;
use crate::state::State;
use crate::views::links::LinkView;

/// The page.
#[derive(Template)]
#[template(path = "admin/links.html")]
struct LinksPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    asked: &'a Asked,
    problem: &'a Problem,
    links: Vec<LinkRow>,
    path: String,
    first: bool,
    next: Option<String>,
}

/// A link in the list.
struct LinkRow {
    view: LinkView,
    created_at: Moment,
    deleted_at: Option<Moment>,
}

/// The filters of the list.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    visibility: String,
    #[serde(default)]
    deleted: String,
    #[serde(default)]
    sort: String,
    cursor: Option<String>,
}

/// Lists the links.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let asked = input::page_query::<Asked>(&request)?;
    let (list, problem) = match all(&asked.query(), &caller, &state).await {
        Ok(list) => (list, Problem::NONE),
        Err(error) => (LinkList::empty(), problem(error)?),
    };
    let path = [
        ("q", asked.q.as_str()),
        ("owner", &asked.owner),
        ("visibility", &asked.visibility),
        ("deleted", &asked.deleted),
        ("sort", &asked.sort),
    ];
    let page = LinksPage {
        frame: &frame,
        tab: LINKS,
        is_tab: true,
        path: address(frame.base(), LINKS, &path),
        problem: &problem,
        links: list.links.into_iter().map(LinkRow::from).collect(),
        first: asked.cursor.is_some(),
        next: list.next_cursor,
        asked: &asked,
    };
    let status = if problem == Problem::NONE {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    frame.page(status, &page)
}

impl Asked {
    fn query(&self) -> LinksQuery {
        LinksQuery {
            q: given(&self.q),
            owner: given(&self.owner),
            visibility: given(&self.visibility),
            deleted: given(&self.deleted),
            sort: given(&self.sort),
            cursor: self.cursor.clone(),
            ..LinksQuery::default()
        }
    }

    /// Whether this visibility is selected.
    fn shows(&self, visibility: &str) -> bool {
        self.visibility == visibility
    }

    /// Whether this order is selected.
    fn sorts(&self, order: &str) -> bool {
        self.sort == order
    }

    /// Whether there is no filter.
    fn is_all(&self) -> bool {
        let asked = [&self.q, &self.owner, &self.visibility, &self.deleted];
        asked.iter().all(|field| field.trim().is_empty())
    }
}

/// Returns the error of a field. Fails with the error itself if the form of this page cannot cause
/// it.
fn problem(error: ApiError) -> Result<Problem, ApiError> {
    let message = error.body().message.into_owned();
    match error.code() {
        ErrorCode::BadRequest if message.starts_with("`owner`") => Ok(Problem::new(
            "owner",
            "enter the email address of a user, or me",
        )),
        ErrorCode::BadRequest if message.starts_with("`q`") => Ok(Problem::new(
            "q",
            "a search must have at most 200 characters",
        )),
        _ => Err(error),
    }
}

impl From<LinkView> for LinkRow {
    fn from(view: LinkView) -> Self {
        Self {
            created_at: view.created_at.into(),
            deleted_at: view.deleted_at.map(Moment::from),
            view,
        }
    }
}
