//! The protocol of `waypost_store::JournalStore` and its users as a model that is small enough for
//! a complete search: every order of all possible events, up to a size.
//!
//! | subject | file |
//! | --- | --- |
//! | the state: database, directories, processes, pending requests | `mod.rs` |
//! | the database: taking, settling | `database.rs` |
//! | a process: sending, answers, finding the journal at another position | `process.rs` |
//! | all possible actions | `actions.rs` |
//! | the invariants | `promise.rs` |
//! | breadth first, each state once | `search.rs` |
//!
//! Who may take a journal, where lines of processes diverged, and which takes are recorded is not
//! modelled: the model uses the real rules
//! ([`JournalRecord::yields_to`](waypost_store::JournalRecord::yields_to),
//! [`JournalClaim::branch`](waypost_store::JournalClaim::branch),
//! [`JournalClaim::takes`](waypost_store::JournalClaim::takes)). The reactions of the ingester to
//! the answers are implemented a second time here, after `ingester/ownership.rs` and
//! `ingester/batch.rs`.
//!
//! A pause needs no action of its own: a process without a turn is suspended, and so is a request
//! that arrives late.

mod actions;
mod database;
mod process;
mod promise;
mod search;

use std::collections::{BTreeMap, BTreeSet};

pub use actions::Action;
pub use promise::Broken;
pub use search::{Found, search};

/// A click, by its number.
type Click = u8;
/// A process as an owner, by its number.
type Owner = u8;
/// A journal, by its number.
type Id = u8;
/// A position in a journal.
type Position = u8;

/// The limits of a search.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Whether clicks leave records, and with them IDs by which they are found.
    pub keeps_rows: bool,
    /// Number of accepted clicks.
    pub clicks: u8,
    /// Number of killed processes, including while they start.
    pub crashes: u8,
    /// Number of answers that do not arrive, and of requests that arrive when their process no
    /// longer waits.
    pub losses: u8,
    /// Number of copies of directories.
    pub copies: u8,
    /// How often the database is restored from its one backup.
    pub set_backs: u8,
    /// How often a process deletes records that are settled and durable.
    pub releases: u8,
    /// How often click records are purged. No running process has pending clicks then: records live
    /// for days, and a process stores within seconds.
    pub purges: u8,
    /// Whether click records are also purged after a journal met clicks of another one.
    pub purges_after_duplicates: bool,
    /// How often the power fails: all processes end, and the database loses what was not durable.
    pub power_failures: u8,
    /// Whether the backup is made only when both directories have IDs of their own; before that,
    /// the database is restored to nothing.
    pub backs_up_apart: bool,
    /// The fault of the protocol, if any.
    pub fault: Option<Fault>,
}

impl Sizes {
    /// Only clicks happen.
    pub const QUIET: Self = Self {
        keeps_rows: true,
        clicks: 3,
        crashes: 0,
        losses: 0,
        copies: 0,
        set_backs: 0,
        releases: 0,
        purges: 0,
        purges_after_duplicates: false,
        power_failures: 0,
        backs_up_apart: false,
        fault: None,
    };
}

/// Faults that existed once, or could have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There are no owners: a batch that was sent counts as committed if the position says so.
    PositionAlone,
    /// The same for a batch that was only prepared.
    PreparedIsSent,
    /// After the database was restored, a process continues where it was, under a new ID.
    NoRewind,
    /// A process that uses a copy continues under the ID of the original.
    CopyKeepsId,
    /// Clicks are stored without checking whether they are already stored.
    NoIds,
    /// Settled records are deleted before they are durable in the database.
    DeletedBeforeDurable,
    /// A process that continues under a new ID begins with the records it still has, and counts
    /// none before as lost.
    MissingIsNotLost,
    /// An owner under which a take was tried is forgotten when the next one took the journal.
    TriedIsForgotten,
    /// A process does not check how far other journals have settled the records it has in common
    /// with them.
    RelativesAreIgnored,
    /// A batch that arrives after its process went on otherwise counts as the work of another
    /// process.
    LateIsForeign,
}

impl Sizes {
    fn has_owners(&self) -> bool {
        let without = [Fault::PositionAlone, Fault::PreparedIsSent];
        self.fault.is_none_or(|fault| !without.contains(&fault))
    }

    /// Returns whether the journal is where a process left it.
    fn is_here(&self, place: Option<Place>, here: Place) -> bool {
        place.is_some_and(|place| {
            place.committed == here.committed && (place.owner == here.owner || !self.has_owners())
        })
    }
}

/// The complete state at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    database: Database,
    /// The contents of the backup; the database was empty when the first one was made.
    backup: Database,
    /// The contents of the database after a power failure.
    durable: Database,
    nodes: Vec<Node>,
    requests: Vec<Request>,
    /// The IDs under which copies continued, by the ID before and the last owner.
    ids: Vec<(Id, Option<Owner>, Id)>,
    accepted: u8,
    left: Left,
}

/// How many actions of each kind are still possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Left {
    crashes: u8,
    losses: u8,
    copies: u8,
    backups: u8,
    set_backs: u8,
    releases: u8,
    purges: u8,
    power_failures: u8,
}

/// The contents of the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Database {
    journals: BTreeMap<Id, Record>,
    /// How often each click is counted.
    counted: Vec<u8>,
    /// The clicks whose records are purged.
    purged: BTreeSet<Click>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Record {
    owner: Owner,
    committed: Position,
    takes: Vec<Take>,
    lost: u8,
    duplicates: u8,
    /// The position at which it was registered, and the journal that it continued from.
    began: Position,
    split: Option<Id>,
}

/// A take of a journal by a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Take {
    owner: Owner,
    predecessor: Option<Owner>,
    began: Position,
    end: Position,
}

/// A directory, and the process that uses it, if any.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Node {
    directory: Directory,
    process: Option<Process>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Directory {
    id: Id,
    first: Position,
    /// The records from the first one on; `None` for a deleted one.
    records: Vec<Option<Click>>,
    began: Option<Position>,
    owners: Vec<(Owner, Position)>,
    /// Owners under which a take was tried, and after how many of the others.
    tried: Vec<(Owner, u8)>,
    /// The journal that it continued from last, and all of them.
    split: Option<Id>,
    relatives: BTreeSet<Id>,
}

impl Directory {
    fn end(&self) -> Position {
        self.first + u8::try_from(self.records.len()).unwrap()
    }

    /// Returns the record at a position; `None` if it is deleted.
    fn record(&self, position: Position) -> Option<Click> {
        let index = position.checked_sub(self.first)?;
        self.records.get(usize::from(index)).copied().flatten()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Process {
    owner: Owner,
    proven: Position,
    settled: Position,
    /// The position up to which settled records are durable.
    durable: Position,
    /// The batches sent from the settled position on, without an answer.
    uncertain: Vec<Sent>,
    /// The ends of other batches beyond the proven position, whose answer never arrived.
    unanswered: Vec<Position>,
    /// Journals with records in common with this one, as found when the process became owner.
    relatives: BTreeSet<Id>,
    /// Whether the process waits for an answer.
    waits: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Sent {
    owner: Owner,
    start: Position,
    end: Position,
}

/// A batch on its way to the database, or its answer on the way back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Request {
    /// The node that waits for the answer; `None` if the process was killed or stopped waiting.
    node: Option<usize>,
    /// Whether the batch had been sent before.
    was_sent: bool,
    journal: Id,
    owner: Owner,
    start: Position,
    end: Position,
    clicks: Vec<Click>,
    lost: u8,
    /// Records that are already stored.
    duplicates: u8,
    answer: Option<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Answer {
    Settled,
    Elsewhere(Option<Place>),
    Conflict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place {
    owner: Owner,
    committed: Position,
}

impl State {
    /// Returns one unused directory and an empty database.
    #[must_use]
    pub fn first(sizes: &Sizes) -> Self {
        let directory = Directory {
            id: 0,
            first: 0,
            records: Vec::new(),
            began: None,
            owners: Vec::new(),
            tried: Vec::new(),
            split: None,
            relatives: BTreeSet::new(),
        };
        let database = Database {
            journals: BTreeMap::new(),
            counted: vec![0; usize::from(sizes.clicks)],
            purged: BTreeSet::new(),
        };
        Self {
            backup: database.clone(),
            durable: database.clone(),
            database,
            nodes: vec![Node {
                directory,
                process: None,
            }],
            requests: Vec::new(),
            ids: Vec::new(),
            accepted: 0,
            left: Left {
                crashes: sizes.crashes,
                losses: sizes.losses,
                copies: sizes.copies,
                backups: sizes.set_backs.min(1),
                set_backs: sizes.set_backs,
                releases: sizes.releases,
                purges: sizes.purges,
                power_failures: sizes.power_failures,
            },
        }
    }

    /// Returns the ID under which a process continues when another process owns its journal.
    fn next_id(&mut self, id: Id, last: Option<Owner>) -> Id {
        let known = self.ids.iter().find(|it| (it.0, it.1) == (id, last));
        if let Some((_, _, next)) = known {
            return *next;
        }
        let next = 1 + u8::try_from(self.ids.len()).unwrap();
        self.ids.push((id, last, next));
        next
    }

    /// Returns a new owner.
    fn new_owner(&mut self) -> Owner {
        let mut owners = 0;
        self.each_owner(&mut |owner| owners = owners.max(*owner + 1));
        owners
    }

    /// Renames owners in the order in which they occur, and orders unordered data, so that
    /// equivalent states are equal.
    fn normalise(&mut self, sizes: &Sizes) {
        self.requests.sort();
        if sizes.power_failures == 0 {
            self.durable = Database::default();
        }
        if self.left.set_backs == 0 {
            self.backup = Database::default();
        }
        let mut names: Vec<Owner> = Vec::new();
        self.each_owner(&mut |owner| {
            let known = names.iter().position(|name| name == owner);
            let index = known.unwrap_or_else(|| {
                names.push(*owner);
                names.len() - 1
            });
            *owner = u8::try_from(index).unwrap();
        });
    }

    fn each_owner(&mut self, with: &mut impl FnMut(&mut Owner)) {
        for node in &mut self.nodes {
            node.directory
                .owners
                .iter_mut()
                .for_each(|(owner, _)| with(owner));
            node.directory
                .tried
                .iter_mut()
                .for_each(|(owner, _)| with(owner));
            if let Some(process) = &mut node.process {
                with(&mut process.owner);
                process
                    .uncertain
                    .iter_mut()
                    .for_each(|sent| with(&mut sent.owner));
            }
        }
        for database in [&mut self.database, &mut self.backup, &mut self.durable] {
            for record in database.journals.values_mut() {
                with(&mut record.owner);
                for take in &mut record.takes {
                    with(&mut take.owner);
                    take.predecessor.iter_mut().for_each(&mut *with);
                }
            }
        }
        for (_, last, _) in &mut self.ids {
            last.iter_mut().for_each(&mut *with);
        }
        for request in &mut self.requests {
            with(&mut request.owner);
            if let Some(Answer::Elsewhere(Some(place))) = &mut request.answer {
                with(&mut place.owner);
            }
        }
    }
}
