//! The port, what is about signing in: each method names its operation and calls its query.

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{
    ExternalIdentity, PasswordHash, Session, SessionCursor, SessionHash, SessionId, SetupHash,
    User, UserId,
};
use waypost_store::{
    IdentityOfUser, IdentityStore, SessionStore, SetUp, SetupStore, SignedIn, StoreError,
};

use super::store::SqlStore;
use super::transaction::{look_up, transaction};
use super::{Connection, identities, sessions, setup};
use crate::metrics::OperationName;

#[async_trait]
impl SessionStore for SqlStore {
    async fn insert_session(
        &self,
        session: &Session,
        hash: &SessionHash,
    ) -> Result<(), StoreError> {
        transaction(&self.pools.writes, OperationName::InsertSession)
            .run(async |connection: &mut Connection| {
                sessions::insert(connection, session, hash).await
            })
            .await
    }

    async fn session_by_hash(
        &self,
        hash: &SessionHash,
    ) -> Result<Option<(Session, User)>, StoreError> {
        look_up(&self.pools.reads, OperationName::SessionByHash)
            .run(async |connection: &mut Connection| sessions::by_hash(connection, hash).await)
            .await
    }

    async fn sessions_after(
        &self,
        user: UserId,
        at: OffsetDateTime,
        cursor: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        look_up(&self.pools.reads, OperationName::SessionsAfter)
            .run(async |connection: &mut Connection| {
                sessions::after(connection, user, at, cursor, limit).await
            })
            .await
    }

    async fn touch_session(
        &self,
        session: SessionId,
        last_used_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        transaction(&self.pools.writes, OperationName::TouchSession)
            .run(async |connection: &mut Connection| {
                sessions::touch(connection, session, last_used_at, expires_at).await
            })
            .await
    }

    async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        transaction(&self.pools.writes, OperationName::EndSession)
            .run(async |connection: &mut Connection| {
                sessions::end(connection, user, session, at).await
            })
            .await
    }

    async fn end_sessions(
        &self,
        user: UserId,
        kept: Option<SessionId>,
        at: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        transaction(&self.pools.writes, OperationName::EndSessions)
            .run(async |connection: &mut Connection| {
                sessions::end_all(connection, user, kept, at).await
            })
            .await
    }

    async fn purge_sessions(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        transaction(&self.pools.writes, OperationName::PurgeSessions)
            .run(async |connection: &mut Connection| {
                sessions::purge(connection, before, limit).await
            })
            .await
    }

    async fn users_of_sessions(
        &self,
        hashes: &[SessionHash],
    ) -> Result<BTreeMap<SessionHash, SignedIn>, StoreError> {
        look_up(&self.pools.reads, OperationName::UsersOfSessions)
            .run(async |connection: &mut Connection| sessions::users_of(connection, hashes).await)
            .await
    }
}

#[async_trait]
impl SetupStore for SqlStore {
    async fn insert_setup_token(
        &self,
        hash: &SetupHash,
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        transaction(&self.pools.writes, OperationName::InsertSetupToken)
            .run(async |connection: &mut Connection| {
                setup::insert(connection, hash, expires_at, now).await
            })
            .await
    }

    async fn setup_token(&self, hash: &SetupHash) -> Result<Option<OffsetDateTime>, StoreError> {
        look_up(&self.pools.reads, OperationName::SetupToken)
            .run(async |connection: &mut Connection| setup::one(connection, hash).await)
            .await
    }

    async fn set_up(
        &self,
        hash: &SetupHash,
        admin: &User,
        password: &PasswordHash,
        now: OffsetDateTime,
    ) -> Result<SetUp, StoreError> {
        transaction(&self.pools.writes, OperationName::SetUp)
            .run(async |connection: &mut Connection| {
                setup::set_up(connection, hash, admin, password, now).await
            })
            .await
    }
}

#[async_trait]
impl IdentityStore for SqlStore {
    async fn identity(
        &self,
        identity: &ExternalIdentity,
    ) -> Result<Option<IdentityOfUser>, StoreError> {
        look_up(&self.pools.reads, OperationName::Identity)
            .run(async |connection: &mut Connection| identities::one(connection, identity).await)
            .await
    }

    async fn insert_identity(
        &self,
        identity: &ExternalIdentity,
        user: UserId,
        admin_by_group: bool,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        transaction(&self.pools.writes, OperationName::InsertIdentity)
            .run(async |connection: &mut Connection| {
                identities::insert(connection, identity, user, admin_by_group, at).await
            })
            .await
    }

    async fn follow_admin_group(
        &self,
        identity: &ExternalIdentity,
        is_in_group: bool,
    ) -> Result<Option<User>, StoreError> {
        transaction(&self.pools.writes, OperationName::FollowAdminGroup)
            .run(async |connection: &mut Connection| {
                identities::follow_admin_group(connection, identity, is_in_group).await
            })
            .await
    }
}
