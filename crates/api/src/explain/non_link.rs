//! Paths that are not those of links: files that crawlers and browsers look for, and previews.

use waypost_core::Actor;
use waypost_store::StoreError;

use super::sent::Sent;
use super::{ExplainedStep, Explainer};
use crate::handlers::redirect::non_link_path::NonLinkPath;
use crate::handlers::redirect::preview;

/// What the visitor of a file gets.
pub(super) const FILE: &str = "a file of Waypost itself, which anyone may read";
/// What the visitor of a preview gets.
pub(super) const PREVIEW: &str = "the preview of the link, which shows where it goes";

/// The meaning of a path that matches no link, with the step that says so.
pub(super) enum NonLink {
    File(ExplainedStep),
    /// The preview of the link with this path.
    Preview(String, ExplainedStep),
}

impl Explainer<'_> {
    /// Returns the meaning of a path that is not that of a link, if it has one.
    pub(super) async fn non_link_path(
        &self,
        sent: &Sent<'_>,
        caller: &Actor,
    ) -> Result<Option<NonLink>, StoreError> {
        let Some(meaning) = NonLinkPath::of(&sent.path) else {
            return Ok(None);
        };
        let routed = self.routed(sent, caller, &mut Vec::new()).await?;
        if routed.is_some_and(|routed| !preview::is_meant(&sent.path, &routed)) {
            return Ok(None);
        }
        let path = &sent.path;
        Ok(Some(match meaning {
            NonLinkPath::File(_) => NonLink::File(ExplainedStep {
                what: "reserved",
                found: format!("`{path}` is a file of Waypost itself, not a link"),
            }),
            NonLinkPath::Preview(link) => {
                let found = format!("`{path}` is the preview of `{link}`");
                let what = "preview";
                NonLink::Preview(link.into_owned(), ExplainedStep { what, found })
            }
        }))
    }
}
