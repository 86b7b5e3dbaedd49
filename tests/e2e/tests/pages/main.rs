//! The pages in a real browser: each of them looked at and checked, and what people do on them.

mod checks;
mod every_page;
mod signing_in;
mod site;
