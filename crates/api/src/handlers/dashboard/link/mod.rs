//! `/dashboard/links/{id}`: the page of a link. Owners and admins edit it here, other users who can
//! see it read it.
//!
//! A form contains the version of the link that it shows. If the link has a newer version, nothing
//! is changed: the page shows the entries together with the stored values.

pub(crate) mod below;
mod changes;
pub(crate) mod deletion;
mod editor;
mod form;
pub(crate) mod history;
pub(crate) mod people;
mod rows;
mod save;

pub(crate) use save::save;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use waypost_core::Action;
use waypost_service::LinkError;

use self::editor::{Draft, ReadPage, editor, has_expired, view};
use self::rows::PersonRow;
use crate::pages::{Frame, Moment, PageResult};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::state::State;

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
