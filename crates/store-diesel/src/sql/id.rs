//! UUIDs as this backend stores them: native, or as 16 bytes.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use uuid::Uuid;

use super::{Backend, IdColumn, OwnedRawId, RawId, id_from_raw, raw_id};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = IdColumn)]
pub(crate) struct Id(pub(crate) Uuid);

impl ToSql<IdColumn, Backend> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Backend>) -> serialize::Result {
        <RawId as ToSql<IdColumn, Backend>>::to_sql(raw_id(&self.0), out)
    }
}

impl FromSql<IdColumn, Backend> for Id {
    fn from_sql(
        bytes: <Backend as diesel::backend::Backend>::RawValue<'_>,
    ) -> deserialize::Result<Self> {
        let raw = <OwnedRawId as FromSql<IdColumn, Backend>>::from_sql(bytes)?;
        Ok(Self(id_from_raw(&raw)?))
    }
}
