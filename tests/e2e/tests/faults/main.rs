//! What can go wrong does, under load, and every click is accounted for.
//!
//! In `make test` each takes a short form; `make test-faults` (`WAYPOST_TEST_FAULTS=long`) runs the
//! long one and prints what was seen.

mod clock;
mod commit;
mod copies;
mod crash;
mod damage;
mod disk;
mod failover;
mod galera;
mod ingest;
mod journals;
mod nodes;
mod outage;
mod power;
mod refusals;
mod set_back;
mod setup;
