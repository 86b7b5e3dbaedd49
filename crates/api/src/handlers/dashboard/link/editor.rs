//! The page of a link: for users who can edit it, and for users who can only read it.

use actix_web::http::StatusCode;
use askama::Template;
use waypost_core::{Action, InvitedAs};
use waypost_service::OwnedLink;

use super::below;
use super::changes::History;
use super::form::{Change, LinkForm};
use super::rows::{PersonForm, PersonRow};
use crate::handlers::dashboard::placeholders;
use crate::pages::{Frame, Moment, PageResult, Problem};
use crate::request::caller::Caller;
use crate::state::State;
use crate::views::links::LinkView;
use crate::views::paths::CodesBelowList;

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
    /// The names of the placeholders in the destination in the form.
    names: Vec<String>,
    problem: &'a Problem,
    stale: Option<&'a Stale>,
    /// The time zone of the form.
    zone: &'a str,
    has_expired: bool,
    /// For how long the link can be restored after it is deleted.
    restorable: String,
    owners: Vec<PersonRow>,
    viewers: Vec<PersonRow>,
    person: &'a PersonForm,
    /// The people who are invited to own the link.
    invited_owners: Vec<PersonRow>,
    /// The email address of the receiver of the pending transfer.
    receiver: Option<String>,
    /// The entry in the form that hands over the link.
    hand_over: &'a str,
    /// Whether the user may hand over the link and remove its other owners.
    manages_owners: bool,
    history: History,
    below: CodesBelowList,
}

/// The page for users who can only read it.
#[derive(Template)]
#[template(path = "dashboard/link/read.html")]
pub(super) struct ReadPage<'a> {
    pub(super) frame: &'a Frame,
    pub(super) link: LinkView,
    pub(super) expires: Option<Moment>,
    pub(super) has_expired: bool,
    pub(super) owners: Vec<PersonRow>,
}

/// Unsaved entries that a page shows.
#[derive(Default)]
pub(super) struct Draft {
    /// The entries; `None` shows the stored values.
    pub(super) form: Option<LinkForm>,
    pub(super) problem: Problem,
    pub(super) stale: Option<Stale>,
    pub(super) person: PersonForm,
    pub(super) hand_over: String,
}

/// A form whose version of the link is outdated.
pub(super) struct Stale {
    /// The name of the user who changed the link, if known.
    pub(super) by: Option<String>,
    pub(super) at: Moment,
    /// The stored values that differ from the entries.
    pub(super) differences: Vec<Change>,
}

/// Shows the page of a link for users who can edit it, with unsaved entries.
pub(super) async fn editor(
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
    let invitations = links.owner_invitations(&caller.0, link.id).await?;
    let mut transfers = invitations
        .iter()
        .filter(|one| one.role == InvitedAs::PrimaryOwner);
    let form = draft.form.unwrap_or_else(|| LinkForm::of_link(link, zone));
    let page = EditPage {
        frame,
        link: view(owned, caller, state),
        version: link.version,
        form: &form,
        names: placeholders::found(&form.target, state),
        problem: &draft.problem,
        stale: draft.stale.as_ref(),
        zone: zone.name(),
        has_expired: has_expired(owned, state),
        restorable: state.installation().restorable(),
        owners: PersonRow::owners(owned, frame),
        viewers: shares
            .iter()
            .map(|viewer| PersonRow::viewer(viewer, frame))
            .collect(),
        person: &draft.person,
        invited_owners: PersonRow::invited_owners(&invitations),
        receiver: transfers.next().map(|one| one.email.as_str().to_owned()),
        hand_over: &draft.hand_over,
        manages_owners: owned.is_for(&caller.0, Action::ManageOwners),
        below: below::first(link.id, caller, state).await?,
        history: History::read(state, &caller.0, owned, None, CHANGES).await?,
    };
    frame.page(status, &page)
}

pub(super) fn view(owned: &OwnedLink, caller: &Caller, state: &State) -> LinkView {
    LinkView::new(owned, &caller.0, state.shortener())
}

pub(super) fn has_expired(owned: &OwnedLink, state: &State) -> bool {
    let expires_at = owned.link.details.expires_at;
    expires_at.is_some_and(|at| at <= state.clock().now())
}
