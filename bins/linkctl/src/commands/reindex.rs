//! `linkctl reindex`: indexes for search the links of an earlier release.

use serde::Serialize;
use waypost_core::Count;
use waypost_service::index_links;
use waypost_store::Store;

use crate::cli::Reindex;
use crate::console::Console;
use crate::failure::{Failure, Status};
use crate::progress::Progress;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReindexedRecord {
    dry_run: bool,
    indexed: u64,
    left: u64,
}

pub(super) async fn run(
    command: Reindex,
    store: &dyn Store,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let dry_run = command.dry_run;
    let (indexed, left) = if dry_run {
        (0, store.links_to_index().await?)
    } else {
        (index(store, console).await?, 0)
    };
    if console.json {
        console.json(&ReindexedRecord {
            dry_run,
            indexed,
            left,
        })?;
    } else if dry_run {
        console.line(format_args!("{} to index", Count::of(left, "link")))?;
    } else {
        console.line(format_args!("indexed {}", Count::of(indexed, "link")))?;
    }
    Ok(Status::Done)
}

/// Indexes all links, also those that other servers leave. Returns the number of indexed ones.
async fn index(store: &dyn Store, console: &Console<'_>) -> Result<u64, Failure> {
    let mut bar: Option<Progress> = None;
    let mut done = 0;
    let ended = index_links(store, |progress| {
        done = progress.indexed;
        let total = progress.indexed.saturating_add(progress.left);
        let start = || Progress::start(console, total, "links");
        bar.get_or_insert_with(start).at(done);
    })
    .await;
    drop(bar);
    ended.map_err(|source| Failure::ReindexStopped {
        indexed: done,
        source,
    })
}

#[cfg(test)]
mod tests {
    use waypost_store::MemoryStore;

    use super::*;
    use crate::console::Printed;

    #[tokio::test]
    async fn the_result_is_printed_as_text_and_as_json() {
        let store = MemoryStore::new();
        for (dry_run, json, expected) in [
            (false, false, "indexed 0 links\n"),
            (true, false, "0 links to index\n"),
            (false, true, "{\"dryRun\":false,\"indexed\":0,\"left\":0}\n"),
            (true, true, "{\"dryRun\":true,\"indexed\":0,\"left\":0}\n"),
        ] {
            let (status, printed) = Printed::by(json, None, async |console| {
                run(Reindex { dry_run }, &store, console).await
            })
            .await;
            assert_eq!(status.unwrap(), Status::Done);
            assert_eq!(printed.output, expected);
        }
    }
}
