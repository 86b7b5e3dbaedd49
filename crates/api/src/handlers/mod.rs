//! The handlers: parse, call one domain function, render.
//!
//! The table in [`crate::routes`] says who can call each of them.
//!
//! | folder | handlers of |
//! | --- | --- |
//! | `redirect/` | `/{code}`, paths that are not links, and previews |
//! | `simple/` | `/shorten` and `/urls` |
//! | `v1/` | the REST API, `/api/v1` |
//! | `operation/` | health, metrics, API documentation |
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
