//! The priority of a thread.

/// Gives the calling thread the lowest priority: it runs when nobody else of this process wants to,
/// and threads that it starts likewise. Where that is not possible, it stays as it is, and the log says so
/// of the thread that does this `work`.
pub fn lower_priority(work: &'static str) {
    #[cfg(target_os = "linux")]
    {
        // On Linux, a process id in this call is that of a thread.
        let thread = rustix::thread::gettid();
        if let Err(error) = rustix::process::setpriority_process(Some(thread), 19) {
            tracing::debug!(%error, "the priority of the thread that {work} stays as it is");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = work;
}
