//! Settings: pages about oneself.
//!
//! They do what `/api/v1/users/me`, `/api/v1/sessions` and `/api/v1/tokens` do, by the same functions.

pub(crate) mod profile;
pub(crate) mod sessions;
pub(crate) mod tokens;

/// The pages: where they are, and what they are called.
pub(crate) const TABS: [(&str, &str); 3] = [
    (PROFILE, "Profile"),
    (SESSIONS, "Sessions"),
    (TOKENS, "API tokens"),
];
const PROFILE: &str = "/settings";
const SESSIONS: &str = "/settings/sessions";
const TOKENS: &str = "/settings/tokens";
