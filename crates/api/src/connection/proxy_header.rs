//! The header of the PROXY protocol, version 2, with which a proxy names the client.
//!
//! The specification is that of HAProxy, `proxy-protocol.txt`, section 2.2. Only a trusted proxy is
//! asked for the header, and it must send one: a receiver must not guess (section 2). Version 1 is
//! not read.

use std::io;
use std::net::IpAddr;

use actix_web::web::BytesMut;
use ppp::v2::{Addresses, Command, Header, ParseError};

/// Maximum length, in bytes: the addresses and as many extensions as proxies send.
const MAX_BYTES: usize = 4_096;

/// What the bytes so far are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The whole header. `None` is a request of the proxy itself.
    Whole(Option<IpAddr>),
    /// The beginning of one.
    Partial,
}

/// Reads the header at the beginning of `bytes`, and removes it if it is whole.
///
/// # Errors
/// The bytes are not such a header, or it is longer than 4,096 bytes.
pub(super) fn read(bytes: &mut BytesMut) -> io::Result<Read> {
    let (length, source) = match Header::try_from(bytes.as_ref()) {
        Ok(header) => {
            let source = match (header.command, header.addresses) {
                (Command::Proxy, Addresses::IPv4(pair)) => Some(pair.source_address.into()),
                (Command::Proxy, Addresses::IPv6(pair)) => Some(pair.source_address.into()),
                _ => None,
            };
            (header.len(), source)
        }
        Err(ParseError::Incomplete(_) | ParseError::Partial(..)) if bytes.len() < MAX_BYTES => {
            return Ok(Read::Partial);
        }
        Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    };
    let _ = bytes.split_to(length);
    Ok(Read::Whole(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

    /// Section 2.2: version and command, family and protocol, length, addresses, extensions.
    fn header(command: u8, family: u8, rest: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::from(SIGNATURE);
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        bytes.extend_from_slice(&[0x20 | command, family]);
        bytes.extend_from_slice(&length);
        bytes.extend_from_slice(rest);
        bytes
    }

    #[test]
    fn the_client_is_read_and_what_follows_is_left() {
        let v4 = [203, 0, 113, 7, 10, 0, 0, 1, 0x30, 0x39, 0, 80];
        let mut bytes = header(1, 0x11, &v4);
        bytes.extend_from_slice(b"GET / HTTP/1.1\r\n");
        let client = "203.0.113.7".parse().unwrap();
        assert_eq!(read(&mut bytes).unwrap(), Read::Whole(Some(client)));
        assert_eq!(&bytes[..], b"GET / HTTP/1.1\r\n");

        let client: std::net::Ipv6Addr = "2001:db8::7".parse().unwrap();
        let mut v6 = client.octets().to_vec();
        v6.extend_from_slice(&[0; 20]);
        // An extension of type NOOP with three bytes.
        v6.extend_from_slice(&[4, 0, 3, 1, 2, 3]);
        let mut bytes = header(1, 0x21, &v6);
        assert_eq!(read(&mut bytes).unwrap(), Read::Whole(Some(client.into())));
        assert!(bytes.is_empty());
    }

    #[test]
    fn a_check_by_the_proxy_itself_names_nobody() {
        assert_eq!(read(&mut header(0, 0, &[])).unwrap(), Read::Whole(None));
        // A Unix socket, and a family that is not specified.
        let unix = read(&mut header(1, 0x31, &[b'x'; 216])).unwrap();
        assert_eq!(unix, Read::Whole(None));
        assert_eq!(read(&mut header(1, 0, &[])).unwrap(), Read::Whole(None));
    }

    #[test]
    fn a_part_is_waited_for_and_what_is_no_header_is_refused() {
        let whole = header(1, 0x11, &[0; 12]);
        for length in 0..whole.len() {
            let mut part = BytesMut::from(&whole[..length]);
            assert_eq!(read(&mut part).unwrap(), Read::Partial, "{length}");
            assert_eq!(part.len(), length);
        }
        for bad in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"PROXY TCP4 203.0.113.7 10.0.0.1 12345 80\r\n",
            b"\r\n\r\nGET /",
        ] {
            assert!(read(&mut BytesMut::from(bad)).is_err(), "{bad:?}");
        }
        let mut long = header(1, 0x11, &[0; 60_000]);
        long.truncate(MAX_BYTES);
        assert!(read(&mut long).is_err());
    }
}
