//! What a connection is doing, as others see it: the sweep and connections that need its place.
//!
//! The connection writes with relaxed stores, which cost a request next to nothing; nobody else
//! writes but to end it. Times are whole seconds since the server started, from the clock of the
//! sweep.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;

/// How many seconds a client may take for the head of a request.
const HEAD_S: u32 = 10;
/// Seconds after which the progress of a body or of an answer is measured.
const PROGRESS_S: u32 = 10;
/// Bytes that must have moved by then: 400 bytes per second, slower than any modem.
const PROGRESS_BYTES: u32 = 4_000;
/// How many seconds a connection is kept without a request. Common proxies keep theirs for a
/// minute; this must be longer, or they could send a request on a connection that is being closed.
const IDLE_S: u32 = 75;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It was accepted, and nothing has arrived.
    Silent,
    /// The head of a request has begun to arrive.
    Head,
    /// The body of a request is arriving.
    Body,
    /// A request is being answered.
    Working,
    /// Every request is answered.
    Idle,
    /// The last request is answered, but its body has not arrived.
    Rest,
}

impl Phase {
    const fn number(self) -> u8 {
        match self {
            Self::Silent => 0,
            Self::Head => 1,
            Self::Body => 2,
            Self::Working => 3,
            Self::Idle => 4,
            Self::Rest => 5,
        }
    }

    const fn of(number: u8) -> Self {
        match number {
            0 => Self::Silent,
            1 => Self::Head,
            2 => Self::Body,
            4 => Self::Idle,
            5 => Self::Rest,
            _ => Self::Working,
        }
    }
}

/// Why a connection is ended before its client ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was idle for a long time.
    Idle,
    /// It was idle, and another connection needed its place, or the server stops.
    Shed,
    /// The head of a request did not arrive in time.
    SlowHead,
    /// The body of a request did not arrive in time.
    SlowBody,
    /// The client did not read its answer in time.
    SlowReader,
}

impl Ending {
    pub(super) const ALL: [Self; 5] = [
        Self::Idle,
        Self::Shed,
        Self::SlowHead,
        Self::SlowBody,
        Self::SlowReader,
    ];

    /// Not 0, which means that the connection goes on.
    const fn number(self) -> u8 {
        match self {
            Self::Idle => 1,
            Self::Shed => 2,
            Self::SlowHead => 3,
            Self::SlowBody => 4,
            Self::SlowReader => 5,
        }
    }

    /// Whether nothing of a request or an answer is lost by it.
    pub(super) const fn is_quiet(self) -> bool {
        matches!(self, Self::Idle | Self::Shed)
    }

    /// The label in metrics and the log.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Shed => "shed",
            Self::SlowHead => "slow_head",
            Self::SlowBody => "slow_body",
            Self::SlowReader => "slow_reader",
        }
    }
}

/// The state of a connection.
pub(super) struct Slot {
    /// The network of its client, if it counts for one.
    pub(super) client: Option<IpAddr>,
    phase: AtomicU8,
    /// When the phase began, or its progress was last found sufficient.
    since: AtomicU32,
    /// Bytes of the body since then.
    received: AtomicU32,
    /// Whether a slice of an answer was given to the HTTP service since it has written all.
    unwritten: AtomicBool,
    /// Whether the answer waits for that to give the next one.
    waiting: AtomicBool,
    /// Whether the client has no room for the rest of an answer.
    blocked: AtomicBool,
    /// When that began, or its progress was last found sufficient.
    blocked_since: AtomicU32,
    /// Bytes of the answer since then.
    sent: AtomicU32,
    ending: AtomicU8,
    waker: AtomicWaker,
}

impl Slot {
    pub(super) fn new(client: Option<IpAddr>, now: u32) -> Arc<Self> {
        Arc::new(Self {
            client,
            phase: AtomicU8::new(Phase::Silent.number()),
            since: AtomicU32::new(now),
            received: AtomicU32::new(0),
            unwritten: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            blocked_since: AtomicU32::new(0),
            sent: AtomicU32::new(0),
            ending: AtomicU8::new(0),
            waker: AtomicWaker::new(),
        })
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::of(self.phase.load(Ordering::Relaxed))
    }

    /// Begins a phase.
    pub(super) fn enter(&self, phase: Phase, now: u32) {
        self.received.store(0, Ordering::Relaxed);
        self.since.store(now, Ordering::Relaxed);
        self.phase.store(phase.number(), Ordering::Relaxed);
    }

    /// Whether a request is being answered whose body has arrived.
    pub(super) fn is_working(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == Phase::Working.number()
    }

    /// Whether an answer waits for its client to read.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Records bytes of a body.
    pub(super) fn count_received(&self, bytes: usize) {
        add(&self.received, bytes);
    }

    /// Records bytes of an answer, if it was blocked.
    pub(super) fn count_sent(&self, bytes: usize) {
        if self.is_blocked() {
            add(&self.sent, bytes);
        }
    }

    /// Records that the client has no room.
    pub(super) fn block(&self, now: u32) {
        if !self.is_blocked() {
            self.sent.store(0, Ordering::Relaxed);
            self.blocked_since.store(now, Ordering::Relaxed);
            self.blocked.store(true, Ordering::Relaxed);
        }
    }

    /// Records that a slice of an answer was given to the HTTP service.
    pub(super) fn give(&self) {
        self.unwritten.store(true, Ordering::Relaxed);
    }

    /// Whether the HTTP service has not written all that it was given. The next slice then waits
    /// for [`Slot::wrote`].
    pub(super) fn must_write(&self) -> bool {
        let must = self.unwritten.load(Ordering::Relaxed);
        if must {
            self.waiting.store(true, Ordering::Relaxed);
        }
        must
    }

    /// Records that everything was written. Returns whether a slice has waited for it.
    pub(super) fn wrote(&self) -> bool {
        self.unblock();
        if !self.unwritten.load(Ordering::Relaxed) {
            return false;
        }
        self.unwritten.store(false, Ordering::Relaxed);
        self.waiting.swap(false, Ordering::Relaxed)
    }

    /// Records that the client has room.
    fn unblock(&self) {
        if self.is_blocked() {
            self.blocked.store(false, Ordering::Relaxed);
        }
    }

    /// Returns why the connection must end now, if it must.
    pub(super) fn ending(&self) -> Option<Ending> {
        let number = self.ending.load(Ordering::Relaxed);
        if number == 0 {
            return None;
        }
        Ending::ALL
            .into_iter()
            .find(|ending| ending.number() == number)
    }

    /// Tells the connection to end. Returns whether it was not told before.
    pub(super) fn end(&self, ending: Ending) -> bool {
        let told =
            self.ending
                .compare_exchange(0, ending.number(), Ordering::Relaxed, Ordering::Relaxed);
        self.waker.wake();
        told.is_ok()
    }

    /// Registers the task of the connection, to be woken when it must end.
    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Returns since when the connection has no request, if it has none. A new connection has none
    /// after a second: before, its first one may be on its way.
    pub(super) fn idle_since(&self, now: u32) -> Option<u32> {
        let since = self.since.load(Ordering::Relaxed);
        let has_none = match self.phase() {
            Phase::Idle | Phase::Rest => true,
            Phase::Silent => now > since.saturating_add(1),
            Phase::Head | Phase::Body | Phase::Working => false,
        };
        (has_none && !self.is_blocked() && self.ending().is_none()).then_some(since)
    }

    /// Returns why the connection must end at `now`, if it must. Begins to measure again what made
    /// enough progress.
    pub(super) fn judge(&self, now: u32) -> Option<Ending> {
        if self.is_blocked() {
            return stalls(&self.blocked_since, &self.sent, now).then_some(Ending::SlowReader);
        }
        let age = now.saturating_sub(self.since.load(Ordering::Relaxed));
        match self.phase() {
            Phase::Silent | Phase::Head if age > HEAD_S => Some(Ending::SlowHead),
            Phase::Body => stalls(&self.since, &self.received, now).then_some(Ending::SlowBody),
            Phase::Idle if age > IDLE_S => Some(Ending::Idle),
            Phase::Rest if age > 1 => Some(Ending::Idle),
            Phase::Silent | Phase::Head | Phase::Working | Phase::Idle | Phase::Rest => None,
        }
    }
}

/// Adds bytes to a counter that only this task adds to.
fn add(counter: &AtomicU32, bytes: usize) {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    let sum = counter.load(Ordering::Relaxed).saturating_add(bytes);
    counter.store(sum, Ordering::Relaxed);
}

/// Whether too few bytes moved since a time. If enough did, they are counted from `now` on.
fn stalls(since: &AtomicU32, moved: &AtomicU32, now: u32) -> bool {
    if now.saturating_sub(since.load(Ordering::Relaxed)) <= PROGRESS_S {
        return false;
    }
    if moved.load(Ordering::Relaxed) < PROGRESS_BYTES {
        return true;
    }
    moved.store(0, Ordering::Relaxed);
    since.store(now, Ordering::Relaxed);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(phase: Phase) -> Arc<Slot> {
        let slot = Slot::new(None, 0);
        slot.enter(phase, 0);
        slot
    }

    #[test]
    fn each_phase_has_its_limit_and_an_answer_under_way_has_none() {
        for (phase, limit, ending) in [
            (Phase::Silent, HEAD_S, Ending::SlowHead),
            (Phase::Head, HEAD_S, Ending::SlowHead),
            (Phase::Body, PROGRESS_S, Ending::SlowBody),
            (Phase::Idle, IDLE_S, Ending::Idle),
        ] {
            assert_eq!(slot(phase).judge(limit), None, "{phase:?}");
            assert_eq!(slot(phase).judge(limit + 1), Some(ending), "{phase:?}");
        }
        assert_eq!(slot(Phase::Working).judge(u32::MAX), None);
    }

    #[test]
    fn a_body_and_an_answer_may_take_as_long_as_they_make_progress() {
        let body = slot(Phase::Body);
        let answer = slot(Phase::Working);
        answer.block(0);
        for now in (11..=99).step_by(11) {
            body.count_received(4_000);
            answer.count_sent(4_000);
            assert_eq!((body.judge(now), answer.judge(now)), (None, None), "{now}");
        }
        body.count_received(3_999);
        answer.count_sent(3_999);
        assert_eq!(body.judge(110), Some(Ending::SlowBody));
        assert_eq!(answer.judge(110), Some(Ending::SlowReader));
    }

    #[test]
    fn what_was_sent_before_a_client_stopped_reading_is_no_progress() {
        let slot = slot(Phase::Working);
        slot.count_sent(1_000_000);
        slot.block(5);
        slot.block(9);
        assert_eq!(slot.judge(15), None);
        assert_eq!(slot.judge(16), Some(Ending::SlowReader));
        slot.unblock();
        assert_eq!(slot.judge(99), None);
    }

    #[test]
    fn only_connections_without_a_request_are_idle() {
        for (phase, idle) in [
            (Phase::Silent, [None, None, Some(0)]),
            (Phase::Head, [None; 3]),
            (Phase::Body, [None; 3]),
            (Phase::Working, [None; 3]),
            (Phase::Idle, [Some(0); 3]),
            (Phase::Rest, [Some(0); 3]),
        ] {
            let slot = slot(phase);
            assert_eq!([0, 1, 2].map(|now| slot.idle_since(now)), idle, "{phase:?}");
            slot.block(0);
            assert_eq!(slot.idle_since(2), None, "an answer is under way");
        }
    }

    #[test]
    fn a_connection_ends_for_the_first_reason_only() {
        let slot = slot(Phase::Idle);
        assert!(slot.end(Ending::Shed));
        assert!(!slot.end(Ending::Idle));
        assert_eq!(slot.ending(), Some(Ending::Shed));
        assert_eq!(slot.idle_since(9), None, "it cannot be shed again");
    }
}
