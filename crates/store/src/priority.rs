//! The priority of threads. If it cannot be changed, it stays as it is, and the log says so.

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Gives the calling thread, which does this `work`, the lowest time-sharing priority: it gets a
/// seventieth of what other threads want. Threads that it starts inherit it.
pub fn lower_priority(work: &'static str) {
    set(NormalThreadSchedulePolicy::Other, work);
}

/// Lets the calling thread, which does this `work`, run only when no other thread wants to. Threads
/// that it starts inherit this. Other threads do not wait for the end of its time slice. Uses
/// `SCHED_IDLE` of [sched(7)](https://man7.org/linux/man-pages/man7/sched.7.html) on Linux, and
/// behaves as [`lower_priority`] elsewhere.
///
/// Do not use it for work that others wait for: on a busy machine it makes little progress, and a
/// thread that waits for a lock of such work waits long. Such work must hold locks only briefly.
pub fn run_when_idle(work: &'static str) {
    #[cfg(target_os = "linux")]
    set(NormalThreadSchedulePolicy::Idle, work);
    #[cfg(not(target_os = "linux"))]
    lower_priority(work);
}

fn set(policy: NormalThreadSchedulePolicy, work: &'static str) {
    let policy = ThreadSchedulePolicy::Normal(policy);
    let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
    if let Err(error) = set {
        tracing::debug!(%error, work, "cannot change the priority of a thread");
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;
    use std::thread;

    use super::*;

    /// Returns the nice value and the policy of the calling thread, from
    /// [proc_pid_stat(5)](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
    fn nice_and_policy() -> (String, String) {
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, after_name) = stat.rsplit_once(')').unwrap();
        let mut fields = after_name.split_whitespace();
        // The state is the third field.
        let nice = fields.nth(19 - 3).unwrap();
        let policy = fields.nth(41 - 19 - 1).unwrap();
        (nice.to_owned(), policy.to_owned())
    }

    #[test]
    fn threads_and_those_that_they_start_get_out_of_the_way() {
        const SCHED_OTHER: &str = "0";
        const SCHED_IDLE: &str = "5";
        let lowered = thread::spawn(|| {
            lower_priority("is a test");
            let child = thread::spawn(nice_and_policy).join().unwrap();
            assert_eq!(child, nice_and_policy());
            child
        });
        let (nice, policy) = lowered.join().unwrap();
        assert_eq!((nice.as_str(), policy.as_str()), ("19", SCHED_OTHER));
        let idle = thread::spawn(|| {
            run_when_idle("is a test");
            let (_, of_child) = thread::spawn(nice_and_policy).join().unwrap();
            assert_eq!(of_child, nice_and_policy().1);
            of_child
        });
        assert_eq!(idle.join().unwrap(), SCHED_IDLE);
    }
}
