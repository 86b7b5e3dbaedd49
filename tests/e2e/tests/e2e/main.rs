//! End-to-end tests of the real programs on each database.

mod abuse;
mod audit;
mod budget;
mod configuration;
mod connections;
mod counting;
mod documents;
mod linkctl;
mod live;
mod oidc;
mod oidc_refusals;
mod openapi;
mod orphans;
mod outage;
mod people;
mod privacy;
mod privacy_report;
mod reclassify;
mod routing;
mod schema;
mod search;
mod shutdown;
mod sign_in;
mod statistics;
mod traces;
mod visits;
