//! `GET /admin/audit`: lists the audit trail.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_core::AuditEvent;

use super::{AUDIT, address, given};
use crate::handlers::v1::audit::{AuditParams, listed};
use crate::pages::{Frame, Moment, PageResult};
use crate::request::caller::Caller;
use crate::request::input;
use crate::state::State;
use crate::views::audit::{AuditRecord, actor_label, label};

/// The page.
#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    event: &'a str,
    /// The events to choose from: name and label.
    events: Vec<(&'static str, &'static str)>,
    user: &'a str,
    entries: Vec<EntryRow>,
    path: String,
    first: bool,
    next: Option<String>,
}

/// An entry in the list.
struct EntryRow {
    at: Moment,
    label: &'static str,
    who: String,
    /// The path of the list of what the same user did.
    of_user: Option<String>,
    subject: String,
    detail: String,
    origin: String,
}

/// The entries to list.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    event: String,
    #[serde(default)]
    user: String,
    cursor: Option<String>,
}

/// Lists the entries, newest first.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let asked = input::page_query::<Asked>(&request)?;
    let query = AuditParams {
        event: given(&asked.event),
        user: given(&asked.user),
        cursor: asked.cursor.clone(),
        limit: None,
    };
    let list = listed(query, &caller, &state).await?;
    let base = frame.base();
    let fields = [
        ("event", asked.event.as_str()),
        ("user", asked.user.as_str()),
    ];
    let events = AuditEvent::ALL.iter();
    let page = AuditPage {
        frame: &frame,
        tab: AUDIT,
        is_tab: true,
        event: &asked.event,
        events: events
            .map(|event| (event.as_str(), label(*event)))
            .collect(),
        user: &asked.user,
        path: address(base, AUDIT, &fields),
        entries: list.entries.into_iter().map(|it| row(it, base)).collect(),
        first: asked.cursor.is_some(),
        next: list.next_cursor,
    };
    frame.page(StatusCode::OK, &page)
}

fn row(entry: AuditRecord, base: &str) -> EntryRow {
    let who = match entry.actor.parse() {
        Ok(kind) if entry.user.is_empty() => actor_label(kind),
        _ => &entry.user,
    };
    let of_user = entry.user_id.as_deref();
    EntryRow {
        at: entry.at.into(),
        label: entry.event.parse().map_or(entry.event, label),
        who: who.to_owned(),
        of_user: of_user.map(|id| address(base, AUDIT, &[("user", id)])),
        subject: entry.subject,
        detail: entry.detail,
        origin: entry.origin.unwrap_or_default(),
    }
}
