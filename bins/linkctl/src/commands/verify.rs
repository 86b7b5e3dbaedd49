//! `linkctl verify`: recounts, and shows differences.

use std::path::Path;

use serde::Serialize;
use waypost_analytics::ledger::JournalLedger;
use waypost_analytics::{Verification, ledger};
use waypost_core::{AcceptedLossId, Clock, Count, Random};
use waypost_store::{AcceptedLoss, Dropped, LinkLedger, Store};

use super::journal::JournalRecord;
use crate::cli::Verify;
use crate::console::{Console, HEADING};
use crate::failure::{Failure, Status};
use crate::progress::Progress;

/// What the command uses.
pub(super) struct Parts<'a> {
    pub(super) store: &'a dyn Store,
    /// The directory of the journal of this machine.
    pub(super) journal: &'a Path,
    pub(super) clock: &'a dyn Clock,
    pub(super) random: &'a dyn Random,
}

pub(super) async fn run(
    command: &Verify,
    parts: &Parts<'_>,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let store = parts.store;
    let links = store.counts().await?.links;
    let progress = Progress::start(console, links, "links");
    let mut report = Report::new(console);
    let mut printed = Ok(());
    let verification = ledger::verify(
        store,
        |verification| progress.at(verification.links),
        |link| {
            // After a failure to print, only the count continues.
            if printed.is_ok() {
                printed = progress.aside(|| report.difference(link));
            }
        },
    )
    .await?;
    drop(progress);
    printed?;
    let mut journals = ledger::journals(store, parts.journal).await?;
    if let Some(reason) = &command.accept {
        let accepted = accept(parts, &journals, reason).await?;
        report.accepted(accepted);
        journals = ledger::journals(store, parts.journal).await?;
    }
    report.end(&verification, &journals)?;
    Ok(
        if verification.agrees() && journals.iter().all(JournalLedger::agrees) {
            Status::Done
        } else {
            Status::Differences
        },
    )
}

/// Accepts every loss that can be accepted. Returns the numbers of clicks and of journals.
async fn accept(
    parts: &Parts<'_>,
    journals: &[JournalLedger],
    reason: &str,
) -> Result<(u64, u64), Failure> {
    let (mut accepted, mut of_journals) = (0_u64, 0_u64);
    for journal in journals {
        let losses = journal.to_accept();
        let settled = journal.settled.as_ref();
        let dropped = settled.map_or_else(Dropped::default, |settled| settled.dropped);
        of_journals = of_journals.saturating_add(u64::from(!losses.is_empty()));
        for clicks in losses {
            let at = parts.clock.now();
            let loss = AcceptedLoss {
                id: AcceptedLossId::new(at, parts.random),
                journal: journal.id,
                clicks,
                losses: dropped.losses(),
                rejected: dropped.rejected,
                retried: journal.retried,
                reason: reason.to_owned(),
                accepted_at: at,
            };
            parts.store.accept_loss(&loss).await?;
            accepted = accepted.saturating_add(clicks);
        }
    }
    Ok((accepted, of_journals))
}

/// The start of the JSON document, up to the first difference.
const JSON_BEGINS: &str = "{\"differences\":[";

/// Prints differences as they are found, without keeping them in memory. In JSON, the whole report
/// is one document.
struct Report<'a, 'b> {
    console: &'a mut Console<'b>,
    differences: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DifferenceRecord<'a> {
    short_code: &'a str,
    total: u64,
    rollup: u64,
    humans: u64,
    rollup_humans: u64,
    rows: u64,
    purged: u64,
}

impl<'a, 'b> Report<'a, 'b> {
    const fn new(console: &'a mut Console<'b>) -> Self {
        Self {
            console,
            differences: 0,
        }
    }

    fn difference(&mut self, link: &LinkLedger) -> Result<(), Failure> {
        let first = self.differences == 0;
        self.differences = self.differences.saturating_add(1);
        if self.console.json {
            let record = DifferenceRecord {
                short_code: link.code.spelling(),
                total: link.total,
                rollup: link.rollup,
                humans: link.humans,
                rollup_humans: link.rollup_humans,
                rows: link.rows,
                purged: link.purged,
            };
            self.console
                .json_part(if first { JSON_BEGINS } else { "," }, &record)?;
        } else {
            if first {
                self.console.line(format_args!(
                    "{HEADING}{:<16}  {:>12}  {:>12}  {:>12}  {:>12}  {:>12}  {:>12}{HEADING:#}",
                    "CODE", "TOTAL", "DAILY SUM", "CLICKS", "PURGED", "PEOPLE", "DAILY PEOPLE"
                ))?;
            }
            self.console.line(format_args!(
                "{:<16}  {:>12}  {:>12}  {:>12}  {:>12}  {:>12}  {:>12}",
                link.code.spelling(),
                link.total,
                link.rollup,
                link.rows,
                link.purged,
                link.humans,
                link.rollup_humans
            ))?;
        }
        self.console.flush()
    }

    /// Prints what was accepted.
    fn accepted(&mut self, (clicks, journals): (u64, u64)) {
        self.console.say(match journals {
            0 => "no loss to accept".to_owned(),
            _ => format!(
                "accepted the loss of {} in {}",
                Count::of(clicks, "click"),
                Count::of(journals, "journal")
            ),
        });
    }

    fn end(self, verification: &Verification, journals: &[JournalLedger]) -> Result<(), Failure> {
        let Verification {
            links,
            clicks,
            rows,
            purged,
            differences,
        } = verification;
        if self.console.json {
            let begins = if self.differences == 0 {
                JSON_BEGINS
            } else {
                ""
            };
            let records: Vec<_> = journals.iter().map(JournalRecord::from).collect();
            let journals_agree = journals.iter().all(JournalLedger::agrees);
            self.console
                .json_part(&format!("{begins}],\"journals\":"), &records)?;
            return self.console.line(format_args!(
                ",\"links\":{links},\"clicks\":{clicks},\"rows\":{rows},\"purged\":{purged},\
                 \"agrees\":{}}}",
                verification.agrees() && journals_agree
            ));
        }
        for journal in journals {
            self.console.line(super::journal::account(journal))?;
            for problem in &journal.problems {
                let problem = super::journal::explained(problem);
                self.console
                    .say(format_args!("journal {}: {problem}", journal.id));
            }
        }
        if verification.agrees() {
            return self.console.line(format_args!(
                "{} and {}: totals, daily totals and click records agree ({} without a record)",
                Count::of(*links, "link"),
                Count::of(*clicks, "click"),
                Count::of(*purged, "click")
            ));
        }
        self.console.say(format_args!(
            "{differences} of {} do not agree; a total must equal the sum of its daily totals and \
             the sum of its stored and purged click records; clicks by people must equal the sum \
                 of their daily totals",
            Count::of(*links, "link")
        ));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_core::{LinkId, SeededRandom, ShortCode, SystemClock, SystemRandom};
    use waypost_store::MemoryStore;

    use super::*;
    use crate::console::Printed;

    fn ledger(code: &str, total: u64, rollup: u64) -> LinkLedger {
        LinkLedger {
            link_id: LinkId::new(datetime!(2026-03-01 12:00 UTC), &SeededRandom::new(1)),
            code: ShortCode::parse(code).unwrap(),
            total,
            rollup,
            humans: 1,
            rollup_humans: 1,
            rows: 3,
            purged: 2,
        }
    }

    fn journal(stored: u64) -> JournalLedger {
        let at = datetime!(2026-03-01 12:00 UTC);
        let random = SeededRandom::new(1);
        let id = waypost_core::JournalId::new(at, &random);
        let owner = waypost_core::JournalOwner::new(at, &random);
        let claim = waypost_store::JournalClaim::new(id, owner, 0, at);
        JournalLedger {
            id,
            problems: Vec::new(),
            retried: 0,
            settled: Some(waypost_store::JournalRecord {
                committed: 20,
                stored,
                dropped: waypost_store::Dropped {
                    link_deleted: 2,
                    ..Default::default()
                },
                ..waypost_store::JournalRecord::registered(&claim)
            }),
            pending: Some(3),
        }
    }

    async fn report(json: bool, differences: &[LinkLedger]) -> Printed {
        let verification = Verification {
            links: 3,
            clicks: 20,
            rows: 18,
            purged: 2,
            differences: u64::try_from(differences.len()).unwrap(),
        };
        let (ended, printed) = Printed::by(json, None, async |console| {
            let mut report = Report::new(console);
            differences
                .iter()
                .try_for_each(|link| report.difference(link))?;
            report.end(&verification, &[journal(18)])
        })
        .await;
        ended.unwrap();
        printed
    }

    #[tokio::test]
    async fn if_everything_agrees_one_line_says_so() {
        let store = MemoryStore::new();
        let (ended, printed) = Printed::by(false, None, async |c| {
            let parts = Parts {
                store: &store,
                journal: Path::new("nowhere"),
                clock: &SystemClock,
                random: &SystemRandom,
            };
            run(&Verify::default(), &parts, c).await
        })
        .await;
        assert_eq!(ended.unwrap(), Status::Done);
        assert!(printed.output.starts_with("0 links and 0 clicks: "));
        assert_eq!(printed.output.lines().count(), 1);
    }

    #[tokio::test]
    async fn differences_are_a_table() {
        let printed = report(false, &[ledger("Wiki", 6, 5), ledger("cnn", 5, 4)]).await;
        assert_eq!(
            printed.output,
            format!(
                "CODE                     TOTAL     DAILY SUM        CLICKS        PURGED        \
                 PEOPLE  DAILY PEOPLE\n\
                 Wiki                         6             5             3             2             1             1\n\
                 cnn                          5             4             3             2             1             1\n\
                 journal {}: 23 clicks accepted = 18 stored + 3 pending + 2 dropped (link_deleted 2)\n",
                journal(18).id
            )
        );
        assert!(printed.messages.starts_with("2 of 3 links do not agree"));
    }

    #[tokio::test]
    async fn the_report_is_one_json_document_with_any_number_of_differences() {
        for differences in [
            vec![],
            vec![ledger("Wiki", 6, 5)],
            vec![ledger("Wiki", 6, 5), ledger("cnn", 5, 4)],
        ] {
            let printed = report(true, &differences).await;
            let document: serde_json::Value = serde_json::from_str(&printed.output).unwrap();
            let listed = document["differences"].as_array().unwrap();
            assert_eq!(listed.len(), differences.len());
            for (listed, expected) in listed.iter().zip(&differences) {
                assert_eq!(listed["shortCode"], expected.code.spelling());
                assert_eq!(listed["total"], expected.total);
                assert_eq!(listed["rollup"], expected.rollup);
                assert_eq!((&listed["rows"], &listed["purged"]), (&3.into(), &2.into()));
            }
            assert_eq!(document["links"], 3);
            assert_eq!(document["clicks"], 20);
            let journal = &document["journals"][0];
            assert_eq!(journal["accepted"], 23);
            assert_eq!(
                (&journal["stored"], &journal["pending"]),
                (&18.into(), &3.into())
            );
            assert_eq!(journal["dropped"]["link_deleted"], 2);
            assert_eq!(document["agrees"], differences.is_empty());
        }
    }
}
