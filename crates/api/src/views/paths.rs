//! Codes below the codes of other links, as the API and pages show them.

use serde::Serialize;
use utoipa::ToSchema;
use waypost_core::{Actor, ShortCode};
use waypost_service::{CodeBelow, ForeignCode, OwnedLink, Shortener};

use super::links::{LinkView, OwnerView};

/// A code of another link below a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CodeBelow)]
pub(crate) struct CodeBelowView {
    /// The code.
    #[schema(example = "jira/abc", min_length = 3, max_length = 64)]
    pub(crate) code: String,
    /// Its link; `null` if it is deleted, or if the caller cannot see it.
    pub(crate) link: Option<LinkView>,
}

impl CodeBelowView {
    pub(crate) fn new(below: &CodeBelow, actor: &Actor, shortener: &Shortener) -> Self {
        let view = |link: &OwnedLink| LinkView::new(link, actor, shortener);
        Self {
            code: below.code.spelling().to_owned(),
            link: below.link.as_ref().map(view),
        }
    }
}

/// A page of codes below a link, in alphabetical order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CodesBelowList {
    pub(crate) codes: Vec<CodeBelowView>,
    /// Cursor of the next page; `null` on the last page.
    pub(crate) next_cursor: Option<String>,
}

/// A code below a link of other owners; `linkctl --json` prints the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ForeignCode)]
pub struct ForeignCodeRecord {
    /// The code.
    #[schema(example = "jira/abc", min_length = 3, max_length = 64)]
    pub(crate) code: String,
    /// Its link.
    pub(crate) link: HolderRecord,
    /// The nearest code above it.
    #[schema(example = "jira", min_length = 1, max_length = 64)]
    pub(crate) above: String,
    /// The link of the code above it.
    pub(crate) link_above: HolderRecord,
}

/// The link that has a code, or had it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CodeHolder)]
pub struct HolderRecord {
    /// The ID of the link.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// The destination.
    #[schema(example = "https://example.com/", max_length = 2048)]
    pub(crate) url: String,
    /// Whether the link is deleted.
    pub(crate) deleted: bool,
    /// Whether the link is a keyword.
    pub(crate) keyword: bool,
    /// The owners, the primary owner first; empty if the link has no owner.
    pub(crate) owners: Vec<OwnerView>,
}

impl From<&OwnedLink> for HolderRecord {
    fn from(owned: &OwnedLink) -> Self {
        let OwnedLink { link, owners } = owned;
        Self {
            id: link.id.to_string(),
            url: link.target.as_str().to_owned(),
            deleted: link.is_deleted(),
            keyword: link.is_keyword,
            owners: owners.iter().map(OwnerView::from).collect(),
        }
    }
}

impl HolderRecord {
    /// Returns the email address of the primary owner, if there is one.
    #[must_use]
    pub fn primary(&self) -> Option<&str> {
        self.owners.first().map(|owner| owner.person.email.as_str())
    }
}

impl ForeignCodeRecord {
    /// Returns the link of the code.
    #[must_use]
    pub const fn link(&self) -> &HolderRecord {
        &self.link
    }

    /// Returns the link of the code above it.
    #[must_use]
    pub const fn link_above(&self) -> &HolderRecord {
        &self.link_above
    }
}

impl From<&ForeignCode> for ForeignCodeRecord {
    fn from(foreign: &ForeignCode) -> Self {
        let text = |code: &ShortCode| code.spelling().to_owned();
        Self {
            code: text(&foreign.code),
            link: (&foreign.link).into(),
            above: text(&foreign.above),
            link_above: (&foreign.link_above).into(),
        }
    }
}

/// A page of codes below links of other owners, in alphabetical order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForeignCodeList {
    pub(crate) codes: Vec<ForeignCodeRecord>,
    /// Cursor of the next page; `null` on the last page.
    pub(crate) next_cursor: Option<String>,
}
