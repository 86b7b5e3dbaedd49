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

            /// Takes stored bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes, for hashing and storing.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

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
