//! Power failures at any moment: clicks that were on the disk stay counted. When a segment of the
//! journal is deleted, the disk has its clicks in the database.
//!
//! The test records the order of the system calls, and rebuilds the database as the disk has it at
//! each deletion, without writes that were not synced.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use reqwest::{Client, StatusCode, redirect};
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_test_harness::{
    Kind, ServerProcess, TestDatabase, temporary_directory, wait_until_blocking,
};

use crate::setup::{CLIENTS, SOON, drained, durability, links_of, report, verify};

/// The maximum size of the journal is 1 MiB in 8 segments, and a click with its user agent takes
/// more than 512 bytes: the server must delete segments.
const CLICKS: usize = 3_000;
/// Length to which a user agent is cut.
const LONGEST_AGENT: usize = 512;
/// Extension of a segment.
const SEGMENT: &str = ".clicks";

/// A system call on a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    Write {
        file: PathBuf,
        bytes: Vec<u8>,
        at: usize,
    },
    Truncate {
        file: PathBuf,
        length: usize,
    },
    SyncBegins {
        file: PathBuf,
    },
    SyncEnds {
        file: PathBuf,
    },
    Delete {
        file: PathBuf,
    },
}

/// A file as programs see it, and as it is on the disk.
#[derive(Debug, Clone, Default)]
struct File {
    seen: Vec<u8>,
    /// The content when the running sync started.
    syncing: Option<Vec<u8>>,
    on_disk: Vec<u8>,
}

/// A disk that loses unsynced writes in a power failure.
#[derive(Debug, Default)]
struct Disk(BTreeMap<PathBuf, File>);

impl Disk {
    fn happens(&mut self, call: Call) {
        match call {
            Call::Write { file, bytes, at } => {
                let seen = &mut self.file(file).seen;
                let end = at + bytes.len();
                if seen.len() < end {
                    seen.resize(end, 0);
                }
                seen[at..end].copy_from_slice(&bytes);
            }
            Call::Truncate { file, length } => self.file(file).seen.resize(length, 0),
            Call::SyncBegins { file } => {
                let file = self.file(file);
                file.syncing = Some(file.seen.clone());
            }
            Call::SyncEnds { file } => {
                let file = self.file(file);
                if let Some(synced) = file.syncing.take() {
                    file.on_disk = synced;
                }
            }
            Call::Delete { file } => {
                self.0.remove(&file);
            }
        }
    }

    fn file(&mut self, path: PathBuf) -> &mut File {
        self.0.entry(path).or_default()
    }

    /// Returns how far the journals are settled in the database after a power failure now.
    async fn committed(&self, database: &Path) -> u64 {
        let directory = temporary_directory();
        let left = directory.path().join("left.db");
        for suffix in ["", "-wal"] {
            let with_suffix = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            if let Some(file) = self.0.get(&with_suffix(database)) {
                fs::write(with_suffix(&left), &file.on_disk).unwrap();
            }
        }
        let url = format!("sqlite://{}", left.display());
        let settings = DatabaseSettings::for_url(&url).unwrap();
        let opened = Database::connect(&settings).await.unwrap();
        let journals = opened.store().journals().await;
        opened.close();
        let committed = journals.unwrap().into_iter().map(|it| it.committed);
        committed.max().unwrap_or(0)
    }
}

/// Parses the calls in an strace log, in order. An interrupted call takes effect where it ends; a
/// sync starts where its line starts.
fn calls(record: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut unfinished: BTreeMap<&str, &str> = BTreeMap::new();
    for line in record.lines() {
        let (thread, line) = line.split_once(' ').unwrap();
        let line = line.trim_start();
        if let Some(begun) = line.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, begun);
            calls.extend(begins(begun));
        } else if let Some((_, rest)) = line.split_once(" resumed>") {
            let begun = unfinished.remove(thread).unwrap();
            calls.extend(ends(begun, rest));
        } else {
            calls.extend(begins(line));
            calls.extend(ends(line, line));
        }
    }
    calls
}

/// Parses what takes effect when a call starts.
fn begins(call: &str) -> Option<Call> {
    let (name, arguments) = call.split_once('(')?;
    match name {
        "fsync" | "fdatasync" => Some(Call::SyncBegins {
            file: opened(arguments)?,
        }),
        "unlink" | "unlinkat" => Some(Call::Delete {
            file: quoted(arguments)
                .map(|bytes| PathBuf::from(String::from_utf8(bytes.0).unwrap()))?,
        }),
        _ => None,
    }
}

/// Parses what takes effect when a call ends, from the rest of its line.
fn ends(call: &str, rest: &str) -> Option<Call> {
    let (name, arguments) = call.split_once('(')?;
    let (_, result) = rest.rsplit_once(" = ")?;
    let result = result.split(' ').next()?;
    let done: usize = result.parse().ok()?;
    match name {
        "fsync" | "fdatasync" => Some(Call::SyncEnds {
            file: opened(arguments)?,
        }),
        "pwrite64" => {
            let (mut bytes, after) = quoted(arguments)?;
            let at = after.trim_end_matches(|character: char| !character.is_ascii_digit());
            let numbers: Vec<usize> = numbers(at);
            bytes.truncate(done);
            Some(Call::Write {
                file: opened(arguments)?,
                bytes,
                // The length precedes it.
                at: *numbers.get(1)?,
            })
        }
        "ftruncate" => {
            let (_, length) = arguments.split_once(">, ")?;
            Some(Call::Truncate {
                file: opened(arguments)?,
                length: *numbers(length).first()?,
            })
        }
        _ => None,
    }
}

fn numbers(text: &str) -> Vec<usize> {
    let parts = text.split(|character: char| !character.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// Returns the file of a descriptor, which strace shows in angle brackets.
fn opened(arguments: &str) -> Option<PathBuf> {
    let (_, rest) = arguments.split_once('<')?;
    let (path, _) = rest.split_once('>')?;
    Some(PathBuf::from(text(path)))
}

/// Returns the first string in arguments, and the text after it.
fn quoted(arguments: &str) -> Option<(Vec<u8>, &str)> {
    let (_, rest) = arguments.split_once('"')?;
    let (inside, after) = rest.split_once('"')?;
    Some((bytes(inside), after))
}

fn text(shown: &str) -> String {
    String::from_utf8(bytes(shown)).unwrap()
}

/// Decodes bytes that are written as `\x6a`; others are literal.
fn bytes(shown: &str) -> Vec<u8> {
    let shown = shown.as_bytes();
    let mut bytes = Vec::with_capacity(shown.len() / 4);
    let mut at = 0;
    while at < shown.len() {
        if shown[at..].starts_with(b"\\x") {
            let digits = std::str::from_utf8(&shown[at + 2..at + 4]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            at += 4;
        } else {
            bytes.push(shown[at]);
            at += 1;
        }
    }
    bytes
}

/// Returns the position in the name of a segment.
fn base_of(file: &Path) -> Option<u64> {
    let name = file.file_name()?.to_str()?;
    name.strip_suffix(SEGMENT)?.parse().ok()
}

/// Follows a link this many times with a long user agent.
async fn follow(server: &ServerProcess, code: &str) {
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .user_agent("x".repeat(LONGEST_AGENT))
        .no_proxy()
        .build()
        .unwrap();
    let url = server.url(&format!("/{code}"));
    let clients = (0..CLIENTS).map(async |_| {
        for _ in 0..CLICKS / CLIENTS {
            let response = client.get(&url).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::FOUND);
        }
    });
    join_all(clients).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_is_deleted_when_the_disk_has_its_clicks_in_the_database() {
    let directory = temporary_directory();
    let record = directory.path().join("calls");
    let database = TestDatabase::new(Kind::Sqlite);
    let options = durability("journal")
        .env("WAYPOST_JOURNAL_MAX_MB", "1")
        .env("WAYPOST_JOURNAL_KEEP_HOURS", "0")
        .trace_files(&record);
    let mut server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let code = links_of(&server, 1).await.remove(0);
    follow(&server, &code).await;
    drained(&server).await;
    tokio::task::block_in_place(|| assert!(server.terminate().success()));
    assert_eq!(verify(&database, &server)["agrees"], true);

    let calls = recorded(&record);
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let deleted = deletions(calls, Path::new(path)).await;
    assert!(deleted.len() >= 5, "{deleted:?}");
    for (end, committed) in &deleted {
        assert!(
            committed >= end,
            "a segment up to {end} is deleted, and the disk has {committed} of its clicks: {deleted:?}"
        );
    }
    report(format_args!(
        "SQLite, {CLICKS} clicks: {} segments were deleted, each after its clicks were on the disk",
        deleted.len()
    ));
}

/// Returns the log of a process that has ended.
fn recorded(record: &Path) -> Vec<Call> {
    let mut text = String::new();
    tokio::task::block_in_place(|| {
        let mut length = None;
        // The tracer ends a little later.
        wait_until_blocking("all is recorded", SOON, || {
            text = fs::read_to_string(record).unwrap();
            let is_whole = text.ends_with('\n') && length == Some(text.len());
            length = Some(text.len());
            is_whole
        });
    });
    calls(&text)
}

/// Returns, for each deleted segment, its end and the position up to which the disk has the journal
/// in the database at that moment.
async fn deletions(calls: Vec<Call>, database: &Path) -> Vec<(u64, u64)> {
    let mut disk = Disk::default();
    let mut deleted = Vec::new();
    let bases = calls.iter().filter_map(|call| match call {
        Call::Write { file, .. } => base_of(file),
        _ => None,
    });
    let mut bases: Vec<u64> = bases.collect();
    bases.sort_unstable();
    for call in calls {
        if let Call::Delete { file } = &call
            && let Some(base) = base_of(file)
            && let Some(end) = bases.iter().find(|other| **other > base)
        {
            deleted.push((*end, disk.committed(database).await));
        }
        disk.happens(call);
    }
    deleted
}

#[test]
fn a_record_tells_what_was_written_synced_and_deleted() {
    let record = r#"7 pwrite64(3<\x2f\x61>, "\x41\x42\x43", 3, 4) = 3
8 fdatasync(3<\x2f\x61> <unfinished ...>
7 pwrite64(3<\x2f\x61>, "\x44", 1, 0) = 1
8 <... fdatasync resumed>)              = 0
7 ftruncate(3<\x2f\x61>, 5) = 0
7 unlink("\x2f\x62" <unfinished ...>
7 <... unlink resumed>) = 0
"#;
    let file = PathBuf::from("/a");
    let calls = calls(record);
    let deleted = Call::Delete {
        file: PathBuf::from("/b"),
    };
    assert_eq!(calls.last(), Some(&deleted));
    let mut disk = Disk::default();
    for call in calls {
        disk.happens(call);
    }
    let file = disk.file(file);
    assert_eq!(file.seen, b"D\0\0\0A");
    assert_eq!(file.on_disk, b"\0\0\0\0ABC");
}
