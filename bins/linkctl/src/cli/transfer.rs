//! The arguments of `linkctl transfer`.

use clap::Subcommand;
use waypost_core::Email;

#[derive(Debug, Subcommand)]
pub(crate) enum Transfer {
    /// Offer a link to a user, who becomes its primary owner when they accept
    Offer {
        /// Code, in upper or lower case
        code: String,
        /// Email address of the receiver
        email: Email,
    },
    /// List the links that are offered to a user, newest first
    List {
        /// Email address of the user
        #[arg(long, value_name = "EMAIL")]
        user: Email,
    },
    /// Show the pending transfer of a link
    Show {
        /// Code, in upper or lower case
        code: String,
    },
    /// Take back the pending transfer of a link
    Cancel {
        /// Code, in upper or lower case
        code: String,
    },
}
