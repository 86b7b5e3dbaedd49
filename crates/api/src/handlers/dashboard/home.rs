//! `GET` and `POST /dashboard`: one's links, and making one.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_core::{LinkDetails, ShortCode};
use waypost_store::{LinkError, LinkQuery, LinkReader, NewLink};

use crate::caller::Caller;
use crate::errors::ApiError;
use crate::handlers::v1::view::LinkView;
use crate::limits;
use crate::pages::{Flash, Frame, PageForm, PageResult, Problem};
use crate::state::State;

/// So many links are on a page.
const LINKS: u32 = 25;

/// The page.
#[derive(Template)]
#[template(path = "dashboard/home.html")]
struct HomePage<'a> {
    frame: &'a Frame,
    typed: NewLinkForm,
    problem: &'a Problem,
    links: Vec<LinkView>,
}

/// The list alone.
#[derive(Template)]
#[template(path = "dashboard/links.html")]
struct LinksPart<'a> {
    frame: &'a Frame,
    links: Vec<LinkView>,
}

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct NewLinkForm {
    target: String,
    #[serde(default)]
    code: String,
}

/// Shows them, the newest first.
pub(crate) async fn show(state: web::Data<State>, caller: Caller, frame: Frame) -> PageResult {
    let links = links(&state, &caller).await?;
    if frame.is_of_htmx() {
        let frame = &frame;
        return frame.part(StatusCode::OK, &LinksPart { frame, links });
    }
    let page = HomePage {
        frame: &frame,
        typed: NewLinkForm::default(),
        problem: &Problem::NONE,
        links,
    };
    frame.page(StatusCode::OK, &page)
}

/// Makes a link.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<NewLinkForm>,
    frame: Frame,
) -> PageResult {
    let made = async {
        let new = form.read(&state)?;
        limits::pay_links(&request, &caller.0, &state, 1)?;
        Ok(state.links().create(&caller.0, new).await?)
    };
    match made.await {
        Ok(_) => Ok(frame.go_saying("/dashboard", Flash::Made, &state)),
        Err(error) => {
            let page = HomePage {
                frame: &frame,
                problem: &Problem::of_link(error)?,
                typed: form,
                links: links(&state, &caller).await?,
            };
            frame.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

impl NewLinkForm {
    fn read(&self, state: &State) -> Result<NewLink, ApiError> {
        let code = self.code.trim();
        let code = (!code.is_empty()).then(|| ShortCode::parse(code));
        let target = state.shortener().target(self.target.trim());
        Ok(NewLink {
            target: target.map_err(LinkError::from)?,
            code: code.transpose().map_err(LinkError::from)?,
            details: LinkDetails::default(),
        })
    }
}

async fn links(state: &State, caller: &Caller) -> Result<Vec<LinkView>, ApiError> {
    state.recorder().settle().await;
    let query = LinkQuery {
        owner: caller.0.user_id(),
        ..LinkQuery::newest(LinkReader::All, LINKS)
    };
    let links = state.links().list(&caller.0, query).await?;
    let view = |owned| LinkView::new(owned, &caller.0, state.shortener());
    Ok(links.iter().map(view).collect())
}
