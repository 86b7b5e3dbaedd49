//! HTTP tests: real servers on free ports with in-memory stores, called as clients call them.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: it fails by panicking"
)]

mod admin_pages;
mod admin_user_pages;
mod bad_input;
mod blocklist;
mod browser;
mod clicks;
mod dashboard;
mod disk;
mod documentation;
mod explain;
mod gated_store;
mod headers;
mod invalid_requests;
mod limits;
mod link_code_check;
mod link_pages;
mod link_people_pages;
mod links;
mod live;
mod lock_out;
mod log;
mod metrics;
mod operation;
mod orphans;
mod page_queries;
mod page_statistics;
mod page_statistics_live;
mod page_words;
mod pages;
mod paths;
mod people;
mod prefix;
mod proxies;
mod public;
mod raw;
mod raw_targets;
mod redirect;
mod reserved;
mod rest_accounts;
mod rest_follow;
mod rest_history;
mod rest_links;
mod rest_lists;
mod rest_people;
mod sessions;
mod settings_pages;
mod setup;
mod sign_in;
mod simple;
mod statistics;
mod templates;
mod walk;
mod ways_in;
