//! The conformance suite of the port on each database.

#![expect(clippy::unwrap_used, reason = "test code: it fails by panicking")]

mod support;

use waypost_test_harness::Kind;

mod sqlite {
    waypost_store_testkit::conformance_tests!(super::support::Databases::of(super::Kind::Sqlite));
}

mod postgres {
    waypost_store_testkit::conformance_tests!(super::support::Databases::of(super::Kind::Postgres));
}

mod mariadb {
    waypost_store_testkit::conformance_tests!(super::support::Databases::of(super::Kind::MariaDb));
}
