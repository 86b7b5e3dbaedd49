//! The handlers: parse, call one domain function, render.
//!
//! The table in [`crate::routes`] says whom each of them is for.
//!
//! | folder | what it answers |
//! | --- | --- |
//! | `redirect/` | `/{code}`, what is found there instead of a link, and previews |
//! | `simple/` | `/shorten` and `/urls` |
//! | `v1/` | the REST API, `/api/v1` |
//! | `operation/` | health, metrics, the documentation of the API |
//! | `auth/` | signing in and out |
//! | `dashboard/`, `settings/`, `admin/` | pages |

pub(crate) mod admin;
pub(crate) mod assets;
pub(crate) mod auth;
pub(crate) mod dashboard;
pub(crate) mod operation;
pub(crate) mod public;
pub(crate) mod redirect;
pub(crate) mod settings;
pub(crate) mod simple;
pub(crate) mod v1;
