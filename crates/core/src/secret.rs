//! Secrets that Waypost draws itself: 32 random bytes, which are shown once; what is stored is their
//! SHA-256. A secret of so much randomness cannot be guessed, so the hash needs neither salt nor slowness.

use crate::Random;

/// How many digits of base 62 32 bytes are.
pub(crate) const DIGITS: usize = 43;

/// Draws the text of a secret: the prefix and the digits.
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

/// The digits of a number of 256 bits, most significant first.
fn base_62(mut number: [u8; 32]) -> impl Iterator<Item = char> {
    const ALL: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = ['0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        // Divides by 62, a byte after the other; the remainder is the digit.
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

/// A kind of secret and its hash.
macro_rules! secret {
    ($(#[$doc:meta])* $secret:ident($prefix:literal), $(#[$hash_doc:meta])* $hash:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $secret(String);

        impl $secret {
            /// What every secret of this kind begins with: programs that look for leaked secrets find it
            /// by this.
            pub const PREFIX: &str = $prefix;

            /// Draws a secret.
            pub fn generate(random: &dyn $crate::Random) -> Self {
                Self($crate::secret::draw(Self::PREFIX, random))
            }

            /// The secret itself, to be shown to whom it was made for.
            #[must_use]
            pub fn reveal(&self) -> &str {
                &self.0
            }

            /// What is stored of it.
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
            /// The hash of whatever somebody presents as a secret.
            #[must_use]
            pub fn of(presented: &str) -> Self {
                Self(<sha2::Sha256 as sha2::Digest>::digest(presented.as_bytes()).into())
            }

            /// The hash of what has the form of such a secret; `None` for anything else, which is the
            /// secret of nobody.
            #[must_use]
            pub fn of_well_formed(presented: &str) -> Option<Self> {
                $crate::secret::is_well_formed(presented, $secret::PREFIX)
                    .then(|| Self::of(presented))
            }

            /// Takes a hash from where it is stored.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The hash for storing it.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }
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
        // 2^256 - 1, as any calculator of large numbers writes it.
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
