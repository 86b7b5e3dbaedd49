//! All actions that are possible next.

use super::process::Until;
use super::{Directory, Fault, Process, Sizes, State};

/// A step of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The process of a node accepts a click.
    Click(usize),
    /// A process starts on a node, until it is killed or gets no answer.
    Start(usize, Until),
    /// A process is killed.
    Crash(usize),
    /// A process sends the records up to a position.
    Send(usize, u8),
    /// A request arrives at the database.
    Arrive(usize),
    /// An answer arrives at the process, which acts on it up to this point.
    Answer(usize, Until),
    /// A process stops waiting for the answer to a request.
    GiveUp(usize),
    /// A process checks the position of its journal, and acts on it up to this point.
    Check(usize, Until),
    /// A directory is copied.
    Copy(usize),
    /// The database makes a backup.
    BackUp,
    /// The database is restored from the backup.
    SetBack,
    /// The database makes what a process has settled durable.
    MakeDurable(usize),
    /// A process deletes records that are settled and durable.
    Release(usize),
    /// All click records are purged.
    Purge,
    /// The power fails.
    PowerFailure,
}

const UNTIL: [Until; 3] = [Until::End, Until::Taken, Until::Renamed];

impl State {
    /// Calls `next` with each possible action and the state after it.
    pub(super) fn successors(&self, sizes: &Sizes, mut next: impl FnMut(Action, Self)) {
        for action in self.actions(sizes) {
            let mut state = self.clone();
            if state.act(action, sizes) {
                state.normalise(sizes);
                next(action, state);
            }
        }
    }

    fn actions(&self, sizes: &Sizes) -> Vec<Action> {
        let mut actions = Vec::new();
        let left = &self.left;
        for (number, node) in self.nodes.iter().enumerate() {
            if left.copies > 0 && !node.directory.owners.is_empty() {
                actions.push(Action::Copy(number));
            }
            let Some(process) = &node.process else {
                actions.extend(UNTIL.map(|until| Action::Start(number, until)));
                continue;
            };
            if self.accepted < sizes.clicks {
                actions.push(Action::Click(number));
            }
            if left.crashes > 0 {
                actions.push(Action::Crash(number));
            }
            if process.waits {
                continue;
            }
            let end = node.directory.end();
            if process.settled < end {
                actions.push(Action::Send(number, end));
                if process.settled + 1 < end {
                    actions.push(Action::Send(number, process.settled + 1));
                }
            }
            actions.extend(UNTIL.map(|until| Action::Check(number, until)));
            if sizes.releases > 0 {
                actions.push(Action::MakeDurable(number));
            }
            if left.releases > 0 {
                actions.push(Action::Release(number));
            }
        }
        for (number, request) in self.requests.iter().enumerate() {
            if request.answer.is_none() {
                actions.push(Action::Arrive(number));
            } else {
                actions.extend(UNTIL.map(|until| Action::Answer(number, until)));
            }
            if request.node.is_some() && left.losses > 0 {
                actions.push(Action::GiveUp(number));
            }
        }
        if left.backups > 0 {
            actions.push(Action::BackUp);
        }
        if left.set_backs > 0 {
            actions.push(Action::SetBack);
        }
        if left.purges > 0 {
            actions.push(Action::Purge);
        }
        if left.power_failures > 0 {
            actions.push(Action::PowerFailure);
        }
        actions
    }

    /// Applies an action. Returns whether it is possible.
    fn act(&mut self, action: Action, sizes: &Sizes) -> bool {
        match action {
            Action::Click(node) => {
                let records = &mut self.nodes[node].directory.records;
                records.push(Some(self.accepted));
                self.accepted += 1;
                true
            }
            Action::Start(node, until) => self.pay(until) && self.start(node, until, sizes),
            Action::Crash(node) => {
                self.left.crashes -= 1;
                self.end(node);
                true
            }
            Action::Send(node, end) => {
                self.send(node, end, sizes);
                true
            }
            Action::Arrive(number) => {
                self.arrive(number, sizes);
                true
            }
            Action::Answer(number, until) => {
                let request = self.requests.remove(number);
                let Some(node) = request.node else {
                    return false;
                };
                self.pay(until) && self.answered(node, &request, until, sizes)
            }
            Action::GiveUp(number) => {
                self.left.losses -= 1;
                self.give_up(number);
                true
            }
            Action::Check(node, until) => self.pay(until) && self.check(node, until, sizes),
            Action::Copy(node) => {
                self.left.copies -= 1;
                let mut copy = self.nodes[node].clone();
                copy.process = None;
                self.nodes.push(copy);
                true
            }
            Action::BackUp => {
                self.left.backups -= 1;
                self.backup = self.database.clone();
                !sizes.backs_up_apart || self.is_apart()
            }
            Action::SetBack => {
                if sizes.backs_up_apart && self.left.backups > 0 {
                    return false;
                }
                self.left.set_backs -= 1;
                self.database = self.backup.clone();
                true
            }
            Action::MakeDurable(node) => self.make_durable(node, sizes),
            Action::Release(node) => self.release(node, sizes),
            Action::Purge => {
                self.left.purges -= 1;
                self.purge(sizes)
            }
            Action::PowerFailure => {
                self.left.power_failures -= 1;
                for node in 0..self.nodes.len() {
                    self.end(node);
                }
                self.requests.clear();
                self.database = self.durable.clone();
                true
            }
        }
    }

    /// An interruption is a crash or a lost answer.
    fn pay(&mut self, until: Until) -> bool {
        let left = match until {
            Until::End => return true,
            Until::Taken => &mut self.left.losses,
            Until::Renamed => &mut self.left.crashes,
        };
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }

    fn end(&mut self, node: usize) {
        self.nodes[node].process = None;
        for number in (0..self.requests.len()).rev() {
            if self.requests[number].node == Some(node) {
                self.give_up(number);
            }
        }
    }

    /// The process no longer waits for a request, which may still arrive.
    fn give_up(&mut self, number: usize) {
        let request = &mut self.requests[number];
        if let Some(node) = request.node.take()
            && let Some(process) = &mut self.nodes[node].process
        {
            process.waits = false;
        }
        // The process no longer waits.
        request.was_sent = false;
        if request.answer.is_some() {
            self.requests.remove(number);
        }
    }

    fn arrive(&mut self, number: usize, sizes: &Sizes) {
        let request = self.requests[number].clone();
        let answer = self.database.settle(&request, sizes);
        if request.node.is_some() {
            self.requests[number].answer = Some(answer);
        } else {
            self.requests.remove(number);
        }
    }

    /// Returns whether no two directories have common records that are not settled by both.
    fn is_apart(&self) -> bool {
        let [one, other] = self.nodes.as_slice() else {
            return false;
        };
        one.directory.id != other.directory.id
            && [one, other].iter().all(|node| node.process.is_some())
    }

    /// Purges all click records. Returns whether that is possible and changes anything.
    fn purge(&mut self, sizes: &Sizes) -> bool {
        let is_idle = |process: &Process, directory: &Directory| {
            !process.waits && process.settled == directory.end()
        };
        let mut nodes = self.nodes.iter();
        let all_idle = nodes.all(|node| {
            let process = node.process.as_ref();
            process.is_none_or(|process| is_idle(process, &node.directory))
        });
        let mut journals = self.database.journals.values();
        if !sizes.purges_after_duplicates && journals.any(|record| record.duplicates > 0) {
            return false;
        }
        let before = self.database.purged.len();
        self.database.purge();
        all_idle && self.requests.is_empty() && self.database.purged.len() > before
    }

    fn make_durable(&mut self, node: usize, sizes: &Sizes) -> bool {
        let directory = &self.nodes[node].directory;
        let place = self.database.place(directory.id);
        let Some(process) = &mut self.nodes[node].process else {
            return false;
        };
        let is_own = place.is_some_and(|place| place.owner == process.owner);
        if !is_own || process.durable == process.settled {
            return false;
        }
        process.durable = process.settled;
        if sizes.power_failures > 0 {
            self.durable = self.database.clone();
        }
        true
    }

    fn release(&mut self, node: usize, sizes: &Sizes) -> bool {
        let node = &mut self.nodes[node];
        let Some(process) = &node.process else {
            return false;
        };
        let done = match sizes.fault {
            Some(Fault::DeletedBeforeDurable) => process.settled,
            _ => process.settled.min(process.durable),
        };
        let directory = &mut node.directory;
        let released = done.saturating_sub(directory.first);
        if released == 0 {
            return false;
        }
        directory.records.drain(..usize::from(released));
        directory.first = done;
        self.left.releases -= 1;
        true
    }
}
