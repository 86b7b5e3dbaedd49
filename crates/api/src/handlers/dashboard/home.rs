//! `GET` and `POST /dashboard`: lists the links that a user owns or that are shared with them, and
//! creates links.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_core::{LinkDetails, LinkId, ShortCode, Title, url_in};
use waypost_service::{LinkError, NewLink};

use super::list::{Links, ListQuery};
use super::{offers, placeholders};
use crate::errors::ApiError;
use crate::pages::{Frame, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input;
use crate::request::quota;
use crate::state::State;
use crate::views::links::LinkView;
use crate::views::people::OfferRecord;

/// Tells htmx the URL to show for a part of the page.
const REPLACE_URL: HeaderName = HeaderName::from_static("hx-replace-url");

/// The page.
#[derive(Template)]
#[template(path = "dashboard/home.html")]
struct HomePage<'a> {
    frame: &'a Frame,
    typed: NewLinkForm,
    /// The names of the placeholders in the destination in the form.
    names: Vec<String>,
    problem: &'a Problem,
    /// The link that was just created.
    made: Option<LinkView>,
    links: Links,
    /// For how long a deleted link can be restored.
    restorable: String,
    /// The links that are offered to the user.
    offers: Vec<OfferRecord>,
}

/// Only the list, for htmx.
#[derive(Template)]
#[template(path = "dashboard/links.html")]
struct LinksPart<'a> {
    frame: &'a Frame,
    links: Links,
}

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct NewLinkForm {
    target: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    title: String,
    /// Present if the box is ticked.
    template: Option<String>,
}

/// The values to fill the form with: from a bookmark, from a page shared by another program, or
/// from a page that offers to create a link.
#[derive(Debug, Default, Deserialize)]
struct Prefill {
    #[serde(default)]
    target: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    title: String,
    /// Shared text that may contain the destination.
    #[serde(default)]
    text: String,
}

/// Shows the page, or only the list during a search.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let query: ListQuery = input::page_query(&request)?;
    let made = made(&query, &state, &caller).await;
    let links = query.find(&caller, &state).await?;
    if frame.is_htmx() {
        let path = format!("{}{}", frame.base(), links.path());
        let frame = &frame;
        let mut part = frame.part(StatusCode::OK, &LinksPart { frame, links })?;
        if let Ok(path) = HeaderValue::try_from(path) {
            part.headers_mut().insert(REPLACE_URL, path);
        }
        return Ok(part);
    }
    let typed = NewLinkForm::from(input::page_query::<Prefill>(&request)?);
    let page = HomePage {
        frame: &frame,
        names: placeholders::found(&typed.target, &state),
        typed,
        problem: &Problem::NONE,
        made,
        links,
        restorable: state.installation().restorable(),
        offers: offers::listed(&caller, &state).await?,
    };
    frame.page(StatusCode::OK, &page)
}

/// Returns the link that was just created, if the caller can see it.
async fn made(query: &ListQuery, state: &State, caller: &Caller) -> Option<LinkView> {
    let id = uuid::Uuid::try_parse(&query.created).ok()?;
    let found = state.links().get(&caller.0, LinkId::from_uuid(id));
    let owned = found.await.ok()?;
    Some(LinkView::new(&owned, &caller.0, state.shortener()))
}

/// Creates a link.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<NewLinkForm>,
    frame: Frame,
) -> PageResult {
    let made = async {
        let new = form.read(&state)?;
        quota::pay_links(&request, &caller.0, &state, 1)?;
        Ok(state.links().create(&caller.0, new).await?)
    };
    match made.await {
        Ok(made) => Ok(frame.go(&format!("/dashboard?created={}", made.link.id))),
        Err(error) => {
            let page = HomePage {
                frame: &frame,
                problem: &Problem::of_link(error)?,
                names: placeholders::found(&form.target, &state),
                typed: form,
                made: None,
                links: ListQuery::default().find(&caller, &state).await?,
                restorable: state.installation().restorable(),
                offers: offers::listed(&caller, &state).await?,
            };
            frame.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

impl NewLinkForm {
    fn read(&self, state: &State) -> Result<NewLink, ApiError> {
        let code = self.code.trim();
        let code = (!code.is_empty()).then(|| ShortCode::parse(code));
        let target = state.shortener().target(&self.target);
        Ok(NewLink {
            target: target.map_err(LinkError::from)?,
            code: code.transpose().map_err(LinkError::from)?,
            details: LinkDetails {
                title: Title::parse(&self.title)?,
                template: self.template.is_some(),
                ..LinkDetails::default()
            },
        })
    }

    /// Whether the collapsed part of the form has entries.
    fn has_more(&self) -> bool {
        !self.code.is_empty() || !self.title.is_empty() || self.template.is_some()
    }
}

impl From<Prefill> for NewLinkForm {
    fn from(prefill: Prefill) -> Self {
        let is_target =
            |word: &Cow<'_, str>| word.starts_with("https://") || word.starts_with("http://");
        let mut words = prefill.text.split_whitespace().map(url_in);
        let target = match url_in(&prefill.target) {
            target if target.is_empty() => words.find(is_target).unwrap_or_default(),
            target => target,
        };
        let title = prefill.title.split_whitespace().collect::<Vec<_>>();
        Self {
            target: target.into_owned(),
            code: prefill.code,
            // The title of a page can have any length.
            title: title.join(" ").chars().take(Title::MAX_CHARS).collect(),
            template: None,
        }
    }
}
