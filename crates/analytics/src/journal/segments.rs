//! The segments of an open journal: where its records are, and where the next one is written.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use time::OffsetDateTime;

use super::directory::Directory;
use super::frame::HEADER;

/// Maximum size of a segment in memory. It is small, so that memory of stored clicks is freed soon.
const MEMORY_SEGMENT_BYTES: usize = 1_024 * 1_024;

/// Consecutive records.
#[derive(Debug)]
pub(super) struct Segment {
    /// The position of the first record.
    pub(super) base: u64,
    /// The position after the last record.
    pub(super) end: u64,
    /// When the oldest and the newest record happened, if known.
    pub(super) oldest: Option<OffsetDateTime>,
    pub(super) newest: Option<OffsetDateTime>,
    pub(super) backing: Backing,
}

impl Segment {
    /// Creates an empty segment.
    fn empty(base: u64, backing: Backing) -> Self {
        Self {
            base,
            end: base,
            oldest: None,
            newest: None,
            backing,
        }
    }

    /// Creates a segment that only marks the end of the journal.
    pub(super) fn marker(base: u64, path: PathBuf) -> Self {
        let bytes = u64::try_from(HEADER).unwrap_or(u64::MAX);
        Self::empty(base, Backing::File { path, bytes })
    }

    /// Updates the times with those of added records.
    fn add_times(&mut self, times: &Times) {
        self.oldest = earlier(self.oldest, times.oldest);
        self.newest = self.newest.max(times.newest);
    }
}

/// When the oldest and the newest of some records happened.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) oldest: Option<OffsetDateTime>,
    pub(super) newest: Option<OffsetDateTime>,
}

impl Times {
    /// Adds the time of a record.
    pub(super) fn add(&mut self, at: OffsetDateTime) {
        self.oldest = earlier(self.oldest, Some(at));
        self.newest = self.newest.max(Some(at));
    }
}

/// Returns the earlier one of two times, which may be unknown.
pub(super) fn earlier(
    one: Option<OffsetDateTime>,
    other: Option<OffsetDateTime>,
) -> Option<OffsetDateTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Where the records of a segment are.
#[derive(Debug)]
pub(super) enum Backing {
    /// In a file, with the number of written bytes.
    File { path: PathBuf, bytes: u64 },
    /// In memory, as frames.
    Memory(Vec<u8>),
    /// Nowhere: they were in the memory of a killed process.
    Lost,
}

impl Backing {
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::File { bytes, .. } => *bytes,
            Self::Memory(frames) => u64::try_from(frames.len()).unwrap_or(u64::MAX),
            Self::Lost => 0,
        }
    }
}

/// All segments, oldest first.
#[derive(Debug, Default)]
pub(super) struct Segments {
    list: VecDeque<Segment>,
    /// The file of the last segment, while it is open for writing.
    open: Option<Arc<File>>,
    /// The total size in bytes.
    bytes: u64,
}

impl Segments {
    pub(super) fn push(&mut self, segment: Segment) {
        self.bytes = self.bytes.saturating_add(segment.backing.bytes());
        self.list.push_back(segment);
        self.open = None;
    }

    /// Returns the total size in bytes.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the position of the oldest record.
    pub(super) fn first(&self) -> Option<u64> {
        self.list.front().map(|segment| segment.base)
    }

    /// Whether a closed file ends after the first of these positions, and not after the last.
    pub(super) fn has_file_end_in(&self, positions: Range<u64>) -> bool {
        let open = usize::from(self.open.is_some());
        let closed = self.list.iter().rev().skip(open);
        closed
            .take_while(|segment| segment.end > positions.start)
            .any(|segment| {
                segment.end <= positions.end && matches!(segment.backing, Backing::File { .. })
            })
    }

    /// Returns when the first record of the open segment happened.
    pub(super) fn open_since(&self) -> Option<OffsetDateTime> {
        let last = self.open.as_ref().and(self.list.back());
        last.and_then(|last| last.oldest)
    }

    /// Returns the segment that contains the record at `position`, or the next segment.
    pub(super) fn holding(&self, position: u64) -> Option<&Segment> {
        self.list.iter().find(|segment| segment.end > position)
    }

    /// Closes the open segment for writing.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Writes the frames of the records at `positions` to the last file, or to a new one if the
    /// last would exceed `limit` bytes. Returns the file, and whether it is new.
    pub(super) fn write_to_file(
        &mut self,
        directory: &Directory,
        limit: u64,
        positions: Range<u64>,
        frames: &[u8],
        times: &Times,
    ) -> io::Result<(&Arc<File>, bool)> {
        let position = positions.start;
        let size = u64::try_from(frames.len()).unwrap_or(u64::MAX);
        let has_room = self.open.is_some()
            && self
                .list
                .back()
                .is_some_and(|last| last.backing.bytes().saturating_add(size) <= limit);
        if !has_room {
            let (path, file) = directory.create_segment(position)?;
            self.forget_empty(position);
            let bytes = u64::try_from(HEADER).unwrap_or(u64::MAX);
            self.push(Segment::empty(position, Backing::File { path, bytes }));
            self.open = Some(Arc::new(file));
        }
        let (Some(file), Some(last)) = (&self.open, self.list.back_mut()) else {
            return Err(io::Error::other("no segment is open"));
        };
        let Backing::File { bytes, .. } = &mut last.backing else {
            return Err(io::Error::other("the open segment is not a file"));
        };
        if let Err(error) = file.write_all_at(frames, *bytes) {
            // Remove complete frames that may have been written: the next process would find them.
            let _ = file.set_len(*bytes);
            return Err(error);
        }
        *bytes = bytes.saturating_add(size);
        self.bytes = self.bytes.saturating_add(size);
        last.end = positions.end;
        last.add_times(times);
        Ok((file, !has_room))
    }

    /// Removes an empty last segment at `position` from the list: its file was just created again.
    fn forget_empty(&mut self, position: u64) {
        let is_empty = self.list.back().is_some_and(|last| last.base == position);
        if is_empty && let Some(empty) = self.list.pop_back() {
            self.bytes = self.bytes.saturating_sub(empty.backing.bytes());
        }
    }

    /// Keeps the frames of the records at `positions` in memory.
    pub(super) fn keep_in_memory(&mut self, positions: Range<u64>, frames: &[u8]) {
        let has_room = self.list.back().is_some_and(|last| match &last.backing {
            Backing::Memory(kept) => {
                kept.len().saturating_add(frames.len()) <= MEMORY_SEGMENT_BYTES
            }
            Backing::File { .. } | Backing::Lost => false,
        });
        if !has_room {
            self.push(Segment::empty(positions.start, Backing::Memory(Vec::new())));
        }
        if let Some(last) = self.list.back_mut()
            && let Backing::Memory(kept) = &mut last.backing
        {
            kept.extend_from_slice(frames);
            let size = u64::try_from(frames.len()).unwrap_or(u64::MAX);
            self.bytes = self.bytes.saturating_add(size);
            last.end = positions.end;
        }
    }

    /// Removes the oldest segments without records at or after `position`, as long as `may_go`
    /// allows it for the next one. Keeps the open segment. Returns the files, which are not
    /// deleted.
    ///
    /// Also keeps an empty last segment: the next record is written to a file of the same name,
    /// perhaps before that file is deleted.
    pub(super) fn release(
        &mut self,
        position: u64,
        mut may_go: impl FnMut(&Segment) -> bool,
    ) -> Vec<PathBuf> {
        let mut files = Vec::new();
        while let Some(first) = self.list.front()
            && first.end <= position
            && (self.list.len() > 1 || (self.open.is_none() && first.base < first.end))
            && may_go(first)
        {
            let Some(released) = self.list.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(released.backing.bytes());
            if let Backing::File { path, .. } = released.backing {
                files.push(path);
            }
        }
        files
    }
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    reason = "test code: its lengths and numbers fit everywhere"
)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, Directory) {
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::open(temporary.path()).unwrap();
        (temporary, directory)
    }

    #[test]
    fn a_new_file_is_begun_when_the_last_one_is_full() {
        let (_temporary, directory) = directory();
        let mut segments = Segments::default();
        for position in 0..10 {
            segments
                .write_to_file(
                    &directory,
                    HEADER as u64 + 30,
                    position..position + 1,
                    b"0123456789",
                    &Times::default(),
                )
                .unwrap();
        }
        let bases: Vec<_> = segments.list.iter().map(|segment| segment.base).collect();
        assert_eq!(bases, [0, 3, 6, 9]);
        let ends: Vec<_> = segments.list.iter().map(|segment| segment.end).collect();
        assert_eq!(ends, [3, 6, 9, 10]);
        assert_eq!(segments.bytes(), 4 * HEADER as u64 + 100);
    }

    #[test]
    fn what_is_settled_is_released_and_the_open_file_stays() {
        let (_temporary, directory) = directory();
        let mut segments = Segments::default();
        for position in 0..10 {
            segments
                .write_to_file(
                    &directory,
                    HEADER as u64 + 30,
                    position..position + 1,
                    b"0123456789",
                    &Times::default(),
                )
                .unwrap();
        }
        assert_eq!(segments.release(2, |_| true).len(), 0);
        assert_eq!(segments.release(6, |_| true).len(), 2);
        assert_eq!(segments.first(), Some(6));
        assert_eq!(segments.release(10, |_| true).len(), 1);
        assert_eq!(segments.first(), Some(9));
        segments.close();
        assert_eq!(segments.release(10, |_| true).len(), 1);
        assert_eq!(segments.bytes(), 0);
    }

    #[test]
    fn an_empty_last_file_is_written_to_and_never_deleted() {
        let (_temporary, directory) = directory();
        let mut segments = Segments::default();
        segments
            .write_to_file(&directory, 1_000, 0..1, b"0123456789", &Times::default())
            .unwrap();
        // As found if the previous process was killed right after it created the file.
        let (path, _) = directory.create_segment(1).unwrap();
        let bytes = HEADER as u64;
        let backing = Backing::File {
            path: path.clone(),
            bytes,
        };
        segments.push(Segment::empty(1, backing));
        assert!(!segments.release(1, |_| true).contains(&path));
        segments
            .write_to_file(&directory, 1_000, 1..2, b"0123456789", &Times::default())
            .unwrap();
        assert_eq!(segments.list.len(), 1);
        assert_eq!(segments.bytes(), bytes + 10);
        assert_eq!(segments.release(1, |_| true), [] as [PathBuf; 0]);
    }

    #[test]
    fn memory_is_given_back_a_segment_at_a_time() {
        let mut segments = Segments::default();
        let frame = vec![0; MEMORY_SEGMENT_BYTES / 2];
        for position in 0..5 {
            segments.keep_in_memory(position..position + 1, &frame);
        }
        assert_eq!(segments.list.len(), 3);
        segments.release(4, |_| true);
        assert_eq!(segments.bytes(), (MEMORY_SEGMENT_BYTES / 2) as u64);
        segments.release(5, |_| true);
        assert_eq!(segments.bytes(), 0);
    }

    #[test]
    fn what_may_stay_stays_and_everything_after_it() {
        let (_temporary, directory) = directory();
        let mut segments = Segments::default();
        for position in 0..10 {
            segments
                .write_to_file(
                    &directory,
                    HEADER as u64 + 30,
                    position..position + 1,
                    b"0123456789",
                    &Times::default(),
                )
                .unwrap();
        }
        assert!(segments.has_file_end_in(3..6) && segments.has_file_end_in(4..8));
        assert!(!segments.has_file_end_in(3..5) && !segments.has_file_end_in(6..8));
        assert!(!segments.has_file_end_in(9..10), "the segment is open");
        let files = segments.release(9, |segment| segment.base < 3);
        assert_eq!(files.len(), 1);
        assert_eq!(segments.first(), Some(3));
    }
}
