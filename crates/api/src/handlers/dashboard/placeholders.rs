//! `GET /dashboard/placeholders`: tells which `$names` are in a destination while it is being typed.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use crate::pages::{Frame, PageResult};
use crate::request::input;
use crate::state::State;

/// A sentence to show beside the switch.
#[derive(Template)]
#[template(path = "dashboard/placeholders.html")]
struct PlaceholdersPart {
    names: Vec<String>,
}

/// The query.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FoundQuery {
    /// The entry; may be empty.
    #[serde(default)]
    target: String,
}

/// Tells which placeholders a destination would have.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    frame: Frame,
) -> PageResult {
    let FoundQuery { target } = input::page_query(&request)?;
    let names = found(&target, &state);
    frame.part(StatusCode::OK, &PlaceholdersPart { names })
}

/// Returns the names of the placeholders in a destination as it was typed; none if it is invalid.
pub(crate) fn found(typed: &str, state: &State) -> Vec<String> {
    let target = state.shortener().target(typed);
    target.map_or_else(
        |_| Vec::new(),
        |target| waypost_core::Template::names_in(&target),
    )
}
