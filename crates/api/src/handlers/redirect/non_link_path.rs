//! Paths that are not those of links: files at well-known paths (`/robots.txt`) and previews
//! (`/{code}+`).
//!
//! None of them can be a code, so they are tried only after no link was found. They are not in the
//! table of routes, and redirects are not compared with them.

use std::borrow::Cow;
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse};

use super::preview;
use super::root_files::RootFile;
use crate::state::State;

/// The meaning of a path that matches no link.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NonLinkPath<'p> {
    /// A file.
    File(RootFile),
    /// The preview of the link with this path.
    Preview(Cow<'p, str>),
}

impl<'p> NonLinkPath<'p> {
    /// Returns the meaning of a path, if it has one.
    pub(crate) fn of(path: &'p str) -> Option<Self> {
        let file = RootFile::named(path).map(Self::File);
        file.or_else(|| preview::link_path(path).map(Self::Preview))
    }

    /// Responds with the file or the preview.
    pub(crate) async fn answer(
        self,
        request: &HttpRequest,
        state: &State,
        started: Instant,
    ) -> HttpResponse {
        match self {
            Self::File(file) => file.answer(request, state, started),
            Self::Preview(path) => preview::respond(request, state, &path, started).await,
        }
    }
}
