//! Keywords: links of admins that pass on the rest of the path.

use waypost_core::{
    Action, Actor, AuditEvent, CodeError, Link, LinkContent, LinkDetails, LinkPlace, ShortCode,
    TargetUrl, TargetUrlError, decide,
};
use waypost_store::{LinkEdit, LinkQuery, LinkReader};

use super::audit::{Audited, target};
use super::{LinkError, Links, TRIES, permit};
use crate::{NewLink, ShortenError};

/// Number of deleted links read at a time.
const PAGE: u32 = 200;

/// A keyword to create.
#[derive(Debug, Clone)]
pub struct NewKeyword {
    /// The code, one segment.
    pub code: ShortCode,
    /// The destination, with `{slug}` for the rest of the path.
    pub target: TargetUrl,
    /// Its other settings.
    pub details: LinkDetails,
}

impl Links {
    /// Parses the destination of a keyword.
    ///
    /// # Errors
    /// [`TargetUrlError`] for an invalid one.
    pub fn keyword_target(&self, url: &str) -> Result<TargetUrl, TargetUrlError> {
        TargetUrl::parse_keyword(url, &self.shortener.0.base_url)
    }

    /// Creates a keyword, which has no owner. One that was removed is restored with the new
    /// settings, and keeps its clicks and its history.
    ///
    /// # Errors
    /// [`LinkError`] says what is invalid, or that the actor may not.
    pub async fn add_keyword(&self, actor: &Actor, new: NewKeyword) -> Result<Link, LinkError> {
        permit(decide(actor, Action::ManageKeywords, None))?;
        check_code(&new.code)?;
        let link = NewLink {
            target: new.target.clone(),
            code: Some(new.code.clone()),
            details: new.details.clone(),
        };
        match self.shortener.make_keyword(link).await {
            Ok(link) => {
                let created = Audited::Done(AuditEvent::KeywordCreated, target(&link.content()));
                self.audit(actor, &link, created).await;
                Ok(link)
            }
            Err(ShortenError::Taken(code)) => match self.removed(&code).await? {
                Some(removed) => self.bring_back(actor, removed, new).await,
                None => Err(LinkError::Taken(code)),
            },
            Err(error) => Err(error.into()),
        }
    }

    async fn bring_back(
        &self,
        actor: &Actor,
        removed: Link,
        new: NewKeyword,
    ) -> Result<Link, LinkError> {
        self.shortener.check_target(&new.target).await?;
        let content = LinkContent {
            code: new.code,
            target: new.target,
            details: new.details,
        };
        let taken = content.code.clone();
        let restore = LinkEdit::Restore(content);
        let restored = self.update(actor, &removed, restore).await?;
        // Another caller restored it in the meantime.
        restored.ok_or(LinkError::Taken(taken))
    }

    /// Returns a deleted keyword by its code. Few links are deleted, so they are searched one by
    /// one.
    async fn removed(&self, code: &ShortCode) -> Result<Option<Link>, LinkError> {
        let mut query = LinkQuery {
            deleted: true,
            ..LinkQuery::newest(LinkReader::All, PAGE)
        };
        loop {
            let links = self.store().list_links(&query).await?;
            let is_it = |link: &&Link| link.is_keyword && link.code == *code;
            if let Some(found) = links.iter().find(is_it) {
                return Ok(Some(found.clone()));
            }
            let Some(last) = links.last() else {
                return Ok(None);
            };
            query.after = Some(LinkPlace::behind(last, query.order));
        }
    }

    /// Returns at most `limit` keywords after `after`, in the order of their codes.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`], or of the store.
    pub async fn keywords(
        &self,
        actor: &Actor,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<Link>, LinkError> {
        permit(decide(actor, Action::ListKeywords, None))?;
        Ok(self.store().keywords(after, limit).await?)
    }

    /// Removes a keyword so that it can be restored.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] when it does not exist; the results of [`decide`].
    pub async fn remove_keyword(&self, actor: &Actor, typed: &str) -> Result<Link, LinkError> {
        permit(decide(actor, Action::ManageKeywords, None))?;
        for _ in 0..TRIES {
            let found = self.shortener.find(typed).await?;
            let keyword = found.filter(|link| link.is_keyword);
            let keyword = keyword.ok_or(LinkError::NotFound)?;
            if let Some(removed) = self.update(actor, &keyword, LinkEdit::Delete).await? {
                return Ok(removed);
            }
        }
        Err(LinkError::Contended)
    }

    /// Checks that a keyword is still a keyword after an edit.
    pub(super) fn check_keyword(&self, content: &mut LinkContent) -> Result<(), LinkError> {
        check_code(&content.code)?;
        content.target = self.keyword_target(content.target.as_str())?;
        Ok(())
    }
}

fn check_code(code: &ShortCode) -> Result<(), LinkError> {
    if code.has_segments() {
        return Err(CodeError::KeywordSegments.into());
    }
    Ok(())
}
