//! The metrics of connections.
//!
//! | name | kind | meaning |
//! | --- | --- | --- |
//! | `waypost_connections` | gauge | open connections |
//! | `waypost_connections_ended_total{reason}` | counter | connections that the server ended: `idle`, `shed`, `slow_head`, `slow_body`, `slow_reader` |
//! | `waypost_connections_refused_total{reason}` | counter | connections that got no place: `share`, `full`, `stopping`, `proxy_header` |

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

use super::places::Refusal;
use super::slot::Ending;

const CONNECTIONS: &str = "waypost_connections";
const ENDED: &str = "waypost_connections_ended_total";
const REFUSED: &str = "waypost_connections_refused_total";

/// The series of connections. Clones share their values.
#[derive(Clone)]
pub(crate) struct ConnectionMetrics {
    open: Gauge,
    ended: [(Ending, Counter); 5],
    refused: [(Refusal, Counter); 4],
}

impl ConnectionMetrics {
    /// Registers the series. Runs within the recorder, so that the macros of [`metrics`] find it.
    pub(crate) fn register() -> Self {
        describe_gauge!(CONNECTIONS, Unit::Count, "Open connections.");
        describe_counter!(
            ENDED,
            Unit::Count,
            "Connections that the server ended before the client, by reason."
        );
        describe_counter!(
            REFUSED,
            Unit::Count,
            "Connections that were closed at once because there was no place, by reason."
        );
        let ended = |ending: Ending| (ending, counter!(ENDED, "reason" => ending.name()));
        let refused = |why: Refusal| (why, counter!(REFUSED, "reason" => why.name()));
        Self {
            open: gauge!(CONNECTIONS),
            ended: Ending::ALL.map(ended),
            refused: Refusal::ALL.map(refused),
        }
    }

    pub(super) fn opened(&self) {
        self.open.increment(1);
    }

    pub(super) fn closed(&self) {
        self.open.decrement(1);
    }

    pub(super) fn ended(&self, ending: Ending, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        for (_, counter) in self.ended.iter().filter(|(of, _)| *of == ending) {
            counter.increment(count);
        }
    }

    pub(super) fn refused(&self, refusal: Refusal) {
        for (_, counter) in self.refused.iter().filter(|(of, _)| *of == refusal) {
            counter.increment(1);
        }
    }
}
