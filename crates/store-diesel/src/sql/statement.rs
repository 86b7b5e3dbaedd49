//! SQL statements assembled from pieces: those whose form depends on the query, and those that
//! insert several rows at once. They are prepared anew each time, so that a database can plan for
//! the actual values.

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Text, Untyped};
use diesel::{QueryResult, QueryableByName, sql_types};
use diesel_async::RunQueryDsl;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::id::Id;
use super::{Backend, Connection, IdColumn, InstantColumn};

/// A statement, written from left to right.
#[derive(Default)]
pub(super) struct Statement(Vec<Piece>);

enum Piece {
    Sql(&'static str),
    Id(Id),
    Text(String),
    Bytes(Vec<u8>),
    Instant(OffsetDateTime),
    Day(Date),
    Number(i64),
    Flag(bool),
}

impl Statement {
    pub(super) fn of(sql: &'static str) -> Self {
        Self(vec![Piece::Sql(sql)])
    }

    /// Appends SQL text that is not a value.
    pub(super) fn sql(&mut self, sql: &'static str) -> &mut Self {
        self.0.push(Piece::Sql(sql));
        self
    }

    pub(super) fn id(&mut self, id: &Uuid) -> &mut Self {
        self.0.push(Piece::Id(Id(*id)));
        self
    }

    pub(super) fn text(&mut self, text: impl Into<String>) -> &mut Self {
        self.0.push(Piece::Text(text.into()));
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.push(Piece::Bytes(bytes.to_vec()));
        self
    }

    pub(super) fn instant(&mut self, at: OffsetDateTime) -> &mut Self {
        self.0.push(Piece::Instant(at));
        self
    }

    pub(super) fn date(&mut self, day: Date) -> &mut Self {
        self.0.push(Piece::Day(day));
        self
    }

    pub(super) fn number(&mut self, number: i64) -> &mut Self {
        self.0.push(Piece::Number(number));
        self
    }

    pub(super) fn flag(&mut self, flag: bool) -> &mut Self {
        self.0.push(Piece::Flag(flag));
        self
    }

    /// Runs it and returns the number of changed rows.
    pub(super) async fn run(self, connection: &mut Connection) -> QueryResult<usize> {
        RunQueryDsl::execute(self, connection).await
    }

    /// Returns the column `id` of the rows found.
    pub(super) async fn ids(self, connection: &mut Connection) -> QueryResult<Vec<Id>> {
        let rows: Vec<IdRow> = RunQueryDsl::load(self, connection).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Returns the column `name` of the rows found.
    pub(super) async fn names(self, connection: &mut Connection) -> QueryResult<Vec<String>> {
        let rows: Vec<NameRow> = RunQueryDsl::load(self, connection).await?;
        Ok(rows.into_iter().map(|row| row.name).collect())
    }

    /// Returns the column `counted` of the only row found.
    pub(super) async fn counted(self, connection: &mut Connection) -> QueryResult<u64> {
        Ok(self.numbers(connection).await?.pop().unwrap_or(0))
    }

    /// Returns the column `counted` of the rows found.
    pub(super) async fn numbers(self, connection: &mut Connection) -> QueryResult<Vec<u64>> {
        let rows: Vec<CountedRow> = RunQueryDsl::load(self, connection).await?;
        let counted = rows.into_iter().map(|row| row.counted);
        Ok(counted.map(|n| u64::try_from(n).unwrap_or(0)).collect())
    }
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = IdColumn)]
    id: Id,
}

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct CountedRow {
    #[diesel(sql_type = BigInt)]
    counted: i64,
}

impl QueryFragment<Backend> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        for piece in &self.0 {
            match piece {
                Piece::Sql(sql) => out.push_sql(sql),
                Piece::Id(id) => out.push_bind_param::<IdColumn, _>(id)?,
                Piece::Text(text) => out.push_bind_param::<Text, _>(text)?,
                Piece::Bytes(bytes) => out.push_bind_param::<Binary, _>(bytes)?,
                Piece::Instant(at) => out.push_bind_param::<InstantColumn, _>(at)?,
                Piece::Day(day) => out.push_bind_param::<sql_types::Date, _>(day)?,
                Piece::Number(number) => out.push_bind_param::<BigInt, _>(number)?,
                Piece::Flag(flag) => out.push_bind_param::<Bool, _>(flag)?,
            }
        }
        Ok(())
    }
}

impl QueryId for Statement {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}
