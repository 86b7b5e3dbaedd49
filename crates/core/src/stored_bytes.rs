//! Types around 32 bytes that are stored as they are.

/// Lets a type around 32 bytes be stored.
macro_rules! stored_bytes {
    ($name:ident) => {
        impl $name {
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
    };
}

pub(crate) use stored_bytes;
