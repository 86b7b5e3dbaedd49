//! `POST /dashboard/offers`: accepts or declines a link that is offered to the user. The dashboard
//! lists the offers.

use actix_web::web;
use serde::Deserialize;
use uuid::Uuid;
use waypost_core::LinkId;
use waypost_service::LinkError;

use crate::errors::ApiError;
use crate::pages::{Flash, Frame, PageForm, PageResult};
use crate::request::caller::Caller;
use crate::state::State;
use crate::views::people::OfferRecord;

/// The path of the page with the list.
const DASHBOARD: &str = "/dashboard";

/// The form of an offer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AnswerForm {
    /// The ID of the link.
    link: String,
    /// `accept` or `decline`.
    answer: String,
}

/// Returns what is offered to the user.
pub(super) async fn listed(caller: &Caller, state: &State) -> Result<Vec<OfferRecord>, ApiError> {
    let offers = state.links().offers(&caller.0).await?;
    let record = |offer| OfferRecord::new(offer, state.shortener());
    Ok(offers.iter().map(record).collect())
}

/// Accepts or declines an offer.
pub(crate) async fn answer(
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<AnswerForm>,
    frame: Frame,
) -> PageResult {
    let id = Uuid::try_parse(&form.link).map_err(|_| ApiError::no_such_thing())?;
    let (links, id) = (caller.links(&state), LinkId::from_uuid(id));
    let answered = match form.answer.as_str() {
        "accept" => links.accept(&caller.0, id).await.map(drop),
        "decline" => links.decline(&caller.0, id).await,
        _ => {
            return Err(ApiError::bad_request(
                "the form has no answer; reload the page",
            ));
        }
    };
    match answered {
        Ok(()) if form.answer == "accept" => {
            let path = format!("/dashboard/links/{id}");
            Ok(frame.go_saying(&path, Flash::Accepted, &state))
        }
        Ok(()) => Ok(frame.go_saying(DASHBOARD, Flash::Declined, &state)),
        // Taken back in the meantime.
        Err(LinkError::NotFound) => Ok(frame.go(DASHBOARD)),
        Err(error) => Err(error.into()),
    }
}
