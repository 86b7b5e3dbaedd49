//! `GET /dashboard/codes/check`: tells whether a code is available while it is being typed.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;
use waypost_core::{CodeError, LinkId};
use waypost_service::{Availability, LinkError};

use crate::pages::problem::sentence;
use crate::pages::{Frame, PageResult};
use crate::request::caller::Caller;
use crate::request::input;
use crate::state::State;

/// A sentence to show beside the field.
#[derive(Template)]
#[template(path = "dashboard/code_check.html")]
struct CodePart<'a> {
    code: &'a str,
    /// Why the code cannot be used, if it cannot.
    objection: Option<String>,
    /// Whether the link already has the code.
    is_own: bool,
}

/// The query.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CheckQuery {
    /// The entry; may be empty.
    #[serde(default)]
    code: String,
    /// The ID of the link that gets the code; missing for a new link.
    link: Option<String>,
}

/// Tells whether the code is available.
pub(crate) async fn check(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let query = input::page_query::<CheckQuery>(&request)?;
    let link = query.link.and_then(|text| Uuid::try_parse(&text).ok());
    let link = link.map(LinkId::from_uuid);
    let code = query.code.trim();
    let found = state.links().availability(&caller.0, code, link).await;
    let is_own = matches!(found, Ok(Availability::Own));
    let objection = match found {
        // A new link gets a generated code then.
        Err(LinkError::Code(CodeError::Empty)) if link.is_none() => None,
        Err(LinkError::Code(error)) => Some(sentence(&error.to_string())),
        Err(error @ LinkError::PathOwned(_)) => Some(sentence(&error.to_string())),
        Ok(Availability::Taken) => Some(format!("“{code}” is in use; choose another one.")),
        Ok(Availability::Free | Availability::Own) => None,
        Err(error) => return Err(error.into()),
    };
    let part = CodePart {
        code,
        objection,
        is_own,
    };
    frame.part(StatusCode::OK, &part)
}
