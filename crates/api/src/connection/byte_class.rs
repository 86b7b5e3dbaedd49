//! Classes of bytes, for parts of a request.

/// Letters, digits and some other bytes.
pub(super) struct Class([bool; 256]);

impl Class {
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated by the compiler, which has no iterators there"
    )]
    pub(super) const fn with(others: &[u8]) -> Self {
        let mut table = [false; 256];
        let (mut byte, mut place) = (0_u8, 0_usize);
        while byte < u8::MAX {
            let mut rest = others;
            while let Some((other, next)) = rest.split_first() {
                table[place] |= byte == *other;
                rest = next;
            }
            table[place] |= byte.is_ascii_alphanumeric();
            (byte, place) = (byte + 1, place + 1);
        }
        Self(table)
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).is_some_and(|has| *has)
    }

    pub(super) fn has_all(&self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.has(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_letters_digits_and_the_others() {
        const CLASS: Class = Class::with(b"-~");
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || b"-~".contains(&byte);
            assert_eq!(CLASS.has(byte), expected, "{byte}");
        }
        assert!(CLASS.has_all(b"a-Z~9") && CLASS.has_all(b"") && !CLASS.has_all(b"a b"));
    }
}
