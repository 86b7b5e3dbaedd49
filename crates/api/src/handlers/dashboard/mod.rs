//! The dashboard: pages for those who are signed in.

pub(crate) mod home;
