//! A process: after `ingester/ownership.rs` and `ingester/batch.rs`.

use std::collections::BTreeSet;

use waypost_store::Branch;

use super::database::{Claimed, claim};
use super::{
    Answer, Click, Directory, Fault, Id, Owner, Place, Position, Process, Record, Request, Sent,
    Sizes, State,
};

/// The point at which a process that takes a journal, or continues under a new ID, is killed or
/// gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Until {
    /// It completes.
    End,
    /// The database has committed, but the process does not know.
    Taken,
    /// It continues under a new ID, and the directory records only that.
    Renamed,
}

/// Why the journal must change its ID.
enum Taken {
    By(Option<Branch>),
    Moved,
}

impl State {
    fn directory(&mut self, node: usize) -> &mut Directory {
        &mut self.nodes[node].directory
    }

    fn process(&mut self, node: usize) -> &mut Process {
        self.nodes[node].process.as_mut().expect("it runs")
    }

    /// Starts a process. Returns whether it got as far as `until`.
    pub(super) fn start(&mut self, node: usize, until: Until, sizes: &Sizes) -> bool {
        // The files only describe existing records.
        while self.directory(node).records.last() == Some(&None) {
            self.directory(node).records.pop();
        }
        let took = self.take(node, until, sizes);
        let Some((owner, position)) = took else {
            return until != Until::End;
        };
        let directory = self.directory(node);
        while directory.end() < position {
            directory.records.push(None);
        }
        let relatives = self.relatives(node);
        self.nodes[node].process = Some(Process {
            owner,
            proven: position,
            settled: position,
            durable: 0,
            uncertain: Vec::new(),
            unanswered: Vec::new(),
            relatives,
            waits: false,
        });
        until == Until::End
    }

    /// Takes the journal, or continues under a new ID. Returns the owner and the position; `None`
    /// if it is interrupted.
    fn take(&mut self, node: usize, until: Until, sizes: &Sizes) -> Option<(Owner, Position)> {
        let owner = self.new_owner();
        let directory = self.directory(node);
        let (id, end) = (directory.id, directory.end());
        let tried = directory.tried.clone();
        let began = match directory.began {
            Some(began) if sizes.keeps_rows => began.min(directory.first),
            Some(began) => began,
            None => directory.first,
        };
        let claim = claim(directory, &tried, owner, began);
        directory.try_as(owner);
        let split = self.directory(node).split;
        let claimed = self.database.take(id, &claim, split, sizes);
        match claimed {
            Claimed::Taken(_) if until == Until::Taken => None,
            Claimed::Taken(position) => {
                let began = self.first_position(id);
                let directory = self.directory(node);
                directory.began = Some(began);
                directory.push(owner, end, sizes);
                Some((owner, position))
            }
            Claimed::Refused(record, branch) => {
                self.directory(node).tried.pop();
                self.split(node, &record, &Taken::By(branch), until, sizes)
            }
        }
    }

    /// Returns the beginning of a journal in the database.
    fn first_position(&self, id: Id) -> Position {
        let takes = &self.database.journals[&id].takes;
        takes.first().map_or(0, |take| take.began)
    }

    fn split(
        &mut self,
        node: usize,
        record: &Record,
        taken: &Taken,
        until: Until,
        sizes: &Sizes,
    ) -> Option<(Owner, Position)> {
        let owner = self.new_owner();
        let settled = self.nodes[node].process.as_ref().map(|it| it.settled);
        let directory = self.directory(node);
        let (from, end) = (directory.id, directory.end());
        let last = directory.owners.last().map(|(owner, _)| *owner);
        let tried = directory.tried.clone();
        let mut at = first_own(directory, settled, record, taken, sizes);
        directory.try_as(owner);
        if !matches!(taken, Taken::Moved) {
            directory.relatives.insert(from);
        }
        let mut id = self.next_id(from, last);
        let position = loop {
            let claim = claim(self.directory(node), &tried, owner, at);
            match self.database.take(id, &claim, Some(from), sizes) {
                Claimed::Taken(position) => break position,
                Claimed::Refused(record, branch) => {
                    let taken = Taken::By(branch);
                    let directory = self.directory(node);
                    if record.began <= at {
                        at = at.max(first_own(directory, settled, &record, &taken, sizes));
                    }
                    directory.relatives.insert(id);
                    id = self.next_id(id, last);
                }
            }
        };
        if until == Until::Taken {
            return None;
        }
        let began = self.first_position(id);
        let split = self.database.journals[&id].split;
        let directory = self.directory(node);
        directory.id = id;
        if until == Until::Renamed {
            return None;
        }
        directory.began = Some(began);
        directory.split = split.or(Some(from));
        directory.push(owner, end, sizes);
        Some((owner, position))
    }

    /// Returns the journals with records in common with that of a process.
    fn relatives(&self, node: usize) -> BTreeSet<Id> {
        let directory = &self.nodes[node].directory;
        self.database.relatives(directory.id, &directory.relatives)
    }

    /// Returns the position up to which another journal has settled the next records of a process.
    fn settled_by_relatives(&self, node: usize, sizes: &Sizes) -> Option<Position> {
        if sizes.fault == Some(Fault::RelativesAreIgnored) {
            return None;
        }
        let directory = &self.nodes[node].directory;
        let process = self.nodes[node].process.as_ref()?;
        let line = claim(directory, &directory.tried, process.owner, 0);
        let settled = process.settled;
        let database = &self.database;
        let end = database.settled_by(&process.relatives, &line, settled)?;
        Some(end.min(directory.end()))
    }

    /// Sends a batch of records up to `end`.
    pub(super) fn send(&mut self, node: usize, end: Position, sizes: &Sizes) {
        let known = self.settled_by_relatives(node, sizes);
        let directory = &self.nodes[node].directory;
        let process = self.nodes[node].process.as_ref().expect("it runs");
        let end = known.unwrap_or(end);
        let records = (process.settled..end).map(|position| directory.record(position));
        // Records settled by another process are neither stored nor lost.
        let records = records.take_while(|_| known.is_none());
        let lost = records.clone().filter(Option::is_none).count();
        let request = Request {
            node: Some(node),
            was_sent: false,
            journal: directory.id,
            owner: process.owner,
            start: process.settled,
            end,
            clicks: records.flatten().collect(),
            lost: u8::try_from(lost).unwrap(),
            duplicates: known.map_or(0, |end| end - process.settled),
            answer: None,
        };
        self.put(node, request);
    }

    fn put(&mut self, node: usize, mut request: Request) {
        let process = self.process(node);
        let before = process.uncertain.len();
        process.uncertain.retain(|sent| sent.end != request.end);
        request.was_sent = process.uncertain.len() < before;
        process.uncertain.push(Sent {
            owner: request.owner,
            start: request.start,
            end: request.end,
        });
        process.waits = true;
        self.requests.push(request);
    }

    /// A process gets an answer. Its reaction is interrupted at `until`.
    pub(super) fn answered(
        &mut self,
        node: usize,
        request: &Request,
        until: Until,
        sizes: &Sizes,
    ) -> bool {
        let process = self.process(node);
        process.waits = false;
        if !request.was_sent {
            process.uncertain.retain(|sent| sent.end != request.end);
        }
        match request.answer.expect("it is answered") {
            Answer::Settled => {
                process.settle(request.end);
                until == Until::End
            }
            Answer::Conflict => {
                let clicks = request.clicks.iter().copied();
                let others = clicks.filter(|click| !self.database.is_stored(*click));
                let others: Vec<Click> = others.collect();
                let duplicates = request.clicks.len() - others.len();
                let others = Request {
                    duplicates: request.duplicates + u8::try_from(duplicates).unwrap(),
                    clicks: others,
                    answer: None,
                    ..*request
                };
                self.put(node, others);
                until == Until::End
            }
            Answer::Elsewhere(place) => {
                let here = Place {
                    owner: request.owner,
                    committed: request.start,
                };
                if !sizes.has_owners() && place.is_some_and(|place| place.committed == request.end)
                {
                    process.settle(request.end);
                    return until == Until::End;
                }
                if place == Some(here) && process.committed_before(place).is_none() {
                    // It has returned to this point since.
                    return until == Until::End;
                }
                self.elsewhere(node, place, until, sizes)
            }
        }
    }

    /// A process checks the position of its journal. Returns whether it has to do anything, up to
    /// `until`.
    pub(super) fn check(&mut self, node: usize, until: Until, sizes: &Sizes) -> bool {
        let directory = &self.nodes[node].directory;
        let end = directory.end();
        let place = self.database.place(directory.id);
        let process = self.process(node);
        let here = Place {
            owner: process.owner,
            committed: process.settled,
        };
        if sizes.is_here(place, here) {
            return false;
        }
        if sizes.fault == Some(Fault::PreparedIsSent)
            && process.settled < end
            && place.is_some_and(|place| place.committed == end)
        {
            process.settle(end);
            return until == Until::End;
        }
        self.elsewhere(node, place, until, sizes)
    }

    fn elsewhere(
        &mut self,
        node: usize,
        place: Option<Place>,
        until: Until,
        sizes: &Sizes,
    ) -> bool {
        let process = self.process(node);
        if let Some(end) = process.committed_before(place) {
            process.settle(end);
            return until == Until::End;
        }
        let owner = process.owner;
        let own = place.filter(|place| place.owner == owner || !sizes.has_owners());
        match own.map(|place| place.committed) {
            Some(position) if process.is_known(position, sizes) => {
                process.go_to(position);
                until == Until::End
            }
            Some(_) => {
                let id = self.nodes[node].directory.id;
                let Some(record) = self.database.journals.get(&id).cloned() else {
                    return until == Until::End;
                };
                let took = self.split(node, &record, &Taken::Moved, until, sizes);
                self.goes_on(node, took, until)
            }
            None => {
                let took = self.take(node, until, sizes);
                self.goes_on(node, took, until)
            }
        }
    }

    /// Lets a process continue as another owner, or without knowing it.
    fn goes_on(&mut self, node: usize, took: Option<(Owner, Position)>, until: Until) -> bool {
        let Some((owner, position)) = took else {
            // A new ID that is not recorded any further belongs to a process that was killed.
            if until == Until::Renamed {
                self.nodes[node].process = None;
            }
            return true;
        };
        let relatives = self.relatives(node);
        let process = self.process(node);
        process.relatives = relatives;
        process.owner = owner;
        process.proven = position;
        process.uncertain.clear();
        process.unanswered.clear();
        process.go_to(position);
        until == Until::End
    }
}

impl Directory {
    fn try_as(&mut self, owner: Owner) {
        let after = u8::try_from(self.owners.len()).unwrap();
        self.tried.push((owner, after));
    }

    fn push(&mut self, owner: Owner, end: Position, sizes: &Sizes) {
        self.tried.retain(|(tried, _)| *tried != owner);
        if sizes.fault == Some(Fault::TriedIsForgotten) {
            self.tried.clear();
        }
        self.owners.push((owner, end));
    }
}

impl Process {
    fn settle(&mut self, end: Position) {
        self.settled = end;
        self.prove(end);
    }

    fn prove(&mut self, position: Position) {
        self.proven = self.proven.max(position);
        let sent = self.uncertain.drain(..).map(|sent| sent.end);
        self.unanswered.extend(sent);
        self.unanswered.retain(|end| *end > self.proven);
        self.unanswered.sort_unstable();
        self.unanswered.dedup();
    }

    /// Returns whether this process may have moved the database to this position.
    fn is_known(&self, position: Position, sizes: &Sizes) -> bool {
        if position < self.settled && sizes.fault == Some(Fault::NoRewind) {
            return false;
        }
        let late = self.unanswered.contains(&position);
        position <= self.proven || late && sizes.fault != Some(Fault::LateIsForeign)
    }

    fn go_to(&mut self, position: Position) {
        self.settled = position;
        self.durable = self.durable.min(position);
        self.prove(position);
    }

    /// Returns the end of a sent batch that the database has.
    fn committed_before(&self, place: Option<Place>) -> Option<Position> {
        let place = place.filter(|place| place.owner == self.owner)?;
        let committed = self.uncertain.iter().find(|sent| {
            sent.owner == self.owner
                && sent.start == self.settled
                && sent.end == place.committed
                && sent.end > self.settled
        });
        committed.map(|sent| sent.end)
    }
}

fn first_own(
    directory: &Directory,
    settled: Option<Position>,
    record: &Record,
    taken: &Taken,
    sizes: &Sizes,
) -> Position {
    let (first, end) = (directory.first, directory.end());
    let of = |position: u64| u8::try_from(position).unwrap();
    let at = match taken {
        Taken::By(Some(branch)) if sizes.keeps_rows => {
            of(branch.settled).max(of(branch.shared).min(record.committed))
        }
        Taken::By(Some(branch)) => of(branch.settled).max(of(branch.shared)),
        Taken::By(None) if sizes.keeps_rows => {
            directory.began.map_or(first, |began| began.min(first))
        }
        Taken::By(None) => record.committed.max(first),
        Taken::Moved => settled.unwrap_or(first).max(first),
    };
    let at = match sizes.fault {
        Some(Fault::MissingIsNotLost) => at.max(first),
        _ => at,
    };
    at.min(end)
}
