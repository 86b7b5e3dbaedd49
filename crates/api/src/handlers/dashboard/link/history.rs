//! The history of a link: who changed what and when, and restoring versions.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_service::{LinkError, Precondition};

use super::changes::History;
use super::deletion;
use super::editor::{Draft, editor, view};
use super::rows::path_of;
use crate::pages::{Flash, Frame, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input;
use crate::request::input::id_of;
use crate::state::State;
use crate::views::links::LinkView;

/// Number of changes on the history page.
const CHANGES: u32 = 20;
/// The page.
#[derive(Template)]
#[template(path = "dashboard/link/history.html")]
struct HistoryPage<'a> {
    frame: &'a Frame,
    link: LinkView,
    version: u32,
    history: History,
    is_first: bool,
}

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct HistoryQuery {
    cursor: Option<String>,
}

/// The fields of the form of an entry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RestoreForm {
    /// The version of the link that the page shows.
    version: String,
    /// The version to restore; empty to restore a deleted link.
    to: String,
}

/// Shows the changes.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let id = id_of(&request, "id")?;
    let before = input::page_query::<HistoryQuery>(&request)?.cursor;
    let before = before.map(|text| text.parse().map_err(|_| waypost_core::CursorError));
    let before: Option<u32> = before.transpose()?;
    let owned = state.links().kept(&caller.0, id).await?;
    if owned.link.is_deleted() {
        return Ok(frame.go(&path_of(id)));
    }
    let page = HistoryPage {
        frame: &frame,
        link: view(&owned, &caller, &state),
        version: owned.link.version,
        history: History::read(&state, &caller.0, &owned, before, CHANGES).await?,
        is_first: before.is_none(),
    };
    frame.page(StatusCode::OK, &page)
}

/// Restores an earlier version of a link, or a deleted link.
pub(crate) async fn restore(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<RestoreForm>,
    frame: Frame,
) -> PageResult {
    let id = id_of(&request, "id")?;
    let version = match form.to.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| LinkError::NoSuchVersion)?),
    };
    let precondition = match (version, form.version.parse()) {
        // A deleted link can be restored only once, so the form needs no version.
        (None, _) => Precondition::None,
        (Some(_), seen) => Precondition::OneOf(seen.into_iter().collect()),
    };
    let links = state.links();
    let restored = links.restore(&caller.0, id, &precondition, version).await;
    let (status, problem) = match restored {
        Ok(_) => return Ok(frame.go_saying(&path_of(id), Flash::Restored, &state)),
        Err(LinkError::PreconditionFailed) => {
            let message = "not restored: the link has changed in the meantime; \
                check it below, then choose a version again";
            (StatusCode::CONFLICT, Problem::new("", message))
        }
        Err(error) => {
            let problem = Problem::of_link(error.into())?;
            (StatusCode::UNPROCESSABLE_ENTITY, problem)
        }
    };
    let owned = match links.get(&caller.0, id).await {
        Err(LinkError::NotFound) => {
            return deletion::page(&state, &caller, &frame, id, None).await;
        }
        found => found?,
    };
    let draft = Draft {
        problem,
        ..Draft::default()
    };
    editor(&state, &caller, &frame, &owned, status, draft).await
}
