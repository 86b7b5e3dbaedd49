//! Histories: random events of processes, their directories, their clocks and their database, drawn
//! from a seed, and compared with what the clients know.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use time::macros::datetime;
use waypost_analytics::{Privacy, testkit};
use waypost_core::{ClickId, Clock as _, Link, ManualClock, SeededRandom};
use waypost_store::{JournalRecord, PurgeScope};
use waypost_store_testkit::failing::{FailingStore, Failure, Operation, When};

use crate::database::{Backup, Database, link};
use crate::node::{Node, Process, Then};
use crate::wire::Wire;
use crate::{Kind, draw};

/// When a history begins.
const BEGINNING: OffsetDateTime = datetime!(2026-03-01 23:30 UTC);
/// Number of events in a history.
const EVENTS: usize = 60;
/// Maximum number of directories.
const NODES: usize = 4;
/// The size of a clock jump.
const JUMP: time::Duration = time::Duration::days(400);

/// The mishaps of a history, mostly mistakes of operators.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each of them is independent of the others"
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mishaps {
    /// A directory is copied.
    pub copy: bool,
    /// The database is restored from a backup.
    pub set_back: bool,
    /// A clock jumps by days.
    pub jump: bool,
    /// Click records are purged.
    pub purge: bool,
}

impl Mishaps {
    /// All mishaps.
    pub const ALL: Self = Self {
        copy: true,
        set_back: true,
        jump: true,
        purge: true,
    };
}

pub(crate) struct World {
    draws: SeededRandom,
    random: Arc<SeededRandom>,
    /// The right time.
    clock: ManualClock,
    pub(crate) database: Database,
    wire: Arc<Wire>,
    store: Arc<FailingStore<Wire>>,
    pub(crate) link: Link,
    pub(crate) privacy: Privacy,
    /// Draws the budget of click records of each process; `None` if there are no budgets.
    pub(crate) budgets: Option<SeededRandom>,
    /// How long settled clicks are kept.
    pub(crate) keep: Duration,
    pub(crate) nodes: Vec<Node>,
    backups: Vec<Backup>,
    /// The clicks that were reported to the clients as accepted.
    pub(crate) accepted: BTreeSet<ClickId>,
    /// The mishaps that may happen.
    may: Mishaps,
    /// The mishaps that have happened.
    pub(crate) had: Mishaps,
    /// The events, for the message of a failure.
    log: String,
}

impl World {
    async fn new(seed: u64, kind: Kind, privacy: Privacy, may: Mishaps) -> Self {
        let database = Database::new(kind, BEGINNING).await;
        let wire = Arc::new(Wire::new(database.store(), seed ^ 0x3177));
        let store = FailingStore::new(Arc::clone(&wire), seed)
            .fail(Operation::Ingest, When::Percent(10), Failure::Before)
            .fail(Operation::Ingest, When::Percent(10), Failure::After)
            .fail(Operation::TakeJournal, When::Percent(10), Failure::Before)
            .fail(Operation::TakeJournal, When::Percent(10), Failure::After)
            .fail(Operation::StoredClicks, When::Percent(10), Failure::Before)
            .fail(Operation::MakeDurable, When::Percent(10), Failure::After)
            .fail(Operation::Journal, When::Percent(5), Failure::Before);
        let clock = ManualClock::new(BEGINNING);
        let draws = SeededRandom::new(seed);
        let keep_hours = if draw(&draws, 3) == 0 { 0 } else { 24 };
        Self {
            draws,
            random: Arc::new(SeededRandom::new(seed ^ 0x5eed)),
            backups: vec![database.backup()],
            database,
            wire,
            store: Arc::new(store),
            link: link(BEGINNING),
            privacy,
            budgets: (seed % 2 == 1).then(|| SeededRandom::new(seed ^ 0xb0d6)),
            keep: Duration::from_secs(keep_hours * 60 * 60),
            nodes: (0..2).map(|_| Node::new(&clock)).collect(),
            clock,
            accepted: BTreeSet::new(),
            may,
            had: Mishaps::default(),
            log: String::new(),
        }
    }

    fn draw(&self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap();
        usize::try_from(draw(&self.draws, limit)).unwrap()
    }

    fn draw_millis(&self, limit: u64) -> Duration {
        Duration::from_millis(draw(&self.draws, limit))
    }

    fn note(&mut self, what: impl std::fmt::Display) {
        let _ = writeln!(self.log, "{what}");
    }

    /// Runs one event.
    async fn happen(&mut self) {
        let node = self.draw(self.nodes.len());
        match self.draw(25) {
            0..6 => self.click(node),
            6..12 => {
                let time = self.draw_millis(300);
                self.work(node, time).await;
            }
            12 => self.work(node, Duration::from_secs(5)).await,
            13 => self.end(node),
            14 | 15 => self.start(node).await,
            16 => drop(self.copy(node)),
            17 => {
                self.note("backup");
                self.backups.push(self.database.backup());
            }
            18 => self.set_back().await,
            19 => self.jump(node),
            20 => self.drain(node).await,
            21 => self.take_over(node).await,
            22 => {
                self.note("a minute passes");
                tokio::time::advance(Duration::from_secs(60)).await;
                self.purge().await;
            }
            23 => {
                let which = self.draw(100);
                if self.wire.deliver(which).await {
                    self.note("a request arrives late");
                }
            }
            _ => {
                let by = time::Duration::minutes(40);
                self.clock.advance(by);
                for node in &self.nodes {
                    node.clock.advance(by);
                }
            }
        }
    }

    /// Clients follow the link on a node.
    fn click(&mut self, node: usize) {
        let count = 1 + self.draw(12);
        let clicked_at = self.nodes[node].clock.now();
        let Some(process) = &self.nodes[node].process else {
            return;
        };
        if !process.has_begun() {
            return;
        }
        let (_, first) = testkit::positions(&process.journal);
        for _ in 0..count {
            let id = ClickId::new(clicked_at, &*self.random);
            assert!(
                testkit::append(&process.journal, id, self.link.id, clicked_at),
                "there is room for all clicks of a history"
            );
            self.accepted.insert(id);
        }
        self.note(format_args!("{node}: clicks {first}..+{count}"));
    }

    /// Lets the ingester of a node work for this long, and interrupts it at any point.
    async fn work(&mut self, node: usize, time: Duration) {
        let then = match self.draw(2) {
            0 => Then::Sleeps,
            _ => Then::BeginsAgain,
        };
        self.work_and(node, time, then).await;
    }

    async fn work_and(&mut self, node: usize, time: Duration, then: Then) {
        if let Some(process) = &mut self.nodes[node].process {
            process.work(time, then, &self.wire).await;
            let line = format!("{node}: works for {time:?}, {then:?}, {}", process.state());
            self.note(line);
        }
    }

    /// A process is killed.
    fn end(&mut self, node: usize) {
        self.nodes[node].process = None;
        self.note(format_args!("{node}: ends"));
    }

    /// Starts a process, which may not get far.
    async fn start(&mut self, node: usize) {
        if self.nodes[node].process.is_none() {
            self.note(format_args!("{node}: starts"));
            let (store, keep) = (self.store.clone(), self.keep);
            // The operator changes it, or the servers differ.
            let records_per_day = self.budgets.as_ref().and_then(|budgets| {
                let budgets_of_days = [Some(1), Some(5), Some(20), Some(60), None];
                budgets_of_days[usize::try_from(draw(budgets, 5)).unwrap()]
            });
            let (random, privacy) = (&self.random, self.privacy);
            self.nodes[node].start(store, random, keep, privacy, records_per_day);
            let time = self.draw_millis(400);
            self.work_and(node, time, Then::Sleeps).await;
        }
    }

    /// Copies a directory, whether it is in use or not.
    fn copy(&mut self, node: usize) -> Option<usize> {
        let copy = self.nodes.len();
        if copy == NODES || !self.may.copy {
            return None;
        }
        self.had.copy |= self.nodes[node].is_used();
        self.nodes.push(self.nodes[node].copy());
        self.note(format_args!("{node}: is copied to {copy}"));
        Some(copy)
    }

    /// Restores the database from a backup. Not possible after a purge: the records that a journal
    /// keeps for this are younger than purged ones.
    async fn set_back(&mut self) {
        if self.may.set_back && !self.had.purge {
            let backup = self.draw(self.backups.len());
            self.note(format_args!("set back to backup {backup}"));
            self.database.set_back(&self.backups[backup]).await;
            self.wire.lead_to(self.database.store());
            self.had.set_back = true;
        }
    }

    /// Purges click records that are older than all pending clicks: records live for days, and a
    /// running process stores within seconds.
    async fn purge(&mut self) {
        let mut processes = self.nodes.iter().filter_map(|node| node.process.as_ref());
        if !self.may.purge || !processes.all(Process::is_settled) || self.wire.is_under_way() {
            return;
        }
        let store = self.database.store();
        let journals = store.journals().await.unwrap();
        // A journal that met clicks of another one does not record which of its clicks those were.
        if journals.iter().any(|journal| journal.duplicates > 0) {
            return;
        }
        self.note("rows are purged");
        let all = PurgeScope::from(BEGINNING + 2 * JUMP);
        self.had.purge |= store.purge_clicks(all, u32::MAX).await.unwrap() > 0;
        self.had.purge |= store.purge_click_ids(all.before, u32::MAX).await.unwrap() > 0;
    }

    /// Sets the clock of a machine wrong, or right again.
    fn jump(&mut self, node: usize) {
        if self.may.jump {
            let off = self.nodes[node].clock.now() - self.clock.now();
            let by = match self.draw(2) {
                _ if !off.is_zero() => -off,
                0 => JUMP,
                _ => -JUMP,
            };
            self.nodes[node].clock.advance(by);
            self.note(format_args!("{node}: the clock is moved by {by}"));
            self.had.jump = true;
        }
    }

    /// Stores the pending clicks of a process by one that accepts no clicks, and ends it.
    async fn drain(&mut self, node: usize) {
        if self.nodes[node].process.is_none() {
            self.start(node).await;
            self.finish(node).await;
            self.end(node);
        }
    }

    /// While a process is suspended, another one continues with a copy of its directory; then the
    /// first one resumes.
    async fn take_over(&mut self, node: usize) {
        if self.nodes[node].process.is_some()
            && let Some(copy) = self.copy(node)
        {
            self.start(copy).await;
            self.finish(copy).await;
            self.work(node, Duration::from_secs(5)).await;
        }
    }

    /// Lets a process work until all is settled, or for as long as that may take with failures.
    async fn finish(&mut self, node: usize) {
        for _ in 0..20 {
            let process = self.nodes[node].process.as_ref();
            if process.is_none_or(crate::node::Process::is_settled) {
                return;
            }
            self.work_and(node, Duration::from_secs(2), Then::Sleeps)
                .await;
        }
    }

    /// Logs the final state of the journals in the database.
    async fn note_journals(&mut self) {
        for journal in self.database.store().journals().await.unwrap() {
            let JournalRecord {
                id,
                began,
                committed,
                stored,
                duplicates,
                dropped,
                ..
            } = journal;
            let id = &id.to_string()[30..];
            let lost = dropped.losses();
            self.note(format_args!(
                "{id}: {began}..{committed}: {stored} stored, {duplicates} duplicates, {lost} lost"
            ));
        }
    }

    /// Lets all processes work until nothing is pending.
    async fn settle(&mut self) {
        // Some pending requests never arrive.
        for _ in 0..self.draw(3) {
            let which = self.draw(100);
            self.wire.deliver(which).await;
        }
        self.store.set_calm(true);
        self.wire.set_calm(true);
        // Settling something may reveal clicks that another process has to store again.
        for _ in 0..3 {
            for node in 0..self.nodes.len() {
                self.start(node).await;
                for _ in 0..100 {
                    self.work_and(node, Duration::from_secs(10), Then::Sleeps)
                        .await;
                    if self.nodes[node].process.as_ref().unwrap().is_settled() {
                        break;
                    }
                }
            }
        }
    }
}

/// The events, printed when an assertion fails.
struct Told(Option<String>);

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(log) = self.0.take()
            && std::thread::panicking()
        {
            println!("{log}");
        }
    }
}

/// Runs the history of a seed.
///
/// # Panics
/// When the counts differ from what the clients were told.
pub async fn history(seed: u64, kind: Kind, privacy: Privacy, may: Mishaps) {
    let mut world = World::new(seed, kind, privacy, may).await;
    for _ in 0..EVENTS {
        world.happen().await;
    }
    world.settle().await;
    world.note_journals().await;
    let log = std::mem::take(&mut world.log);
    let mut told = Told(Some(format!(
        "history {seed}, {kind:?}, {privacy:?}:\n{log}"
    )));
    world.reckon().await;
    told.0.take();
}
