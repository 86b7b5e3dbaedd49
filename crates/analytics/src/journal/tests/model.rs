//! Model test: any operations on a journal, in any order, cause no panic and no wrong or repeated
//! record, and every accepted click is read or counted.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Append(u64),
    Read(usize),
    /// Settle the records that were read.
    Settle,
    Tidy,
    Restart,
    /// End the process, and lose the end of the last segment.
    Tear(Index),
    /// Change a bit of a segment while the journal is in use.
    Flip(Index, Index),
    /// Change a bit of a segment while the journal is not in use.
    FlipAndRestart(Index, Index),
}

fn harmless() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..20_u64).prop_map(Step::Append),
        4 => (1..20_usize).prop_map(Step::Read),
        3 => Just(Step::Settle),
        1 => Just(Step::Tidy),
        1 => Just(Step::Restart),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let places = || (any::<Index>(), any::<Index>());
    prop_oneof![
        12 => harmless(),
        1 => any::<Index>().prop_map(Step::Tear),
        1 => places().prop_map(|(segment, bit)| Step::Flip(segment, bit)),
        1 => places().prop_map(|(segment, bit)| Step::FlipAndRestart(segment, bit)),
    ]
}

/// A journal and its expected state.
struct Model {
    desk: Option<Desk>,
    cursor: Cursor,
    /// The numbers of the clicks by position.
    accepted: Vec<u64>,
    /// The number of the next click.
    next: u64,
    /// Number of records that were read as dropped and settled.
    dropped: u64,
    /// The clicks that were read and settled.
    settled: Vec<u64>,
    read: Read,
    /// Number of clicks at the end of the last segment that damage removed.
    cut: usize,
    /// Whether a file was changed.
    damaged: bool,
    /// Whether a file was changed since the last restart.
    freshly_damaged: bool,
}

impl Model {
    fn new() -> Self {
        Self {
            desk: Some(Desk::new()),
            cursor: Cursor::new(0),
            accepted: Vec::new(),
            next: 0,
            dropped: 0,
            settled: Vec::new(),
            read: Read::default(),
            cut: 0,
            damaged: false,
            freshly_damaged: false,
        }
    }

    fn desk(&mut self) -> &mut Desk {
        self.desk.as_mut().unwrap()
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Append(count) => (0..count).for_each(|_| self.append()),
            Step::Read(limit) => {
                self.read(limit);
            }
            Step::Settle => self.settle(),
            Step::Tidy => self.desk().tidy(),
            Step::Restart => self.restart(|_| ()),
            Step::Tear(at) => {
                self.freshly_damaged = true;
                self.restart(|directory| tear(directory, at));
            }
            Step::Flip(segment, bit) => {
                self.freshly_damaged = true;
                flip(self.desk().temporary.path(), segment, bit);
            }
            Step::FlipAndRestart(segment, bit) => {
                self.freshly_damaged = true;
                self.restart(|directory| flip(directory, segment, bit));
            }
        }
        self.damaged |= self.freshly_damaged;
    }

    fn append(&mut self) {
        let number = self.next;
        match self.desk().append(number) {
            Ok(position) => {
                assert_eq!(position, self.accepted.len() as u64);
                self.accepted.push(number);
                self.next += 1;
            }
            Err(reason) => assert_eq!(reason, DropReason::JournalFull),
        }
    }

    fn read(&mut self, limit: usize) -> bool {
        let journal = Arc::clone(&self.desk().journal);
        let records = self.cursor.read(&journal, limit).unwrap();
        assert!(records.clicks.len() <= limit);
        assert_eq!(records.start, self.read.end);
        let (start, known) = (self.read.end, self.read.numbers.len());
        let went_on = self.read.take(records);
        assert_eq!(self.read.end, self.cursor.position());
        // Each is one of the accepted clicks of this range, in order.
        let range = usize::try_from(start).unwrap()..usize::try_from(self.read.end).unwrap();
        let mut expected = self.accepted[range].iter();
        for number in &self.read.numbers[known..] {
            assert!(expected.any(|accepted| accepted == number), "{number}");
        }
        assert!(self.damaged || self.read.dropped.total() == 0);
        went_on
    }

    fn settle(&mut self) {
        let end = self.read.end;
        self.desk().settle(end);
        let read = std::mem::take(&mut self.read);
        self.read.end = end;
        self.dropped += read.dropped.total();
        self.settled.extend(read.numbers);
    }

    fn restart(&mut self, meddle: impl FnOnce(&Path)) {
        let desk = self.desk.take().unwrap().restart_after(meddle);
        let end = usize::try_from(desk.journal.end()).unwrap();
        assert!(end <= self.accepted.len());
        if !self.freshly_damaged {
            assert_eq!(end, self.accepted.len());
        }
        self.cut += self.accepted.len() - end;
        self.accepted.truncate(end);
        self.read = Read {
            end: desk.committed,
            ..Read::default()
        };
        self.cursor = Cursor::new(desk.committed);
        self.damaged |= self.freshly_damaged;
        self.freshly_damaged = false;
        self.desk = Some(desk);
    }

    /// Reads and settles the rest, and asserts that every accepted click is accounted for.
    fn finish(mut self) {
        while self.read(7) {}
        self.settle();
        assert_eq!(self.desk().journal.pending(), 0);
        let accounted = self.settled.len() + usize::try_from(self.dropped).unwrap() + self.cut;
        assert_eq!(accounted, usize::try_from(self.next).unwrap());
        if !self.damaged {
            assert_eq!(self.settled, (0..self.next).collect::<Vec<_>>());
        }
        assert!(self.settled.is_sorted_by(|one, next| one < next));
        self.restart(|_| ());
        self.append();
        while self.read(7) {}
        assert_eq!(self.read.numbers, [self.next - 1]);
    }
}

fn tear(directory: &Path, at: Index) {
    if let Some(path) = files(directory).pop() {
        let file = File::options().write(true).open(path).unwrap();
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
        file.set_len(at.index(length + 1) as u64).unwrap();
    }
}

fn flip(directory: &Path, segment: Index, bit: Index) {
    let files = files(directory);
    if files.is_empty() {
        return;
    }
    let path = segment.get(&files);
    let mut bytes = std::fs::read(path).unwrap();
    if bytes.is_empty() {
        return;
    }
    let bit = bit.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    // Change the file in place, so that the open journal sees the change.
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
}

fn run(steps: &[Step]) {
    let mut model = Model::new();
    for step in steps {
        model.take(step);
    }
    model.finish();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_is_lost_wrong_or_twice(steps in prop::collection::vec(harmless(), 0..60)) {
        run(&steps);
    }

    #[test]
    fn damage_makes_no_wrong_record_and_what_it_costs_is_counted(
        steps in prop::collection::vec(any_step(), 0..60),
    ) {
        run(&steps);
    }
}
