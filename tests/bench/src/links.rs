//! The links of a run: as many as the database must contain, the same in every run.

use uuid::Uuid;

/// The letters of generated codes.
const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
const CODE_LENGTH: u32 = 7;
/// Odd, so that multiplying by it permutes the codes; near 2^35 divided by the golden ratio, so
/// that neighbours are far apart, as in randomly generated codes.
const STRIDE: u64 = 21_236_124_057;
/// 2025-01-01T00:00:00Z, in ms: the creation of every link.
const CREATED_MS: u128 = 1_735_689_600_000;

/// Returns the code of a link, by the link's number.
pub(crate) fn code(number: u32) -> String {
    let permuted = u64::from(number).wrapping_mul(STRIDE);
    (0..CODE_LENGTH)
        .map(|place| {
            let letter = (permuted >> (5 * place)) & 31;
            char::from(ALPHABET[usize::try_from(letter).expect("less than 32")])
        })
        .collect()
}

/// Returns the ID of a link, by the link's number: a UUIDv7.
pub(crate) fn id(number: u32) -> Uuid {
    Uuid::from_u128(CREATED_MS << 80 | 0x7 << 76 | 0x2 << 62 | u128::from(number))
}

/// Returns the destination of a link.
pub(crate) fn target(code: &str) -> String {
    format!("https://example.com/articles/{code}?utm_source=go")
}

/// Returns the numbers of the visited links, spread evenly over all stored ones.
pub(crate) fn visited(visited: u32, stored: u32) -> Vec<u32> {
    let number = |index: u32| u64::from(index) * u64::from(stored) / u64::from(visited);
    (0..visited)
        .map(|index| u32::try_from(number(index)).expect("less than `stored`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{code, id, visited};

    #[test]
    fn every_link_has_a_code_of_its_own() {
        let codes: BTreeSet<_> = (0..100_000).map(code).collect();
        assert_eq!(codes.len(), 100_000);
        assert!(codes.iter().all(|code| code.len() == 7));
    }

    #[test]
    fn ids_are_of_version_7() {
        assert_eq!(id(255).to_string(), "01941f29-7c00-7000-8000-0000000000ff");
    }

    #[test]
    fn the_visited_links_are_spread_over_the_stored_ones() {
        assert_eq!(visited(3, 3), [0, 1, 2]);
        assert_eq!(visited(3, 3_000_000_000), [0, 1_000_000_000, 2_000_000_000]);
    }
}
