//! Free ports.
//!
//! Another process may take the port before the database does; the start is then tried again
//! (`database_server.rs`).

use std::net::{Ipv4Addr, TcpListener};

/// Below the range from which Linux takes the ports of outgoing connections (32768–60999), so that
/// the many connections of concurrent tests do not take it first.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Returns a free port of 127.0.0.1, for a server that must know its own port before it starts.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    free().unwrap_or_else(|message| panic!("{message}"))
}

/// Returns a free port of 127.0.0.1.
pub(crate) fn free() -> Result<u16, String> {
    for _ in 0..100 {
        let offset = crate::random::number() % u64::from(COUNT);
        let port = FIRST + u16::try_from(offset).expect("less than COUNT");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(format!(
        "found no free port from {FIRST} to {}",
        FIRST + COUNT - 1
    ))
}
