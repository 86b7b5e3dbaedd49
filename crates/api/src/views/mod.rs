//! Data that JSON and pages share.

pub(crate) mod audit;
pub(crate) mod blocklist;
pub(crate) mod clicks;
pub(crate) mod keywords;
pub(crate) mod links;
pub(crate) mod orphans;
pub(crate) mod paths;
pub(crate) mod people;
pub(crate) mod sessions;
pub(crate) mod simple;
