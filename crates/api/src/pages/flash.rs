//! What a page says of what was just done: a sentence that lives for one redirect.
//!
//! The browser keeps the name of one of these sentences for a minute, never a text: whoever plants a
//! cookie can at the most make a page say one of them.

macro_rules! flashes {
    ($($name:ident = $id:literal: $text:literal,)*) => {
        /// What was just done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Flash {
            $(#[doc = $text] #[allow(dead_code, reason = "pages say what they need")] $name,)*
        }

        impl Flash {
            /// The name under which a browser keeps it.
            pub(crate) const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// The sentence.
            pub(crate) const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The one of this name.
            pub(crate) fn of_id(id: &str) -> Option<Self> {
                match id { $($id => Some(Self::$name),)* _ => None }
            }
        }
    };
}

flashes! {
    Saved = "saved": "Saved.",
    SignedOut = "signed-out": "You are signed out.",
    Deleted = "deleted": "The link was deleted.",
    Restored = "restored": "The link was restored.",
    Destroyed = "destroyed": "The link was deleted for good.",
    Left = "left": "You do not own the link any more.",
    PasswordChanged = "password-changed": "Your password is changed, and your other sessions are ended.",
    SessionEnded = "session-ended": "The session is ended.",
    SessionsEnded = "sessions-ended": "All your other sessions are ended.",
    TokenRevoked = "token-revoked": "The token is revoked.",
    UserAdded = "user-added": "The user is added.",
    UserDisabled = "user-disabled": "The user is disabled, and signed out everywhere.",
    UserEnabled = "user-enabled": "The user may sign in again.",
    UserDeleted = "user-deleted": "The user is deleted.",
    KeywordMade = "keyword-made": "The keyword was made.",
    KeywordRemoved = "keyword-removed": "The keyword is removed.",
    PathForgotten = "path-forgotten": "The path is forgotten.",
    HostBlocked = "host-blocked": "The host is blocked.",
    HostUnblocked = "host-unblocked": "The host is not blocked any more.",
}
