//! Sessions, as they are shown.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::{Session, SessionId};

/// Somebody signed in with a browser.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// Its id.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// When somebody signed in.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// When it was last used, or up to some minutes before.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) last_used_at: OffsetDateTime,
    /// From when on it is not accepted, unless it is used before.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
    /// What the browser called itself.
    pub(crate) user_agent: Option<String>,
    /// It is the one that asks.
    pub(crate) current: bool,
}

impl SessionView {
    pub(crate) fn of(session: &Session, current: Option<SessionId>) -> Self {
        let user_agent = session.user_agent.as_ref();
        Self {
            id: session.id.to_string(),
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            user_agent: user_agent.map(|agent| agent.as_str().to_owned()),
            current: current == Some(session.id),
        }
    }
}
