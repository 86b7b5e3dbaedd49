//! Success messages: a sentence that a page shows once, after a redirect.
//!
//! The browser keeps the name of a message for a minute, never its text: an attacker who plants a
//! cookie can only make a page show one of these messages.

macro_rules! flashes {
    ($($name:ident = $id:literal: $text:literal,)*) => {
        /// What was just done, as a message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Flash {
            $(#[doc = $text] #[allow(dead_code, reason = "pages say what they need")] $name,)*
        }

        impl Flash {
            /// Returns the name in the cookie.
            pub(crate) const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Returns the sentence.
            pub(crate) const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns the message with this name.
            pub(crate) fn of_id(id: &str) -> Option<Self> {
                match id { $($id => Some(Self::$name),)* _ => None }
            }
        }
    };
}

flashes! {
    Saved = "saved": "Saved.",
    SignedOut = "signed-out": "You are signed out.",
    SignedOutHere = "signed-out-here": "You are signed out here, but the sign-in provider did not respond. You may still be signed in there.",
    Deleted = "deleted": "Link deleted.",
    Restored = "restored": "Link restored.",
    Destroyed = "destroyed": "Link permanently deleted.",
    Offered = "offered": "Transfer started. The receiver becomes the primary owner when they accept.",
    Accepted = "accepted": "Accepted. You own the link now.",
    Declined = "declined": "Declined.",
    Left = "left": "You are no longer an owner of the link.",
    PasswordChanged = "password-changed": "Password changed. You are signed out everywhere else.",
    PasswordChangedTokensRevoked = "password-changed-tokens-revoked": "Password changed. You are signed out everywhere else, and your API tokens are revoked.",
    PasswordSet = "password-set": "Password set. The user is signed out everywhere.",
    PasswordSetTokensRevoked = "password-set-tokens-revoked": "Password set. The user is signed out everywhere, and their API tokens are revoked.",
    IdentityUnlinked = "identity-unlinked": "Account unlinked. The user is signed out everywhere.",
    SessionEnded = "session-ended": "Session signed out.",
    SessionsEnded = "sessions-ended": "You are signed out everywhere else.",
    TokenRevoked = "token-revoked": "Token revoked.",
    UserAdded = "user-added": "User added.",
    UserDisabled = "user-disabled": "User disabled and signed out everywhere.",
    UserEnabled = "user-enabled": "User enabled.",
    UserDeleted = "user-deleted": "User deleted.",
    KeywordMade = "keyword-made": "Keyword created.",
    KeywordRemoved = "keyword-removed": "Keyword removed.",
    PathForgotten = "path-forgotten": "Path dismissed.",
    HostBlocked = "host-blocked": "Host blocked.",
    HostUnblocked = "host-unblocked": "Host unblocked.",
}
