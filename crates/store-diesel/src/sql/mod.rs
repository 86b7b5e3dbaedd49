//! The queries: written once, compiled once per database.
//!
//! Each backend includes this folder (`#[path = "sql/mod.rs"] mod sql;`) and has a `dialect` beside
//! it. The import from there lists the items that a backend must provide:
//!
//! | item | what it is |
//! | --- | --- |
//! | `Backend`, `Connection` | the database and a connection to it, as diesel names them |
//! | `IdColumn`, `RawId`, `OwnedRawId` | the type of ID columns, and what it writes and reads |
//! | `raw_id`, `id_from_raw` | a UUID as the database stores it, and back |
//! | `InstantColumn` | the type of time columns |
//! | `connect` | opens a connection for a pool, given the URL and whether there are other servers |
//! | `begin` | begins a transaction that may write |
//! | `fault` | the meaning of an error of diesel; may query the connection |
//! | `Ingester` | stores clicks: `settle` stores all of a job or nothing, `close` closes the connections |
//! | `make_durable` | waits until all commits so far are on disk; `false` when the journal has another owner |
//! | `forget_deleted` | tries to remove deleted data from the files, too; whether nothing is left |
//! | `space` | the size of the file, if the database is one |
//! | `release_space` | makes the file smaller by unused pages |
//! | `make_room_for_purge` | prepares a connection for deleting many rows |
//! | `TAKES_TURNS` | whether purges of the same kind must wait for each other |
//! | `SEEKS_BY_WHOLE_KEY` | whether `a = x AND b < y` is found by both columns of an index |
//!
//! The other items are pieces of SQL:
//!
//! | item | what it is |
//! | --- | --- |
//! | `NOW` | the time of the database |
//! | `FOR_UPDATE` | ends a query that locks its rows until the transaction ends |
//! | `INSERT_NEW`, `INSERT_NEW_END` | begin and end an insertion that skips existing rows |
//! | `ADD_HITS` | ends an insertion of orphan paths that adds the hits to existing rows |
//! | `NO_INDEX` | prefix of a condition whose column must not use an index |
//! | `WITH_LINKS` | joins the rows of `d` with their links, looked up one by one |
//! | `TO_INDEX` | whether the words of a row of `links` must be indexed |
//! | `TAGS_OF_LINK` | the tags of a row of `links`, separated by commas |
//! | `FIRST_SEGMENT` | the first segment of the path of `o` |
//! | `SUM_OF_DAYS`, `SUM_OF_HUMANS` | sums of the clicks and of the human clicks of `link_days`, as big integers |
//! | `SUM_OF_TOTALS` | the same two sums of the totals of `links` |
//! | `SUM_OF_HITS` | the sum of the hits of `orphan_paths`, as a big integer |

use super::dialect::{
    ADD_HITS, Backend, Connection, FIRST_SEGMENT, FOR_UPDATE, INSERT_NEW, INSERT_NEW_END, IdColumn,
    Ingester, InstantColumn, NO_INDEX, NOW, OwnedRawId, RawId, SEEKS_BY_WHOLE_KEY, SUM_OF_DAYS,
    SUM_OF_HITS, SUM_OF_HUMANS, SUM_OF_TOTALS, TAGS_OF_LINK, TAKES_TURNS, TO_INDEX, WITH_LINKS,
    begin, connect, fault, forget_deleted, id_from_raw, make_durable, make_room_for_purge, raw_id,
    release_space, space,
};

mod access;
mod audit;
mod blocklist;
mod catalog;
mod changes;
mod clicks;
mod edits;
mod findable;
pub(super) mod id;
mod identities;
mod invitations;
pub(super) mod journals;
mod leases;
mod links;
mod orphans;
mod paths;
pub(super) mod pool;
pub(super) mod port;
mod reclassify;
mod route;
mod salts;
pub(super) mod schema;
mod sessions;
mod sets;
mod setup;
mod statement;
mod stats;
mod tags;
mod taking;
mod tokens;
pub(super) mod transaction;
mod turns;
mod user_rows;
mod users;
mod versions;
