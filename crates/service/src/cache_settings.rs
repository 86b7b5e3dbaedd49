//! The settings of the cache of links.

use waypost_core::settings::{Invalid, Setting, SettingsReader};

const CAPACITY: Setting = Setting::new(
    "cache_capacity",
    "100000",
    "Links kept in memory (1 to 10000000), about 300 bytes each, plus a quarter as many unknown \
     codes",
);

/// How many answers a [`Resolver`](crate::Resolver) keeps in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// Maximum number of links. One takes its destination (at most 2,048 bytes) and 200 bytes.
    pub capacity: usize,
}

impl CacheSettings {
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] = &[CAPACITY];

    /// Reads this section.
    ///
    /// # Errors
    /// [`Invalid`] when its setting has a problem, which the reader has recorded.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let capacity = reader.number(&CAPACITY, 100_000, 1..=10_000_000)?;
        Ok(Self {
            capacity: usize::try_from(capacity).unwrap_or(usize::MAX),
        })
    }
}

impl Default for CacheSettings {
    /// Keeps 100,000 links.
    fn default() -> Self {
        Self { capacity: 100_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<CacheSettings, String> {
        let mut reader = SettingsReader::of_variables(variables);
        let settings = CacheSettings::read(&mut reader);
        reader
            .finish(settings)
            .map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_hundred_thousand_links_are_kept_unless_another_number_is_set() {
        assert_eq!(read(&[]), Ok(CacheSettings::default()));
        let set = read(&[("WAYPOST_CACHE_CAPACITY", "5")]);
        assert_eq!(set, Ok(CacheSettings { capacity: 5 }));
    }

    #[test]
    fn what_is_no_capacity_is_reported_with_its_variable() {
        for value in ["0", "-1", "10000001", "many"] {
            let problems = read(&[("WAYPOST_CACHE_CAPACITY", value)]).unwrap_err();
            let expected = format!(
                "WAYPOST_CACHE_CAPACITY: \"{value}\" must be a whole number from 1 to 10000000"
            );
            assert!(problems.contains(&expected), "{problems}");
        }
    }
}
