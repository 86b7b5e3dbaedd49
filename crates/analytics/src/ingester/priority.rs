//! The priority of a thread.

/// Gives the calling thread the lowest priority: it runs when nobody else of this process wants to,
/// and threads that it starts likewise. Where that is not possible, it stays as it is.
pub(super) fn lower() {
    #[cfg(target_os = "linux")]
    {
        // On Linux, a process id in this call is that of a thread.
        let thread = rustix::thread::gettid();
        if let Err(error) = rustix::process::setpriority_process(Some(thread), 19) {
            tracing::debug!(%error, "the priority of the thread that stores clicks stays as it is");
        }
    }
}
