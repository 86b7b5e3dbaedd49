//! The dashboard: pages for those who are signed in.

pub(crate) mod home;
mod list;
pub(crate) mod qr;
mod spark;
