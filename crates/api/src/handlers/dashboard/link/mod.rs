//! `/dashboard/links/{id}`: the page of a link. Owners and admins edit it here, other users who can
//! see it read it.
//!
//! A form contains the version of the link that it shows. If the link has a newer version, nothing
//! is changed: the page shows the entries together with the stored values.

pub(crate) mod deletion;
mod form;
pub(crate) mod history;
pub(crate) mod people;
mod save;

pub(crate) use save::save;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use waypost_core::{Action, LinkId, Person};
use waypost_service::{LinkError, OwnedLink};

use self::form::{Change, LinkForm};
use self::history::History;
use self::people::{PersonForm, PersonRow};
use crate::pages::{Frame, Moment, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::state::State;
use crate::views::links::LinkView;

/// Number of changes on the page of a link.
const CHANGES: u32 = 5;
/// The page for users who can edit the link.
#[derive(Template)]
#[template(path = "dashboard/link/edit.html")]
struct EditPage<'a> {
    frame: &'a Frame,
    link: LinkView,
    /// The newest version.
    version: u32,
    form: &'a LinkForm,
    problem: &'a Problem,
    stale: Option<&'a Stale>,
    /// The time zone of the form.
    zone: &'a str,
    has_expired: bool,
    owners: Vec<PersonRow>,
    viewers: Vec<PersonRow>,
    person: &'a PersonForm,
    history: History,
}

/// The page for users who can only read it.
#[derive(Template)]
#[template(path = "dashboard/link/read.html")]
struct ReadPage<'a> {
    frame: &'a Frame,
    link: LinkView,
    expires: Option<Moment>,
    has_expired: bool,
    owners: Vec<PersonRow>,
}

/// Unsaved entries that a page shows.
#[derive(Default)]
struct Draft {
    /// The entries; `None` shows the stored values.
    form: Option<LinkForm>,
    problem: Problem,
    stale: Option<Stale>,
    person: PersonForm,
}

/// A form whose version of the link is outdated.
struct Stale {
    /// The name of the user who changed the link, if known.
    by: Option<String>,
    at: Moment,
    /// The stored values that differ from the entries.
    differences: Vec<Change>,
}

/// Shows the link.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let id = id_of(&request, "id")?;
    state.recorder().settle().await;
    match state.links().get(&caller.0, id).await {
        Ok(owned) if owned.is_for(&caller.0, Action::EditLink) => {
            editor(
                &state,
                &caller,
                &frame,
                &owned,
                StatusCode::OK,
                Draft::default(),
            )
            .await
        }
        Ok(owned) => {
            let link = view(&owned, &caller, &state);
            let page = ReadPage {
                frame: &frame,
                expires: link.content.expires_at.map(Moment::from),
                has_expired: has_expired(&owned, &state),
                owners: PersonRow::owners(&owned, &frame),
                link,
            };
            frame.page(StatusCode::OK, &page)
        }
        Err(LinkError::NotFound) => deletion::page(&state, &caller, &frame, id, None).await,
        Err(error) => Err(error.into()),
    }
}

/// Shows the page of a link for users who can edit it, with unsaved entries.
async fn editor(
    state: &State,
    caller: &Caller,
    frame: &Frame,
    owned: &OwnedLink,
    status: StatusCode,
    draft: Draft,
) -> PageResult {
    let (links, link) = (state.links(), &owned.link);
    let zone = state.recorder().zone();
    let shares = links.shares(&caller.0, link.id).await?;
    let form = draft.form.unwrap_or_else(|| LinkForm::of_link(link, zone));
    let page = EditPage {
        frame,
        link: view(owned, caller, state),
        version: link.version,
        form: &form,
        problem: &draft.problem,
        stale: draft.stale.as_ref(),
        zone: zone.name(),
        has_expired: has_expired(owned, state),
        owners: PersonRow::owners(owned, frame),
        viewers: shares
            .iter()
            .map(|person| PersonRow::viewer(person, frame))
            .collect(),
        person: &draft.person,
        history: History::read(state, &caller.0, owned, None, CHANGES).await?,
    };
    frame.page(status, &page)
}

fn view(owned: &OwnedLink, caller: &Caller, state: &State) -> LinkView {
    LinkView::new(owned, &caller.0, state.shortener())
}

fn has_expired(owned: &OwnedLink, state: &State) -> bool {
    let expires_at = owned.link.details.expires_at;
    expires_at.is_some_and(|at| at <= state.clock().now())
}

/// Returns the path of the page of a link.
fn path_of(id: LinkId) -> String {
    format!("/dashboard/links/{id}")
}

/// Returns the display name of a user, or else their email address.
fn name_of(person: &Person) -> String {
    match person.display_name.as_str() {
        "" => person.email.as_str().to_owned(),
        name => name.to_owned(),
    }
}
