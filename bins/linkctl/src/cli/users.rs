//! The arguments of `linkctl user` and `linkctl token`.

use std::str::FromStr;

use clap::{Args, Subcommand};
use uuid::Uuid;
use waypost_analytics::Age;
use waypost_core::{DisplayName, Email, Scopes, TokenName};

use super::Confirmation;

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a user and print it
    Add(NewUser),
    /// List all users, newest first
    List,
    /// Make a user an admin
    Promote {
        /// Email address of the user
        email: Email,
    },
    /// Make an admin a member
    Demote {
        /// Email address of the user
        email: Email,
    },
    /// Disable a user: no sign-in, tokens rejected; their links keep working
    Disable {
        /// Email address of the user
        email: Email,
    },
    /// Enable a disabled user
    Enable {
        /// Email address of the user
        email: Email,
    },
    /// Set the password of a user, read from standard input, and sign them out everywhere
    Password {
        /// Email address of the user
        email: Email,
        /// Also revoke all API tokens of the user
        #[arg(long)]
        revoke_tokens: bool,
    },
    /// List the OpenID accounts that a user signs in with
    Identities {
        /// Email address of the user
        email: Email,
    },
    /// Unlink an OpenID account from a user, and sign them out everywhere
    ///
    /// The next account at the provider with the email address of the user signs in as this user.
    /// If the address belongs to another person now, change it on the page of the user instead.
    Unlink {
        /// Email address of the user
        email: Email,
        /// ID of the account, as `linkctl user identities` shows it
        id: String,
    },
    /// Delete a user with their API tokens and sessions
    Delete {
        /// Email address of the user
        email: Email,
        /// What to do with their links: `reassign:EMAIL` transfers them to that user; `delete`
        /// deletes those that only they own; links with other owners stay
        #[arg(long, value_name = "WHAT")]
        links: LinksOfDeleted,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// What to do with the links of a deleted user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinksOfDeleted {
    Reassign(Email),
    Delete,
}

impl FromStr for LinksOfDeleted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "delete" => Ok(Self::Delete),
            Some(("reassign", email)) => {
                let email = Email::parse(email).map_err(|error| error.to_string())?;
                Ok(Self::Reassign(email))
            }
            _ => Err("expected `delete` or `reassign:EMAIL`".to_owned()),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Create a token and print its secret, which is shown only once
    Create(NewToken),
    /// List tokens, newest first
    List {
        /// Tokens of this user [default: of all users]
        #[arg(long, value_name = "EMAIL")]
        user: Option<Email>,
    },
    /// Revoke a token on every server
    Revoke {
        /// ID of the token, as `linkctl token list` shows it
        id: Uuid,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NewToken {
    /// Email address of the user who owns the token
    #[arg(long, value_name = "EMAIL")]
    pub(crate) user: Email,
    /// Name: one line of at most 100 visible characters, and no email address
    #[arg(long, value_parser = TokenName::parse)]
    pub(crate) name: TokenName,
    /// Scopes, within the rights of the user: `read`, `write` and `admin`, separated by commas
    #[arg(long, default_value = "read,write")]
    pub(crate) scopes: Scopes,
    /// Time until the token expires: 12h, 90d or 2w [default: never]
    #[arg(long, value_name = "AGE")]
    pub(crate) expires: Option<Age>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NewUser {
    /// Email address of the user
    pub(crate) email: Email,
    /// Name shown to other users: one line of at most 100 visible characters, and no email address
    #[arg(long, value_parser = DisplayName::parse)]
    pub(crate) name: Option<DisplayName>,
    /// Make the user an admin
    #[arg(long)]
    pub(crate) admin: bool,
    /// Read a password of at least 10 characters from standard input, up to the end of the line
    #[arg(long)]
    pub(crate) password_stdin: bool,
}
