//! Secrets that Waypost generates: 32 random bytes, shown only once and stored as SHA-256. A secret
//! of this size cannot be guessed, so that the hash needs no salt and can be fast.

use crate::Random;

/// Number of base 62 digits of 32 bytes.
pub(crate) const DIGITS: usize = 43;

/// Generates the text of a secret: the prefix and the digits.
pub(crate) fn draw(prefix: &str, random: &dyn Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    let mut text = String::from(prefix);
    text.extend(base_62(bytes));
    text
}

/// Whether a text has the form of a secret with this prefix.
pub(crate) fn is_well_formed(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix);
    digits.is_some_and(|digits| {
        digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Returns the base 62 digits of a 256-bit number, most significant first.
fn base_62(mut number: [u8; 32]) -> impl Iterator<Item = char> {
    const ALL: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = ['0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        // Divide by 62, byte by byte. The remainder is the digit.
        let mut remainder = 0;
        for byte in &mut number {
            let dividend = remainder << 8 | u16::from(*byte);
            *byte = u8::try_from(dividend / 62).unwrap_or(u8::MAX);
            remainder = dividend % 62;
        }
        if let Some(character) = ALL.get(usize::from(remainder)) {
            *digit = char::from(*character);
        }
    }
    digits.into_iter()
}

/// Defines a kind of secret and its hash.
macro_rules! secret {
    ($(#[$doc:meta])* $secret:ident($prefix:literal), $(#[$hash_doc:meta])* $hash:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $secret(String);

        impl $secret {
            /// The prefix of every secret of this kind, by which secret scanners recognise it.
            pub const PREFIX: &str = $prefix;

            /// Generates a secret.
            pub fn generate(random: &dyn $crate::Random) -> Self {
                Self($crate::secret::draw(Self::PREFIX, random))
            }

            /// Returns the secret, to show it to its owner.
            #[must_use]
            pub fn reveal(&self) -> &str {
                &self.0
            }

            /// Returns the hash, which is stored.
            #[must_use]
            pub fn hash(&self) -> $hash {
                $hash::of(&self.0)
            }
        }

        impl std::fmt::Debug for $secret {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($secret), "(…)"))
            }
        }

        $(#[$hash_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $hash([u8; 32]);

        impl $hash {
            /// Computes the hash of a presented text.
            #[must_use]
            pub fn of(presented: &str) -> Self {
                Self(<sha2::Sha256 as sha2::Digest>::digest(presented.as_bytes()).into())
            }

            /// Computes the hash of a presented text. Returns `None` if the text does not have the
            /// form of a secret.
            #[must_use]
            pub fn of_well_formed(presented: &str) -> Option<Self> {
                $crate::secret::is_well_formed(presented, $secret::PREFIX)
                    .then(|| Self::of(presented))
            }
        }

        $crate::stored_bytes::stored_bytes!($hash);
    };
}

pub(crate) use secret;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_32_bytes_in_base_62() {
        let digits = |bytes| base_62(bytes).collect::<String>();
        assert_eq!(digits([0; 32]), "0".repeat(43));
        let mut bytes = [0; 32];
        bytes[30..].copy_from_slice(&(62_u16 * 62 - 1).to_be_bytes());
        assert_eq!(digits(bytes), format!("{}zz", "0".repeat(41)));
        // 2^256 - 1, computed with another program.
        let greatest = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";
        assert_eq!(digits([0xff; 32]), greatest);
    }

    #[test]
    fn the_form_of_a_secret_is_its_prefix_and_43_digits() {
        let drawn = draw("wp_", &crate::SeededRandom::new(1));
        assert!(is_well_formed(&drawn, "wp_"));
        for (text, prefix) in [
            ("", "wp_"),
            (&*drawn, "wps_"),
            (&drawn[1..], "wp_"),
            (&drawn[..45], "wp_"),
            (&format!("{drawn}0"), "wp_"),
            (&format!("wp_{}", "-".repeat(43)), "wp_"),
        ] {
            assert!(!is_well_formed(text, prefix), "{text:?}");
        }
    }
}
