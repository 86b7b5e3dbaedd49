//! The codec of the HTTP service, for tests that compare with it.

use actix_http::h1::Codec;

/// Calls a function with a codec, which exists only within a runtime.
pub(super) fn with_codec<T>(work: impl FnOnce(Codec) -> T) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async { work(Codec::default()) })
}
