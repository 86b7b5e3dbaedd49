//! Paths that are not those of links: pages of Waypost itself, files that crawlers and browsers look
//! for, and previews; and requests that are refused.

use waypost_core::Actor;
use waypost_store::StoreError;

use super::sent::Sent;
use super::{ExplainedStep, ExplainedVisit, Explainer};
use crate::handlers::redirect::non_link_path::NonLinkPath;
use crate::handlers::redirect::preview;

/// What the visitor of a preview gets.
pub(super) const PREVIEW: &str = "the preview of the link, which shows where it goes";

/// What a visitor gets instead of a redirect, with the step that says so.
pub(super) enum Instead {
    /// An answer with this status and message.
    Answer(Option<ExplainedStep>, u16, String),
    /// The preview of the link with this path.
    Preview(String, ExplainedStep),
}

impl Explainer<'_> {
    /// Returns what the visitor gets if the path is not that of a link.
    pub(super) async fn instead(
        &self,
        sent: &Sent<'_>,
        visit: &ExplainedVisit<'_>,
    ) -> Result<Option<Instead>, StoreError> {
        if let Some(error) = sent.fault() {
            let status = error.code().status().as_u16();
            return Ok(Some(Instead::Answer(None, status, error.to_string())));
        }
        if let Some(own) = self.own_path(sent).await? {
            let own = own.answer(&visit.visitor.actor);
            return Ok(Some(Instead::Answer(
                Some(own.step),
                own.status,
                own.message,
            )));
        }
        self.non_link_path(sent, visit.caller).await
    }

    /// Returns the meaning of a path that matches no link, if it has one.
    async fn non_link_path(
        &self,
        sent: &Sent<'_>,
        caller: &Actor,
    ) -> Result<Option<Instead>, StoreError> {
        let Some(meaning) = NonLinkPath::of(&sent.path) else {
            return Ok(None);
        };
        let routed = self.routed(sent, caller, &mut Vec::new()).await?;
        if routed.is_some_and(|routed| !preview::is_meant(&sent.path, &routed)) {
            return Ok(None);
        }
        let path = &sent.path;
        Ok(Some(match meaning {
            NonLinkPath::File(_) => {
                let step = ExplainedStep {
                    what: "reserved",
                    found: format!("`{path}` is a file of Waypost itself, not a link"),
                };
                let message = "a file of Waypost itself, which anyone may read";
                Instead::Answer(Some(step), 200, message.to_owned())
            }
            NonLinkPath::Preview(link) => {
                let step = ExplainedStep {
                    what: "preview",
                    found: format!("`{path}` is the preview of `{link}`"),
                };
                Instead::Preview(link.into_owned(), step)
            }
        }))
    }
}
