//! Stores that stand before another one, without writing every operation again.

/// Implements [`UserStore`](crate::UserStore) and [`TokenStore`](crate::TokenStore) for a store that
/// stands before another one: each operation goes to what the expression gives, which may fail (`?`) and
/// wait (`.await`). The crate needs `async-trait`, `time` and `waypost-core`.
///
/// ```
/// use waypost_store::{MemoryStore, UserStore};
///
/// struct Before(MemoryStore);
/// waypost_store::forward_people!(Before, self => self.0);
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = Before(MemoryStore::new());
/// assert_eq!(store.users_after(None, 10).await.unwrap(), []);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[macro_export]
macro_rules! forward_people {
    ($store:ty, $self:ident => $inner:expr) => {
        $crate::forward_people! { @ $store, $self => $inner, $crate::UserStore {
            insert_user(user: &::waypost_core::User, password: Option<&::waypost_core::PasswordHash>) -> ();
            user(id: ::waypost_core::UserId) -> Option<::waypost_core::User>;
            user_by_email(email: &::waypost_core::Email) -> Option<::waypost_core::User>;
            users_after(cursor: Option<::waypost_core::UserCursor>, limit: u32) -> Vec<::waypost_core::User>;
            change_user(id: ::waypost_core::UserId, change: &$crate::UserChange) -> Option<::waypost_core::User>;
            password(id: ::waypost_core::UserId) -> Option<::waypost_core::PasswordHash>;
            set_password(id: ::waypost_core::UserId, password: Option<&::waypost_core::PasswordHash>) -> bool;
            delete_user(id: ::waypost_core::UserId) -> bool;
        } }
        $crate::forward_people! { @ $store, $self => $inner, $crate::TokenStore {
            insert_token(token: &::waypost_core::ApiToken, hash: &::waypost_core::TokenHash) -> ();
            token_by_hash(hash: &::waypost_core::TokenHash) -> Option<(::waypost_core::ApiToken, ::waypost_core::User)>;
            tokens_after(user: ::waypost_core::UserId, cursor: Option<::waypost_core::TokenCursor>, limit: u32) -> Vec<::waypost_core::ApiToken>;
            revoke_token(user: ::waypost_core::UserId, token: ::waypost_core::TokenId, at: ::time::OffsetDateTime) -> bool;
            note_tokens_used(used: &[(::waypost_core::TokenId, ::time::OffsetDateTime)]) -> ();
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
