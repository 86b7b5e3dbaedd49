//! [`FailingStore`] as a store: each operation goes to the store behind, through
//! [`FailingStore::call`].

use std::sync::Arc;

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{
    ApiToken, Click, Email, JournalId, Link, LinkCursor, LinkId, Page, PageRequest, PasswordHash,
    Salt, ShortCode, TokenCursor, TokenHash, TokenId, User, UserCursor, UserId,
};

use super::{FailingStore, Operation};
use crate::{
    ChangeStore, ClickBatch, ClickStore, Counts, Ingested, JournalRecord, JournalStore, LinkChange,
    LinkLedger, LinkStore, Recorded, SaltStore, Store, StoreError, TokenStore, UserChange,
    UserStore,
};

#[async_trait]
impl<S: LinkStore + ?Sized> LinkStore for FailingStore<S> {
    async fn insert_link(&self, link: &Link) -> Result<(), StoreError> {
        let work = self.inner.insert_link(link);
        self.call(Operation::InsertLink, work).await
    }

    async fn link_by_code(&self, code: &ShortCode) -> Result<Option<Link>, StoreError> {
        let work = self.inner.link_by_code(code);
        self.call(Operation::LinkByCode, work).await
    }

    async fn links_page(&self, page: PageRequest) -> Result<Page<Link>, StoreError> {
        let work = self.inner.links_page(page);
        self.call(Operation::LinksPage, work).await
    }

    async fn links_after(
        &self,
        cursor: Option<LinkCursor>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError> {
        let work = self.inner.links_after(cursor, limit);
        self.call(Operation::LinksAfter, work).await
    }

    async fn delete_link(&self, id: LinkId) -> Result<bool, StoreError> {
        let work = self.inner.delete_link(id);
        self.call(Operation::DeleteLink, work).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.call(Operation::Counts, self.inner.counts()).await
    }
}

#[async_trait]
impl<S: ChangeStore + ?Sized> ChangeStore for FailingStore<S> {
    async fn changes_after(&self, seq: u64, limit: u32) -> Result<Vec<LinkChange>, StoreError> {
        let work = self.inner.changes_after(seq, limit);
        self.call(Operation::ChangesAfter, work).await
    }

    async fn last_change(&self) -> Result<u64, StoreError> {
        self.call(Operation::LastChange, self.inner.last_change())
            .await
    }

    async fn purge_changes(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let work = self.inner.purge_changes(before, limit);
        self.call(Operation::PurgeChanges, work).await
    }
}

#[async_trait]
impl<S: ClickStore + ?Sized> ClickStore for FailingStore<S> {
    async fn record_clicks(&self, clicks: &[Click]) -> Result<Recorded, StoreError> {
        let work = self.inner.record_clicks(clicks);
        self.call(Operation::RecordClicks, work).await
    }

    async fn clicks_before(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        let work = self.inner.clicks_before(before);
        self.call(Operation::ClicksBefore, work).await
    }

    async fn purge_clicks(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let work = self.inner.purge_clicks(before, limit);
        self.call(Operation::PurgeClicks, work).await
    }

    async fn ledger(
        &self,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<LinkLedger>, StoreError> {
        let work = self.inner.ledger(after, limit);
        self.call(Operation::Ledger, work).await
    }
}

#[async_trait]
impl<S: JournalStore + ?Sized> JournalStore for FailingStore<S> {
    async fn register_journal(
        &self,
        id: JournalId,
        began: u64,
        at: OffsetDateTime,
    ) -> Result<JournalRecord, StoreError> {
        let work = self.inner.register_journal(id, began, at);
        self.call(Operation::RegisterJournal, work).await
    }

    async fn journal(&self, id: JournalId) -> Result<Option<JournalRecord>, StoreError> {
        self.call(Operation::Journal, self.inner.journal(id)).await
    }

    async fn journals(&self) -> Result<Vec<JournalRecord>, StoreError> {
        self.call(Operation::Journals, self.inner.journals()).await
    }

    async fn ingest(
        &self,
        batch: Arc<ClickBatch>,
        at: OffsetDateTime,
    ) -> Result<Ingested, StoreError> {
        let work = self.inner.ingest(batch, at);
        self.call(Operation::Ingest, work).await
    }
}

#[async_trait]
impl<S: SaltStore + ?Sized> SaltStore for FailingStore<S> {
    async fn salt(&self, day: Date, candidate: &Salt) -> Result<Salt, StoreError> {
        let work = self.inner.salt(day, candidate);
        self.call(Operation::Salt, work).await
    }

    async fn destroy_salts_before(&self, day: Date) -> Result<u64, StoreError> {
        let work = self.inner.destroy_salts_before(day);
        self.call(Operation::DestroySaltsBefore, work).await
    }
}

#[async_trait]
impl<S: UserStore + ?Sized> UserStore for FailingStore<S> {
    async fn insert_user(
        &self,
        user: &User,
        password: Option<&PasswordHash>,
    ) -> Result<(), StoreError> {
        let work = self.inner.insert_user(user, password);
        self.call(Operation::InsertUser, work).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let work = self.inner.user(id);
        self.call(Operation::User, work).await
    }

    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let work = self.inner.user_by_email(email);
        self.call(Operation::UserByEmail, work).await
    }

    async fn users_after(
        &self,
        cursor: Option<UserCursor>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let work = self.inner.users_after(cursor, limit);
        self.call(Operation::UsersAfter, work).await
    }

    async fn change_user(
        &self,
        id: UserId,
        change: &UserChange,
    ) -> Result<Option<User>, StoreError> {
        let work = self.inner.change_user(id, change);
        self.call(Operation::ChangeUser, work).await
    }

    async fn password(&self, id: UserId) -> Result<Option<PasswordHash>, StoreError> {
        let work = self.inner.password(id);
        self.call(Operation::Password, work).await
    }

    async fn set_password(
        &self,
        id: UserId,
        password: Option<&PasswordHash>,
    ) -> Result<bool, StoreError> {
        let work = self.inner.set_password(id, password);
        self.call(Operation::SetPassword, work).await
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let work = self.inner.delete_user(id);
        self.call(Operation::DeleteUser, work).await
    }
}

#[async_trait]
impl<S: TokenStore + ?Sized> TokenStore for FailingStore<S> {
    async fn insert_token(&self, token: &ApiToken, hash: &TokenHash) -> Result<(), StoreError> {
        let work = self.inner.insert_token(token, hash);
        self.call(Operation::InsertToken, work).await
    }

    async fn token_by_hash(
        &self,
        hash: &TokenHash,
    ) -> Result<Option<(ApiToken, User)>, StoreError> {
        let work = self.inner.token_by_hash(hash);
        self.call(Operation::TokenByHash, work).await
    }

    async fn tokens_after(
        &self,
        user: UserId,
        cursor: Option<TokenCursor>,
        limit: u32,
    ) -> Result<Vec<ApiToken>, StoreError> {
        let work = self.inner.tokens_after(user, cursor, limit);
        self.call(Operation::TokensAfter, work).await
    }

    async fn revoke_token(
        &self,
        user: UserId,
        token: TokenId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let work = self.inner.revoke_token(user, token, at);
        self.call(Operation::RevokeToken, work).await
    }

    async fn note_tokens_used(&self, used: &[(TokenId, OffsetDateTime)]) -> Result<(), StoreError> {
        let work = self.inner.note_tokens_used(used);
        self.call(Operation::NoteTokensUsed, work).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for FailingStore<S> {
    async fn ping(&self) -> Result<(), StoreError> {
        self.call(Operation::Ping, self.inner.ping()).await
    }
}
