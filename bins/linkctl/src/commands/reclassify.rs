//! `linkctl reclassify`: classifies stored clicks again and updates their daily totals.

use serde::Serialize;
use time::OffsetDateTime;
use waypost_analytics::reclassify::{Reclassified, reclassify};
use waypost_analytics::{LISTS, UserAgents};
use waypost_core::{ClickId, Count, Zone};
use waypost_store::Store;

use crate::cli::Reclassify;
use crate::console::Console;
use crate::failure::{Failure, Status};
use crate::progress::Progress;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReclassifiedRecord {
    seen: u64,
    changed: u64,
    lists: &'static str,
}

pub(super) async fn run(
    command: &Reclassify,
    store: &dyn Store,
    zone: &Zone,
    now: OffsetDateTime,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    console.say(format_args!("lists: {LISTS}"));
    // An upper bound: a run that continues after a click has fewer.
    let rows = store.clicks_before(now.into()).await?;
    let progress = Progress::start(console, rows, "clicks");
    let after = command.after.map(ClickId::from_uuid);
    let mut done = Reclassified::default();
    let ended = reclassify(store, &UserAgents::new(), zone, after, |now_done| {
        done = *now_done;
        progress.at(done.seen);
    })
    .await;
    drop(progress);
    if let Err(source) = ended {
        let after = done.last.or(after).map(|id| id.to_string());
        return Err(Failure::ReclassifyStopped { after, source });
    }
    if console.json {
        console.json(&ReclassifiedRecord {
            seen: done.seen,
            changed: done.changed,
            lists: LISTS,
        })?;
        return Ok(Status::Done);
    }
    let seen = Count::of(done.seen, "click");
    console.line(format_args!("checked {seen}, changed {}", done.changed))?;
    Ok(Status::Done)
}
