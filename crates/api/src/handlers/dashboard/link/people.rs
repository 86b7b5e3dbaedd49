//! `POST /dashboard/links/{id}/people`, `…/people/change` and `…/transfer`: the owners of a link and
//! the people it is shared with.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use uuid::Uuid;
use waypost_core::{Action, Email, LinkId, UserId};
use waypost_service::{LinkError, OwnedLink, ViewerName};

use super::editor::{Draft, editor};
use super::rows::{PersonForm, path_of};
use crate::errors::ApiError;
use crate::pages::{Flash, Frame, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::state::State;

/// The form that changes access: the value of the button that was pressed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ChangeForm {
    /// The ID of an owner to remove.
    remove_owner: Option<String>,
    /// The ID or the email address of a person to stop sharing with.
    remove_viewer: Option<String>,
    /// The email address of a person who is invited to own the link.
    withdraw: Option<String>,
    /// Takes back the pending transfer.
    take_back: Option<String>,
}

/// The form that hands over a link.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HandOverForm {
    email: String,
}

/// Adds an owner, or shares the link.
pub(crate) async fn add(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<PersonForm>,
    frame: Frame,
) -> PageResult {
    let id = id_of(&request, "id")?;
    let owned = manageable(&state, &caller, id).await?;
    let problem = match added(&state, &caller, &owned, &form).await {
        Ok(()) => return Ok(frame.go_saying(&path_of(id), Flash::Saved, &state)),
        Err(problem) => problem?,
    };
    let draft = Draft {
        problem,
        person: form,
        ..Draft::default()
    };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    editor(&state, &caller, &frame, &owned, status, draft).await
}

/// Adds the person. Fails with an error of the form, or with another error.
async fn added(
    state: &State,
    caller: &Caller,
    owned: &OwnedLink,
    form: &PersonForm,
) -> Result<(), Result<Problem, ApiError>> {
    let (links, id) = (caller.links(state), owned.link.id);
    let typed = form.email.trim();
    let email =
        Email::parse(typed).map_err(|error| Ok(Problem::new("email", &error.to_string())))?;
    let is_owner = |email: &Email| {
        let mut owners = owned.owners.iter();
        owners.any(|owner| owner.person.email == *email)
    };
    let done = match form.role.as_str() {
        _ if is_owner(&email) => {
            return Err(Ok(Problem::new("email", "this user already owns the link")));
        }
        "owner" => links
            .add_owner(&caller.0, id, &email, false)
            .await
            .map(|_| ()),
        "viewer" => links.share(&caller.0, id, &email).await.map(|_| ()),
        _ => return Err(Ok(Problem::new("role", "choose a permission"))),
    };
    done.map_err(|error| Problem::of_link(error.into()))
}

/// Removes an owner, stops sharing with a person, withdraws an invitation, or takes back a transfer.
pub(crate) async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<ChangeForm>,
    frame: Frame,
) -> PageResult {
    let id = id_of(&request, "id")?;
    let owned = manageable(&state, &caller, id).await?;
    let (links, actor) = (caller.links(&state), &caller.0);
    let done = if let Some(user) = &form.remove_owner {
        let user = user_of(user)?;
        let removed = links.remove_owner(actor, id, user).await;
        if removed.is_ok() && Some(user) == actor.user_id() {
            return left(&state, &caller, &frame, id).await;
        }
        removed
    } else if let Some(user) = &form.remove_viewer {
        links.unshare(actor, id, &viewer_of(user)?).await
    } else if let Some(email) = &form.withdraw {
        let email = Email::parse(email).map_err(|_| ApiError::no_such_thing())?;
        links.withdraw(actor, id, &email).await
    } else if form.take_back.is_some() {
        links.take_back(actor, id).await
    } else {
        return Err(ApiError::bad_request(
            "the form names no person; reload the page",
        ));
    };
    let problem = match done {
        Ok(()) => return Ok(frame.go_saying(&path_of(id), Flash::Saved, &state)),
        // Done in the meantime by another user. The link itself existed a moment ago.
        Err(LinkError::NotFound | LinkError::NoTransfer) => return Ok(frame.go(&path_of(id))),
        Err(error) => form_wide(Problem::of_link(error.into())?),
    };
    let draft = Draft {
        problem,
        ..Draft::default()
    };
    editor(&state, &caller, &frame, &owned, StatusCode::CONFLICT, draft).await
}

/// Offers the link to another primary owner.
pub(crate) async fn hand_over(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<HandOverForm>,
    frame: Frame,
) -> PageResult {
    let id = id_of(&request, "id")?;
    let owned = manageable(&state, &caller, id).await?;
    if !owned.is_for(&caller.0, Action::ManageOwners) {
        return Err(LinkError::NotPrimary.into());
    }
    let problem = match Email::parse(form.email.trim()) {
        Err(error) => Problem::new("receiver", &error.to_string()),
        Ok(email) => match caller.links(&state).offer(&caller.0, id, &email).await {
            Ok(_) => return Ok(frame.go_saying(&path_of(id), Flash::Offered, &state)),
            Err(
                error @ (LinkError::NoSuchUser
                | LinkError::UserDisabled
                | LinkError::AlreadyPrimary
                | LinkError::TransferPending),
            ) => Problem::new("receiver", &error.to_string()),
            Err(error) => Problem::of_link(error.into())?,
        },
    };
    let draft = Draft {
        problem,
        hand_over: form.email,
        ..Draft::default()
    };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    editor(&state, &caller, &frame, &owned, status, draft).await
}

/// Turns the error of a field into an error of the form: the lists have no fields.
fn form_wide(problem: Problem) -> Problem {
    match problem.of("email") {
        Some(_) => Problem::new("", "this user no longer exists"),
        None => problem,
    }
}

/// Redirects a user who left a link, and who may no longer see it.
async fn left(state: &State, caller: &Caller, frame: &Frame, id: LinkId) -> PageResult {
    let path = match state.links().get(&caller.0, id).await {
        Ok(_) => path_of(id),
        Err(LinkError::NotFound) => "/dashboard".to_owned(),
        Err(error) => return Err(error.into()),
    };
    let answer: HttpResponse = frame.go_saying(&path, Flash::Left, state);
    Ok(answer)
}

/// Returns the link if the caller may manage access to it.
async fn manageable(state: &State, caller: &Caller, id: LinkId) -> Result<OwnedLink, ApiError> {
    let owned = state.links().get(&caller.0, id).await?;
    if owned.is_for(&caller.0, Action::ManageAccess) {
        return Ok(owned);
    }
    Err(LinkError::Forbidden.into())
}

fn viewer_of(text: &str) -> Result<ViewerName, ApiError> {
    if let Ok(id) = Uuid::try_parse(text) {
        return Ok(ViewerName::User(UserId::from_uuid(id)));
    }
    let email = Email::parse(text).map_err(|_| ApiError::no_such_thing())?;
    Ok(ViewerName::Email(email))
}

fn user_of(text: &str) -> Result<UserId, ApiError> {
    let id = Uuid::try_parse(text).map_err(|_| ApiError::no_such_thing())?;
    Ok(UserId::from_uuid(id))
}
