//! Pages in a real browser: checks of every page, and what people do on them.

mod checks;
mod data;
mod documentation;
mod every_page;
mod home;
mod journey;
mod provider;
mod signing_in;
mod site;
mod wide;
