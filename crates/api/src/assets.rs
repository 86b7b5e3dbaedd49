//! Files that are embedded in the program. They are compressed once, and served without being
//! copied.
//!
//! Those that pages load are addressed by their content.
//! [`address`] returns the URL of a file with a hash of its content: a browser can cache it
//! forever, and requests another URL after an update. To add a file, put it into `assets/` and add
//! a row to [`FILES`].

use std::io::Write as _;
use std::sync::LazyLock;

use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// Number of bytes of the hash in the URL of a file.
const HASH_BYTES: usize = 8;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const PNG: &str = "image/png";

/// The files: name, media type and content.
const FILES: &[(&str, &str, &[u8])] = &[
    (
        "app.css",
        "text/css; charset=utf-8",
        include_bytes!("../assets/app.css"),
    ),
    ("app.js", SCRIPT, include_bytes!("../assets/app.js")),
    ("htmx.js", SCRIPT, include_bytes!("../assets/htmx.js")),
    ("link.js", SCRIPT, include_bytes!("../assets/link.js")),
    (
        "icon.svg",
        "image/svg+xml",
        include_bytes!("../assets/icon.svg"),
    ),
    ("stats.js", SCRIPT, include_bytes!("../assets/stats.js")),
    (
        "icon-192.png",
        PNG,
        include_bytes!("../assets/icon-192.png"),
    ),
    (
        "icon-512.png",
        PNG,
        include_bytes!("../assets/icon-512.png"),
    ),
    (
        "icon-maskable.png",
        PNG,
        include_bytes!("../assets/icon-maskable.png"),
    ),
];

static PREPARED: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.iter().map(Asset::of).collect());

/// A file.
pub(crate) struct Asset {
    name: &'static str,
    pub(crate) media_type: String,
    pub(crate) content: Bytes,
    /// The content compressed with gzip, if that is shorter.
    pub(crate) gzipped: Option<Bytes>,
    /// The hash of the content, in hexadecimal digits.
    pub(crate) hash: String,
}

impl Asset {
    /// Prepares a file: compresses it, which takes up to a tenth of a second.
    pub(crate) fn new(name: &'static str, media_type: String, content: Bytes) -> Self {
        let digest = Sha256::digest(&content);
        let hash = digest.iter().take(HASH_BYTES);
        let hash = hash.fold(0_u64, |hash, byte| (hash << 8) | u64::from(*byte));
        let gzipped = gzip(&content, Compression::best());
        Self {
            name,
            media_type,
            gzipped: gzipped
                .filter(|short| short.len() < content.len())
                .map(Bytes::from),
            content,
            hash: format!("{hash:016x}"),
        }
    }

    fn of(&(name, media_type, content): &(&'static str, &'static str, &'static [u8])) -> Self {
        Self::new(name, media_type.to_owned(), Bytes::from_static(content))
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the file with this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        PREPARED.iter().find(|asset| asset.name == name)
    }
}

/// Returns the URL of a file, with the path prefix `base` of the server.
pub(crate) fn address(base: &str, name: &str) -> String {
    let hash = Asset::named(name).map_or("", |asset| &asset.hash);
    format!("{base}/static/{name}?v={hash}")
}

/// Compresses the content with gzip (RFC 1952).
pub(crate) fn gzip(content: &[u8], level: Compression) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(content.len() / 3), level);
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_that_a_template_names_is_there() {
        let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")];
        let mut named = 0;
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                for rest in text.split("frame.asset(\"").skip(1) {
                    let (name, _) = rest.split_once('"').unwrap();
                    assert!(Asset::named(name).is_some(), "{name} in {path:?}");
                    named += 1;
                }
            }
        }
        assert!(named >= 4);
    }

    #[test]
    fn the_address_of_a_file_changes_with_its_content() {
        let of = |content: &'static [u8]| Asset::of(&("a.css", "text/css", content)).hash;
        assert_eq!(of(b"a"), of(b"a"));
        assert_ne!(of(b"a"), of(b"b"));
        assert_eq!(of(b"a").len(), 2 * HASH_BYTES);
    }
}
