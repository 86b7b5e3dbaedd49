//! The conformance suite of the port on each database.

use waypost_test_harness::Kind;

use crate::support;

mod sqlite {
    waypost_store_testkit::conformance_tests!(super::support::Databases::of(super::Kind::Sqlite));
}

mod postgres {
    waypost_store_testkit::conformance_tests!(super::support::Databases::of(super::Kind::Postgres));
}

mod mariadb {
    waypost_store_testkit::conformance_tests!(super::support::Databases::of(super::Kind::MariaDb));
}
