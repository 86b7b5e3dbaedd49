//! Stores that stand before another one, without writing every operation again.

/// Implements ports for a store that stands before another one: each operation goes to what the expression
/// gives, which may fail (`?`) and wait (`.await`). `links`: [`LinkStore`](waypost_store::LinkStore),
/// [`AccessStore`](waypost_store::AccessStore), [`BlocklistStore`](waypost_store::BlocklistStore),
/// [`OrphanStore`](waypost_store::OrphanStore) and [`CatalogStore`](waypost_store::CatalogStore); `people`:
/// [`UserStore`](waypost_store::UserStore), [`TokenStore`](waypost_store::TokenStore),
/// [`SessionStore`](waypost_store::SessionStore), [`SetupStore`](waypost_store::SetupStore) and
/// [`IdentityStore`](waypost_store::IdentityStore); `stats`: [`StatsStore`](waypost_store::StatsStore) and
/// [`FactsStore`](waypost_store::FactsStore); `journals`: [`JournalStore`](waypost_store::JournalStore); `leases`:
/// [`LeaseStore`](waypost_store::LeaseStore); `time`: [`TimeStore`](waypost_store::TimeStore). The crate needs
/// `async-trait`, `time` and `waypost-core`.
///
/// ```
/// use waypost_store::{MemoryStore, UserStore};
///
/// struct Before(MemoryStore);
/// waypost_store_testkit::forward!(people: Before, self => self.0);
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = Before(MemoryStore::new());
/// assert_eq!(store.users_after(None, 10).await.unwrap(), []);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[macro_export]
macro_rules! forward {
    (links: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::store::LinkStore {
            insert_link(link: &::waypost_core::Link, owner: Option<::waypost_core::UserId>) -> ();
            link(id: ::waypost_core::LinkId) -> Option<::waypost_core::Link>;
            link_by_code(code: &::waypost_core::ShortCode) -> Option<::waypost_core::Link>;
            holder_of_code(code: &::waypost_core::ShortCode) -> Option<::waypost_core::LinkId>;
            code_route(code: &::waypost_core::ShortCode) -> $crate::store::CodeRoute;
            codes_of_link(id: ::waypost_core::LinkId) -> Vec<::waypost_core::ShortCode>;
            update_link(update: &$crate::store::LinkUpdate) -> $crate::store::Updated;
            link_versions(id: ::waypost_core::LinkId, before: Option<u32>, limit: u32) -> Vec<::waypost_core::LinkVersion>;
            links_page(of: $crate::store::PageOf, page: ::waypost_core::PageRequest) -> ::waypost_core::Page<::waypost_core::Link>;
            links_after(cursor: Option<::waypost_core::LinkCursor>, limit: u32) -> Vec<::waypost_core::Link>;
            delete_link(id: ::waypost_core::LinkId) -> bool;
            deleted_links_before(before: ::time::OffsetDateTime) -> u64;
            purge_deleted_links(before: ::time::OffsetDateTime, limit: u32) -> u64;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::store::AccessStore {
            standing(link: ::waypost_core::LinkId, user: ::waypost_core::UserId) -> ::waypost_core::Standing;
            owners_of_links(links: &[::waypost_core::LinkId]) -> ::std::collections::BTreeMap<::waypost_core::LinkId, Vec<::waypost_core::LinkOwner>>;
            shares_of_link(link: ::waypost_core::LinkId) -> Vec<::waypost_core::Person>;
            take_links(from: ::waypost_core::UserId, to: $crate::store::Heir, limit: u32, transfer: $crate::store::Transfer) -> u64;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::store::BlocklistStore {
            block_host(host: &$crate::store::BlockedHost) -> ();
            unblock_host(pattern: &::waypost_core::HostPattern) -> bool;
            blocked_hosts(after: Option<&::waypost_core::HostPattern>, limit: u32) -> Vec<$crate::store::BlockedHost>;
            blocking(host: &str) -> Option<$crate::store::BlockedHost>;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::store::OrphanStore {
            add_orphans(tries: &[$crate::store::OrphanTries], paths_per_day: u32) -> $crate::store::OrphansAdded;
            orphans(query: &$crate::store::OrphanQuery) -> Vec<$crate::store::Orphan>;
            purge_orphans(before: ::time::Date, limit: u32) -> u64;
            delete_orphan(path: &::waypost_core::OrphanPath) -> bool;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::store::CatalogStore {
            list_links(query: &$crate::store::LinkQuery) -> Vec<::waypost_core::Link>;
            tags(reader: $crate::store::LinkReader, after: Option<&::waypost_core::Tag>, limit: u32) -> Vec<::waypost_core::Tag>;
            keywords(after: Option<&::waypost_core::ShortCode>, limit: u32) -> Vec<::waypost_core::Link>;
            near_links(reader: $crate::store::LinkReader, near: &::waypost_core::NearCodes, limit: u32) -> Vec<::waypost_core::Link>;
            index_links(limit: u32) -> u64;
        } }
    };
    (people: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::store::UserStore {
            insert_user(user: &::waypost_core::User, password: Option<&::waypost_core::PasswordHash>) -> ();
            user(id: ::waypost_core::UserId) -> Option<::waypost_core::User>;
            user_by_email(email: &::waypost_core::Email) -> Option<::waypost_core::User>;
            users_after(cursor: Option<::waypost_core::UserCursor>, limit: u32) -> Vec<::waypost_core::User>;
            change_user(id: ::waypost_core::UserId, change: &$crate::store::UserChange) -> Option<::waypost_core::User>;
            password(id: ::waypost_core::UserId) -> Option<::waypost_core::PasswordHash>;
            set_password(id: ::waypost_core::UserId, password: Option<&::waypost_core::PasswordHash>, at: ::time::OffsetDateTime, kept: Option<::waypost_core::SessionId>) -> bool;
            delete_user(id: ::waypost_core::UserId) -> bool;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::store::TokenStore {
            insert_token(token: &::waypost_core::ApiToken, hash: &::waypost_core::TokenHash) -> ();
            token_by_hash(hash: &::waypost_core::TokenHash) -> Option<(::waypost_core::ApiToken, ::waypost_core::User)>;
            tokens_after(user: ::waypost_core::UserId, cursor: Option<::waypost_core::TokenCursor>, limit: u32) -> Vec<::waypost_core::ApiToken>;
            revoke_token(user: ::waypost_core::UserId, token: ::waypost_core::TokenId, at: ::time::OffsetDateTime) -> bool;
            note_tokens_used(used: &[(::waypost_core::TokenId, ::time::OffsetDateTime)]) -> ();
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::store::SessionStore {
            insert_session(session: &::waypost_core::Session, hash: &::waypost_core::SessionHash) -> ();
            session_by_hash(hash: &::waypost_core::SessionHash) -> Option<(::waypost_core::Session, ::waypost_core::User)>;
            sessions_after(user: ::waypost_core::UserId, at: ::time::OffsetDateTime, cursor: Option<::waypost_core::SessionCursor>, limit: u32) -> Vec<::waypost_core::Session>;
            touch_session(session: ::waypost_core::SessionId, last_used_at: ::time::OffsetDateTime, expires_at: ::time::OffsetDateTime) -> ();
            end_session(user: ::waypost_core::UserId, session: ::waypost_core::SessionId, at: ::time::OffsetDateTime) -> bool;
            end_sessions(user: ::waypost_core::UserId, kept: Option<::waypost_core::SessionId>, at: ::time::OffsetDateTime) -> u64;
            purge_sessions(before: ::time::OffsetDateTime, limit: u32) -> u64;
            users_of_sessions(hashes: &[::waypost_core::SessionHash]) -> ::std::collections::BTreeMap<::waypost_core::SessionHash, $crate::store::SignedIn>;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::store::SetupStore {
            insert_setup_token(hash: &::waypost_core::SetupHash, expires_at: ::time::OffsetDateTime, now: ::time::OffsetDateTime) -> ();
            setup_token(hash: &::waypost_core::SetupHash) -> Option<::time::OffsetDateTime>;
            set_up(hash: &::waypost_core::SetupHash, admin: &::waypost_core::User, password: &::waypost_core::PasswordHash, now: ::time::OffsetDateTime) -> $crate::store::SetUp;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::store::IdentityStore {
            identity(identity: &::waypost_core::ExternalIdentity) -> Option<$crate::store::IdentityOfUser>;
            insert_identity(identity: &::waypost_core::ExternalIdentity, user: ::waypost_core::UserId, admin_by_group: bool, at: ::time::OffsetDateTime) -> ();
            follow_admin_group(identity: &::waypost_core::ExternalIdentity, is_in_group: bool) -> Option<::waypost_core::User>;
        } }
    };
    (stats: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::store::StatsStore {
            link_days(link: ::waypost_core::LinkId, from: ::time::Date, to: ::time::Date) -> Vec<$crate::store::LinkDay>;
            days_of_links(links: &[::waypost_core::LinkId], from: ::time::Date, to: ::time::Date) -> ::std::collections::BTreeMap<::waypost_core::LinkId, Vec<(::time::Date, $crate::store::rollup::Counted)>>;
            link_day_facts(link: ::waypost_core::LinkId, from: ::time::Date, to: ::time::Date, part: $crate::store::rollup::Part) -> Vec<$crate::store::LinkDayFacts>;
            sum_of_facts(link: ::waypost_core::LinkId, from: ::time::Date, to: ::time::Date, part: $crate::store::rollup::Part) -> $crate::store::rollup::FactsSum;
            click_span(link: ::waypost_core::LinkId) -> Option<$crate::store::ClickSpan>;
            oldest_click(link: ::waypost_core::LinkId) -> Option<::time::OffsetDateTime>;
            clicks_of(query: &$crate::store::ClicksQuery) -> Vec<$crate::store::KeptClick>;
            owned_days(owner: ::waypost_core::UserId, from: ::time::Date, to: ::time::Date) -> Vec<(::time::Date, $crate::store::rollup::Counted)>;
            owned_total(owner: ::waypost_core::UserId) -> (u64, $crate::store::rollup::Counted);
            owned_top(owner: ::waypost_core::UserId, from: ::time::Date, to: ::time::Date, limit: u32) -> Vec<(::waypost_core::Link, $crate::store::rollup::Counted)>;
            filter_owned(pairs: &[(::waypost_core::LinkId, ::waypost_core::UserId)]) -> Vec<(::waypost_core::LinkId, ::waypost_core::UserId)>;
            purge_visitors(day: ::time::Date, limit: u32) -> u64;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::store::FactsStore {
            clicks_after(after: Option<::waypost_core::ClickId>, limit: u32) -> Vec<::waypost_core::Click>;
            change_facts(changes: &[$crate::store::FactsChange]) -> u64;
        } }
    };
    (journals: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::store::JournalStore {
            take_journal(claim: &$crate::store::JournalClaim) -> $crate::store::Claimed;
            note_journal(note: &$crate::store::JournalNote) -> bool;
            journal(id: ::waypost_core::JournalId) -> Option<$crate::store::JournalRecord>;
            journals() -> Vec<$crate::store::JournalRecord>;
            forget_journal(seen: &$crate::store::JournalRecord, at: ::time::OffsetDateTime) -> bool;
            journal_owners(id: ::waypost_core::JournalId) -> Vec<$crate::store::Ownership>;
            ingest(batch: ::std::sync::Arc<$crate::store::ClickBatch>, at: ::time::OffsetDateTime) -> $crate::store::Ingested;
            stored_clicks(ids: &[::waypost_core::ClickId]) -> Vec<::waypost_core::ClickId>;
            make_durable(journal: ::waypost_core::JournalId, owner: ::waypost_core::JournalOwner) -> bool;
            accept_loss(loss: &$crate::store::AcceptedLoss) -> ();
            accepted_losses() -> Vec<$crate::store::AcceptedLoss>;
        } }
    };
    (leases: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::store::LeaseStore {
            take_lease(name: $crate::store::LeaseName, holder: ::waypost_core::LeaseHolder, now: ::time::OffsetDateTime, until: ::time::OffsetDateTime) -> bool;
            release_lease(name: $crate::store::LeaseName, holder: ::waypost_core::LeaseHolder) -> ();
        } }
    };
    (time: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::store::TimeStore {
            database_time() -> ::time::OffsetDateTime;
        } }
    };
    (@ $store:ty, $self:ident => $inner:expr, $port:path {
        $($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
    }) => {
        #[::async_trait::async_trait]
        impl $port for $store {
            $(async fn $name(&$self, $($argument: $type),*) -> Result<$answer, $crate::store::StoreError> {
                $inner.$name($($argument),*).await
            })*
        }
    };
}
