//! [`FailingStore`] as a store: each operation goes to the wrapped store, through
//! [`FailingStore::call`].

use waypost_store::Operation;
#[allow(
    clippy::wildcard_imports,
    reason = "the types of the port are listed once; tests are free to do so"
)]
use waypost_store::signatures::*;

use super::FailingStore;

macro_rules! failing {
    (; $($port:ident {$(
        $operation:ident $(as $label:literal)?:
            $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;
    )*})*) => {$(
        #[async_trait]
        impl<S: $port + ?Sized> $port for FailingStore<S> {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                let work = self.inner.$name($($argument),*);
                self.call(Operation::$operation, work).await
            })*
        }
    )*};
}

waypost_store::operations! { failing [] }
