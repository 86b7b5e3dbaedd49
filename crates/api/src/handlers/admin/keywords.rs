//! `GET` and `POST /admin/keywords`: lists and creates keywords.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::KEYWORDS;
use crate::handlers::v1::keywords::{KeywordFields, listed, made};
use crate::pages::{Flash, Frame, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::paging::PartQuery;
use crate::state::State;
use crate::views::keywords::KeywordRecord;

/// The page.
#[derive(Template)]
#[template(path = "admin/keywords.html")]
struct KeywordsPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    typed: &'a KeywordForm,
    problem: &'a Problem,
    keywords: Vec<KeywordRecord>,
    path: String,
    first: bool,
    next: Option<String>,
}

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct KeywordForm {
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) target: String,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) description: String,
    /// Present if the box is ticked.
    pub(super) forward_query: Option<String>,
}

impl KeywordForm {
    /// Returns the description with LF line endings; forms send CRLF.
    pub(super) fn description(&self) -> String {
        self.description.trim().replace("\r\n", "\n")
    }
}

/// Lists the keywords in alphabetical order.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let query = PartQuery::of_page(&request)?;
    let typed = KeywordForm {
        forward_query: Some("on".to_owned()),
        ..KeywordForm::default()
    };
    shown(&state, &caller, &frame, &query, &typed, &Problem::NONE).await
}

/// Creates a keyword.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<KeywordForm>,
    frame: Frame,
) -> PageResult {
    let fields = KeywordFields {
        keyword: form.code.trim().to_owned(),
        url: form.target.trim().to_owned(),
        title: form.title.trim().to_owned(),
        description: form.description(),
        forward_query: form.forward_query.is_some(),
    };
    match made(&fields, &request, &caller, &state).await {
        Ok(_) => Ok(frame.go_saying(KEYWORDS, Flash::KeywordMade, &state)),
        Err(error) => {
            let problem = Problem::of_link(error)?;
            let query = PartQuery::default();
            shown(&state, &caller, &frame, &query, &form, &problem).await
        }
    }
}

async fn shown(
    state: &State,
    caller: &Caller,
    frame: &Frame,
    query: &PartQuery,
    typed: &KeywordForm,
    problem: &Problem,
) -> PageResult {
    let list = listed(query, caller, state).await?;
    let page = KeywordsPage {
        frame,
        tab: KEYWORDS,
        is_tab: true,
        typed,
        problem,
        keywords: list.keywords,
        path: format!("{}{KEYWORDS}", frame.base()),
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
