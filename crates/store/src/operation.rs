//! The one list of the port's methods, and what follows from it.
//!
//! A trait says what a method does; this list says that it is there. [`Operation`] names each method for
//! metrics, logs and tests. [`operations!`](crate::operations) hands the list to another macro, which
//! implements the ports for a store that wraps another one.

/// Hands the port's methods to another macro: `operations!(then [extra]; LinkStore Store)` becomes
/// `then! { extra; LinkStore { methods } Store { methods } }`. Without names of ports it hands over all of them.
///
/// A method is `Operation: name(argument: type, …) -> answer;` and returns `Result<answer, StoreError>`.
/// `Operation as "label": …` keeps the label that metrics had before the method was renamed. The names of the
/// types are those of [`signatures`](crate::signatures).
///
/// ```
/// macro_rules! names {
///     (; $($port:ident {
///         $($operation:ident $(as $label:literal)?: $name:ident $arguments:tt -> $answer:ty;)*
///     })*) => {
///         [$($(stringify!($name)),*),*]
///     };
/// }
/// let names = waypost_store::operations!(names []; TimeStore Store);
/// assert_eq!(names, ["database_time", "ping", "counts"]);
/// ```
#[macro_export]
macro_rules! operations {
    ($then:ident [$($extra:tt)*]) => {
        $crate::operations! { $then [$($extra)*];
            LinkStore AccessStore AuditStore PathStore BlocklistStore OrphanStore CatalogStore
            ChangeStore ClickStore JournalStore LeaseStore SaltStore UserStore TokenStore
            SessionStore SetupStore StatsStore
            FactsStore IdentityStore SpaceStore TimeStore Store
        }
    };
    ($then:ident [$($extra:tt)*]; $($port:ident)+) => {
        $crate::operations! { @ [$($port)+] [] $then [$($extra)*] }
    };
    (@ [LinkStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* LinkStore {
            InsertLink: insert_link(link: &Link, owner: Option<UserId>) -> ();
            Link: link(id: LinkId) -> Option<Link>;
            LinkByCode: link_by_code(code: &ShortCode) -> Option<Link>;
            HolderOfCode: holder_of_code(code: &ShortCode) -> Option<LinkId>;
            CodeRoute: code_route(code: &ShortCode) -> CodeRoute;
            CodesOfLink: codes_of_link(id: LinkId) -> Vec<ShortCode>;
            UpdateLink: update_link(update: &LinkUpdate) -> Updated;
            LinkVersions:
                link_versions(id: LinkId, before: Option<u32>, limit: u32)
                -> Vec<LinkVersion>;
            LinksPage: links_page(of: PageOf, page: PageRequest) -> Page<Link>;
            LinksAfter: links_after(cursor: Option<LinkCursor>, limit: u32) -> Vec<Link>;
            DeleteLink: delete_link(id: LinkId) -> bool;
            DeletedLinksBefore: deleted_links_before(before: OffsetDateTime) -> u64;
            FirstDeletedLink: first_deleted_link(before: OffsetDateTime) -> Option<LinkId>;
            PurgeDeletedLinks: purge_deleted_links(before: OffsetDateTime, limit: u32) -> u64;
        }] $then $extra }
    };
    (@ [AccessStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* AccessStore {
            Standing: standing(link: LinkId, user: UserId) -> Standing;
            OwnersOfLinks: owners_of_links(links: &[LinkId]) -> BTreeMap<LinkId, Vec<LinkOwner>>;
            SharesOfLink: shares_of_link(link: LinkId) -> Vec<Person>;
            InvitationsOfLink: invitations_of_link(link: LinkId) -> Vec<Invitation>;
            InvitationsTo: invitations_to(user: UserId, limit: u32) -> Vec<(LinkId, Invitation)>;
            TakeLinks: take_links(from: UserId, to: Heir, limit: u32, transfer: Transfer) -> u64;
        }] $then $extra }
    };
    (@ [AuditStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* AuditStore {
            AddAuditEntry: add_audit_entry(entry: &AuditEntry) -> ();
            AuditEntries: audit_entries(query: &AuditQuery) -> Vec<AuditEntry>;
            PurgeAuditEntries: purge_audit_entries(before: OffsetDateTime, limit: u32) -> u64;
        }] $then $extra }
    };
    (@ [PathStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* PathStore {
            CodeAbove: code_above(code: &ShortCode) -> Option<LinkedCode>;
            CodesBelow: codes_below(link: LinkId, after: Option<&ShortCode>, limit: u32)
                -> Vec<LinkedCode>;
            NestedCodes: nested_codes(after: Option<&ShortCode>, limit: u32) -> Vec<NestedCode>;
        }] $then $extra }
    };
    (@ [BlocklistStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* BlocklistStore {
            BlockHost: block_host(host: &BlockedHost) -> ();
            UnblockHost: unblock_host(pattern: &HostPattern) -> bool;
            BlockedHosts:
                blocked_hosts(after: Option<&HostPattern>, limit: u32)
                -> Vec<BlockedHost>;
            Blocking: blocking(host: &str) -> Option<BlockedHost>;
        }] $then $extra }
    };
    (@ [OrphanStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* OrphanStore {
            AddOrphans: add_orphans(tries: &[OrphanTries], paths_per_day: u32) -> OrphansAdded;
            Orphans: orphans(query: &OrphanQuery) -> Vec<Orphan>;
            PurgeOrphans: purge_orphans(before: Date, limit: u32) -> u64;
            DeleteOrphan: delete_orphan(path: &OrphanPath) -> bool;
        }] $then $extra }
    };
    (@ [CatalogStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* CatalogStore {
            ListLinks: list_links(query: &LinkQuery) -> Vec<Link>;
            Tags: tags(reader: LinkReader, after: Option<&Tag>, limit: u32) -> Vec<Tag>;
            Keywords: keywords(after: Option<&ShortCode>, limit: u32) -> Vec<Link>;
            NearLinks: near_links(reader: LinkReader, near: &NearCodes, limit: u32) -> Vec<Link>;
            IndexLinks: index_links(limit: u32) -> u64;
            LinksToIndex: links_to_index() -> u64;
        }] $then $extra }
    };
    (@ [ChangeStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* ChangeStore {
            ChangesAfter: changes_after(seq: u64, limit: u32) -> Vec<LinkChange>;
            LastChange: last_change() -> u64;
            PurgeChanges: purge_changes(before: OffsetDateTime, limit: u32) -> u64;
        }] $then $extra }
    };
    (@ [ClickStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* ClickStore {
            RecordClicks: record_clicks(clicks: &[Click]) -> Recorded;
            ClicksBefore: clicks_before(scope: PurgeScope) -> u64;
            HasClicks: has_clicks(number: u64) -> bool;
            PurgeClicks: purge_clicks(scope: PurgeScope, limit: u32) -> u64;
            PurgeClickIds: purge_click_ids(before: OffsetDateTime, limit: u32) -> u64;
            Ledger: ledger(after: Option<LinkId>, limit: u32) -> Vec<LinkLedger>;
        }] $then $extra }
    };
    (@ [JournalStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* JournalStore {
            TakeJournal: take_journal(claim: &JournalClaim) -> Claimed;
            NoteJournal: note_journal(note: &JournalNote) -> bool;
            ForgetJournal: forget_journal(seen: &JournalRecord, at: OffsetDateTime) -> bool;
            Journal: journal(id: JournalId) -> Option<JournalRecord>;
            Journals: journals() -> Vec<JournalRecord>;
            JournalOwners: journal_owners(id: JournalId) -> Vec<Ownership>;
            Ingest: ingest(batch: Arc<ClickBatch>, at: OffsetDateTime) -> Ingested;
            StoredClicks: stored_clicks(ids: &[ClickId]) -> Vec<ClickId>;
            MakeDurable: make_durable(journal: JournalId, owner: JournalOwner) -> bool;
            AcceptLoss: accept_loss(loss: &AcceptedLoss) -> ();
            AcceptedLosses: accepted_losses() -> Vec<AcceptedLoss>;
        }] $then $extra }
    };
    (@ [LeaseStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* LeaseStore {
            TakeLease: take_lease(
                name: LeaseName, holder: LeaseHolder, now: OffsetDateTime, until: OffsetDateTime
            ) -> bool;
            ReleaseLease: release_lease(name: LeaseName, holder: LeaseHolder) -> ();
        }] $then $extra }
    };
    (@ [SaltStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* SaltStore {
            Salt: salt(day: Date, candidate: &Salt) -> Salt;
            DestroySaltsBefore as "destroy_salts": destroy_salts_before(day: Date) -> u64;
            EraseSalts: erase_salts() -> Option<SaltTraces>;
            SaltTraces: salt_traces() -> Option<SaltTraces>;
        }] $then $extra }
    };
    (@ [UserStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* UserStore {
            InsertUser: insert_user(user: &User, password: Option<&PasswordHash>) -> ();
            User: user(id: UserId) -> Option<User>;
            UserByEmail: user_by_email(email: &Email) -> Option<User>;
            UsersAfter: users_after(cursor: Option<UserCursor>, limit: u32) -> Vec<User>;
            ChangeUser: change_user(id: UserId, change: &UserChange) -> Option<User>;
            Password: password(id: UserId) -> Option<PasswordHash>;
            SetPassword:
                set_password(id: UserId, password: Option<&PasswordHash>, change: PasswordChange)
                -> Option<PasswordSet>;
            DeleteUser: delete_user(id: UserId) -> bool;
        }] $then $extra }
    };
    (@ [TokenStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* TokenStore {
            InsertToken: insert_token(token: &ApiToken, hash: &TokenHash, at_most: u32) -> bool;
            TokenByHash: token_by_hash(hash: &TokenHash) -> Option<(ApiToken, User)>;
            TokensAfter:
                tokens_after(user: UserId, cursor: Option<TokenCursor>, limit: u32)
                -> Vec<ApiToken>;
            RevokeToken: revoke_token(user: UserId, token: TokenId, at: OffsetDateTime) -> bool;
            NoteTokensUsed: note_tokens_used(used: &[(TokenId, OffsetDateTime)]) -> ();
        }] $then $extra }
    };
    (@ [SessionStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* SessionStore {
            InsertSession: insert_session(session: &Session, hash: &SessionHash) -> ();
            SessionByHash: session_by_hash(hash: &SessionHash) -> Option<(Session, User)>;
            SessionsAfter: sessions_after(
                user: UserId, at: OffsetDateTime, cursor: Option<SessionCursor>, limit: u32
            ) -> Vec<Session>;
            TouchSession: touch_session(
                session: SessionId, last_used_at: OffsetDateTime, expires_at: OffsetDateTime
            ) -> ();
            EndSession: end_session(user: UserId, session: SessionId, at: OffsetDateTime) -> bool;
            EndSessions:
                end_sessions(user: UserId, kept: Option<SessionId>, at: OffsetDateTime)
                -> u64;
            PurgeSessions: purge_sessions(before: OffsetDateTime, limit: u32) -> u64;
            BrowserKey: browser_key(candidate: &ServerKey) -> ServerKey;
            UsersOfSessions:
                users_of_sessions(hashes: &[SessionHash])
                -> BTreeMap<SessionHash, SignedIn>;
        }] $then $extra }
    };
    (@ [SetupStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* SetupStore {
            InsertSetupToken: insert_setup_token(
                hash: &SetupHash, expires_at: OffsetDateTime, now: OffsetDateTime
            ) -> ();
            SetupToken: setup_token(hash: &SetupHash) -> Option<OffsetDateTime>;
            SetUp:
                set_up(hash: &SetupHash, admin: &User, password: &PasswordHash, now: OffsetDateTime)
                -> SetUp;
        }] $then $extra }
    };
    (@ [StatsStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* StatsStore {
            LinkDays: link_days(link: LinkId, from: Date, to: Date) -> Vec<LinkDay>;
            DaysOfLinks:
                days_of_links(links: &[LinkId], from: Date, to: Date)
                -> BTreeMap<LinkId, Vec<(Date, Counted)>>;
            LinkTotals: link_totals(links: &[LinkId]) -> BTreeMap<LinkId, Counted>;
            LinkDayFacts:
                link_day_facts(link: LinkId, from: Date, to: Date, part: Part)
                -> Vec<LinkDayFacts>;
            SumOfFacts: sum_of_facts(link: LinkId, from: Date, to: Date, part: Part) -> FactsSum;
            ClickSpan: click_span(link: LinkId) -> Option<ClickSpan>;
            OldestClick: oldest_click(link: LinkId) -> Option<OffsetDateTime>;
            ClicksWithoutRecord: clicks_without_record(link: LinkId) -> u64;
            ClicksOf: clicks_of(query: &ClicksQuery) -> Vec<KeptClick>;
            OwnedDays: owned_days(owner: UserId, from: Date, to: Date) -> Vec<(Date, Counted)>;
            OwnedTotal: owned_total(owner: UserId) -> (u64, Counted);
            OwnedTop:
                owned_top(owner: UserId, from: Date, to: Date, limit: u32)
                -> Vec<(Link, Counted)>;
            FilterOwned as "owning":
                filter_owned(pairs: &[(LinkId, UserId)])
                -> Vec<(LinkId, UserId)>;
            PurgeVisitors: purge_visitors(day: Date, limit: u32) -> u64;
        }] $then $extra }
    };
    (@ [FactsStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* FactsStore {
            ClicksAfter: clicks_after(after: Option<ClickId>, limit: u32) -> Vec<Click>;
            ChangeFacts: change_facts(changes: &[FactsChange]) -> u64;
        }] $then $extra }
    };
    (@ [IdentityStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* IdentityStore {
            Identity: identity(identity: &ExternalIdentity) -> Option<IdentityOfUser>;
            InsertIdentity: insert_identity(
                identity: &ExternalIdentity, user: UserId, admin_by_group: bool, at: OffsetDateTime
            ) -> ();
            FollowAdminGroup:
                follow_admin_group(identity: &ExternalIdentity, is_in_group: bool)
                -> Option<User>;
            IdentitiesOfUser: identities_of_user(user: UserId) -> Vec<LinkedIdentity>;
            DeleteIdentity:
                delete_identity(user: UserId, identity: &ExternalIdentity, at: OffsetDateTime)
                -> bool;
            UseSignIn:
                use_sign_in(state: &[u8; 32], expires_at: OffsetDateTime, now: OffsetDateTime)
                -> bool;
        }] $then $extra }
    };
    (@ [SpaceStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* SpaceStore {
            Space: space() -> Option<Space>;
            ReleaseSpace: release_space(pages: u32) -> u64;
        }] $then $extra }
    };
    (@ [TimeStore $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* TimeStore {
            DatabaseTime: database_time() -> OffsetDateTime;
        }] $then $extra }
    };
    (@ [Store $($rest:ident)*] [$($done:tt)*] $then:ident $extra:tt) => {
        $crate::operations! { @ [$($rest)*] [$($done)* Store {
            Ping: ping() -> ();
            Counts: counts() -> Counts;
        }] $then $extra }
    };
    (@ [] [$($done:tt)*] $then:ident [$($extra:tt)*]) => {
        $then! { $($extra)*; $($done)* }
    };
}

/// The types of the port's methods, for macros that [`operations!`](crate::operations) calls.
pub mod signatures {
    pub use std::collections::BTreeMap;
    pub use std::sync::Arc;

    pub use async_trait::async_trait;
    pub use time::{Date, OffsetDateTime};
    pub use waypost_core::{
        ApiToken, AuditEntry, Click, ClickId, Email, ExternalIdentity, HostPattern, Invitation,
        JournalId, JournalOwner, LeaseHolder, Link, LinkCursor, LinkId, LinkOwner, LinkVersion,
        NearCodes, OrphanPath, Page, PageRequest, PasswordHash, Person, Salt, ServerKey, Session,
        SessionCursor, SessionHash, SessionId, SetupHash, ShortCode, Standing, Tag, TokenCursor,
        TokenHash, TokenId, User, UserCursor, UserId,
    };

    pub use crate::rollup::{Counted, FactsSum, Part};
    pub use crate::{
        AcceptedLoss, AccessStore, AuditQuery, AuditStore, BlockedHost, BlocklistStore,
        CatalogStore, ChangeStore, Claimed, ClickBatch, ClickSpan, ClickStore, ClicksQuery,
        CodeRoute, Counts, FactsChange, FactsStore, Heir, IdentityOfUser, IdentityStore, Ingested,
        JournalClaim, JournalNote, JournalRecord, JournalStore, KeptClick, LeaseName, LeaseStore,
        LinkChange, LinkDay, LinkDayFacts, LinkLedger, LinkQuery, LinkReader, LinkStore,
        LinkUpdate, LinkedCode, LinkedIdentity, NestedCode, Orphan, OrphanQuery, OrphanStore,
        OrphanTries, OrphansAdded, Ownership, PageOf, PasswordChange, PasswordSet, PathStore,
        PurgeScope, Recorded, SaltStore, SaltTraces, SessionStore, SetUp, SetupStore, SignedIn,
        Space, SpaceStore, StatsStore, Store, StoreError, TimeStore, TokenStore, Transfer, Updated,
        UserChange, UserStore,
    };
}

macro_rules! define_operation {
    (; $($port:ident {$(
        $operation:ident $(as $label:literal)?: $name:ident $arguments:tt -> $answer:ty;
    )*})*) => {
        /// A method of the port.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {$($(
            #[doc = concat!("[`", stringify!($port), "::", stringify!($name), "`](crate::", stringify!($port), "::", stringify!($name), ")")]
            $operation,
        )*)*}

        impl Operation {
            /// Every operation, port by port.
            pub const ALL: &[Self] = &[$($(Self::$operation),*),*];

            /// The name of the operation in metrics and logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$operation => label!($name $($label)?),)*)*
                }
            }
        }
    };
}

macro_rules! label {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $label:literal) => {
        $label
    };
}

operations! { define_operation [] }

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Operation;

    #[test]
    fn each_operation_has_a_label_of_its_own_which_is_the_name_of_its_method_but_for_old_labels() {
        let labels: BTreeSet<&str> = Operation::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(labels.len(), Operation::ALL.len());
        assert_eq!(Operation::InsertLink.as_str(), "insert_link");
        assert_eq!(Operation::FilterOwned.as_str(), "owning");
        assert_eq!(Operation::DestroySaltsBefore.as_str(), "destroy_salts");
    }
}
