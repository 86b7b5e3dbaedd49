//! Fault injection under load: every click is accounted for. `make test` runs the short form; `make
//! test-faults` (`WAYPOST_TEST_FAULTS=long`) runs the long form and prints the observations.

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
