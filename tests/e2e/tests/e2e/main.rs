//! End-to-end tests: the real programs, on each database, used as people use them.

mod abuse;
mod configuration;
mod counting;
mod linkctl;
mod oidc;
mod oidc_refusals;
mod openapi;
mod orphans;
mod outage;
mod people;
mod privacy;
mod routing;
mod schema;
mod shutdown;
mod sign_in;
