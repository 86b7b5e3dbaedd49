//! [`FailingStore`] as a store: each operation goes to the store behind, through
//! [`FailingStore::call`].

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{
    ApiToken, Click, ClickId, Email, ExternalIdentity, HostPattern, JournalId, JournalOwner,
    LeaseHolder, Link, LinkCursor, LinkId, LinkOwner, LinkVersion, NearCodes, OrphanPath, Page,
    PageRequest, PasswordHash, Person, Salt, Session, SessionCursor, SessionHash, SessionId,
    SetupHash, ShortCode, Standing, Tag, TokenCursor, TokenHash, TokenId, User, UserCursor, UserId,
};
use waypost_store::rollup::{Counted, FactsSum, Part};
use waypost_store::{
    AcceptedLoss, AccessStore, BlockedHost, BlocklistStore, CatalogStore, ChangeStore, Claimed,
    ClickBatch, ClickSpan, ClickStore, ClicksQuery, CodeRoute, Counts, FactsChange, FactsStore,
    Heir, IdentityOfUser, IdentityStore, Ingested, JournalClaim, JournalNote, JournalRecord,
    JournalStore, KeptClick, LeaseName, LeaseStore, LinkChange, LinkDay, LinkDayFacts, LinkLedger,
    LinkQuery, LinkReader, LinkStore, LinkUpdate, Orphan, OrphanQuery, OrphanStore, OrphanTries,
    OrphansAdded, Ownership, PageOf, PurgeScope, Recorded, SaltStore, SessionStore, SetUp,
    SetupStore, SignedIn, StatsStore, Store, StoreError, TimeStore, TokenStore, Transfer, Updated,
    UserChange, UserStore,
};

use super::{FailingStore, Operation};

/// A port, each of its operations by the name that it has in [`Operation`].
macro_rules! failing {
    ($($port:ident { $($operation:ident: $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* })*) => {$(
        #[async_trait]
        impl<S: $port + ?Sized> $port for FailingStore<S> {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                let work = self.inner.$name($($argument),*);
                self.call(Operation::$operation, work).await
            })*
        }
    )*};
}

failing! {
    LinkStore {
        InsertLink: insert_link(link: &Link, owner: Option<UserId>) -> ();
        Link: link(id: LinkId) -> Option<Link>;
        LinkByCode: link_by_code(code: &ShortCode) -> Option<Link>;
        HolderOfCode: holder_of_code(code: &ShortCode) -> Option<LinkId>;
        CodeRoute: code_route(code: &ShortCode) -> CodeRoute;
        CodesOfLink: codes_of_link(id: LinkId) -> Vec<ShortCode>;
        UpdateLink: update_link(update: &LinkUpdate) -> Updated;
        LinkVersions: link_versions(id: LinkId, before: Option<u32>, limit: u32) -> Vec<LinkVersion>;
        LinksPage: links_page(of: PageOf, page: PageRequest) -> Page<Link>;
        LinksAfter: links_after(cursor: Option<LinkCursor>, limit: u32) -> Vec<Link>;
        DeleteLink: delete_link(id: LinkId) -> bool;
        DeletedLinksBefore: deleted_links_before(before: OffsetDateTime) -> u64;
        PurgeDeletedLinks: purge_deleted_links(before: OffsetDateTime, limit: u32) -> u64;
    }
    AccessStore {
        Standing: standing(link: LinkId, user: UserId) -> Standing;
        OwnersOfLinks: owners_of_links(links: &[LinkId]) -> BTreeMap<LinkId, Vec<LinkOwner>>;
        SharesOfLink: shares_of_link(link: LinkId) -> Vec<Person>;
        TakeLinks: take_links(from: UserId, to: Heir, limit: u32, transfer: Transfer) -> u64;
    }
    BlocklistStore {
        BlockHost: block_host(host: &BlockedHost) -> ();
        UnblockHost: unblock_host(pattern: &HostPattern) -> bool;
        BlockedHosts: blocked_hosts(after: Option<&HostPattern>, limit: u32) -> Vec<BlockedHost>;
        Blocking: blocking(host: &str) -> Option<BlockedHost>;
    }
    OrphanStore {
        AddOrphans: add_orphans(tries: &[OrphanTries], paths_per_day: u32) -> OrphansAdded;
        Orphans: orphans(query: &OrphanQuery) -> Vec<Orphan>;
        PurgeOrphans: purge_orphans(before: Date, limit: u32) -> u64;
        DeleteOrphan: delete_orphan(path: &OrphanPath) -> bool;
    }
    CatalogStore {
        ListLinks: list_links(query: &LinkQuery) -> Vec<Link>;
        Tags: tags(reader: LinkReader, after: Option<&Tag>, limit: u32) -> Vec<Tag>;
        Keywords: keywords(after: Option<&ShortCode>, limit: u32) -> Vec<Link>;
        NearLinks: near_links(reader: LinkReader, near: &NearCodes, limit: u32) -> Vec<Link>;
        IndexLinks: index_links(limit: u32) -> u64;
    }
    ChangeStore {
        ChangesAfter: changes_after(seq: u64, limit: u32) -> Vec<LinkChange>;
        LastChange: last_change() -> u64;
        PurgeChanges: purge_changes(before: OffsetDateTime, limit: u32) -> u64;
    }
    ClickStore {
        RecordClicks: record_clicks(clicks: &[Click]) -> Recorded;
        ClicksBefore: clicks_before(scope: PurgeScope) -> u64;
        HasClicks: has_clicks(number: u64) -> bool;
        PurgeClicks: purge_clicks(scope: PurgeScope, limit: u32) -> u64;
        Ledger: ledger(after: Option<LinkId>, limit: u32) -> Vec<LinkLedger>;
    }
    JournalStore {
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
    }
    LeaseStore {
        TakeLease: take_lease(name: LeaseName, holder: LeaseHolder, now: OffsetDateTime, until: OffsetDateTime) -> bool;
        ReleaseLease: release_lease(name: LeaseName, holder: LeaseHolder) -> ();
    }
    SaltStore {
        Salt: salt(day: Date, candidate: &Salt) -> Salt;
        DestroySaltsBefore: destroy_salts_before(day: Date) -> u64;
    }
    UserStore {
        InsertUser: insert_user(user: &User, password: Option<&PasswordHash>) -> ();
        User: user(id: UserId) -> Option<User>;
        UserByEmail: user_by_email(email: &Email) -> Option<User>;
        UsersAfter: users_after(cursor: Option<UserCursor>, limit: u32) -> Vec<User>;
        ChangeUser: change_user(id: UserId, change: &UserChange) -> Option<User>;
        Password: password(id: UserId) -> Option<PasswordHash>;
        SetPassword: set_password(id: UserId, password: Option<&PasswordHash>, at: OffsetDateTime, kept: Option<SessionId>) -> bool;
        DeleteUser: delete_user(id: UserId) -> bool;
    }
    TokenStore {
        InsertToken: insert_token(token: &ApiToken, hash: &TokenHash) -> ();
        TokenByHash: token_by_hash(hash: &TokenHash) -> Option<(ApiToken, User)>;
        TokensAfter: tokens_after(user: UserId, cursor: Option<TokenCursor>, limit: u32) -> Vec<ApiToken>;
        RevokeToken: revoke_token(user: UserId, token: TokenId, at: OffsetDateTime) -> bool;
        NoteTokensUsed: note_tokens_used(used: &[(TokenId, OffsetDateTime)]) -> ();
    }
    SessionStore {
        InsertSession: insert_session(session: &Session, hash: &SessionHash) -> ();
        SessionByHash: session_by_hash(hash: &SessionHash) -> Option<(Session, User)>;
        SessionsAfter: sessions_after(user: UserId, at: OffsetDateTime, cursor: Option<SessionCursor>, limit: u32) -> Vec<Session>;
        TouchSession: touch_session(session: SessionId, last_used_at: OffsetDateTime, expires_at: OffsetDateTime) -> ();
        EndSession: end_session(user: UserId, session: SessionId, at: OffsetDateTime) -> bool;
        EndSessions: end_sessions(user: UserId, kept: Option<SessionId>, at: OffsetDateTime) -> u64;
        PurgeSessions: purge_sessions(before: OffsetDateTime, limit: u32) -> u64;
        UsersOfSessions: users_of_sessions(hashes: &[SessionHash]) -> BTreeMap<SessionHash, SignedIn>;
    }
    SetupStore {
        InsertSetupToken: insert_setup_token(hash: &SetupHash, expires_at: OffsetDateTime, now: OffsetDateTime) -> ();
        SetupToken: setup_token(hash: &SetupHash) -> Option<OffsetDateTime>;
        SetUp: set_up(hash: &SetupHash, admin: &User, password: &PasswordHash, now: OffsetDateTime) -> SetUp;
    }
    StatsStore {
        LinkDays: link_days(link: LinkId, from: Date, to: Date) -> Vec<LinkDay>;
        DaysOfLinks: days_of_links(links: &[LinkId], from: Date, to: Date) -> BTreeMap<LinkId, Vec<(Date, Counted)>>;
        LinkDayFacts: link_day_facts(link: LinkId, from: Date, to: Date, part: Part) -> Vec<LinkDayFacts>;
        SumOfFacts: sum_of_facts(link: LinkId, from: Date, to: Date, part: Part) -> FactsSum;
        ClickSpan: click_span(link: LinkId) -> Option<ClickSpan>;
        OldestClick: oldest_click(link: LinkId) -> Option<OffsetDateTime>;
        ClicksOf: clicks_of(query: &ClicksQuery) -> Vec<KeptClick>;
        OwnedDays: owned_days(owner: UserId, from: Date, to: Date) -> Vec<(Date, Counted)>;
        OwnedTotal: owned_total(owner: UserId) -> (u64, Counted);
        OwnedTop: owned_top(owner: UserId, from: Date, to: Date, limit: u32) -> Vec<(Link, Counted)>;
        FilterOwned: filter_owned(pairs: &[(LinkId, UserId)]) -> Vec<(LinkId, UserId)>;
        PurgeVisitors: purge_visitors(day: Date, limit: u32) -> u64;
    }
    FactsStore {
        ClicksAfter: clicks_after(after: Option<ClickId>, limit: u32) -> Vec<Click>;
        ChangeFacts: change_facts(changes: &[FactsChange]) -> u64;
    }
    IdentityStore {
        Identity: identity(identity: &ExternalIdentity) -> Option<IdentityOfUser>;
        InsertIdentity: insert_identity(identity: &ExternalIdentity, user: UserId, admin_by_group: bool, at: OffsetDateTime) -> ();
        FollowAdminGroup: follow_admin_group(identity: &ExternalIdentity, is_in_group: bool) -> Option<User>;
    }
    TimeStore {
        DatabaseTime: database_time() -> OffsetDateTime;
    }
    Store {
        Ping: ping() -> ();
        Counts: counts() -> Counts;
    }
}
