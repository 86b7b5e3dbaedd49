//! `/settings/sessions`: lists the sessions of the user, and signs them out.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_core::{SessionId, SessionLifetime};

use super::SESSIONS;
use crate::errors::ApiError;
use crate::handlers::v1::sessions::{current, listed};
use crate::pages::{Flash, Frame, Moment, PageForm, PageResult};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::request::paging::PartQuery;
use crate::state::State;
use crate::views::sessions::SessionView;

/// The page.
#[derive(Template)]
#[template(path = "settings/sessions.html")]
struct SessionsPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    sessions: Vec<SessionRow>,
    path: String,
    first: bool,
    next: Option<String>,
}

/// A session.
struct SessionRow {
    id: String,
    /// The browser and operating system, such as `Firefox on Linux`.
    device: String,
    user_agent: String,
    created_at: Moment,
    last_used_at: Moment,
    expires_at: Moment,
    /// Whether using the session postpones its expiry.
    is_extended_by_use: bool,
    is_current: bool,
}

/// A form without fields.
#[derive(Debug, Deserialize)]
pub(crate) struct NoFields {}

/// Lists them, the newest first.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let query = PartQuery::of_page(&request)?;
    let list = listed(&query, &request, &caller, &state).await?;
    let sessions = list.sessions.into_iter();
    let page = SessionsPage {
        frame: &frame,
        tab: SESSIONS,
        sessions: sessions.map(|session| row(session, &state)).collect(),
        path: format!("{}{SESSIONS}", frame.base()),
        first: query.cursor.is_some(),
        next: list.next_cursor,
    };
    frame.page(StatusCode::OK, &page)
}

/// Signs out one session.
pub(crate) async fn end(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(NoFields {}): PageForm<NoFields>,
    frame: Frame,
) -> PageResult {
    let session: SessionId = id_of(&request, "id")?;
    let user = caller.user_id()?;
    if !caller.accounts(&state).sign_out(user, session).await? {
        return Err(ApiError::no_such_thing());
    }
    Ok(frame.go_saying(SESSIONS, Flash::SessionEnded, &state))
}

/// Signs out all sessions except the present one.
pub(crate) async fn end_others(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(NoFields {}): PageForm<NoFields>,
    frame: Frame,
) -> PageResult {
    let kept = current(&request).ok_or_else(|| ApiError::internal("a page without a session"))?;
    let user = caller.user_id()?;
    caller
        .accounts(&state)
        .sign_out_elsewhere(user, kept)
        .await?;
    Ok(frame.go_saying(SESSIONS, Flash::SessionsEnded, &state))
}

fn row(session: SessionView, state: &State) -> SessionRow {
    let user_agent = session.user_agent.unwrap_or_default();
    SessionRow {
        device: device(&user_agent, state),
        id: session.id,
        is_extended_by_use: session.expires_at - session.created_at < SessionLifetime::MAX_AGE,
        user_agent,
        created_at: session.created_at.into(),
        last_used_at: session.last_used_at.into(),
        expires_at: session.expires_at.into(),
        is_current: session.current,
    }
}

/// Returns a readable name for a user agent.
fn device(user_agent: &str, state: &State) -> String {
    if user_agent.is_empty() {
        return "Unknown device".to_owned();
    }
    let facts = state.user_agents().facts(Some(user_agent));
    match (&facts.browser, &facts.os) {
        (Some(browser), Some(os)) => format!("{} on {}", browser.as_str(), os.as_str()),
        (Some(name), None) | (None, Some(name)) => name.as_str().to_owned(),
        (None, None) => "Another program".to_owned(),
    }
}
