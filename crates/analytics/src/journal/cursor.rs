//! Reading the journal: from a position on, record by record, across segments.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use tracing::error;
use waypost_core::{Click, ClickId, SessionHash};
use waypost_store::Dropped;

use super::Journal;
use super::frame::{self, Frame, HEADER, PREFIX, Resumed};
use super::record::{self, ReadClick};
use super::segments::Backing;

/// Number of bytes read from a segment at once.
const CHUNK: usize = 256 * 1_024;
/// Maximum number of bytes read at once to find a good record after damage: more than a segment
/// has.
const MAX_WINDOW: usize = 16 * 1_024 * 1_024;

/// Reads one journal. There is one reader: the ingester.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// The position of the next record.
    position: u64,
    /// Its place in its segment.
    place: Option<Place>,
    chunk: Vec<u8>,
}

#[derive(Debug)]
struct Place {
    /// The position of the first record of the segment.
    base: u64,
    file: Option<File>,
    /// Number of bytes of frames that were read, after the header.
    offset: u64,
    /// The position of the record at this place.
    position: u64,
}

/// Consecutive records.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// The position of the first one.
    pub(crate) start: u64,
    pub(crate) clicks: Vec<Click>,
    /// The sessions that visitors presented.
    pub(crate) sessions: HashMap<ClickId, SessionHash>,
    /// Records that cannot be read.
    pub(crate) dropped: Dropped,
}

/// A segment as seen under the lock of the journal.
struct Seen {
    base: u64,
    end: u64,
    source: Source,
}

enum Source {
    File {
        path: PathBuf,
        bytes: u64,
    },
    /// A copy of the frames after the place.
    Memory(Vec<u8>),
    Lost,
}

impl Cursor {
    pub(crate) const fn new(position: u64) -> Self {
        Self {
            position,
            place: None,
            chunk: Vec::new(),
        }
    }

    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    /// Reads at most `limit` records: fewer, or none, if the journal has no more.
    ///
    /// # Errors
    /// If the file of the next record cannot be read. Records before it are returned first.
    pub(crate) fn read(&mut self, journal: &Journal, limit: usize) -> io::Result<Records> {
        let start = self.position;
        let mut records = Records {
            start,
            ..Records::default()
        };
        match self.fill(journal, limit, &mut records) {
            Ok(()) => Ok(records),
            Err(error) => {
                self.go_to(self.position);
                if self.position == start {
                    Err(error)
                } else {
                    // The next call returns the error, with the cursor at its segment.
                    Ok(records)
                }
            }
        }
    }

    /// Sets the position of the next record to read.
    pub(crate) fn go_to(&mut self, position: u64) {
        self.position = position;
        self.place = None;
    }

    /// Drops the records of a segment that cannot be read.
    pub(crate) fn pass_over(&mut self, journal: &Journal) -> Records {
        let start = self.position;
        let mut records = Records {
            start,
            ..Records::default()
        };
        if let Some(seen) = self.look(journal) {
            self.give_up(journal, &seen, &mut records);
        }
        records
    }

    fn fill(&mut self, journal: &Journal, limit: usize, records: &mut Records) -> io::Result<()> {
        while records.clicks.len() < limit {
            let Some(seen) = self.look(journal) else {
                break;
            };
            match &seen.source {
                Source::Lost => {
                    let lost = seen.end.saturating_sub(self.position);
                    records.dropped.lost = records.dropped.lost.saturating_add(lost);
                    self.go_to(seen.end);
                }
                Source::Memory(frames) => {
                    let read = self.take(frames, seen.end, limit, records);
                    if read == 0 {
                        self.give_up(journal, &seen, records);
                    }
                }
                Source::File { path, bytes } => {
                    if !self.read_file(path, *bytes, seen.end, limit, records)? {
                        self.read_past_damage(&seen, *bytes, records)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds the segment of the next record.
    fn look(&mut self, journal: &Journal) -> Option<Seen> {
        let state = journal.state();
        let segment = state.segments.holding(self.position);
        let base = segment.map_or(state.next, |segment| segment.base);
        if base > self.position {
            // The records in between are missing: count them.
            return Some(Seen {
                base: self.position,
                end: base,
                source: Source::Lost,
            });
        }
        let segment = segment?;
        let place = match self.place.take() {
            Some(place) if place.base == segment.base => place,
            _ => Place {
                base: segment.base,
                file: None,
                offset: 0,
                position: segment.base,
            },
        };
        let offset = usize::try_from(place.offset).unwrap_or(usize::MAX);
        self.place = Some(place);
        let source = match &segment.backing {
            Backing::File { path, bytes } => Source::File {
                path: path.clone(),
                bytes: *bytes,
            },
            Backing::Memory(frames) => {
                let rest = frames.get(offset..).unwrap_or_default();
                Source::Memory(rest.get(..CHUNK).unwrap_or(rest).to_vec())
            }
            Backing::Lost => Source::Lost,
        };
        Some(Seen {
            base: segment.base,
            end: segment.end,
            source,
        })
    }

    /// Reads a chunk of a file. Returns `false` if there is no good record where one is expected.
    fn read_file(
        &mut self,
        path: &PathBuf,
        bytes: u64,
        end: u64,
        limit: usize,
        records: &mut Records,
    ) -> io::Result<bool> {
        let Some(place) = &mut self.place else {
            return Ok(false);
        };
        if place.file.is_none() {
            place.file = Some(File::open(path)?);
        }
        let Some(file) = &place.file else {
            return Ok(false);
        };
        let (from, left) = place.left_of(bytes);
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.resize(left.min(CHUNK), 0);
        let read = read_at(file, &mut chunk, from)?;
        let taken = self.take(chunk.get(..read).unwrap_or_default(), end, limit, records);
        self.chunk = chunk;
        Ok(taken > 0)
    }

    /// Takes records from frames that begin at the place. Returns the number of bytes of their
    /// frames.
    fn take(&mut self, frames: &[u8], end: u64, limit: usize, records: &mut Records) -> usize {
        let Some(place) = &mut self.place else {
            return 0;
        };
        let mut taken = 0;
        while records.clicks.len() < limit
            && place.position < end
            && let Some(rest) = frames.get(taken..)
            && let Frame::Record(bytes) = frame::read(rest, place.position)
        {
            taken += PREFIX + bytes.len();
            place.position += 1;
            // If reading begins within a segment, skip the records before.
            if place.position <= self.position {
                continue;
            }
            self.position = place.position;
            match record::read(bytes) {
                Some(ReadClick { click, session }) => {
                    records
                        .sessions
                        .extend(session.map(|hash| (click.id, hash)));
                    records.clicks.push(click);
                }
                None => records.dropped.unreadable = records.dropped.unreadable.saturating_add(1),
            }
        }
        let size = u64::try_from(taken).unwrap_or(u64::MAX);
        place.offset = place.offset.saturating_add(size);
        taken
    }

    /// Continues at the next good record of a segment, and counts the damaged ones before it. If
    /// there is none, continues at the end of the segment as it was seen, where later records
    /// follow.
    fn read_past_damage(
        &mut self,
        seen: &Seen,
        bytes: u64,
        records: &mut Records,
    ) -> io::Result<()> {
        let Some(place) = &mut self.place else {
            return Ok(());
        };
        let (from, left) = place.left_of(bytes);
        let positions = place.position..seen.end;
        let resumed = match &place.file {
            Some(file) => resume(file, from, left, &positions)?,
            None => None,
        };
        let (damaged, position) = resumed.map_or((left, seen.end), |resumed| {
            (resumed.offset, resumed.position)
        });
        let damaged = u64::try_from(damaged).unwrap_or(u64::MAX);
        place.offset = place.offset.saturating_add(damaged);
        place.position = position;
        // Damage before the position where reading begins loses nothing now.
        if let Some(unreadable) = position.checked_sub(self.position) {
            error!(
                segment = seen.base,
                clicks = unreadable,
                bytes = damaged,
                "journal segment damaged; some of its clicks are unreadable"
            );
            records.dropped.unreadable = records.dropped.unreadable.saturating_add(unreadable);
            self.position = position;
        }
        Ok(())
    }

    /// Skips the rest of a segment that cannot be read, including records written since it was
    /// seen. Closes the segment for writing.
    fn give_up(&mut self, journal: &Journal, seen: &Seen, records: &mut Records) {
        let end = {
            let mut state = journal.state();
            state.segments.close();
            let segment = state.segments.holding(self.position);
            segment
                .filter(|segment| segment.base == seen.base)
                .map_or(seen.end, |segment| segment.end)
        };
        let unreadable = end.saturating_sub(self.position);
        let segment = seen.base;
        error!(
            segment,
            clicks = unreadable,
            "journal segment unreadable; its last clicks are dropped"
        );
        records.dropped.unreadable = records.dropped.unreadable.saturating_add(unreadable);
        self.go_to(end);
    }
}

impl Place {
    /// Returns its place in the file of its segment, and how many of the file's `bytes` are left
    /// there.
    fn left_of(&self, bytes: u64) -> (u64, usize) {
        let header = u64::try_from(HEADER).unwrap_or(u64::MAX);
        let from = header.saturating_add(self.offset);
        let left = usize::try_from(bytes.saturating_sub(from)).unwrap_or(usize::MAX);
        (from, left)
    }
}

/// Searches the next good frame in the `left` bytes at a place of a file, in growing windows.
fn resume(
    file: &File,
    from: u64,
    left: usize,
    positions: &Range<u64>,
) -> io::Result<Option<Resumed>> {
    let mut size = CHUNK;
    loop {
        let mut window = vec![0; left.min(size)];
        let read = read_at(file, &mut window, from)?;
        let resumed = frame::resume(window.get(..read).unwrap_or_default(), positions);
        if resumed.is_some() || read < size || size >= MAX_WINDOW {
            return Ok(resumed);
        }
        size = size.saturating_mul(4);
    }
}

/// Reads from a place of a file. Returns the number of bytes: the length of `bytes`, unless the
/// file became shorter.
fn read_at(file: &File, bytes: &mut [u8], from: u64) -> io::Result<usize> {
    let (mut read, mut at) = (0, from);
    while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(more) => {
                read += more;
                at = at.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
