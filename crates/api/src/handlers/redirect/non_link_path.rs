//! What is beside the links: files whose address is given by others (`/robots.txt`), and previews (`/{code}+`).
//!
//! None of them could be a code, so they are looked for where there is no link. They need no room among the routes,
//! and a redirect is compared with none of them.

use std::borrow::Cow;
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse};

use super::preview;
use super::root_files::RootFile;
use crate::state::State;

/// What a path means that is none of a link.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NonLinkPath<'p> {
    /// A file.
    File(RootFile),
    /// The preview of the link of this path.
    Preview(Cow<'p, str>),
}

impl<'p> NonLinkPath<'p> {
    /// What a path means, if anything.
    pub(crate) fn of(path: &'p str) -> Option<Self> {
        let file = RootFile::named(path).map(Self::File);
        file.or_else(|| preview::link_path(path).map(Self::Preview))
    }

    /// Answers with it.
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
