//! `POST /dashboard/links/{id}`: saves the form of a link.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use waypost_core::Action;
use waypost_service::{LinkError, OwnedLink, Precondition};

use super::deletion;
use super::editor::{Draft, Stale, editor};
use super::form::LinkForm;
use super::rows::{name_of, path_of};
use crate::errors::ApiError;
use crate::pages::{Flash, Frame, Moment, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::request::quota;
use crate::state::State;

/// Saves the form if the link still has the version that the form shows.
pub(crate) async fn save(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<LinkForm>,
    frame: Frame,
) -> PageResult {
    let (id, links) = (id_of(&request, "id")?, state.links());
    let zone = state.recorder().zone();
    let form = form.tidied(zone);
    let owned = match links.get(&caller.0, id).await {
        Err(LinkError::NotFound) => {
            return deletion::page(&state, &caller, &frame, id, Some(&form)).await;
        }
        found => found?,
    };
    if !owned.is_for(&caller.0, Action::EditLink) {
        return Err(LinkError::Forbidden.into());
    }
    let seen = form.version();
    if seen != owned.link.version {
        return stale(&state, &caller, &frame, &owned, form).await;
    }
    let problem = match form.read(&owned.link, links, zone) {
        Ok(patch) => {
            let precondition = Precondition::OneOf(vec![seen]);
            quota::pay_new_code(&request, &caller.0, &state, id, patch.code.as_ref()).await?;
            match links.edit(&caller.0, id, &precondition, &patch).await {
                Ok(_) => return Ok(frame.go_saying(&path_of(id), Flash::Saved, &state)),
                Err(LinkError::PreconditionFailed) => {
                    let owned = links.get(&caller.0, id).await?;
                    return stale(&state, &caller, &frame, &owned, form).await;
                }
                Err(error) => Problem::of_link(error.into())?,
            }
        }
        Err(problem) => problem,
    };
    let draft = Draft {
        form: Some(form),
        problem,
        ..Draft::default()
    };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    editor(&state, &caller, &frame, &owned, status, draft).await
}

/// Shows an outdated form again: with the changed entries, and with the stored values in all other
/// fields.
async fn stale(
    state: &State,
    caller: &Caller,
    frame: &Frame,
    owned: &OwnedLink,
    form: LinkForm,
) -> PageResult {
    let zone = state.recorder().zone();
    let now = LinkForm::of_link(&owned.link, zone);
    let form = match base(state, caller, owned, form.version()).await? {
        Some(base) => form.moved(&base, &now),
        // The version that the form showed is no longer known: all fields count as changed.
        None => LinkForm {
            version: now.version.clone(),
            ..form
        },
    };
    let newest = state.links().history(&caller.0, owned.link.id, None, 1);
    let newest = newest.await?;
    let by = newest.first().and_then(|version| version.by.as_ref());
    let draft = Draft {
        stale: Some(Stale {
            by: by.map(name_of),
            at: Moment::from(owned.link.updated_at),
            differences: now.changes(&form, zone),
        }),
        form: Some(form),
        ..Draft::default()
    };
    editor(state, caller, frame, owned, StatusCode::CONFLICT, draft).await
}

/// Returns the form of an earlier version of a link. If the first version is older than the
/// history, it is read from the state before the second one.
async fn base(
    state: &State,
    caller: &Caller,
    owned: &OwnedLink,
    version: u32,
) -> Result<Option<LinkForm>, ApiError> {
    let above = version.checked_add(2);
    let versions = state
        .links()
        .history(&caller.0, owned.link.id, above, 2)
        .await?;
    let content = versions.into_iter().rev().find_map(|found| {
        if found.number == version {
            Some(found.after.content)
        } else {
            let is_next = Some(found.number) == version.checked_add(1);
            let before = found.before.filter(|_| is_next);
            before.map(|before| before.content)
        }
    });
    let zone = state.recorder().zone();
    Ok(content.map(|content| LinkForm::of(&content, version, zone)))
}
