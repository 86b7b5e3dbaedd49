//! Deleting a link, listing deleted links and permanently deleting them.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_core::{Action, CursorError, LinkId, LinkOrder, LinkPlace};
use waypost_service::{LinkError, Precondition};
use waypost_store::{LinkQuery, LinkReader};

use super::editor::{Draft, editor, view};
use super::form::LinkForm;
use super::rows::{name_of, path_of};
use crate::pages::{Flash, Frame, Moment, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input;
use crate::request::input::id_of;
use crate::state::State;
use crate::views::links::LinkView;

/// Number of deleted links on a page.
const LINKS: u32 = 25;

/// The page of a deleted link.
#[derive(Template)]
#[template(path = "dashboard/link/deleted.html")]
struct DeletedPage<'a> {
    frame: &'a Frame,
    link: LinkView,
    version: u32,
    at: Moment,
    /// When it is purged.
    until: Moment,
    /// The name of the user who deleted it, if known.
    by: Option<String>,
    may_destroy: bool,
    /// The entries of a form that was sent after the link was deleted.
    typed: Vec<(&'static str, String)>,
}

/// The list of deleted links.
#[derive(Template)]
#[template(path = "dashboard/link/deleted_list.html")]
struct DeletedListPage<'a> {
    frame: &'a Frame,
    rows: Vec<(LinkView, Moment)>,
    /// For how long a deleted link can be restored.
    restorable: String,
    path: String,
    is_later: bool,
    next: Option<String>,
}

/// The fields of a form that names the version of the link.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VersionForm {
    version: String,
}

/// The query of the list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListQuery {
    cursor: Option<String>,
}

/// Deletes the link. It can be restored.
pub(crate) async fn delete(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<VersionForm>,
    frame: Frame,
) -> PageResult {
    let (id, links) = (id_of(&request, "id")?, state.links());
    let (status, problem) = match links.delete(&caller.0, id, &form.precondition()).await {
        Ok(()) => return Ok(frame.go_saying(&path_of(id), Flash::Deleted, &state)),
        // The link was deleted at the same time, or the caller cannot see it.
        Err(LinkError::NotFound) => return page(&state, &caller, &frame, id, None).await,
        Err(LinkError::PreconditionFailed) => {
            let message = "not deleted: the link has changed in the meantime; \
                check it below, then delete it again";
            (StatusCode::CONFLICT, Problem::new("", message))
        }
        Err(error) => {
            let problem = Problem::of_link(error.into())?;
            (StatusCode::UNPROCESSABLE_ENTITY, problem)
        }
    };
    let owned = links.get(&caller.0, id).await?;
    let draft = Draft {
        problem,
        ..Draft::default()
    };
    editor(&state, &caller, &frame, &owned, status, draft).await
}

/// Permanently deletes the link.
pub(crate) async fn destroy(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<VersionForm>,
    frame: Frame,
) -> PageResult {
    let (id, links) = (id_of(&request, "id")?, caller.links(&state));
    match links.destroy(&caller.0, id, &form.precondition()).await {
        Ok(()) => Ok(frame.go_saying("/dashboard", Flash::Destroyed, &state)),
        // The link is not the version that the page showed: show it again.
        Err(LinkError::PreconditionFailed) => Ok(frame.go(&path_of(id))),
        Err(error) => Err(error.into()),
    }
}

/// Shows the page of a deleted link to users who can restore it.
///
/// # Errors
/// `NOT_FOUND` for all other users.
pub(super) async fn page(
    state: &State,
    caller: &Caller,
    frame: &Frame,
    id: LinkId,
    typed: Option<&LinkForm>,
) -> PageResult {
    let (links, actor) = (state.links(), &caller.0);
    let owned = links.kept(actor, id).await?;
    let Some(at) = owned.link.deleted_at else {
        // The link was restored in the meantime.
        return Ok(frame.go(&path_of(id)));
    };
    let newest = links.history(actor, id, None, 1).await?;
    let by = newest.first().and_then(|version| version.by.as_ref());
    let zone = state.recorder().zone();
    let page = DeletedPage {
        frame,
        link: view(&owned, caller, state),
        version: owned.link.version,
        at: Moment::from(at),
        until: Moment::from(state.installation().restorable_until(at)),
        by: by.map(name_of),
        may_destroy: owned.is_for(actor, Action::DestroyLink),
        typed: typed.map_or_else(Vec::new, |form| form.described(zone).into()),
    };
    let status = match typed {
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::OK,
    };
    frame.page(status, &page)
}

/// Lists the deleted links that the caller can restore.
pub(crate) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let order = LinkOrder::default();
    let after = input::page_query::<ListQuery>(&request)?.cursor;
    let after = after.map(|text| LinkPlace::parse(&text, order));
    let query = LinkQuery {
        deleted: true,
        order,
        after: after.transpose().map_err(|_| CursorError)?,
        ..LinkQuery::newest(LinkReader::All, LINKS.saturating_add(1))
    };
    let is_later = query.after.is_some();
    let mut links = state.links().list(&caller.0, query).await?;
    let most = usize::try_from(LINKS).unwrap_or(usize::MAX);
    let has_more = links.len() > most;
    links.truncate(most);
    let last = links.last().filter(|_| has_more);
    let next = last.map(|last| LinkPlace::behind(&last.link, order).to_string());
    let row = |owned: &waypost_service::OwnedLink| {
        let at = owned.link.deleted_at.unwrap_or(owned.link.updated_at);
        (view(owned, &caller, &state), Moment::from(at))
    };
    let page = DeletedListPage {
        frame: &frame,
        rows: links.iter().map(row).collect(),
        restorable: state.installation().restorable(),
        path: format!("{}/dashboard/deleted", frame.base()),
        is_later,
        next,
    };
    frame.page(StatusCode::OK, &page)
}

impl VersionForm {
    /// Requires the version that the page showed. Without one no version matches.
    fn precondition(&self) -> Precondition {
        Precondition::OneOf(self.version.parse().into_iter().collect())
    }
}
