//! Whether a code is free: told to who thinks of one. It is decided when a link claims it.

use waypost_core::{Action, Actor, LinkId, ShortCode, decide};

use super::{LinkError, Links, permit};

/// What is true of a code at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// A link can have it.
    Free,
    /// It is a code of the link that it is for, or was one.
    Own,
    /// Another link has it, or had it, or stands in its way.
    Taken,
}

impl Links {
    /// Whether a code is free: for a new link, or for one that `actor` may change.
    ///
    /// It tells no more than an attempt to make a link with that code.
    ///
    /// # Errors
    /// [`LinkError::Code`] for what cannot be a code; the answers of [`decide`], or of the store.
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
                    Ok(_) => Ok(Availability::Own),
                    Err(LinkError::Store(error)) => Err(error.into()),
                    Err(_) => Ok(Availability::Taken),
                }
            }
            Some(_) => Ok(Availability::Taken),
            None => {
                self.shortener.0.reserved.check(&code)?;
                Ok(Availability::Free)
            }
        }
    }
}
