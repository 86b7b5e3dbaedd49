//! The port: each method names its operation and calls its query. What is about links is in
//! `store_links`, about signing in in `store_sign_in`.

use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::RunQueryDsl;
use time::{Date, OffsetDateTime};
use waypost_core::{
    ApiToken, Click, ClickId, Email, JournalId, JournalOwner, LinkId, PasswordHash, Salt,
    SessionId, TokenCursor, TokenHash, TokenId, User, UserCursor, UserId, micros,
};
use waypost_store::{
    AcceptedLoss, ChangeStore, Claimed, ClickBatch, ClickStore, Counts, Ingested, JournalClaim,
    JournalNote, JournalRecord, JournalStore, LinkChange, LinkLedger, Ownership, PurgeScope,
    Recorded, SaltStore, Store, StoreError, TimeStore, TokenStore, UserChange, UserStore,
};

use super::ingest::Ingester;
use super::pool::Pools;
use super::transaction::{look_up, transaction};
use super::{Connection, InstantColumn, NOW};
use super::{changes, clicks, journals, links, salts, tokens, user_rows, users};
use crate::job::Job;
use crate::metrics::OperationName;
use crate::opened::Opened;

/// A store on this database.
pub(super) struct SqlStore {
    pub(super) pools: Pools,
    ingester: Ingester,
}

/// The store on these connections, and how to close them.
pub(super) fn open(pools: Pools, ingester: Ingester) -> Opened {
    let closing = (pools.clone(), ingester.clone());
    Opened {
        store: Arc::new(SqlStore { pools, ingester }),
        close: Box::new(move || {
            closing.0.close();
            closing.1.close();
        }),
    }
}

#[async_trait]
impl ChangeStore for SqlStore {
    async fn changes_after(&self, seq: u64, limit: u32) -> Result<Vec<LinkChange>, StoreError> {
        look_up(&self.pools.reads, OperationName::ChangesAfter)
            .run(async |connection: &mut Connection| changes::after(connection, seq, limit).await)
            .await
    }

    async fn last_change(&self) -> Result<u64, StoreError> {
        look_up(&self.pools.reads, OperationName::LastChange)
            .run(async |connection: &mut Connection| changes::last(connection).await)
            .await
    }

    async fn purge_changes(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        transaction(&self.pools.writes, OperationName::PurgeChanges)
            .run(async |connection: &mut Connection| {
                changes::purge(connection, before, limit).await
            })
            .await
    }
}

#[async_trait]
impl JournalStore for SqlStore {
    async fn take_journal(&self, claim: &JournalClaim) -> Result<Claimed, StoreError> {
        transaction(&self.pools.writes, OperationName::TakeJournal)
            .run(async |connection: &mut Connection| journals::take(connection, claim).await)
            .await
    }

    async fn note_journal(&self, note: &JournalNote) -> Result<bool, StoreError> {
        look_up(&self.pools.writes, OperationName::NoteJournal)
            .run(async |connection: &mut Connection| journals::note(connection, note).await)
            .await
    }

    async fn journal(&self, id: JournalId) -> Result<Option<JournalRecord>, StoreError> {
        look_up(&self.pools.reads, OperationName::Journal)
            .run(async |connection: &mut Connection| journals::one(connection, id).await)
            .await
    }

    async fn journals(&self) -> Result<Vec<JournalRecord>, StoreError> {
        look_up(&self.pools.reads, OperationName::Journals)
            .run(async |connection: &mut Connection| journals::all(connection).await)
            .await
    }

    async fn forget_journal(
        &self,
        seen: &JournalRecord,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        look_up(&self.pools.writes, OperationName::ForgetJournal)
            .run(async |connection: &mut Connection| journals::forget(connection, seen, at).await)
            .await
    }

    async fn ingest(
        &self,
        batch: Arc<ClickBatch>,
        at: OffsetDateTime,
    ) -> Result<Ingested, StoreError> {
        self.ingester
            .settle(OperationName::Ingest, Job::Batch(batch, at))
            .await
    }

    async fn journal_owners(&self, id: JournalId) -> Result<Vec<Ownership>, StoreError> {
        look_up(&self.pools.reads, OperationName::JournalOwners)
            .run(async |connection: &mut Connection| journals::owners(connection, id).await)
            .await
    }

    async fn stored_clicks(&self, ids: &[ClickId]) -> Result<Vec<ClickId>, StoreError> {
        look_up(&self.pools.reads, OperationName::StoredClicks)
            .run(async |connection: &mut Connection| journals::stored_clicks(connection, ids).await)
            .await
    }

    async fn accept_loss(&self, loss: &AcceptedLoss) -> Result<(), StoreError> {
        transaction(&self.pools.writes, OperationName::AcceptLoss)
            .run(async |connection: &mut Connection| journals::accept_loss(connection, loss).await)
            .await
    }

    async fn accepted_losses(&self) -> Result<Vec<AcceptedLoss>, StoreError> {
        look_up(&self.pools.reads, OperationName::AcceptedLosses)
            .run(async |connection: &mut Connection| {
                journals::all_accepted_losses(connection).await
            })
            .await
    }

    async fn make_durable(
        &self,
        journal: JournalId,
        owner: JournalOwner,
    ) -> Result<bool, StoreError> {
        look_up(&self.pools.writes, OperationName::MakeDurable)
            .run(async |connection: &mut Connection| {
                super::make_durable(connection, journal, owner).await
            })
            .await
    }
}

#[async_trait]
impl ClickStore for SqlStore {
    async fn record_clicks(&self, batch: &[Click]) -> Result<Recorded, StoreError> {
        if batch.is_empty() {
            return Ok(Recorded::default());
        }
        let job = Job::Clicks(batch.into());
        match self
            .ingester
            .settle(OperationName::RecordClicks, job)
            .await?
        {
            Ingested::Settled(recorded) => Ok(recorded),
            Ingested::Elsewhere(_) => Err(StoreError::internal("a position without a journal")),
        }
    }

    async fn clicks_before(&self, scope: PurgeScope) -> Result<u64, StoreError> {
        look_up(&self.pools.reads, OperationName::ClicksBefore)
            .run(async |connection: &mut Connection| clicks::count_before(connection, scope).await)
            .await
    }

    async fn has_clicks(&self, number: u64) -> Result<bool, StoreError> {
        look_up(&self.pools.reads, OperationName::HasClicks)
            .run(async |connection: &mut Connection| clicks::are_at_least(connection, number).await)
            .await
    }

    async fn purge_clicks(&self, scope: PurgeScope, limit: u32) -> Result<u64, StoreError> {
        transaction(&self.pools.writes, OperationName::PurgeClicks)
            .run(async |connection: &mut Connection| clicks::purge(connection, scope, limit).await)
            .await
    }

    async fn ledger(
        &self,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<LinkLedger>, StoreError> {
        look_up(&self.pools.reads, OperationName::Ledger)
            .run(async |connection: &mut Connection| clicks::ledger(connection, after, limit).await)
            .await
    }
}

#[async_trait]
impl SaltStore for SqlStore {
    async fn salt(&self, day: Date, candidate: &Salt) -> Result<Salt, StoreError> {
        look_up(&self.pools.writes, OperationName::Salt)
            .run(async |connection: &mut Connection| salts::salt(connection, day, candidate).await)
            .await
    }

    async fn destroy_salts_before(&self, day: Date) -> Result<u64, StoreError> {
        let destroyed = transaction(&self.pools.writes, OperationName::DestroySalts)
            .run(async |connection: &mut Connection| salts::destroy_before(connection, day).await)
            .await?;
        if destroyed > 0 {
            look_up(&self.pools.writes, OperationName::ForgetDeleted)
                .run(async |connection: &mut Connection| super::forget_deleted(connection).await)
                .await?;
        }
        Ok(destroyed)
    }
}

#[async_trait]
impl UserStore for SqlStore {
    async fn insert_user(
        &self,
        user: &User,
        password: Option<&PasswordHash>,
    ) -> Result<(), StoreError> {
        transaction(&self.pools.writes, OperationName::InsertUser)
            .run(async |connection: &mut Connection| {
                users::insert(connection, user, password).await
            })
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        look_up(&self.pools.reads, OperationName::User)
            .run(async |connection: &mut Connection| user_rows::one(connection, id).await)
            .await
    }

    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        look_up(&self.pools.reads, OperationName::UserByEmail)
            .run(async |connection: &mut Connection| users::by_email(connection, email).await)
            .await
    }

    async fn users_after(
        &self,
        cursor: Option<UserCursor>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        look_up(&self.pools.reads, OperationName::UsersAfter)
            .run(async |connection: &mut Connection| users::after(connection, cursor, limit).await)
            .await
    }

    async fn change_user(
        &self,
        id: UserId,
        change: &UserChange,
    ) -> Result<Option<User>, StoreError> {
        transaction(&self.pools.writes, OperationName::ChangeUser)
            .run(async |connection: &mut Connection| users::change(connection, id, change).await)
            .await
    }

    async fn password(&self, id: UserId) -> Result<Option<PasswordHash>, StoreError> {
        look_up(&self.pools.reads, OperationName::Password)
            .run(async |connection: &mut Connection| users::password(connection, id).await)
            .await
    }

    async fn set_password(
        &self,
        id: UserId,
        password: Option<&PasswordHash>,
        at: OffsetDateTime,
        kept: Option<SessionId>,
    ) -> Result<bool, StoreError> {
        transaction(&self.pools.writes, OperationName::SetPassword)
            .run(async |connection: &mut Connection| {
                users::set_password(connection, id, password, at, kept).await
            })
            .await
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        transaction(&self.pools.writes, OperationName::DeleteUser)
            .run(async |connection: &mut Connection| users::delete(connection, id).await)
            .await
    }
}

#[async_trait]
impl TokenStore for SqlStore {
    async fn insert_token(&self, token: &ApiToken, hash: &TokenHash) -> Result<(), StoreError> {
        transaction(&self.pools.writes, OperationName::InsertToken)
            .run(async |connection: &mut Connection| tokens::insert(connection, token, hash).await)
            .await
    }

    async fn token_by_hash(
        &self,
        hash: &TokenHash,
    ) -> Result<Option<(ApiToken, User)>, StoreError> {
        look_up(&self.pools.reads, OperationName::TokenByHash)
            .run(async |connection: &mut Connection| tokens::by_hash(connection, hash).await)
            .await
    }

    async fn tokens_after(
        &self,
        user: UserId,
        cursor: Option<TokenCursor>,
        limit: u32,
    ) -> Result<Vec<ApiToken>, StoreError> {
        look_up(&self.pools.reads, OperationName::TokensAfter)
            .run(async |connection: &mut Connection| {
                tokens::after(connection, user, cursor, limit).await
            })
            .await
    }

    async fn revoke_token(
        &self,
        user: UserId,
        token: TokenId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        transaction(&self.pools.writes, OperationName::RevokeToken)
            .run(async |connection: &mut Connection| {
                tokens::revoke(connection, user, token, at).await
            })
            .await
    }

    async fn note_tokens_used(&self, used: &[(TokenId, OffsetDateTime)]) -> Result<(), StoreError> {
        transaction(&self.pools.writes, OperationName::NoteTokensUsed)
            .run(async |connection: &mut Connection| tokens::note_used(connection, used).await)
            .await
    }
}

#[async_trait]
impl TimeStore for SqlStore {
    async fn database_time(&self) -> Result<OffsetDateTime, StoreError> {
        look_up(&self.pools.reads, OperationName::DatabaseTime)
            .run(async |connection: &mut Connection| {
                let now = diesel::dsl::sql::<InstantColumn>(NOW);
                let now: OffsetDateTime = diesel::select(now).get_result(connection).await?;
                Ok(micros(now))
            })
            .await
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn ping(&self) -> Result<(), StoreError> {
        look_up(&self.pools.reads, OperationName::Ping)
            .run(async |connection: &mut Connection| {
                let one = diesel::dsl::sql::<diesel::sql_types::Integer>("1");
                diesel::select(one).get_result::<i32>(connection).await?;
                Ok(())
            })
            .await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        look_up(&self.pools.reads, OperationName::Counts)
            .run(async |connection: &mut Connection| links::counts(connection).await)
            .await
    }
}
