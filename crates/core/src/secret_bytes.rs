//! Random bytes that are secrets: they are stored, and never printed.

/// Declares a type of 32 random bytes, with its description.
macro_rules! secret_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Generates random bytes.
            pub fn generate(random: &dyn crate::Random) -> Self {
                let mut bytes = [0; 32];
                random.fill(&mut bytes);
                Self(bytes)
            }
        }

        $crate::stored_bytes::stored_bytes!($name);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

secret_bytes! {
    /// The 32 random bytes with which IP addresses of one day are hashed. A secret: it is never
    /// printed.
    Salt
}

secret_bytes! {
    /// A key of 32 random bytes that all servers of an installation share. A secret: it is never
    /// printed.
    ServerKey
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_bytes_are_never_printed() {
        let (salt, key) = (Salt::from_bytes([65; 32]), ServerKey::from_bytes([65; 32]));
        assert_eq!(format!("{salt:?} {key:?}"), "Salt(…) ServerKey(…)");
    }
}
