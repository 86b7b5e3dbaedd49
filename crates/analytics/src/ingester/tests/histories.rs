//! Histories: what may happen to processes, their directories and their database, drawn from a seed, and compared
//! with what the clients know. A seed that failed becomes a test of its own.

use std::fmt::Write as _;
use std::path::Path;

use tempfile::TempDir;
use waypost_core::{JournalId, ManualClock};
use waypost_store::MemoryStore;

use super::*;
use crate::journal::ClickRecord;
use crate::witness::NEWEST;
use crate::{Durability, JournalSettings};

/// Number of histories of a test; `WAYPOST_TEST_HISTORIES` says otherwise.
const HISTORIES: u64 = 500;
/// Number of things that happen in one.
const EVENTS: usize = 60;
/// Maximum number of directories.
const NODES: usize = 4;

/// A directory and the process that uses it, if one does.
struct Node {
    directory: TempDir,
    process: Option<Process>,
}

struct Process {
    journal: Arc<Journal>,
    ingester: Ingester,
}

/// Mistakes of operators.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mishaps {
    /// A directory is copied.
    copy: bool,
    /// The database is set back.
    set_back: bool,
}

impl Mishaps {
    const NONE: Self = Self {
        copy: false,
        set_back: false,
    };
    const BOTH: Self = Self {
        copy: true,
        set_back: true,
    };
}

struct World {
    draws: SeededRandom,
    random: Arc<SeededRandom>,
    clock: Arc<ManualClock>,
    witness: Arc<Witness>,
    store: Arc<FailingStore<Witness>>,
    link: Link,
    privacy: Privacy,
    nodes: Vec<Node>,
    backups: Vec<MemoryStore>,
    /// What the clients were told: these clicks are accepted.
    accepted: BTreeSet<ClickId>,
    /// What may happen. Without rows there are no ids to find a click by when both come together.
    may: Mishaps,
    /// What has happened.
    had: Mishaps,
    /// What happened, for whoever reads a failure.
    log: String,
}

/// A directory that needs no disk, where there is one.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    directory.unwrap()
}

impl World {
    async fn new(seed: u64, privacy: Privacy) -> Self {
        let (witness, link) = Witness::with_clicks(0).await;
        let store = FailingStore::new(witness.clone(), seed)
            .fail(Operation::Ingest, When::Percent(10), Failure::Before)
            .fail(Operation::Ingest, When::Percent(10), Failure::After)
            .fail(Operation::TakeJournal, When::Percent(10), Failure::Before)
            .fail(Operation::TakeJournal, When::Percent(10), Failure::After)
            .fail(Operation::StoredClicks, When::Percent(10), Failure::Before)
            .fail(Operation::Journal, When::Percent(5), Failure::Before);
        let mut world = Self {
            draws: SeededRandom::new(seed),
            random: Arc::new(SeededRandom::new(seed ^ 0x5eed)),
            clock: Arc::new(ManualClock::new(NEWEST)),
            backups: vec![witness.backup()],
            witness,
            store: Arc::new(store),
            link,
            privacy,
            may: Mishaps {
                copy: privacy.keeps_rows() || seed.is_multiple_of(2),
                set_back: privacy.keeps_rows() || !seed.is_multiple_of(2),
            },
            had: Mishaps::NONE,
            nodes: Vec::new(),
            accepted: BTreeSet::new(),
            log: String::new(),
        };
        for _ in 0..2 {
            world.nodes.push(Node {
                directory: directory(),
                process: None,
            });
        }
        world
    }

    fn draw(&self, limit: usize) -> usize {
        usize::try_from(draw(&self.draws, limit as u64)).unwrap()
    }

    fn note(&mut self, what: impl std::fmt::Display) {
        let _ = writeln!(self.log, "{what}");
    }

    /// One thing happens.
    async fn happen(&mut self) {
        let node = self.draw(self.nodes.len());
        match self.draw(20) {
            0..6 => self.click(node),
            6..12 => {
                let millis = self.draw(300) as u64;
                self.work(node, Duration::from_millis(millis)).await;
            }
            12 => self.work(node, Duration::from_secs(5)).await,
            13 => self.end(node),
            14 | 15 => self.start(node).await,
            16 => self.copy(node),
            17 => {
                self.note("backup");
                self.backups.push(self.witness.backup());
            }
            18 if self.may.set_back => {
                let backup = self.draw(self.backups.len());
                self.note(format_args!("set back to backup {backup}"));
                self.witness.restore(&self.backups[backup]);
                self.had.set_back = true;
            }
            _ => self.clock.advance(time::Duration::minutes(40)),
        }
    }

    /// Clients follow the link on a node.
    fn click(&mut self, node: usize) {
        let count = 1 + self.draw(12);
        let Some(process) = &self.nodes[node].process else {
            return;
        };
        let clicked_at = self.clock.now();
        let first = process.journal.end();
        for _ in 0..count {
            let id = ClickId::new(clicked_at, &*self.random);
            let appending = process.journal.append(&ClickRecord {
                id,
                link_id: self.link.id,
                clicked_at,
                day: clicked_at.date(),
                ip_hash: None,
                session: None,
                country: None,
                signals: crate::signals::Signals::default(),
                user_agent: b"",
                referrer: b"",
            });
            appending.write_now().unwrap();
            self.accepted.insert(id);
        }
        self.note(format_args!("{node}: clicks {first}..+{count}"));
    }

    /// The ingester of a node works for this long, and is then interrupted wherever it is: it sleeps.
    async fn work(&mut self, node: usize, time: Duration) {
        if let Some(process) = &mut self.nodes[node].process {
            let working = async {
                loop {
                    process.ingester.step().await;
                }
            };
            let _ = tokio::time::timeout(time, working).await;
            let line = format!("{node}: works for {time:?}, {}", process.state());
            self.note(line);
        }
    }

    /// A process is killed.
    fn end(&mut self, node: usize) {
        self.nodes[node].process = None;
        self.note(format_args!("{node}: ends"));
    }

    async fn start(&mut self, node: usize) {
        if self.nodes[node].process.is_some() {
            return;
        }
        let settings = JournalSettings {
            durability: Durability::Journal,
            sync_interval: Duration::from_millis(1),
            max_bytes: 64 * 1_024,
            keep: Duration::from_secs(24 * 60 * 60),
        };
        let new_id = JournalId::new(self.clock.now(), &*self.random);
        let path = self.nodes[node].directory.path();
        let journal = Journal::open(path, &settings, new_id).unwrap();
        let begun = Ingester::begin(IngesterParts {
            journal: journal.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            user_agents: Arc::default(),
            privacy: self.privacy,
        });
        let process = begun
            .await
            .ok()
            .map(|ingester| Process { journal, ingester });
        let state = process.as_ref().map(Process::state);
        self.nodes[node].process = process;
        self.note(format_args!("{node}: starts, {state:?}"));
    }

    /// A directory is copied, whether it is in use or not.
    fn copy(&mut self, node: usize) {
        if self.nodes.len() == NODES || !self.may.copy {
            return;
        }
        let copy = directory();
        for entry in std::fs::read_dir(self.nodes[node].directory.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        let line = format!("{node}: is copied to {}", self.nodes.len());
        self.note(line);
        self.nodes.push(Node {
            directory: copy,
            process: None,
        });
        self.had.copy = true;
    }

    /// Everybody works until nothing is left.
    async fn settle(&mut self) {
        self.store.set_calm(true);
        // Who settles something may find what another one has to store again.
        for _ in 0..3 {
            for node in 0..self.nodes.len() {
                self.start(node).await;
                for _ in 0..100 {
                    self.work(node, Duration::from_secs(10)).await;
                    let process = self.nodes[node].process.as_ref().unwrap();
                    if process.journal.pending() == 0 {
                        break;
                    }
                }
            }
        }
    }

    /// Every accepted click is counted once, or counted as lost.
    async fn check(&self) {
        let journals = self.witness.journals().await.unwrap();
        assert!(
            journals.iter().all(waypost_store::JournalRecord::agrees),
            "{journals:#?}"
        );
        let lost: u64 = journals.iter().map(|it| it.dropped.losses()).sum();
        let counted = self.witness.total(&self.link).await;
        let accepted = self.accepted.len() as u64;
        assert!(counted <= accepted, "{counted} of {accepted} counted");
        assert!(
            counted + lost >= accepted,
            "{counted} of {accepted} counted, {lost} lost"
        );
        if self.privacy.keeps_rows() {
            let ids: Vec<ClickId> = self.accepted.iter().copied().collect();
            let stored = self.witness.stored_clicks(&ids).await.unwrap();
            assert_eq!(stored.len() as u64, counted);
        }
        // Only where a copy took what another one had stored, and then the database forgot it.
        if self.had != Mishaps::BOTH {
            assert_eq!((counted, lost), (accepted, 0));
        }
    }
}

impl Process {
    fn state(&self) -> String {
        let journal = &self.journal;
        format!(
            "{} settled {} of {}..{}",
            &journal.id().to_string()[30..],
            journal.settled(),
            journal.first(),
            journal.end()
        )
    }
}

/// What happened, which is printed where an assertion fails.
struct Told(Option<String>);

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(log) = self.0.take()
            && std::thread::panicking()
        {
            eprintln!("{log}");
        }
    }
}

async fn history(seed: u64, privacy: Privacy) -> String {
    let mut world = World::new(seed, privacy).await;
    for _ in 0..EVENTS {
        world.happen().await;
    }
    world.settle().await;
    let log = std::mem::take(&mut world.log);
    let mut told = Told(Some(format!("history {seed}, {privacy:?}:\n{log}")));
    world.check().await;
    told.0.take().unwrap()
}

fn histories() -> u64 {
    let asked = std::env::var("WAYPOST_TEST_HISTORIES").ok();
    asked.map_or(HISTORIES, |number| number.parse().expect("a number"))
}

#[tokio::test(start_paused = true)]
async fn no_history_loses_or_doubles_a_click() {
    for seed in 0..histories() {
        history(seed, Privacy::Full).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_history_without_rows_loses_or_doubles_a_click() {
    for seed in 0..histories() {
        history(seed, Privacy::Counts).await;
    }
}
