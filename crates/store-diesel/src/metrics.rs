//! The operations on the database by name, and the metrics of this crate, which are labelled by them.

use std::time::Duration;

use metrics::{counter, describe_counter};

const RETRIES: &str = "waypost_database_retries_total";

/// The operations on the database, as metrics and logs name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperationName {
    ChangeUser,
    ChangesAfter,
    ClicksBefore,
    Counts,
    DeleteLink,
    DeleteUser,
    DestroySalts,
    ForgetDeleted,
    Ingest,
    InsertLink,
    InsertToken,
    InsertUser,
    Journal,
    Journals,
    LastChange,
    Ledger,
    LinkByCode,
    LinksAfter,
    LinksPage,
    NoteTokensUsed,
    Password,
    Ping,
    PurgeChanges,
    PurgeClicks,
    RecordClicks,
    RegisterJournal,
    RevokeToken,
    Salt,
    SetPassword,
    TokenByHash,
    TokensAfter,
    User,
    UserByEmail,
    UsersAfter,
}

impl OperationName {
    const ALL: [Self; 34] = [
        Self::ChangeUser,
        Self::ChangesAfter,
        Self::ClicksBefore,
        Self::Counts,
        Self::DeleteLink,
        Self::DeleteUser,
        Self::DestroySalts,
        Self::ForgetDeleted,
        Self::Ingest,
        Self::InsertLink,
        Self::InsertToken,
        Self::InsertUser,
        Self::Journal,
        Self::Journals,
        Self::LastChange,
        Self::Ledger,
        Self::LinkByCode,
        Self::LinksAfter,
        Self::LinksPage,
        Self::NoteTokensUsed,
        Self::Password,
        Self::Ping,
        Self::PurgeChanges,
        Self::PurgeClicks,
        Self::RecordClicks,
        Self::RegisterJournal,
        Self::RevokeToken,
        Self::Salt,
        Self::SetPassword,
        Self::TokenByHash,
        Self::TokensAfter,
        Self::User,
        Self::UserByEmail,
        Self::UsersAfter,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ChangeUser => "change_user",
            Self::ChangesAfter => "changes_after",
            Self::ClicksBefore => "clicks_before",
            Self::Counts => "counts",
            Self::DeleteLink => "delete_link",
            Self::DeleteUser => "delete_user",
            Self::DestroySalts => "destroy_salts",
            Self::ForgetDeleted => "forget_deleted",
            Self::Ingest => "ingest",
            Self::InsertLink => "insert_link",
            Self::InsertToken => "insert_token",
            Self::InsertUser => "insert_user",
            Self::Journal => "journal",
            Self::Journals => "journals",
            Self::LastChange => "last_change",
            Self::Ledger => "ledger",
            Self::LinkByCode => "link_by_code",
            Self::LinksAfter => "links_after",
            Self::LinksPage => "links_page",
            Self::NoteTokensUsed => "note_tokens_used",
            Self::Password => "password",
            Self::Ping => "ping",
            Self::PurgeChanges => "purge_changes",
            Self::PurgeClicks => "purge_clicks",
            Self::RecordClicks => "record_clicks",
            Self::RegisterJournal => "register_journal",
            Self::RevokeToken => "revoke_token",
            Self::Salt => "salt",
            Self::SetPassword => "set_password",
            Self::TokenByHash => "token_by_hash",
            Self::TokensAfter => "tokens_after",
            Self::User => "user",
            Self::UserByEmail => "user_by_email",
            Self::UsersAfter => "users_after",
        }
    }
}

impl OperationName {
    /// How long the operation may take, all its tries included.
    ///
    /// Somebody waits for most: what cannot be had soon is better refused. Those that go over any
    /// number of rows may take as long as they need; they would never succeed otherwise.
    pub(crate) const fn time_limit(self) -> Duration {
        match self {
            Self::ClicksBefore | Self::DeleteLink | Self::Ledger | Self::PurgeClicks => {
                Duration::from_secs(60 * 60)
            }
            _ => Duration::from_secs(20),
        }
    }
}

/// Describes the metrics to the recorder of the process, and starts each series at 0. To be called
/// once, after the recorder is installed.
pub fn describe_metrics() {
    describe_counter!(
        RETRIES,
        "Operations on the database that were run again after contention or a lost connection"
    );
    for operation in OperationName::ALL {
        counter!(RETRIES, "operation" => operation.as_str()).increment(0);
    }
}

pub(crate) fn retried(operation: OperationName) {
    counter!(RETRIES, "operation" => operation.as_str()).increment(1);
}
