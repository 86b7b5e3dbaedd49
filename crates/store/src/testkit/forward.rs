//! Stores that stand before another one, without writing every operation again.

/// Implements ports for a store that stands before another one: each operation goes to what the expression
/// gives, which may fail (`?`) and wait (`.await`). `links`: [`LinkStore`](crate::LinkStore),
/// [`AccessStore`](crate::AccessStore), [`BlocklistStore`](crate::BlocklistStore),
/// [`OrphanStore`](crate::OrphanStore) and [`CatalogStore`](crate::CatalogStore); `people`:
/// [`UserStore`](crate::UserStore), [`TokenStore`](crate::TokenStore),
/// [`SessionStore`](crate::SessionStore), [`SetupStore`](crate::SetupStore) and
/// [`IdentityStore`](crate::IdentityStore); `stats`: [`StatsStore`](crate::StatsStore) and
/// [`FactsStore`](crate::FactsStore); `journals`: [`JournalStore`](crate::JournalStore); `leases`:
/// [`LeaseStore`](crate::LeaseStore); `time`: [`TimeStore`](crate::TimeStore). The crate needs
/// `async-trait`, `time` and `waypost-core`.
///
/// ```
/// use waypost_store::{MemoryStore, UserStore};
///
/// struct Before(MemoryStore);
/// waypost_store::forward!(people: Before, self => self.0);
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
        $crate::forward! { @ $store, $self => $inner, $crate::LinkStore {
            insert_link(link: &::waypost_core::Link, owner: Option<::waypost_core::UserId>) -> ();
            link(id: ::waypost_core::LinkId) -> Option<::waypost_core::Link>;
            link_by_code(code: &::waypost_core::ShortCode) -> Option<::waypost_core::Link>;
            holder_of_code(code: &::waypost_core::ShortCode) -> Option<::waypost_core::LinkId>;
            code_route(code: &::waypost_core::ShortCode) -> $crate::CodeRoute;
            codes_of_link(id: ::waypost_core::LinkId) -> Vec<::waypost_core::ShortCode>;
            update_link(update: &$crate::LinkUpdate) -> $crate::Updated;
            link_versions(id: ::waypost_core::LinkId, before: Option<u32>, limit: u32) -> Vec<::waypost_core::LinkVersion>;
            links_page(of: $crate::PageOf, page: ::waypost_core::PageRequest) -> ::waypost_core::Page<::waypost_core::Link>;
            links_after(cursor: Option<::waypost_core::LinkCursor>, limit: u32) -> Vec<::waypost_core::Link>;
            delete_link(id: ::waypost_core::LinkId) -> bool;
            deleted_links_before(before: ::time::OffsetDateTime) -> u64;
            purge_deleted_links(before: ::time::OffsetDateTime, limit: u32) -> u64;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::AccessStore {
            standing(link: ::waypost_core::LinkId, user: ::waypost_core::UserId) -> ::waypost_core::Standing;
            owners_of_links(links: &[::waypost_core::LinkId]) -> ::std::collections::BTreeMap<::waypost_core::LinkId, Vec<::waypost_core::LinkOwner>>;
            shares_of_link(link: ::waypost_core::LinkId) -> Vec<::waypost_core::Person>;
            take_links(from: ::waypost_core::UserId, to: $crate::TakenTo, limit: u32, taking: $crate::Taking) -> u64;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::BlocklistStore {
            block_host(host: &$crate::BlockedHost) -> ();
            unblock_host(pattern: &::waypost_core::HostPattern) -> bool;
            blocked_hosts(after: Option<&::waypost_core::HostPattern>, limit: u32) -> Vec<$crate::BlockedHost>;
            blocking(host: &str) -> Option<$crate::BlockedHost>;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::OrphanStore {
            add_orphans(tries: &[$crate::OrphanTries], paths_per_day: u32) -> $crate::OrphansAdded;
            orphans(query: &$crate::OrphanQuery) -> Vec<$crate::Orphan>;
            purge_orphans(before: ::time::Date, limit: u32) -> u64;
            delete_orphan(path: &::waypost_core::OrphanPath) -> bool;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::CatalogStore {
            list_links(query: &$crate::LinkQuery) -> Vec<::waypost_core::Link>;
            tags(reader: $crate::LinkReader, after: Option<&::waypost_core::Tag>, limit: u32) -> Vec<::waypost_core::Tag>;
            keywords(after: Option<&::waypost_core::ShortCode>, limit: u32) -> Vec<::waypost_core::Link>;
            near_links(reader: $crate::LinkReader, near: &::waypost_core::NearCodes, limit: u32) -> Vec<::waypost_core::Link>;
            index_links(limit: u32) -> u64;
        } }
    };
    (people: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::UserStore {
            insert_user(user: &::waypost_core::User, password: Option<&::waypost_core::PasswordHash>) -> ();
            user(id: ::waypost_core::UserId) -> Option<::waypost_core::User>;
            user_by_email(email: &::waypost_core::Email) -> Option<::waypost_core::User>;
            users_after(cursor: Option<::waypost_core::UserCursor>, limit: u32) -> Vec<::waypost_core::User>;
            change_user(id: ::waypost_core::UserId, change: &$crate::UserChange) -> Option<::waypost_core::User>;
            password(id: ::waypost_core::UserId) -> Option<::waypost_core::PasswordHash>;
            set_password(id: ::waypost_core::UserId, password: Option<&::waypost_core::PasswordHash>, at: ::time::OffsetDateTime, kept: Option<::waypost_core::SessionId>) -> bool;
            delete_user(id: ::waypost_core::UserId) -> bool;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::TokenStore {
            insert_token(token: &::waypost_core::ApiToken, hash: &::waypost_core::TokenHash) -> ();
            token_by_hash(hash: &::waypost_core::TokenHash) -> Option<(::waypost_core::ApiToken, ::waypost_core::User)>;
            tokens_after(user: ::waypost_core::UserId, cursor: Option<::waypost_core::TokenCursor>, limit: u32) -> Vec<::waypost_core::ApiToken>;
            revoke_token(user: ::waypost_core::UserId, token: ::waypost_core::TokenId, at: ::time::OffsetDateTime) -> bool;
            note_tokens_used(used: &[(::waypost_core::TokenId, ::time::OffsetDateTime)]) -> ();
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::SessionStore {
            insert_session(session: &::waypost_core::Session, hash: &::waypost_core::SessionHash) -> ();
            session_by_hash(hash: &::waypost_core::SessionHash) -> Option<(::waypost_core::Session, ::waypost_core::User)>;
            sessions_after(user: ::waypost_core::UserId, at: ::time::OffsetDateTime, cursor: Option<::waypost_core::SessionCursor>, limit: u32) -> Vec<::waypost_core::Session>;
            touch_session(session: ::waypost_core::SessionId, last_used_at: ::time::OffsetDateTime, expires_at: ::time::OffsetDateTime) -> ();
            end_session(user: ::waypost_core::UserId, session: ::waypost_core::SessionId, at: ::time::OffsetDateTime) -> bool;
            end_sessions(user: ::waypost_core::UserId, kept: Option<::waypost_core::SessionId>, at: ::time::OffsetDateTime) -> u64;
            purge_sessions(before: ::time::OffsetDateTime, limit: u32) -> u64;
            users_of_sessions(hashes: &[::waypost_core::SessionHash]) -> ::std::collections::BTreeMap<::waypost_core::SessionHash, $crate::SignedIn>;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::SetupStore {
            insert_setup_token(hash: &::waypost_core::SetupHash, expires_at: ::time::OffsetDateTime, now: ::time::OffsetDateTime) -> ();
            setup_token(hash: &::waypost_core::SetupHash) -> Option<::time::OffsetDateTime>;
            set_up(hash: &::waypost_core::SetupHash, admin: &::waypost_core::User, password: &::waypost_core::PasswordHash, now: ::time::OffsetDateTime) -> $crate::SetUp;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::IdentityStore {
            identity(identity: &::waypost_core::ExternalIdentity) -> Option<$crate::IdentityOfUser>;
            insert_identity(identity: &::waypost_core::ExternalIdentity, user: ::waypost_core::UserId, admin_by_group: bool, at: ::time::OffsetDateTime) -> ();
            follow_admin_group(identity: &::waypost_core::ExternalIdentity, is_in_group: bool) -> Option<::waypost_core::User>;
        } }
    };
    (stats: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::StatsStore {
            link_days(link: ::waypost_core::LinkId, from: ::time::Date, to: ::time::Date) -> Vec<$crate::LinkDay>;
            days_of_links(links: &[::waypost_core::LinkId], from: ::time::Date, to: ::time::Date) -> ::std::collections::BTreeMap<::waypost_core::LinkId, Vec<(::time::Date, $crate::rollup::Counted)>>;
            link_day_facts(link: ::waypost_core::LinkId, from: ::time::Date, to: ::time::Date, part: $crate::rollup::Part) -> Vec<$crate::LinkDayFacts>;
            sum_of_facts(link: ::waypost_core::LinkId, from: ::time::Date, to: ::time::Date, part: $crate::rollup::Part) -> $crate::rollup::FactsSum;
            click_span(link: ::waypost_core::LinkId) -> Option<$crate::ClickSpan>;
            oldest_click(link: ::waypost_core::LinkId) -> Option<::time::OffsetDateTime>;
            clicks_of(query: &$crate::ClicksQuery) -> Vec<$crate::KeptClick>;
            owned_days(owner: ::waypost_core::UserId, from: ::time::Date, to: ::time::Date) -> Vec<(::time::Date, $crate::rollup::Counted)>;
            owned_total(owner: ::waypost_core::UserId) -> (u64, $crate::rollup::Counted);
            owned_top(owner: ::waypost_core::UserId, from: ::time::Date, to: ::time::Date, limit: u32) -> Vec<(::waypost_core::Link, $crate::rollup::Counted)>;
            owning(pairs: &[(::waypost_core::LinkId, ::waypost_core::UserId)]) -> Vec<(::waypost_core::LinkId, ::waypost_core::UserId)>;
            purge_visitors(day: ::time::Date, limit: u32) -> u64;
        } }
        $crate::forward! { @ $store, $self => $inner, $crate::FactsStore {
            clicks_after(after: Option<::waypost_core::ClickId>, limit: u32) -> Vec<::waypost_core::Click>;
            change_facts(changes: &[$crate::FactsChange]) -> u64;
        } }
    };
    (journals: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::JournalStore {
            take_journal(claim: &$crate::JournalClaim) -> $crate::Claimed;
            note_journal(note: &$crate::JournalNote) -> bool;
            journal(id: ::waypost_core::JournalId) -> Option<$crate::JournalRecord>;
            journals() -> Vec<$crate::JournalRecord>;
            forget_journal(seen: &$crate::JournalRecord, at: ::time::OffsetDateTime) -> bool;
            journal_owners(id: ::waypost_core::JournalId) -> Vec<$crate::Ownership>;
            ingest(batch: ::std::sync::Arc<$crate::ClickBatch>, at: ::time::OffsetDateTime) -> $crate::Ingested;
            stored_clicks(ids: &[::waypost_core::ClickId]) -> Vec<::waypost_core::ClickId>;
            make_durable(journal: ::waypost_core::JournalId, owner: ::waypost_core::JournalOwner) -> bool;
            accept_loss(loss: &$crate::AcceptedLoss) -> ();
            accepted_losses() -> Vec<$crate::AcceptedLoss>;
        } }
    };
    (leases: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::LeaseStore {
            take_lease(name: $crate::LeaseName, holder: ::waypost_core::LeaseHolder, now: ::time::OffsetDateTime, until: ::time::OffsetDateTime) -> bool;
            release_lease(name: $crate::LeaseName, holder: ::waypost_core::LeaseHolder) -> ();
        } }
    };
    (time: $store:ty, $self:ident => $inner:expr) => {
        $crate::forward! { @ $store, $self => $inner, $crate::TimeStore {
            database_time() -> ::time::OffsetDateTime;
        } }
    };
    (@ $store:ty, $self:ident => $inner:expr, $port:path {
        $($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
    }) => {
        #[::async_trait::async_trait]
        impl $port for $store {
            $(async fn $name(&$self, $($argument: $type),*) -> Result<$answer, $crate::StoreError> {
                $inner.$name($($argument),*).await
            })*
        }
    };
}
