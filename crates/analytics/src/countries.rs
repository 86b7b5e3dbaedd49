//! The country of an IP address, from a database in the format of `MaxMind` (`.mmdb`) that the
//! operator provides: `GeoLite2`, `GeoIP2`, DB-IP, `IPinfo` and others.
//!
//! The file is read into memory once, when it is opened; a newer file takes effect after a restart.
//! A look-up decodes only the two letters of the country: 0.2 µs, and up to 0.5 µs for addresses
//! spread over a city database (55 MiB) that does not fit into the processor's caches.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::{MaxMindDbError, PathElement, Reader, WithinOptions};
use time::OffsetDateTime;
use waypost_core::Country;

type CodePath = &'static [PathElement<'static>];

/// Where a record has the two letters: in flat records, as `IPinfo` and others write them with
/// `country` as a text, and in nested records, as `MaxMind` and DB-IP write them.
const CODE_PATHS: [CodePath; 2] = [
    &[PathElement::Key("country_code")],
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
];

/// Number of records without a country after which a database counts as one without countries.
const RECORDS_TRIED: usize = 10_000;

/// A country database.
pub struct Countries {
    database: Reader<Vec<u8>>,
    code: CodePath,
}

/// Why a country database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CountriesError {
    /// The file does not exist or cannot be read.
    #[error(
        "the country database {} cannot be read; check the path in WAYPOST_GEOIP_DB and the permissions of the file",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file has another format.
    #[error(
        "{} is not a database in MaxMind's format; use the complete, unpacked .mmdb file",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        source: MaxMindDbError,
    },
    /// The database has other data.
    #[error(
        "the database {} ({kind}) has no countries; use one that does, such as GeoLite2 Country",
        path.display()
    )]
    WithoutCountries {
        /// The file.
        path: PathBuf,
        /// The type of the database, as it states.
        kind: String,
    },
}

impl Countries {
    /// Reads a database into memory.
    ///
    /// # Errors
    /// [`CountriesError`] if the file cannot be read, is not a database, or has no countries.
    pub fn open(path: &Path) -> Result<Self, CountriesError> {
        let database = Reader::open_readfile(path).map_err(|error| match error {
            MaxMindDbError::Io(source) => CountriesError::Unreadable {
                path: path.to_owned(),
                source,
            },
            source => CountriesError::NotADatabase {
                path: path.to_owned(),
                source,
            },
        })?;
        let code = code_path(&database).map_err(|source| CountriesError::NotADatabase {
            path: path.to_owned(),
            source,
        })?;
        match code {
            Some(code) => Ok(Self { database, code }),
            None => Err(CountriesError::WithoutCountries {
                path: path.to_owned(),
                kind: database.metadata().database_type.clone(),
            }),
        }
    }

    /// Returns the country in which an IP address is used, if the database has it.
    ///
    /// Ignores the country in which an address is only registered (`registered_country`) or that it
    /// represents (`represented_country`, for instance of a military base abroad): these say
    /// nothing about where the visitor is. IPv4 written as IPv6 is looked up as IPv4.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Option<Country> {
        let record = self.database.lookup(address.to_canonical()).ok()?;
        let code = record.decode_path::<&str>(self.code).ok()??;
        Country::parse(code)
    }

    /// Returns the type and date of the database, for the log: `GeoLite2-Country of 2026-09-10`.
    #[must_use]
    pub fn description(&self) -> String {
        let metadata = self.database.metadata();
        let built = i64::try_from(metadata.build_epoch)
            .ok()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        match built {
            Some(built) => format!("{} of {}", metadata.database_type, built.date()),
            None => metadata.database_type.clone(),
        }
    }
}

/// Returns where the records of a database have the country code, if they have one.
fn code_path(database: &Reader<Vec<u8>>) -> Result<Option<CodePath>, MaxMindDbError> {
    let records = database.networks(WithinOptions::default().skip_empty_values())?;
    for record in records.take(RECORDS_TRIED) {
        let record = record?;
        for path in CODE_PATHS {
            match record.decode_path::<&str>(path) {
                Ok(Some(_)) => return Ok(Some(path)),
                // The path leads to a value of another type.
                Ok(None) | Err(MaxMindDbError::Decoding { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(None)
}

impl fmt::Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Countries")
            .field(&self.description())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name)
    }

    fn open() -> Countries {
        Countries::open(&data("GeoIP2-Country-Test.mmdb")).unwrap()
    }

    fn assert_threads_may_share<T: Send + Sync>(_: &T) {}

    #[test]
    fn an_address_has_the_country_that_the_database_says() {
        let countries = open();
        assert_threads_may_share(&countries);
        for (address, country) in [
            ("81.2.69.160", Some("GB")),
            ("89.160.20.128", Some("SE")),
            ("216.160.83.57", Some("US")),
            ("2001:218::1", Some("JP")),
            ("192.0.2.1", None),
            ("127.0.0.1", None),
            ("::1", None),
        ] {
            let found = countries.of(address.parse().unwrap());
            assert_eq!(found, country.and_then(Country::parse), "{address}");
        }
    }

    /// Creates an IPv4 database with one record for all addresses below 128.0.0.0, by version 2.0
    /// of the [specification](https://maxmind.github.io/MaxMind-DB/).
    fn written(record: &[(&str, &str)]) -> Vec<u8> {
        fn sized(kind: u8, length: usize) -> u8 {
            (kind << 5) | u8::try_from(length).unwrap()
        }
        fn text(text: &str) -> Vec<u8> {
            [&[sized(2, text.len())], text.as_bytes()].concat()
        }
        fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
            let pairs = pairs
                .iter()
                .map(|(key, value)| [text(key), value.clone()].concat());
            let pairs: Vec<Vec<u8>> = pairs.collect();
            [vec![sized(7, pairs.len())], pairs.concat()].concat()
        }
        let record: Vec<(&str, Vec<u8>)> = record
            .iter()
            .map(|(key, value)| (*key, text(value)))
            .collect();
        // One node with two records of 24 bits: the data after the separator, and no data.
        let (tree, separator) = ([0, 0, 1 + 16, 0, 0, 1], [0; 16]);
        let u16 = |number: u8| vec![sized(5, 1), number];
        let metadata = map(&[
            ("node_count", vec![sized(6, 1), 1]),
            ("record_size", u16(24)),
            ("ip_version", u16(4)),
            ("database_type", text("flat")),
            ("languages", vec![sized(0, 0), 11 - 7]),
            ("binary_format_major_version", u16(2)),
            ("binary_format_minor_version", u16(0)),
            ("build_epoch", vec![sized(0, 0), 9 - 7]),
            ("description", map(&[])),
        ]);
        let marker = b"\xAB\xCD\xEFMaxMind.com";
        [&tree[..], &separator, &map(&record), marker, &metadata].concat()
    }

    #[test]
    fn records_may_be_flat() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flat.mmdb");
        let flat = [("country", "Sweden"), ("country_code", "SE")];
        std::fs::write(&path, written(&flat)).unwrap();
        let countries = Countries::open(&path).unwrap();
        for (address, country) in [("81.2.69.160", Country::parse("SE")), ("192.0.2.1", None)] {
            assert_eq!(countries.of(address.parse().unwrap()), country, "{address}");
        }
        std::fs::write(&path, written(&[("country", "Sweden")])).unwrap();
        let named = Countries::open(&path).unwrap_err();
        assert!(
            matches!(named, CountriesError::WithoutCountries { .. }),
            "{named}"
        );
    }

    #[test]
    fn an_ipv4_address_in_the_clothes_of_ipv6_is_the_same_address() {
        let found = open().of("::ffff:89.160.20.128".parse().unwrap());
        assert_eq!(found, Country::parse("SE"));
    }

    #[test]
    fn only_where_an_address_is_used_counts() {
        let countries = open();
        // Registered in France, used in Britain.
        let registered = countries.of("2.125.160.217".parse().unwrap());
        assert_eq!(registered, Country::parse("GB"));
        // Used on the Philippines by the United States.
        let represented = countries.of("202.196.224.1".parse().unwrap());
        assert_eq!(represented, Country::parse("PH"));
    }

    #[test]
    fn the_database_is_described_by_kind_and_day() {
        let described = open().description();
        assert!(described.starts_with("GeoIP2-Country of 20"), "{described}");
    }

    #[test]
    fn a_file_that_is_missing_or_something_else_is_refused_with_what_to_do() {
        let missing = Countries::open(&data("nothing.mmdb")).unwrap_err();
        assert!(matches!(missing, CountriesError::Unreadable { .. }));
        assert!(missing.to_string().contains("check the path"));

        let text = Countries::open(&data("README.md")).unwrap_err();
        assert!(matches!(text, CountriesError::NotADatabase { .. }));
        assert!(text.to_string().contains("unpacked"));

        let asn = Countries::open(&data("GeoLite2-ASN-Test.mmdb")).unwrap_err();
        let CountriesError::WithoutCountries { kind, .. } = &asn else {
            panic!("{asn}");
        };
        assert_eq!(kind, "GeoLite2-ASN");
    }

    #[test]
    fn a_database_that_was_cut_off_never_panics() {
        let whole = std::fs::read(data("GeoIP2-Country-Test.mmdb")).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cut.mmdb");
        let mut opened = 0;
        for length in (0..whole.len()).step_by(487) {
            std::fs::write(&path, &whole[..length]).unwrap();
            if let Ok(countries) = Countries::open(&path) {
                opened += 1;
                let _ = countries.of("81.2.69.160".parse().unwrap());
            }
        }
        assert_eq!(opened, 0, "the metadata are at the end of the file");
    }
}
