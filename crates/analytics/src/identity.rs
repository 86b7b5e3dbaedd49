//! The stored form of a visitor's IP address: its hash with the salt of the day.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use waypost_core::{IpHash, Salt};

/// Computes the SHA-256 of an IP address followed by the salt.
///
/// The address is hashed as its octets in network order, 4 for IPv4 or 16 for IPv6; IPv4 written as
/// IPv6 (`::ffff:192.0.2.1`) counts as IPv4. The salt has 32 bytes. The input therefore has 36 or
/// 48 bytes, and an IPv4 input never equals an IPv6 one. Within a day the same address has the same
/// hash on every server. Without the salt the hash cannot be recomputed.
#[must_use]
pub fn ip_hash(address: IpAddr, salt: &Salt) -> IpHash {
    let digest = match address.to_canonical() {
        IpAddr::V4(address) => Sha256::new_with_prefix(address.octets()),
        IpAddr::V6(address) => Sha256::new_with_prefix(address.octets()),
    };
    IpHash::from_bytes(digest.chain_update(salt.as_bytes()).finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(address: &str, salt: u8) -> String {
        ip_hash(address.parse().unwrap(), &Salt::from_bytes([salt; 32])).to_string()
    }

    #[test]
    fn the_hash_is_over_the_octets_and_the_salt() {
        // Computed with sha256sum from '\xc0\x00\x02\x01' and 32 times '\x41'.
        assert_eq!(
            hash("192.0.2.1", 0x41),
            "1bb5fbcc4306536e181a3dad487f2161d44c054746ed02ab57c36086c30355bf"
        );
        // The same with the 16 octets of 2001:db8::1.
        assert_eq!(
            hash("2001:db8::1", 0x41),
            "169669fd8e3a65ddbf8307e11545c84d594c0b60531a3755c89a40245eca0e3e"
        );
    }

    #[test]
    fn the_same_address_has_one_hash_a_day_and_another_the_next() {
        assert_eq!(hash("192.0.2.1", 1), hash("::ffff:192.0.2.1", 1));
        assert_ne!(hash("192.0.2.1", 1), hash("192.0.2.1", 2));
        assert_ne!(hash("192.0.2.1", 1), hash("192.0.2.2", 1));
    }
}
