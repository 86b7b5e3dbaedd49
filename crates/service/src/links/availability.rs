//! Whether a code is available. The answer is a hint; a link claims its code when it is created or
//! changed.

use waypost_core::{Action, Actor, LinkId, ShortCode, decide};

use super::{LinkError, Links, permit};

/// The present state of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// A link can have it.
    Free,
    /// It is, or was, a code of the link in question.
    Own,
    /// Another link has it, had it, or is in its way.
    Taken,
}

impl Links {
    /// Returns whether a code is available, for a new link or for one that `actor` may change.
    ///
    /// Reveals no more than an attempt to create a link with that code.
    ///
    /// # Errors
    /// [`LinkError::Code`] for what cannot be a code, [`LinkError::PathOwned`]; the results of
    /// [`decide`], or of the store.
    pub async fn availability(
        &self,
        actor: &Actor,
        typed: &str,
        of: Option<LinkId>,
    ) -> Result<Availability, LinkError> {
        permit(decide(actor, Action::CreateLink, None))?;
        let code = ShortCode::parse(typed)?;
        match self.store().holder_of_code(&code).await? {
            Some(holder) if Some(holder) == of => {
                match self.permitted(actor, Action::EditLink, holder).await {
                    Ok(link) if link.code == code => Ok(Availability::Own),
                    Ok(_) => {
                        self.check_new_code(actor, Some(&code)).await?;
                        Ok(Availability::Own)
                    }
                    Err(LinkError::Store(error)) => Err(error.into()),
                    Err(_) => Ok(Availability::Taken),
                }
            }
            holder => {
                self.check_new_code(actor, Some(&code)).await?;
                let is_free = holder.is_none();
                Ok(if is_free {
                    Availability::Free
                } else {
                    Availability::Taken
                })
            }
        }
    }
}
