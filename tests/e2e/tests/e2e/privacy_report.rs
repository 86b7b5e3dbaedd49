//! `linkctl privacy report` names every column that there is, or this file says why it does not: a new
//! column fails here until somebody has decided.

use std::collections::BTreeSet;

use serde_json::Value;
use waypost_e2e::member::linkctl;
use waypost_test_harness::TestDatabase;

type Column = (String, String);

/// Columns in which nothing is stored of visitors or users, and why. `*`: all of the table.
const ABOUT_NOBODY: [(&str, &[&str]); 15] = [
    // Which migrations were applied, and SQLite's own books.
    ("__diesel_schema_migrations", &["*"]),
    ("sqlite_stat1", &["*"]),
    // How far the journals of servers are stored: positions and numbers.
    ("click_journals", &["*"]),
    // Which processes used a journal, on which host.
    ("click_journal_owners", &["*"]),
    // Numbers of clicks that are lost, and the reason that an operator gave.
    ("accepted_losses", &["*"]),
    // That a code has changed, for the memory of other servers.
    ("link_changes", &["*"]),
    // What links are: written by people, about the page that they lead to.
    (
        "links",
        &[
            "id",
            "code",
            "code_spelling",
            "target_url",
            "target_hash",
            "title",
            "description",
            "visibility",
            "forward_query",
            "disabled",
            "expires_at",
            "created_at",
            "updated_at",
            "deleted_at",
            "version",
            // That somebody owns it; who, is in link_owners.
            "owned",
        ],
    ),
    ("link_codes", &["*"]),
    ("keywords", &["*"]),
    ("tags", &["*"]),
    ("link_tags", &["*"]),
    ("link_words", &["*"]),
    // What is blocked; who has blocked it is in the report.
    ("blocked_hosts", &["pattern", "reason"]),
    // How many paths of a day are in orphan_paths.
    ("orphan_days", &["*"]),
    // Which process purges.
    ("leases", &["*"]),
];

async fn columns() -> BTreeSet<Column> {
    let database = TestDatabase::sqlite();
    linkctl(&database, &["migrate", "up"]).assert_success();
    let rows = database
        .rows(
            "select t.name, c.name from sqlite_master t join pragma_table_info(t.name) c \
             where t.type = 'table' order by 1, 2",
        )
        .await;
    let name = |name: &Option<String>| name.clone().expect("a name");
    let column = |row: &Vec<Option<String>>| (name(&row[0]), name(&row[1]));
    rows.iter().map(column).collect()
}

/// The columns that the report names; what is in the journal, a file, left out.
fn reported() -> BTreeSet<Column> {
    let database = TestDatabase::sqlite();
    let printed = linkctl(&database, &["privacy", "report", "--json"]).assert_success();
    let report: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    let fields = report["fields"].as_array().expect("fields").iter();
    let text = |field: &Value, name: &str| field[name].as_str().expect("a text").to_owned();
    fields
        .map(|field| {
            for name in ["source", "kept", "seenBy"] {
                assert!(!text(field, name).is_empty(), "{name} of {field}");
            }
            (text(field, "place"), text(field, "field"))
        })
        .filter(|(place, _)| place != "journal")
        .collect()
}

fn is_about_nobody((table, column): &Column) -> bool {
    ABOUT_NOBODY
        .iter()
        .any(|(name, columns)| name == table && (columns == &["*"] || columns.contains(&&**column)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_is_in_the_report_or_said_to_be_about_nobody() {
    let (columns, reported) = (columns().await, reported());
    assert!(columns.len() > 100, "{columns:?}");
    let undecided: Vec<&Column> = columns
        .iter()
        .filter(|column| !reported.contains(*column) && !is_about_nobody(column))
        .collect();
    assert!(undecided.is_empty(), "nobody has decided: {undecided:?}");
    let both: Vec<&Column> = reported.iter().filter(|it| is_about_nobody(it)).collect();
    assert!(both.is_empty(), "about nobody, and reported: {both:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_that_is_named_is_there() {
    let (columns, reported) = (columns().await, reported());
    let invented: Vec<&Column> = reported.difference(&columns).collect();
    assert!(invented.is_empty(), "there is no {invented:?}");
    // Of SQLite's own books, it depends on what was done whether they are there.
    for (table, names) in ABOUT_NOBODY {
        for name in names {
            let is_there = |(of, column): &Column| of == table && (*name == "*" || column == name);
            let found = columns.iter().any(is_there) || table == "sqlite_stat1";
            assert!(found, "there is no {table}.{name}");
        }
    }
}
