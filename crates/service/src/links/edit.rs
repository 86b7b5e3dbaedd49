//! Changing links, deleting and restoring them.

use time::OffsetDateTime;
use waypost_core::{
    Action, Actor, AuditEvent, Description, Link, LinkContent, LinkId, LinkVersion, ShortCode, Tag,
    TargetUrl, Title, Visibility,
};
use waypost_store::{LinkEdit, LinkUpdate, StoreError, Updated};

use super::audit::Audited;
use super::{LinkError, Links, OwnedLink, TRIES, not_deleted};
use crate::audit::Note;
use crate::templates::settle_template;

/// What to change of a link; fields that are `None` stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkPatch {
    /// The destination.
    pub target: Option<TargetUrl>,
    /// The code. The former code keeps working.
    pub code: Option<ShortCode>,
    /// The title.
    pub title: Option<Title>,
    /// The description.
    pub description: Option<Description>,
    /// The visibility.
    pub visibility: Option<Visibility>,
    /// The tags.
    pub tags: Option<Vec<Tag>>,
    /// When it expires; `Some(None)` for never.
    pub expires_at: Option<Option<OffsetDateTime>>,
    /// Whether it is disabled.
    pub disabled: Option<bool>,
    /// Whether the query of a visitor is added to that of the destination.
    pub forward_query: Option<bool>,
    /// Whether each `$name` in the destination is a placeholder. A template whose new destination
    /// has no placeholder is no longer a template; if this is set, the change is refused.
    pub template: Option<bool>,
}

impl LinkPatch {
    /// Returns a patch that sets all of a content.
    #[must_use]
    pub fn all_of(content: LinkContent) -> Self {
        let details = content.details;
        Self {
            target: Some(content.target),
            code: Some(content.code),
            title: Some(details.title),
            description: Some(details.description),
            visibility: Some(details.visibility),
            tags: Some(details.tags),
            expires_at: Some(details.expires_at),
            disabled: Some(details.disabled),
            forward_query: Some(details.forward_query),
            template: Some(details.template),
        }
    }

    fn apply(self, to: &mut LinkContent) {
        fn set<T>(to: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *to = new;
            }
        }
        let details = &mut to.details;
        set(&mut to.target, self.target);
        set(&mut to.code, self.code);
        set(&mut details.title, self.title);
        set(&mut details.description, self.description);
        set(&mut details.visibility, self.visibility);
        set(&mut details.tags, self.tags);
        set(&mut details.expires_at, self.expires_at);
        set(&mut details.disabled, self.disabled);
        set(&mut details.forward_query, self.forward_query);
        set(&mut details.template, self.template);
    }
}

/// The version of a link that a caller wants to change (RFC 9110 §13.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Any version.
    #[default]
    None,
    /// One of these versions.
    OneOf(Vec<u32>),
}

impl Precondition {
    pub(super) fn check(&self, link: &Link) -> Result<(), LinkError> {
        match self {
            Self::None => Ok(()),
            Self::OneOf(versions) if versions.contains(&link.version) => Ok(()),
            Self::OneOf(_) => Err(LinkError::PreconditionFailed),
        }
    }
}

impl Links {
    /// Changes a link. If nothing differs, its version stays.
    ///
    /// # Errors
    /// [`LinkError`] says why it was not changed.
    pub async fn edit(
        &self,
        actor: &Actor,
        id: LinkId,
        precondition: &Precondition,
        patch: &LinkPatch,
    ) -> Result<OwnedLink, LinkError> {
        for _ in 0..TRIES {
            let link = self.permitted(actor, Action::EditLink, id).await?;
            let link = not_deleted(link)?;
            precondition.check(&link)?;
            let mut content = link.content();
            patch.clone().apply(&mut content);
            let wants_template = patch.template == Some(true);
            settle_template(&mut content, link.is_keyword, wants_template)?;
            if content.is_same_as(&link.content()) {
                return self.with_owners(link).await;
            }
            if link.is_keyword {
                self.check_keyword(&mut content)?;
            }
            if content.target != link.target {
                self.shortener.check_target(&content.target).await?;
            }
            if content.code != link.code {
                self.check_new_code(actor, Some(&content.code)).await?;
            }
            if let Some(link) = self
                .update(actor, &link, LinkEdit::Content(content))
                .await?
            {
                return self.with_owners(link).await;
            }
        }
        Err(LinkError::Contended)
    }

    /// Deletes a link so that it can be restored. Its codes stay reserved.
    ///
    /// # Errors
    /// [`LinkError`] says why it was not deleted.
    pub async fn delete(
        &self,
        actor: &Actor,
        id: LinkId,
        precondition: &Precondition,
    ) -> Result<(), LinkError> {
        for _ in 0..TRIES {
            let link = self.permitted(actor, Action::DeleteLink, id).await?;
            let link = not_deleted(link)?;
            precondition.check(&link)?;
            if self.update(actor, &link, LinkEdit::Delete).await?.is_some() {
                return Ok(());
            }
        }
        Err(LinkError::Contended)
    }

    /// Permanently deletes a link with its clicks and its history, whether it is already deleted or
    /// not.
    ///
    /// # Errors
    /// [`LinkError`] says why it was not deleted.
    pub async fn destroy(
        &self,
        actor: &Actor,
        id: LinkId,
        precondition: &Precondition,
    ) -> Result<(), LinkError> {
        let link = self.permitted(actor, Action::DestroyLink, id).await?;
        precondition.check(&link)?;
        let codes = self.store().codes_of_link(id).await?;
        let _change = self.shortener.change(codes);
        if self.store().delete_link(id).await? {
            let note = Note {
                event: AuditEvent::Purged,
                subject: link.code.as_str(),
                detail: "link deleted permanently".to_owned(),
            };
            self.audit.record_of(actor, note).await;
            return Ok(());
        }
        Err(LinkError::NotFound)
    }

    /// Restores a link: as it was when it was deleted, or as it was at `version`.
    ///
    /// # Errors
    /// [`LinkError`] says why it was not restored.
    pub async fn restore(
        &self,
        actor: &Actor,
        id: LinkId,
        precondition: &Precondition,
        version: Option<u32>,
    ) -> Result<OwnedLink, LinkError> {
        for _ in 0..TRIES {
            let action = match version {
                Some(_) => Action::EditLink,
                None => Action::DeleteLink,
            };
            let link = self.permitted(actor, action, id).await?;
            precondition.check(&link)?;
            let mut content = match version {
                Some(version) => self.content_at(&link, version).await?,
                None => link.content(),
            };
            settle_template(&mut content, link.is_keyword, false)?;
            if !link.is_deleted() && content.is_same_as(&link.content()) {
                return self.with_owners(link).await;
            }
            if version.is_some() {
                self.shortener.check_target(&content.target).await?;
            }
            if content.code != link.code {
                self.check_new_code(actor, Some(&content.code)).await?;
            }
            if let Some(link) = self
                .update(actor, &link, LinkEdit::Restore(content))
                .await?
            {
                return self.with_owners(link).await;
            }
        }
        Err(LinkError::Contended)
    }

    /// Returns the content of a link at a version. The first version of a link that is older than
    /// the history follows from the old values in the second.
    async fn content_at(&self, link: &Link, version: u32) -> Result<LinkContent, LinkError> {
        let above = version.checked_add(2);
        let versions = self.store().link_versions(link.id, above, 2).await?;
        let content = |found: LinkVersion| match found.number {
            number if number == version => Some(found.after.content),
            number if Some(number) == version.checked_add(1) => {
                found.before.map(|before| before.content)
            }
            _ => None,
        };
        let found = versions.into_iter().rev().find_map(content);
        found.ok_or(LinkError::NoSuchVersion)
    }

    /// Updates the version of the link that was read. Returns `None` when it is no longer the
    /// newest.
    pub(super) async fn update(
        &self,
        actor: &Actor,
        link: &Link,
        edit: LinkEdit,
    ) -> Result<Option<Link>, LinkError> {
        let mut codes = self.store().codes_of_link(link.id).await?;
        let new_code = match &edit {
            LinkEdit::Content(content) | LinkEdit::Restore(content) => Some(content.code.clone()),
            _ => None,
        };
        codes.extend(new_code.clone());
        let _change = self.shortener.change(codes);
        let audited = Audited::of(link, &edit);
        let update = LinkUpdate {
            link: link.id,
            version: link.version,
            by: actor.user_id(),
            at: self.shortener.0.clock.now(),
            edit,
        };
        match self.store().update_link(&update).await {
            Ok(Updated::Done(link)) => {
                if let Some(audited) = audited {
                    self.audit(actor, &link, audited).await;
                }
                Ok(Some(link))
            }
            Ok(Updated::Stale) => Ok(None),
            Ok(Updated::Missing) => Err(LinkError::NotFound),
            Err(StoreError::Conflict) => Err(match new_code {
                Some(code) => LinkError::Taken(code),
                None => StoreError::Conflict.into(),
            }),
            Err(StoreError::NotFound) => Err(LinkError::NoSuchUser),
            Err(error) => Err(error.into()),
        }
    }
}
