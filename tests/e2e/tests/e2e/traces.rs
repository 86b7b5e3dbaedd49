//! Traces that a server leaves in its database and files, and the spellings of an IP address in
//! them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use waypost_test_harness::{Kind, ServerProcess, TestDatabase};

/// A stored value.
pub(crate) struct Trace {
    /// Where it is stored.
    pub(crate) place: String,
    pub(crate) bytes: Vec<u8>,
}

/// Returns every value of every table as text, and hexadecimal values also as the bytes that they
/// represent.
pub(crate) async fn in_database(database: &TestDatabase) -> Vec<Trace> {
    let schema = match database.kind() {
        Kind::Sqlite => "select name from sqlite_master where type = 'table'",
        Kind::Postgres => {
            "select table_name::text from information_schema.tables where table_schema = 'public'"
        }
        Kind::MariaDb => {
            "select table_name from information_schema.tables where table_schema = database()"
        }
    };
    let mut traces = Vec::new();
    for table in database.rows(schema).await {
        let table = table[0].as_deref().expect("a name");
        let rows = database.rows(&format!("select * from {table}")).await;
        for value in rows.into_iter().flatten().flatten() {
            let bytes = from_hex(&value);
            traces.extend(
                [Some(value.into_bytes()), bytes]
                    .into_iter()
                    .flatten()
                    .map(|bytes| Trace {
                        place: table.to_owned(),
                        bytes,
                    }),
            );
        }
    }
    traces
}

/// Returns every file of the data directory, including those of SQLite.
pub(crate) fn in_files(server: &ServerProcess, database: &TestDatabase) -> Vec<Trace> {
    let mut files = Vec::new();
    collect(server.data_dir().path(), &mut files);
    if let Some(path) = database.url().strip_prefix("sqlite://") {
        let path = path.split('?').next().expect("a path");
        for end in ["", "-wal", "-shm", "-journal"] {
            files.push(PathBuf::from(format!("{path}{end}")));
        }
    }
    let read = |path: PathBuf| {
        // Some files are missing, and others disappear.
        let bytes = std::fs::read(&path).ok()?;
        let place = path.display().to_string();
        Some(Trace { place, bytes })
    };
    files.into_iter().filter_map(read).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|it| it.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let is_whole = !digits.is_empty() && digits.len().is_multiple_of(2);
    is_whole.then(|| digits.chunks(2).map(|it| it[0] << 4 | it[1]).collect())
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let [first, ..] = part else { return true };
    let mut rest = bytes;
    // Most positions differ in the first byte.
    while let Some(place) = rest.iter().position(|byte| byte == first) {
        if rest[place..].starts_with(part) {
            return true;
        }
        rest = &rest[place + 1..];
    }
    false
}

/// Returns the octets of an IP address in network order.
pub(crate) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Returns the spellings and hashes under which an IP address could be stored. `day` is a value
/// that an implementation could use as a salt.
pub(crate) fn spellings(address: IpAddr, day: &str) -> Vec<(String, Vec<u8>)> {
    let octets = octets(address);
    let mut texts = vec![address.to_string()];
    let number = match address {
        IpAddr::V4(address) => {
            let [.., high, low] = address.to_ipv6_mapped().segments();
            texts.push(format!("::ffff:{high:x}:{low:x}"));
            u32::from(address).to_string()
        }
        IpAddr::V6(address) => {
            let groups = address.segments().map(|group| format!("{group:04x}"));
            texts.push(groups.join(":"));
            let groups = address.segments().map(|group| format!("{group:x}"));
            texts.push(groups.join(":"));
            u128::from(address).to_string()
        }
    };
    let uppercase: Vec<String> = texts.iter().map(|text| text.to_uppercase()).collect();
    texts.extend(uppercase);
    texts.sort();
    texts.dedup();

    let mut spellings: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| spellings.push((name.to_owned(), bytes));
    let little: Vec<u8> = octets.iter().rev().copied().collect();
    add("octets", octets.clone());
    add("reversed octets", little.clone());
    add("number", number.into_bytes());
    for (name, bytes) in [("octets", &octets), ("reversed octets", &little)] {
        let digits = to_hex(bytes);
        add(&format!("{name} in hex"), digits.clone().into_bytes());
        add(
            &format!("{name} in HEX"),
            digits.to_uppercase().into_bytes(),
        );
    }
    for text in &texts {
        add("text", text.clone().into_bytes());
        add(
            "reversed text",
            text.chars().rev().collect::<String>().into(),
        );
        let escaped = text.replace('.', "%2E").replace(':', "%3A");
        add("percent", escaped.to_lowercase().into_bytes());
        add("percent", escaped.into_bytes());
        let wide = text.encode_utf16();
        add("UTF-16", wide.clone().flat_map(u16::to_le_bytes).collect());
        add("UTF-16", wide.flat_map(u16::to_be_bytes).collect());
        add("text in hex", to_hex(text.as_bytes()).into_bytes());
    }
    let inputs: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    for input in inputs.into_iter().chain([octets, little]) {
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            add("base64", engine.encode(&input).into_bytes());
        }
        // Without a salt, and with a public one.
        for (before, after) in [("", ""), ("", day), (day, "")] {
            let digest = Sha256::new_with_prefix(before)
                .chain_update(&input)
                .chain_update(after)
                .finalize();
            // As visitor hashes are stored: the first half.
            add("digest", digest[..16].to_vec());
            add("digest in hex", to_hex(&digest[..16]).into_bytes());
            add("digest in HEX", to_hex(&digest[..16]).to_uppercase().into());
            add("digest in base64", STANDARD.encode(digest)[..40].into());
            add(
                "digest in base64",
                URL_SAFE_NO_PAD.encode(digest)[..40].into(),
            );
        }
    }
    spellings
}
