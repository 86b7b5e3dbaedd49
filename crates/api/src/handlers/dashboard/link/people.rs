//! `POST /dashboard/links/{id}/people` and `…/people/change`: the owners of a link and the people
//! it is shared with.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use uuid::Uuid;
use waypost_core::{Action, Email, LinkId, UserId};
use waypost_service::{LinkError, OwnedLink};

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
    /// The ID of a user to stop sharing with.
    remove_viewer: Option<String>,
    /// The email address of the owner to make the primary owner.
    primary: Option<String>,
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
    let (links, id) = (state.links(), owned.link.id);
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

/// Removes an owner, stops sharing with a user, or makes an owner the primary owner.
pub(crate) async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<ChangeForm>,
    frame: Frame,
) -> PageResult {
    let id = id_of(&request, "id")?;
    let owned = manageable(&state, &caller, id).await?;
    let (links, actor) = (state.links(), &caller.0);
    let done = if let Some(user) = &form.remove_owner {
        let user = user_of(user)?;
        let removed = links.remove_owner(actor, id, user).await;
        if removed.is_ok() && Some(user) == actor.user_id() {
            return left(&state, &caller, &frame, id).await;
        }
        removed
    } else if let Some(user) = &form.remove_viewer {
        links.unshare(actor, id, user_of(user)?).await
    } else if let Some(email) = &form.primary {
        let email = Email::parse(email).map_err(|_| LinkError::NoSuchUser)?;
        let made = links.add_owner(actor, id, &email, true).await;
        made.map(|_| ())
    } else {
        return Err(ApiError::bad_request(
            "the form names no person; reload the page",
        ));
    };
    let problem = match done {
        Ok(()) => return Ok(frame.go_saying(&path_of(id), Flash::Saved, &state)),
        // Done in the meantime by another user. The link itself existed a moment ago.
        Err(LinkError::NotFound) => return Ok(frame.go(&path_of(id))),
        Err(error) => form_wide(Problem::of_link(error.into())?),
    };
    let draft = Draft {
        problem,
        ..Draft::default()
    };
    editor(&state, &caller, &frame, &owned, StatusCode::CONFLICT, draft).await
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

fn user_of(text: &str) -> Result<UserId, ApiError> {
    let id = Uuid::try_parse(text).map_err(|_| ApiError::no_such_thing())?;
    Ok(UserId::from_uuid(id))
}
