//! Writes the audit trail: the services record what they have done to accounts, rights and rules.

use std::sync::Arc;

use tracing::error;
use waypost_core::{
    Action, Actor, AuditActor, AuditEntry, AuditEvent, AuditId, AuditText, Clock, IdSequence,
    IpHash, Random, decide,
};
use waypost_store::{AuditQuery, Store, StoreError};

use crate::{LinkError, permit};

/// Who asks for a change, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requester {
    /// Who asks.
    pub actor: Actor,
    /// The hash of the IP address of the request, with the salt of the day.
    pub origin: Option<IpHash>,
}

impl Requester {
    /// The operator, on the machine of the server.
    #[must_use]
    pub const fn operator() -> Self {
        Self {
            actor: Actor::Operator,
            origin: None,
        }
    }
}

/// Writes and lists the audit trail. Clones are cheap.
#[derive(Clone)]
pub struct Audit {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Orders the entries of one microsecond.
    sequence: Arc<IdSequence>,
    requester: Option<Arc<Requester>>,
}

/// What to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// What happened.
    pub event: AuditEvent,
    /// What it was done to: an email address, a code, a host.
    pub subject: &'a str,
    /// What changed, for people; may be empty.
    pub detail: String,
}

impl Audit {
    /// Creates the audit trail of a store. What it records was done by the server itself, until
    /// [`Audit::requested_by`] names who asked.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            store,
            clock,
            random,
            sequence: Arc::default(),
            requester: None,
        }
    }

    /// Returns the same audit trail for changes that `requester` asks for.
    #[must_use]
    pub fn requested_by(&self, requester: Arc<Requester>) -> Self {
        Self {
            requester: Some(requester),
            ..self.clone()
        }
    }

    /// Records what was just done for the requester.
    ///
    /// The change is already stored: an entry that cannot be stored is logged instead.
    pub async fn record(&self, note: Note<'_>) {
        let actor = self.requester.as_ref().map(|requester| &requester.actor);
        self.write(actor, note).await;
    }

    /// Records what `actor` has just done, as [`Audit::record`] does.
    pub async fn record_of(&self, actor: &Actor, note: Note<'_>) {
        self.write(Some(actor), note).await;
    }

    async fn write(&self, actor: Option<&Actor>, note: Note<'_>) {
        let event = note.event;
        if let Err(failure) = self.try_write(actor, note).await {
            error!(%event, error = %failure, "cannot write the audit trail");
        }
    }

    async fn try_write(&self, actor: Option<&Actor>, note: Note<'_>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let actor = match actor {
            None => AuditActor::server(),
            Some(actor) => {
                let user = match actor.user_id() {
                    Some(id) => self.store.user(id).await?,
                    None => None,
                };
                let name = user.as_ref().map_or("", |user| user.email.as_str());
                AuditActor::of(actor, name)
            }
        };
        let origin = self.requester.as_ref();
        let entry = AuditEntry {
            id: AuditId::in_sequence(now, &self.sequence, &*self.random),
            created_at: now,
            event: note.event,
            actor,
            subject: AuditText::cut(note.subject),
            detail: AuditText::cut(&note.detail),
            origin: origin.and_then(|requester| requester.origin),
        };
        self.store.add_audit_entry(&entry).await
    }

    /// Returns entries, newest first.
    ///
    /// # Errors
    /// [`LinkError`] with the result of [`decide`], or of the store.
    pub async fn entries(
        &self,
        actor: &Actor,
        query: &AuditQuery,
    ) -> Result<Vec<AuditEntry>, LinkError> {
        permit(decide(actor, Action::ViewAudit, None))?;
        Ok(self.store.audit_entries(query).await?)
    }
}
