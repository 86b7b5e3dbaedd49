//! The pages in a real browser: each of them looked at and checked, and what people do on them.

mod checks;
mod data;
mod every_page;
mod home;
mod journey;
mod signing_in;
mod site;
