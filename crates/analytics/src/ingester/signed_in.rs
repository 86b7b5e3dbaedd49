//! The users of the clicks of a batch, looked up by the hashes of session cookies in the journal.
//!
//! The look-up happens right before each attempt to store a batch, once for all of its sessions,
//! and not at all without sessions. A session counts for the time in which it was valid: clicks
//! before a sign-out keep their user. Clicks of a deleted user have no user.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::sync::Arc;

use tokio::runtime::Handle;
use tracing::warn;
use waypost_core::{Click, ClickId, LinkId, SessionHash, UserId, VisitClass};
use waypost_store::{ClickBatch, SignedIn, Store, StoreError};

use super::facts::is_announced;

/// The sessions of visitors, by click.
pub(crate) type Sessions = HashMap<ClickId, SessionHash>;

/// Returns the batch with the users of its clicks, which are looked up on the runtime `home`.
///
/// # Errors
/// [`StoreError::Unavailable`], in which case nothing can be stored either. If the store rejects
/// the look-up for another reason, the clicks are stored without a user.
pub(super) async fn of(
    home: &Handle,
    store: &Arc<dyn Store>,
    batch: &Arc<ClickBatch>,
    sessions: &Sessions,
) -> Result<Arc<ClickBatch>, StoreError> {
    if sessions.is_empty() {
        return Ok(Arc::clone(batch));
    }
    let distinct: BTreeSet<SessionHash> = sessions.values().copied().collect();
    let distinct: Vec<SessionHash> = distinct.into_iter().collect();
    let asking = Arc::clone(store);
    let asked = home.spawn(async move { asking.users_of_sessions(&distinct).await });
    let known = match asked
        .await
        .unwrap_or_else(|ended| Err(StoreError::unavailable(ended)))
    {
        Ok(known) => known,
        Err(error @ StoreError::Unavailable { .. }) => return Err(error),
        Err(error) => {
            let error: &(dyn Error + 'static) = &error;
            warn!(
                error,
                "cannot look up signed-in visitors; storing their clicks without a user"
            );
            BTreeMap::new()
        }
    };
    let user = |click: &Click| {
        let signed_in: &SignedIn = known.get(sessions.get(&click.id)?)?;
        let counts = signed_in.covers(click.clicked_at);
        counts.then_some(signed_in.user_id)
    };
    let mut somebodys = ClickBatch::clone(batch);
    for click in &mut somebodys.clicks {
        click.user_id = user(click);
    }
    mark_own(home, store, &mut somebodys.clicks).await?;
    Ok(Arc::new(somebodys))
}

/// Sets the class of clicks by owners. Prefetches and previews that the request announces keep
/// their class.
async fn mark_own(
    home: &Handle,
    store: &Arc<dyn Store>,
    clicks: &mut [Click],
) -> Result<(), StoreError> {
    let pair = |click: &Click| Some((click.link_id, click.user_id?));
    let pairs: BTreeSet<(LinkId, UserId)> = clicks.iter().filter_map(pair).collect();
    if pairs.is_empty() {
        return Ok(());
    }
    let pairs: Vec<(LinkId, UserId)> = pairs.into_iter().collect();
    let store = Arc::clone(store);
    let asked = home.spawn(async move { store.filter_owned(&pairs).await });
    let asked = asked.await;
    let owned = match asked.unwrap_or_else(|ended| Err(StoreError::unavailable(ended))) {
        Ok(owned) => owned.into_iter().collect::<BTreeSet<_>>(),
        Err(error @ StoreError::Unavailable { .. }) => return Err(error),
        Err(error) => {
            let error: &(dyn Error + 'static) = &error;
            warn!(error, "cannot look up which clicks are by owners");
            return Ok(());
        }
    };
    for click in clicks {
        let is_own = pair(click).is_some_and(|pair| owned.contains(&pair));
        if is_own && !is_announced(&click.facts) {
            click.facts.class = Some(VisitClass::Own);
        }
    }
    Ok(())
}

/// Whether the only click of a batch has a user, who may have been deleted at this moment.
pub(super) fn is_lone_and_somebodys(batch: &ClickBatch) -> bool {
    matches!(batch.clicks.as_slice(), [click] if click.user_id.is_some())
}
