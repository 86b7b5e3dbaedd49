//! The dashboard: pages for signed-in users.

pub(crate) mod address_bar;
pub(crate) mod codes;
pub(crate) mod home;
pub(crate) mod link;
mod list;
pub(crate) mod offers;
pub(crate) mod placeholders;
pub(crate) mod qr;
mod spark;
pub(crate) mod statistics;
pub(crate) mod tools;
