//! Settings: pages for the own account.
//!
//! They call the same functions as `/api/v1/users/me`, `/api/v1/sessions` and `/api/v1/tokens`.

pub(crate) mod profile;
pub(crate) mod sessions;
pub(crate) mod tokens;

/// The pages: path and label.
pub(crate) const TABS: [(&str, &str); 3] = [
    (PROFILE, "Profile"),
    (SESSIONS, "Sessions"),
    (TOKENS, "API tokens"),
];
const PROFILE: &str = "/settings";
const SESSIONS: &str = "/settings/sessions";
const TOKENS: &str = "/settings/tokens";
