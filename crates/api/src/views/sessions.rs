//! Sessions, as the API and pages show them.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::{Session, SessionId};

/// A session of a browser.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// The ID of the session.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// When the user signed in (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// When the session was last used, or some minutes earlier (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) last_used_at: OffsetDateTime,
    /// When the session expires, unless it is used before (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
    /// The user agent of the browser; `null` if unknown.
    pub(crate) user_agent: Option<String>,
    /// Whether the request was sent with this session.
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
