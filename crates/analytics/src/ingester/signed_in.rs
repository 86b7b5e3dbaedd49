//! Who made the clicks of a batch: from the hashes of session cookies, which the journal keeps, to users.
//!
//! It is asked right before each attempt to store a batch, once for all of its sessions, and not at all
//! when there are none. A session counts for the time in which it was valid: whoever signs out before a
//! click is stored had made it all the same. Whoever is deleted made it as nobody.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::sync::Arc;

use tokio::runtime::Handle;
use tracing::warn;
use waypost_core::{Click, ClickId, LinkId, SessionHash, UserId, VisitClass};
use waypost_store::{ClickBatch, SignedIn, Store, StoreError};

/// The sessions that visitors presented, by their clicks.
pub(crate) type Sessions = HashMap<ClickId, SessionHash>;

/// The batch with who made its clicks, which is asked for on the runtime `home`.
///
/// # Errors
/// [`StoreError::Unavailable`]: then nothing can be stored either. Where the store refuses the look-up for
/// another reason, the clicks are nobody's, and no less counted.
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
                "it cannot be found out who made clicks; they are nobody's"
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

/// Gives the clicks of owners their class. What a browser fetched ahead stays that.
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
            warn!(error, "it cannot be found out which clicks are of owners");
            return Ok(());
        }
    };
    for click in clicks {
        let is_own = pair(click).is_some_and(|pair| owned.contains(&pair));
        if is_own && click.facts.class != Some(VisitClass::Prefetch) {
            click.facts.class = Some(VisitClass::Own);
        }
    }
    Ok(())
}

/// Whether the only click of a batch is somebody's: they may have been deleted in this moment.
pub(super) fn is_lone_and_somebodys(batch: &ClickBatch) -> bool {
    matches!(batch.clicks.as_slice(), [click] if click.user_id.is_some())
}
