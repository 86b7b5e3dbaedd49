//! The protocol of `waypost_store::JournalStore` and its users as a model that is small enough to be searched whole:
//! every order of everything that may happen, up to a size.
//!
//! | what | file |
//! | --- | --- |
//! | the state: database, directories, processes, requests under way | `mod.rs` |
//! | the database: taking, settling | `database.rs` |
//! | a process: sending, answers, finding the journal elsewhere | `process.rs` |
//! | all that may happen next | `actions.rs` |
//! | what must hold | `promise.rs` |
//! | breadth first, each state once | `search.rs` |
//!
//! Who may take a journal, where lines of processes went apart, and which takes are noted is not modelled: the model asks
//! the real rules ([`JournalRecord::yields_to`](waypost_store::JournalRecord::yields_to),
//! [`JournalClaim::branch`](waypost_store::JournalClaim::branch),
//! [`JournalClaim::takes`](waypost_store::JournalClaim::takes)). What the ingester makes of the answers is written a
//! second time here, after `ingester/ownership.rs` and `ingester/batch.rs`.
//!
//! A pause needs no action of its own: a process whose turn does not come sleeps. So does a request that arrives late.

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

/// What is searched.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Whether clicks leave rows, and with them ids to find them by.
    pub keeps_rows: bool,
    /// Clicks that are accepted.
    pub clicks: u8,
    /// Processes that are killed, while they begin as well.
    pub crashes: u8,
    /// Answers that do not arrive, and requests that arrive after nobody waits for them any longer.
    pub losses: u8,
    /// Copies of directories that are made.
    pub copies: u8,
    /// How often the database becomes what it was when the one backup was made.
    pub set_backs: u8,
    /// How often a process deletes what is settled and durable.
    pub releases: u8,
    /// How often rows are purged. No process that runs has anything to store then: rows live for days, and a process
    /// stores within seconds.
    pub purges: u8,
    /// Whether rows are purged as well after a journal met clicks of another one.
    pub purges_after_duplicates: bool,
    /// How often the power fails: all processes end, and the database forgets what was not durable.
    pub power_failures: u8,
    /// Whether the backup is made only when both directories have ids of their own, and the database is set back to
    /// nothing before that.
    pub backs_up_apart: bool,
    /// What is wrong with the protocol.
    pub fault: Option<Fault>,
}

impl Sizes {
    /// Nothing but clicks goes on.
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

/// Faults that were there once, or could have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There are no owners: a batch that was sent counts as committed where the position says so.
    PositionAlone,
    /// The same of a batch that was only prepared.
    PreparedIsSent,
    /// Where the database was set back, a process goes on where it was, under a new id.
    NoRewind,
    /// A process that uses a copy goes on under the id of the original.
    CopyKeepsId,
    /// Clicks are stored without looking whether they are stored already.
    NoIds,
    /// What is settled is deleted before it is durable in the database.
    DeletedBeforeDurable,
    /// A process that goes on under a new id begins with what it still has, and counts nothing before as lost.
    MissingIsNotLost,
    /// An owner under which it was tried to take the journal is forgotten when the next one took it.
    TriedIsForgotten,
    /// A process does not ask how far other journals have settled what it has as well.
    RelativesAreIgnored,
    /// A batch that arrives after its process went on otherwise counts as the work of another one.
    LateIsForeign,
}

impl Sizes {
    fn has_owners(&self) -> bool {
        let without = [Fault::PositionAlone, Fault::PreparedIsSent];
        self.fault.is_none_or(|fault| !without.contains(&fault))
    }

    /// Whether the journal is where a process left it.
    fn is_here(&self, place: Option<Place>, here: Place) -> bool {
        place.is_some_and(|place| {
            place.committed == here.committed && (place.owner == here.owner || !self.has_owners())
        })
    }
}

/// Everything that is, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    database: Database,
    /// What the backup holds; the database was empty when the first one was made.
    backup: Database,
    /// What is left of the database when the power fails.
    durable: Database,
    nodes: Vec<Node>,
    requests: Vec<Request>,
    /// The ids under which copies went on, by the id before and the last owner.
    ids: Vec<(Id, Option<Owner>, Id)>,
    accepted: u8,
    left: Left,
}

/// What may still happen.
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

/// What the database holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Database {
    journals: BTreeMap<Id, Record>,
    /// How often each click is counted.
    counted: Vec<u8>,
    /// The clicks whose rows are purged.
    purged: BTreeSet<Click>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Record {
    owner: Owner,
    committed: Position,
    takes: Vec<Take>,
    lost: u8,
    duplicates: u8,
    /// The position at which it was registered, and the journal that it went on from.
    began: Position,
    split: Option<Id>,
}

/// A process took a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Take {
    owner: Owner,
    predecessor: Option<Owner>,
    began: Position,
    end: Position,
}

/// A directory, and the process that uses it, if one does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Node {
    directory: Directory,
    process: Option<Process>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Directory {
    id: Id,
    first: Position,
    /// The records from the first one on; `None` where there is none.
    records: Vec<Option<Click>>,
    began: Option<Position>,
    owners: Vec<(Owner, Position)>,
    /// Owners under which it was tried, and after how many of the others.
    tried: Vec<(Owner, u8)>,
    /// The journal that it went on from last, and all of them.
    split: Option<Id>,
    relatives: BTreeSet<Id>,
}

impl Directory {
    fn end(&self) -> Position {
        self.first + u8::try_from(self.records.len()).unwrap()
    }

    /// The record at a position; `None` where it is gone.
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
    /// Up to which position what is settled is durable.
    durable: Position,
    /// The batches that were sent from the settled position on, without an answer.
    uncertain: Vec<Sent>,
    /// The ends of other batches beyond all that is proven, whose answer never came.
    unanswered: Vec<Position>,
    /// Journals that have records in common with this one, as they were found when it became owner.
    relatives: BTreeSet<Id>,
    /// Whether it waits for an answer.
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
    /// Who waits for the answer; nobody where the process was killed or gave up.
    node: Option<usize>,
    /// Whether the batch had been sent before.
    was_sent: bool,
    journal: Id,
    owner: Owner,
    start: Position,
    end: Position,
    clicks: Vec<Click>,
    lost: u8,
    /// Records that are stored already.
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
    /// One directory that nobody has used, and an empty database.
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

    /// The id under which a process goes on whose journal is another one's.
    fn next_id(&mut self, id: Id, last: Option<Owner>) -> Id {
        let known = self.ids.iter().find(|it| (it.0, it.1) == (id, last));
        if let Some((_, _, next)) = known {
            return *next;
        }
        let next = 1 + u8::try_from(self.ids.len()).unwrap();
        self.ids.push((id, last, next));
        next
    }

    /// An owner that nobody has heard of.
    fn new_owner(&mut self) -> Owner {
        let mut owners = 0;
        self.each_owner(&mut |owner| owners = owners.max(*owner + 1));
        owners
    }

    /// Names owners in the order in which they are met, and orders what has no order: states that differ in nothing
    /// else are one.
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
