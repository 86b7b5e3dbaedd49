//! The port: the operation and the query of each method. A method that does more than run one query
//! is written out beside them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::RunQueryDsl;
use time::{Date, OffsetDateTime};
use waypost_core::{
    ApiToken, AuditEntry, Click, ClickId, Email, ExternalIdentity, HostPattern, Invitation,
    JournalId, JournalOwner, LeaseHolder, Link, LinkCursor, LinkId, LinkOwner, LinkVersion,
    NearCodes, OrphanPath, Page, PageRequest, PasswordHash, Person, Salt, ServerKey, Session,
    SessionCursor, SessionHash, SessionId, SetupHash, ShortCode, Standing, Tag, TokenCursor,
    TokenHash, TokenId, User, UserCursor, UserId,
};
use waypost_store::rollup::{Counted, FactsSum, Part};
use waypost_store::{
    AcceptedLoss, AccessStore, AuditQuery, AuditStore, BlockedHost, BlocklistStore, CatalogStore,
    ChangeStore, Claimed, ClickBatch, ClickSpan, ClickStore, ClicksQuery, CodeRoute, Counts,
    FactsChange, FactsStore, Heir, IdentityOfUser, IdentityStore, Ingested, JournalClaim,
    JournalNote, JournalRecord, JournalStore, KeptClick, LeaseName, LeaseStore, LinkChange,
    LinkDay, LinkDayFacts, LinkLedger, LinkQuery, LinkReader, LinkStore, LinkUpdate, LinkedCode,
    LinkedIdentity, NestedCode, Operation, Orphan, OrphanQuery, OrphanStore, OrphanTries,
    OrphansAdded, Ownership, PageOf, PasswordChange, PasswordSet, PathStore, PurgeScope, Recorded,
    SaltStore, SaltTraces, SessionStore, SetUp, SetupStore, SignedIn, Space, SpaceStore,
    StatsStore, Store, StoreError, TimeStore, TokenStore, Transfer, Updated, UserChange, UserStore,
};

use super::pool::Pools;
// A statement needs no transaction if it decides by itself and may run twice.
use super::transaction::{WorkError, look_up, look_up as statement, transaction};
use super::{Connection, Ingester, make_durable, release_space, space};
use super::{
    access, audit, blocklist, catalog, changes, clicks, edits, findable, identities, invitations,
    journals, leases, links, orphans, paths, reclassify, salts, sessions, setup, stats, tags,
    taking, tokens, user_rows, users, versions,
};
use crate::job::Job;
use crate::metrics::OperationName;
use crate::opened::Opened;

/// A store on this database.
struct SqlStore {
    pools: Pools,
    ingester: Ingester,
}

/// Opens the store on these connections.
pub(crate) fn open(pools: Pools, ingester: Ingester) -> Opened {
    let closing = (pools.clone(), ingester.clone());
    Opened {
        store: Arc::new(SqlStore { pools, ingester }),
        close: Box::new(move || {
            closing.0.close();
            closing.1.close();
        }),
    }
}

/// Implements ports. Each row of the table is a method: whether it is a `transaction` on the pool
/// for writes, a `look_up` on the one for reads or a `statement` on the one for writes, its
/// operation, its signature, and the query that takes the same arguments. Methods written out
/// follow `+`.
macro_rules! port {
    ($($port:ident { $(
        $how:ident $operation:ident: $name:ident($($argument:ident: $type:ty),*) -> $answer:ty
            = $query:path;
    )* } $(+ { $($written_out:tt)* })?)*) => {$(
        #[async_trait]
        impl $port for SqlStore {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                $how(port!(@pool $how self), OperationName::Port(Operation::$operation))
                    .run(async |connection: &mut Connection| {
                        $query(connection, $($argument),*).await
                    })
                    .await
            })*
            $($($written_out)*)?
        }
    )*};
    (@pool look_up $self:ident) => { &$self.pools.reads };
    (@pool transaction $self:ident) => { &$self.pools.writes };
    (@pool statement $self:ident) => { &$self.pools.writes };
}

port! {
    Store {
        look_up Ping: ping() -> () = ping;
        look_up Counts: counts() -> Counts = links::counts;
    }
    SpaceStore {
        look_up Space: space() -> Option<Space> = space;
        statement ReleaseSpace: release_space(pages: u32) -> u64 = release_space;
    }
    TimeStore {
        look_up DatabaseTime: database_time() -> OffsetDateTime = salts::now;
    }
    ChangeStore {
        look_up ChangesAfter: changes_after(seq: u64, limit: u32) -> Vec<LinkChange>
            = changes::after;
        look_up LastChange: last_change() -> u64 = changes::last;
        transaction PurgeChanges: purge_changes(before: OffsetDateTime, limit: u32) -> u64
            = changes::purge;
    }
    JournalStore {
        transaction TakeJournal: take_journal(claim: &JournalClaim) -> Claimed = journals::take;
        statement NoteJournal: note_journal(note: &JournalNote) -> bool = journals::note;
        look_up Journal: journal(id: JournalId) -> Option<JournalRecord> = journals::one;
        look_up Journals: journals() -> Vec<JournalRecord> = journals::all;
        statement ForgetJournal: forget_journal(seen: &JournalRecord, at: OffsetDateTime) -> bool
            = journals::forget;
        look_up JournalOwners: journal_owners(id: JournalId) -> Vec<Ownership> = journals::owners;
        look_up StoredClicks: stored_clicks(ids: &[ClickId]) -> Vec<ClickId>
            = journals::stored_clicks;
        transaction AcceptLoss: accept_loss(loss: &AcceptedLoss) -> () = journals::accept_loss;
        look_up AcceptedLosses: accepted_losses() -> Vec<AcceptedLoss>
            = journals::all_accepted_losses;
        statement MakeDurable: make_durable(journal: JournalId, owner: JournalOwner) -> bool
            = make_durable;
    } + {
        async fn ingest(
            &self,
            batch: Arc<ClickBatch>,
            at: OffsetDateTime,
        ) -> Result<Ingested, StoreError> {
            self.ingester
                .settle(OperationName::Port(Operation::Ingest), Job::Batch(batch, at))
                .await
        }
    }
    ClickStore {
        look_up ClicksBefore: clicks_before(scope: PurgeScope) -> u64 = clicks::count_before;
        look_up HasClicks: has_clicks(number: u64) -> bool = clicks::are_at_least;
        transaction PurgeClicks: purge_clicks(scope: PurgeScope, limit: u32) -> u64
            = clicks::purge;
        transaction PurgeClickIds: purge_click_ids(before: OffsetDateTime, limit: u32) -> u64
            = clicks::purge_ids;
        look_up Ledger: ledger(after: Option<LinkId>, limit: u32) -> Vec<LinkLedger>
            = clicks::ledger;
    } + {
        async fn record_clicks(&self, batch: &[Click]) -> Result<Recorded, StoreError> {
            if batch.is_empty() {
                return Ok(Recorded::default());
            }
            let job = Job::Clicks(batch.into());
            match self
                .ingester
                .settle(OperationName::Port(Operation::RecordClicks), job)
                .await?
            {
                Ingested::Settled(recorded) => Ok(recorded),
                Ingested::Elsewhere(_) => {
                    Err(StoreError::internal("a position without a journal"))
                }
            }
        }
    }
    SaltStore {
        statement Salt: salt(day: Date, candidate: &Salt) -> Salt = salts::salt;
        transaction DestroySaltsBefore: destroy_salts_before(day: Date) -> u64
            = salts::destroy_before;
        statement EraseSalts: erase_salts() -> Option<SaltTraces> = salts::erase;
        look_up SaltTraces: salt_traces() -> Option<SaltTraces> = salts::traces;
    }
    UserStore {
        transaction InsertUser: insert_user(user: &User, password: Option<&PasswordHash>) -> ()
            = users::insert;
        look_up User: user(id: UserId) -> Option<User> = user_rows::one;
        look_up UserByEmail: user_by_email(email: &Email) -> Option<User> = users::by_email;
        look_up UsersAfter: users_after(cursor: Option<UserCursor>, limit: u32) -> Vec<User>
            = users::after;
        transaction ChangeUser: change_user(id: UserId, change: &UserChange) -> Option<User>
            = users::change;
        look_up Password: password(id: UserId) -> Option<PasswordHash> = users::password;
        transaction SetPassword: set_password(
            id: UserId, password: Option<&PasswordHash>, change: PasswordChange
        ) -> Option<PasswordSet> = users::set_password;
        transaction DeleteUser: delete_user(id: UserId) -> bool = users::delete;
    }
    TokenStore {
        transaction InsertToken: insert_token(token: &ApiToken, hash: &TokenHash, at_most: u32)
            -> bool = tokens::insert;
        look_up TokenByHash: token_by_hash(hash: &TokenHash) -> Option<(ApiToken, User)>
            = tokens::by_hash;
        look_up TokensAfter: tokens_after(user: UserId, cursor: Option<TokenCursor>, limit: u32)
            -> Vec<ApiToken> = tokens::after;
        transaction RevokeToken: revoke_token(user: UserId, token: TokenId, at: OffsetDateTime)
            -> bool = tokens::revoke;
        transaction NoteTokensUsed: note_tokens_used(used: &[(TokenId, OffsetDateTime)]) -> ()
            = tokens::note_used;
    }
    SessionStore {
        transaction InsertSession: insert_session(session: &Session, hash: &SessionHash) -> ()
            = sessions::insert;
        look_up SessionByHash: session_by_hash(hash: &SessionHash) -> Option<(Session, User)>
            = sessions::by_hash;
        look_up SessionsAfter: sessions_after(
            user: UserId, at: OffsetDateTime, cursor: Option<SessionCursor>, limit: u32
        ) -> Vec<Session> = sessions::after;
        transaction TouchSession: touch_session(
            session: SessionId, last_used_at: OffsetDateTime, expires_at: OffsetDateTime
        ) -> () = sessions::touch;
        transaction EndSession: end_session(user: UserId, session: SessionId, at: OffsetDateTime)
            -> bool = sessions::end;
        transaction EndSessions: end_sessions(
            user: UserId, kept: Option<SessionId>, at: OffsetDateTime
        ) -> u64 = sessions::end_all;
        transaction PurgeSessions: purge_sessions(before: OffsetDateTime, limit: u32) -> u64
            = sessions::purge;
        statement BrowserKey: browser_key(candidate: &ServerKey) -> ServerKey
            = sessions::browser_key;
        look_up UsersOfSessions: users_of_sessions(hashes: &[SessionHash])
            -> BTreeMap<SessionHash, SignedIn> = sessions::users_of;
    }
    SetupStore {
        transaction InsertSetupToken: insert_setup_token(
            hash: &SetupHash, expires_at: OffsetDateTime, now: OffsetDateTime
        ) -> () = setup::insert;
        look_up SetupToken: setup_token(hash: &SetupHash) -> Option<OffsetDateTime> = setup::one;
        transaction SetUp: set_up(
            hash: &SetupHash, admin: &User, password: &PasswordHash, now: OffsetDateTime
        ) -> SetUp = setup::set_up;
    }
    IdentityStore {
        look_up Identity: identity(identity: &ExternalIdentity) -> Option<IdentityOfUser>
            = identities::one;
        transaction InsertIdentity: insert_identity(
            identity: &ExternalIdentity, user: UserId, admin_by_group: bool, at: OffsetDateTime
        ) -> () = identities::insert;
        transaction FollowAdminGroup: follow_admin_group(
            identity: &ExternalIdentity, is_in_group: bool
        ) -> Option<User> = identities::follow_admin_group;
        look_up IdentitiesOfUser: identities_of_user(user: UserId) -> Vec<LinkedIdentity>
            = identities::of_user;
        transaction DeleteIdentity: delete_identity(
            user: UserId, identity: &ExternalIdentity, at: OffsetDateTime
        ) -> bool = identities::delete;
        statement UseSignIn: use_sign_in(
            state: &[u8; 32], expires_at: OffsetDateTime, now: OffsetDateTime
        ) -> bool = identities::use_sign_in;
    }
    FactsStore {
        look_up ClicksAfter: clicks_after(after: Option<ClickId>, limit: u32) -> Vec<Click>
            = reclassify::clicks_after;
        transaction ChangeFacts: change_facts(changes: &[FactsChange]) -> u64
            = reclassify::change_facts;
    }
    LeaseStore {
        statement TakeLease: take_lease(
            name: LeaseName, holder: LeaseHolder, now: OffsetDateTime, until: OffsetDateTime
        ) -> bool = leases::take;
        statement ReleaseLease: release_lease(name: LeaseName, holder: LeaseHolder) -> ()
            = leases::release;
    }
    StatsStore {
        look_up LinkDays: link_days(link: LinkId, from: Date, to: Date) -> Vec<LinkDay>
            = stats::link_days;
        look_up DaysOfLinks: days_of_links(links: &[LinkId], from: Date, to: Date)
            -> BTreeMap<LinkId, Vec<(Date, Counted)>> = stats::days_of_links;
        look_up LinkTotals: link_totals(links: &[LinkId]) -> BTreeMap<LinkId, Counted>
            = stats::link_totals;
        look_up LinkDayFacts: link_day_facts(link: LinkId, from: Date, to: Date, part: Part)
            -> Vec<LinkDayFacts> = stats::link_day_facts;
        look_up SumOfFacts: sum_of_facts(link: LinkId, from: Date, to: Date, part: Part)
            -> FactsSum = stats::sum_of_facts;
        look_up ClickSpan: click_span(link: LinkId) -> Option<ClickSpan> = stats::click_span;
        look_up OldestClick: oldest_click(link: LinkId) -> Option<OffsetDateTime>
            = stats::oldest_click;
        look_up ClicksWithoutRecord: clicks_without_record(link: LinkId) -> u64
            = clicks::without_record;
        look_up ClicksOf: clicks_of(query: &ClicksQuery) -> Vec<KeptClick> = stats::clicks_of;
        look_up OwnedDays: owned_days(owner: UserId, from: Date, to: Date)
            -> Vec<(Date, Counted)> = stats::owned_days;
        look_up OwnedTotal: owned_total(owner: UserId) -> (u64, Counted) = stats::owned_total;
        look_up OwnedTop: owned_top(owner: UserId, from: Date, to: Date, limit: u32)
            -> Vec<(Link, Counted)> = stats::owned_top;
        look_up FilterOwned: filter_owned(pairs: &[(LinkId, UserId)]) -> Vec<(LinkId, UserId)>
            = stats::filter_owned;
        transaction PurgeVisitors: purge_visitors(day: Date, limit: u32) -> u64
            = stats::purge_visitors;
    }
    LinkStore {
        transaction InsertLink: insert_link(link: &Link, owner: Option<UserId>) -> ()
            = edits::insert;
        look_up Link: link(id: LinkId) -> Option<Link> = links::one;
        look_up LinkByCode: link_by_code(code: &ShortCode) -> Option<Link> = links::by_code;
        look_up HolderOfCode: holder_of_code(code: &ShortCode) -> Option<LinkId> = links::holder;
        look_up CodeRoute: code_route(code: &ShortCode) -> CodeRoute = links::route;
        look_up CodesOfLink: codes_of_link(id: LinkId) -> Vec<ShortCode> = links::codes;
        transaction UpdateLink: update_link(update: &LinkUpdate) -> Updated = edits::update;
        look_up LinkVersions: link_versions(id: LinkId, before: Option<u32>, limit: u32)
            -> Vec<LinkVersion> = versions::of_link;
        look_up LinksPage: links_page(of: PageOf, page: PageRequest) -> Page<Link> = links::page;
        look_up LinksAfter: links_after(cursor: Option<LinkCursor>, limit: u32) -> Vec<Link>
            = links::after;
        transaction DeleteLink: delete_link(id: LinkId) -> bool = edits::delete;
        look_up DeletedLinksBefore: deleted_links_before(before: OffsetDateTime) -> u64
            = links::deleted_before;
        look_up FirstDeletedLink: first_deleted_link(before: OffsetDateTime) -> Option<LinkId>
            = links::first_deleted;
        transaction PurgeDeletedLinks: purge_deleted_links(before: OffsetDateTime, limit: u32)
            -> u64 = edits::purge_deleted;
    }
    AccessStore {
        look_up Standing: standing(link: LinkId, user: UserId) -> Standing = access::standing;
        look_up OwnersOfLinks: owners_of_links(links: &[LinkId])
            -> BTreeMap<LinkId, Vec<LinkOwner>> = access::owners;
        look_up SharesOfLink: shares_of_link(link: LinkId) -> Vec<Person> = access::shares;
        look_up InvitationsOfLink: invitations_of_link(link: LinkId) -> Vec<Invitation>
            = invitations::of_link;
        look_up InvitationsTo: invitations_to(user: UserId, limit: u32)
            -> Vec<(LinkId, Invitation)> = invitations::to_user;
        transaction TakeLinks: take_links(from: UserId, to: Heir, limit: u32, transfer: Transfer)
            -> u64 = taking::take;
    }
    AuditStore {
        transaction AddAuditEntry: add_audit_entry(entry: &AuditEntry) -> () = audit::insert;
        look_up AuditEntries: audit_entries(query: &AuditQuery) -> Vec<AuditEntry> = audit::list;
        transaction PurgeAuditEntries: purge_audit_entries(before: OffsetDateTime, limit: u32)
            -> u64 = audit::purge;
    }
    PathStore {
        look_up CodeAbove: code_above(code: &ShortCode) -> Option<LinkedCode> = paths::above;
        look_up CodesBelow: codes_below(link: LinkId, after: Option<&ShortCode>, limit: u32)
            -> Vec<LinkedCode> = paths::below;
        look_up NestedCodes: nested_codes(after: Option<&ShortCode>, limit: u32)
            -> Vec<NestedCode> = paths::nested;
    }
    BlocklistStore {
        transaction BlockHost: block_host(host: &BlockedHost) -> () = blocklist::insert;
        transaction UnblockHost: unblock_host(pattern: &HostPattern) -> bool = blocklist::delete;
        look_up BlockedHosts: blocked_hosts(after: Option<&HostPattern>, limit: u32)
            -> Vec<BlockedHost> = blocklist::after;
        look_up Blocking: blocking(host: &str) -> Option<BlockedHost> = blocklist::matching;
    }
    OrphanStore {
        transaction AddOrphans: add_orphans(tries: &[OrphanTries], paths_per_day: u32)
            -> OrphansAdded = orphans::add;
        look_up Orphans: orphans(query: &OrphanQuery) -> Vec<Orphan> = orphans::list;
        transaction PurgeOrphans: purge_orphans(before: Date, limit: u32) -> u64 = orphans::purge;
        transaction DeleteOrphan: delete_orphan(path: &OrphanPath) -> bool = orphans::delete;
    }
    CatalogStore {
        look_up ListLinks: list_links(query: &LinkQuery) -> Vec<Link> = catalog::list;
        look_up Tags: tags(reader: LinkReader, after: Option<&Tag>, limit: u32) -> Vec<Tag>
            = tags::seen;
        look_up Keywords: keywords(after: Option<&ShortCode>, limit: u32) -> Vec<Link>
            = links::keywords;
        look_up NearLinks: near_links(reader: LinkReader, near: &NearCodes, limit: u32) -> Vec<Link>
            = catalog::near;
        transaction IndexLinks: index_links(limit: u32) -> u64 = findable::index;
        look_up LinksToIndex: links_to_index() -> u64 = findable::to_index;
    }
}

async fn ping(connection: &mut Connection) -> Result<(), WorkError> {
    let one = diesel::dsl::sql::<diesel::sql_types::Integer>("1");
    diesel::select(one).get_result::<i32>(connection).await?;
    Ok(())
}
