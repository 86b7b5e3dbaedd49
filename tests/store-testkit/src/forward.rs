//! Stores that wrap another one, without writing every operation again.

/// Implements ports for a store that wraps another one. Each operation goes to what the expression returns; the
/// expression may fail (`?`) and wait (`.await`).
///
/// The ports are named, or come in groups:
///
/// | group | ports |
/// | --- | --- |
/// | `links` | `LinkStore`, `AccessStore`, `AuditStore`, `PathStore`, `BlocklistStore`, `OrphanStore`, `CatalogStore` |
/// | `people` | `UserStore`, `TokenStore`, `SessionStore`, `SetupStore`, `IdentityStore` |
/// | `all` | every port |
/// | `stats` | `StatsStore`, `FactsStore` |
///
/// ```
/// use waypost_store::{MemoryStore, UserStore};
///
/// struct Wrapper(MemoryStore);
/// waypost_store_testkit::forward!(people: Wrapper, self => self.0);
/// waypost_store_testkit::forward!([TimeStore LeaseStore]: Wrapper, self => self.0);
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = Wrapper(MemoryStore::new());
/// assert_eq!(store.users_after(None, 10).await.unwrap(), []);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[macro_export]
macro_rules! forward {
    (all: $store:ty, $self:ident => $inner:expr) => {
        const _: () = {
            use $crate::forward as forward_ports;
            use $crate::store::signatures::*;

            $crate::store::operations! { forward_ports [@ $store, $self => $inner] }
        };
    };
    (links: $($rest:tt)*) => {
        $crate::forward! {
            [LinkStore AccessStore AuditStore PathStore BlocklistStore OrphanStore CatalogStore]: $($rest)*
        }
    };
    (people: $($rest:tt)*) => {
        $crate::forward! {
            [UserStore TokenStore SessionStore SetupStore IdentityStore]: $($rest)*
        }
    };
    (stats: $($rest:tt)*) => {
        $crate::forward! { [StatsStore FactsStore]: $($rest)* }
    };
    ([$($port:ident)+]: $store:ty, $self:ident => $inner:expr) => {
        const _: () = {
            use $crate::forward as forward_ports;
            use $crate::store::signatures::*;

            $crate::store::operations! {
                forward_ports [@ $store, $self => $inner]; $($port)+
            }
        };
    };
    (@ $store:ty, $self:ident => $inner:expr; $($port:ident {$(
        $operation:ident $(as $label:literal)?:
            $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;
    )*})*) => {$(
        #[async_trait]
        impl $port for $store {
            $(async fn $name(&$self, $($argument: $type),*) -> Result<$answer, StoreError> {
                $inner.$name($($argument),*).await
            })*
        }
    )*};
}
