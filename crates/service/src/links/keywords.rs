//! Keywords: links of admins, whose code takes all that a path has behind it.

use waypost_core::{
    Action, Actor, CodeError, Link, LinkContent, LinkDetails, LinkPlace, ShortCode, TargetUrl,
    TargetUrlError, decide,
};
use waypost_store::{LinkEdit, LinkQuery, LinkReader};

use super::{LinkError, Links, TRIES, permit};
use crate::{NewLink, ShortenError};

/// Deleted links that are looked through at a time.
const PAGE: u32 = 200;

/// A keyword to be made.
#[derive(Debug, Clone)]
pub struct NewKeyword {
    /// What visitors type, one segment.
    pub code: ShortCode,
    /// Where it leads, with `{slug}` where the rest of the path goes.
    pub target: TargetUrl,
    /// What else is decided about it.
    pub details: LinkDetails,
}

impl Links {
    /// Reads the target of a keyword.
    ///
    /// # Errors
    /// [`TargetUrlError`] for what it cannot be.
    pub fn keyword_target(&self, url: &str) -> Result<TargetUrl, TargetUrlError> {
        TargetUrl::parse_keyword(url, &self.shortener.0.base_url)
    }

    /// Makes a keyword, which is nobody's. One that was removed is restored with what is said now, and has
    /// its clicks and its history.
    ///
    /// # Errors
    /// [`LinkError`] says what is not acceptable, or that they may not.
    pub async fn add_keyword(&self, actor: &Actor, new: NewKeyword) -> Result<Link, LinkError> {
        permit(decide(actor, Action::ManageKeywords, None))?;
        check_code(&new.code)?;
        let link = NewLink {
            target: new.target.clone(),
            code: Some(new.code.clone()),
            details: new.details.clone(),
        };
        match self.shortener.make_keyword(link).await {
            Ok(link) => Ok(link),
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
        // Somebody else brought it back meanwhile.
        restored.ok_or(LinkError::Taken(taken))
    }

    /// A keyword that is deleted, by its code. Few links are.
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

    /// At most `limit` keywords behind `after`, in the order of their codes.
    ///
    /// # Errors
    /// [`LinkError`] with the answer of [`decide`], or of the store.
    pub async fn keywords(
        &self,
        actor: &Actor,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<Link>, LinkError> {
        permit(decide(actor, Action::ListKeywords, None))?;
        Ok(self.store().keywords(after, limit).await?)
    }

    /// Removes a keyword, so that it can be restored.
    ///
    /// # Errors
    /// [`LinkError::NotFound`] when there is none; the answers of [`decide`].
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

    /// What a keyword becomes by an edit is one still.
    pub(super) fn check_keyword(&self, content: &mut LinkContent) -> Result<(), LinkError> {
        check_code(&content.code)?;
        content.target = self.keyword_target(content.target.as_str())?;
        Ok(())
    }
}

fn check_code(code: &ShortCode) -> Result<(), LinkError> {
    if code.has_segments() {
        return Err(CodeError::BadCharacter { character: '/' }.into());
    }
    Ok(())
}
