//! The stores on real databases: one binary, which starts each database once.

#![expect(clippy::unwrap_used, reason = "test code: it fails by panicking")]

mod conformance;
mod faults;
mod forgetting;
mod left_over;
mod migrations;
mod outages;
mod search_index;
mod several_servers;
mod support;
mod urls;
