//! The operations on the database by name, and the metrics of this crate, which are labelled by them.

use std::time::Duration;

use metrics::{counter, describe_counter};

const RETRIES: &str = "waypost_database_retries_total";

/// The operations on the database, as metrics and logs name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperationName {
    BlockHost,
    BlockedHosts,
    Blocking,
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
    EndSession,
    EndSessions,
    ForgetDeleted,
    Identity,
    IndexLinks,
    Ingest,
    InsertIdentity,
    InsertLink,
    InsertSession,
    InsertSetupToken,
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
    PurgeSessions,
    RecordClicks,
    RegisterJournal,
    RevokeToken,
    Salt,
    SessionByHash,
    SessionsAfter,
    FollowAdminGroup,
    SetPassword,
    SetUp,
    SetupToken,
    SharesOfLink,
    Standing,
    Tags,
    TakeLinks,
    TokenByHash,
    TokensAfter,
    TouchSession,
    UnblockHost,
    UpdateLink,
    User,
    UserByEmail,
    UsersAfter,
    UsersOfSessions,
}

impl OperationName {
    const ALL: [Self; 67] = [
        Self::BlockHost,
        Self::BlockedHosts,
        Self::Blocking,
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
        Self::EndSession,
        Self::EndSessions,
        Self::ForgetDeleted,
        Self::Identity,
        Self::IndexLinks,
        Self::Ingest,
        Self::InsertIdentity,
        Self::InsertLink,
        Self::InsertSession,
        Self::InsertSetupToken,
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
        Self::PurgeSessions,
        Self::RecordClicks,
        Self::RegisterJournal,
        Self::RevokeToken,
        Self::Salt,
        Self::SessionByHash,
        Self::SessionsAfter,
        Self::FollowAdminGroup,
        Self::SetPassword,
        Self::SetUp,
        Self::SetupToken,
        Self::SharesOfLink,
        Self::Standing,
        Self::Tags,
        Self::TakeLinks,
        Self::TokenByHash,
        Self::TokensAfter,
        Self::TouchSession,
        Self::UnblockHost,
        Self::UpdateLink,
        Self::User,
        Self::UserByEmail,
        Self::UsersAfter,
        Self::UsersOfSessions,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::BlockHost => "block_host",
            Self::BlockedHosts => "blocked_hosts",
            Self::Blocking => "blocking",
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
            Self::EndSession => "end_session",
            Self::EndSessions => "end_sessions",
            Self::ForgetDeleted => "forget_deleted",
            Self::Identity => "identity",
            Self::IndexLinks => "index_links",
            Self::Ingest => "ingest",
            Self::InsertIdentity => "insert_identity",
            Self::InsertLink => "insert_link",
            Self::InsertSession => "insert_session",
            Self::InsertSetupToken => "insert_setup_token",
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
            Self::PurgeSessions => "purge_sessions",
            Self::RecordClicks => "record_clicks",
            Self::RegisterJournal => "register_journal",
            Self::RevokeToken => "revoke_token",
            Self::Salt => "salt",
            Self::SessionByHash => "session_by_hash",
            Self::SessionsAfter => "sessions_after",
            Self::FollowAdminGroup => "follow_admin_group",
            Self::SetPassword => "set_password",
            Self::SetUp => "set_up",
            Self::SetupToken => "setup_token",
            Self::SharesOfLink => "shares_of_link",
            Self::Standing => "standing",
            Self::Tags => "tags",
            Self::TakeLinks => "take_links",
            Self::TokenByHash => "token_by_hash",
            Self::TokensAfter => "tokens_after",
            Self::TouchSession => "touch_session",
            Self::UnblockHost => "unblock_host",
            Self::UpdateLink => "update_link",
            Self::User => "user",
            Self::UserByEmail => "user_by_email",
            Self::UsersAfter => "users_after",
            Self::UsersOfSessions => "users_of_sessions",
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
            | Self::PurgeSessions
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
