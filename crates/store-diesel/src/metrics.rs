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
    CodeRoute,
    CodesOfLink,
    Counts,
    DeleteLink,
    DeleteUser,
    DeletedLinksBefore,
    DestroySalts,
    ForgetDeleted,
    IndexLinks,
    Ingest,
    InsertLink,
    InsertToken,
    InsertUser,
    Journal,
    Journals,
    Keywords,
    LastChange,
    Ledger,
    Link,
    LinkByCode,
    LinkVersions,
    LinksAfter,
    LinksPage,
    ListLinks,
    NoteTokensUsed,
    OwnersOfLinks,
    Password,
    Ping,
    PurgeChanges,
    PurgeClicks,
    PurgeDeletedLinks,
    RecordClicks,
    RegisterJournal,
    RevokeToken,
    Salt,
    SetPassword,
    SharesOfLink,
    Standing,
    Tags,
    TakeLinks,
    TokenByHash,
    TokensAfter,
    UpdateLink,
    User,
    UserByEmail,
    UsersAfter,
}

impl OperationName {
    const ALL: [Self; 49] = [
        Self::ChangeUser,
        Self::ChangesAfter,
        Self::ClicksBefore,
        Self::CodeRoute,
        Self::CodesOfLink,
        Self::Counts,
        Self::DeleteLink,
        Self::DeleteUser,
        Self::DeletedLinksBefore,
        Self::DestroySalts,
        Self::ForgetDeleted,
        Self::IndexLinks,
        Self::Ingest,
        Self::InsertLink,
        Self::InsertToken,
        Self::InsertUser,
        Self::Journal,
        Self::Journals,
        Self::Keywords,
        Self::LastChange,
        Self::Ledger,
        Self::Link,
        Self::LinkByCode,
        Self::LinkVersions,
        Self::LinksAfter,
        Self::LinksPage,
        Self::ListLinks,
        Self::NoteTokensUsed,
        Self::OwnersOfLinks,
        Self::Password,
        Self::Ping,
        Self::PurgeChanges,
        Self::PurgeClicks,
        Self::PurgeDeletedLinks,
        Self::RecordClicks,
        Self::RegisterJournal,
        Self::RevokeToken,
        Self::Salt,
        Self::SetPassword,
        Self::SharesOfLink,
        Self::Standing,
        Self::Tags,
        Self::TakeLinks,
        Self::TokenByHash,
        Self::TokensAfter,
        Self::UpdateLink,
        Self::User,
        Self::UserByEmail,
        Self::UsersAfter,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ChangeUser => "change_user",
            Self::ChangesAfter => "changes_after",
            Self::ClicksBefore => "clicks_before",
            Self::CodeRoute => "code_route",
            Self::CodesOfLink => "codes_of_link",
            Self::Counts => "counts",
            Self::DeleteLink => "delete_link",
            Self::DeleteUser => "delete_user",
            Self::DeletedLinksBefore => "deleted_links_before",
            Self::DestroySalts => "destroy_salts",
            Self::ForgetDeleted => "forget_deleted",
            Self::IndexLinks => "index_links",
            Self::Ingest => "ingest",
            Self::InsertLink => "insert_link",
            Self::InsertToken => "insert_token",
            Self::InsertUser => "insert_user",
            Self::Journal => "journal",
            Self::Journals => "journals",
            Self::Keywords => "keywords",
            Self::LastChange => "last_change",
            Self::Ledger => "ledger",
            Self::Link => "link",
            Self::LinkByCode => "link_by_code",
            Self::LinkVersions => "link_versions",
            Self::LinksAfter => "links_after",
            Self::LinksPage => "links_page",
            Self::ListLinks => "list_links",
            Self::NoteTokensUsed => "note_tokens_used",
            Self::OwnersOfLinks => "owners_of_links",
            Self::Password => "password",
            Self::Ping => "ping",
            Self::PurgeChanges => "purge_changes",
            Self::PurgeClicks => "purge_clicks",
            Self::PurgeDeletedLinks => "purge_deleted_links",
            Self::RecordClicks => "record_clicks",
            Self::RegisterJournal => "register_journal",
            Self::RevokeToken => "revoke_token",
            Self::Salt => "salt",
            Self::SetPassword => "set_password",
            Self::SharesOfLink => "shares_of_link",
            Self::Standing => "standing",
            Self::Tags => "tags",
            Self::TakeLinks => "take_links",
            Self::TokenByHash => "token_by_hash",
            Self::TokensAfter => "tokens_after",
            Self::UpdateLink => "update_link",
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
            Self::ClicksBefore
            | Self::DeleteLink
            | Self::IndexLinks
            | Self::Ledger
            | Self::PurgeClicks
            | Self::PurgeDeletedLinks
            | Self::TakeLinks => Duration::from_secs(60 * 60),
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
