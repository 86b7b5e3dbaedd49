//! `linkctl privacy report` lists every column, or this file says why not: a new column fails this
//! test until its content has been reviewed.

use std::collections::BTreeSet;

use serde_json::Value;
use waypost_e2e::member::linkctl;
use waypost_test_harness::TestDatabase;

type Column = (String, String);

/// Columns without data of visitors or users, with the reason. `*`: all columns of the table.
const ABOUT_NOBODY: [(&str, &[&str]); 17] = [
    // Applied migrations, and internal tables of SQLite.
    ("__diesel_schema_migrations", &["*"]),
    ("sqlite_stat1", &["*"]),
    // How far the journals of servers are stored: positions and counts.
    ("click_journals", &["*"]),
    // Which processes used a journal, on which host.
    ("click_journal_owners", &["*"]),
    // Numbers of lost clicks, and the reason that an operator gave.
    ("accepted_losses", &["*"]),
    // Changed codes, for the caches of other servers.
    ("link_changes", &["*"]),
    // The content of links: written by users about the destination.
    (
        "links",
        &[
            "id",
            "code",
            "code_spelling",
            "target_url",
            "target_hash",
            "search_version",
            "title",
            "description",
            "visibility",
            "forward_query",
            "template",
            "disabled",
            "expires_at",
            "created_at",
            "updated_at",
            "deleted_at",
            "version",
            // Whether the link has an owner; link_owners says who.
            "owned",
        ],
    ),
    ("link_codes", &["*"]),
    ("keywords", &["*"]),
    ("tags", &["*"]),
    ("link_tags", &["*"]),
    ("link_words", &["*"]),
    // Blocked hosts; who blocked them is in the report.
    ("blocked_hosts", &["pattern", "reason"]),
    // Number of paths of a day in orphan_paths.
    ("orphan_days", &["*"]),
    // The process that purges.
    ("leases", &["*"]),
    // When salts were destroyed.
    ("salt_traces", &["*"]),
    // Keys of the servers, which say nothing about anybody.
    ("server_keys", &["*"]),
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

/// Returns the columns in the report, without the fields of the journal, which is a file.
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
async fn every_column_is_in_the_report_or_has_no_personal_data() {
    let (columns, reported) = (columns().await, reported());
    assert!(columns.len() > 100, "{columns:?}");
    let undecided: Vec<&Column> = columns
        .iter()
        .filter(|column| !reported.contains(*column) && !is_about_nobody(column))
        .collect();
    assert!(undecided.is_empty(), "not reviewed yet: {undecided:?}");
    let both: Vec<&Column> = reported.iter().filter(|it| is_about_nobody(it)).collect();
    assert!(both.is_empty(), "both listed here and reported: {both:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_that_is_named_is_there() {
    let (columns, reported) = (columns().await, reported());
    let invented: Vec<&Column> = reported.difference(&columns).collect();
    assert!(invented.is_empty(), "there is no {invented:?}");
    // The internal tables of SQLite do not always exist.
    for (table, names) in ABOUT_NOBODY {
        for name in names {
            let is_there = |(of, column): &Column| of == table && (*name == "*" || column == name);
            let found = columns.iter().any(is_there) || table == "sqlite_stat1";
            assert!(found, "there is no {table}.{name}");
        }
    }
}
