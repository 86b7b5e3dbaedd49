//! `/admin/keywords/{id}`: changes and removes a keyword.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use waypost_core::{Description, Link, ShortCode, Title};
use waypost_service::{LinkError, LinkPatch, Precondition};

use super::KEYWORDS;
use super::keywords::KeywordForm;
use crate::errors::ApiError;
use crate::handlers::settings::sessions::NoFields;
use crate::pages::{Flash, Frame, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::state::State;
use crate::views::keywords::KeywordRecord;

/// The page.
#[derive(Template)]
#[template(path = "admin/keyword.html")]
struct KeywordPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    keyword: KeywordRecord,
    typed: &'a KeywordForm,
    problem: &'a Problem,
}

/// Shows the form.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let keyword = find(&request, &caller, &state).await?;
    let details = &keyword.details;
    let typed = KeywordForm {
        code: keyword.code.spelling().to_owned(),
        target: keyword.target.as_str().to_owned(),
        title: details.title.as_str().to_owned(),
        description: details.description.as_str().to_owned(),
        forward_query: details.forward_query.then(|| "on".to_owned()),
    };
    shown(&keyword, &state, &frame, &typed, &Problem::NONE)
}

/// Changes the keyword.
pub(crate) async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<KeywordForm>,
    frame: Frame,
) -> PageResult {
    let keyword = find(&request, &caller, &state).await?;
    let changed = async {
        let patch = form.read(&state)?;
        let links = state.links();
        let edited = links.edit(&caller.0, keyword.id, &Precondition::None, &patch);
        Ok::<_, ApiError>(edited.await?)
    };
    match changed.await {
        Ok(_) => Ok(frame.go_saying(KEYWORDS, Flash::Saved, &state)),
        Err(error) => {
            let problem = Problem::of_link(error)?;
            shown(&keyword, &state, &frame, &form, &problem)
        }
    }
}

/// Removes the keyword.
pub(crate) async fn remove(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(NoFields {}): PageForm<NoFields>,
    frame: Frame,
) -> PageResult {
    let keyword = find(&request, &caller, &state).await?;
    let links = caller.links(&state);
    links
        .remove_keyword(&caller.0, keyword.code.as_str())
        .await?;
    Ok(frame.go_saying(KEYWORDS, Flash::KeywordRemoved, &state))
}

async fn find(request: &HttpRequest, caller: &Caller, state: &State) -> Result<Link, ApiError> {
    let found = state.links().get(&caller.0, id_of(request, "id")?).await?;
    let is_it = |link: &Link| link.is_keyword && link.deleted_at.is_none();
    Some(found.link)
        .filter(is_it)
        .ok_or_else(ApiError::no_such_thing)
}

impl KeywordForm {
    fn read(&self, state: &State) -> Result<LinkPatch, ApiError> {
        let target = state.links().keyword_target(self.target.trim());
        Ok(LinkPatch {
            code: Some(ShortCode::parse(self.code.trim()).map_err(LinkError::from)?),
            target: Some(target.map_err(LinkError::from)?),
            title: Some(Title::parse(&self.title)?),
            description: Some(Description::parse(&self.description())?),
            forward_query: Some(self.forward_query.is_some()),
            ..LinkPatch::default()
        })
    }
}

fn shown(
    keyword: &Link,
    state: &State,
    frame: &Frame,
    typed: &KeywordForm,
    problem: &Problem,
) -> PageResult {
    let page = KeywordPage {
        frame,
        tab: KEYWORDS,
        is_tab: false,
        keyword: KeywordRecord::new(keyword, state.shortener()),
        typed,
        problem,
    };
    let status = if *problem == Problem::NONE {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    frame.page(status, &page)
}
