//! How values travel to and from PostgreSQL, and what its errors mean.

use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

use crate::db::{Error, Value};

type Failure = Box<dyn StdError + Sync + Send>;

/// The server decides what type a parameter has; a number goes to where it expects one.
impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(value), &Type::INT8) => value.to_sql(ty, out),
            (Self::Int(value), &Type::INT4) => i32::try_from(*value)?.to_sql(ty, out),
            (Self::Int(value), &Type::INT2) => i16::try_from(*value)?.to_sql(ty, out),
            (Self::Int(value), &Type::BOOL) => (*value != 0).to_sql(ty, out),
            // As SQLite does when a number meets a text column.
            (Self::Int(value), _) if is_text(ty) => value.to_string().to_sql(&Type::TEXT, out),
            (Self::Text(value), &Type::JSON) => value.to_sql(&Type::TEXT, out),
            (Self::Text(value), &Type::JSONB) => {
                // The version of the format, then the text.
                out.extend_from_slice(&[1]);
                value.to_sql(&Type::TEXT, out)
            }
            (Self::Text(value), _) if is_text(ty) => value.to_sql(&Type::TEXT, out),
            (Self::Ids(ids), &Type::INT8_ARRAY) => (&**ids).to_sql(ty, out),
            (value, ty) => Err(format!("a parameter of type {ty} can't take {value:?}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        self.to_sql(ty, out)
    }
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        match *ty {
            Type::INT8 => i64::from_sql(ty, raw).map(Self::Int),
            Type::INT4 => i32::from_sql(ty, raw).map(|value| Self::Int(value.into())),
            Type::INT2 => i16::from_sql(ty, raw).map(|value| Self::Int(value.into())),
            Type::BOOL => bool::from_sql(ty, raw).map(|value| Self::Int(value.into())),
            Type::NUMERIC => whole_number(raw).map(Self::Int),
            Type::VOID => Ok(Self::Null),
            _ => <&str>::from_sql(&Type::TEXT, raw).map(Self::from),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        let number = [Type::INT8, Type::INT4, Type::INT2, Type::BOOL, Type::NUMERIC, Type::VOID];
        number.contains(ty) || is_text(ty)
    }
}

fn is_text(ty: &Type) -> bool {
    [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME, Type::UNKNOWN].contains(ty)
}

/// `sum()` over BIGINT is a NUMERIC. Its digits have base 10,000; `weight` is the power of the
/// first one.
fn whole_number(raw: &[u8]) -> Result<i64, Failure> {
    let mut words = raw.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let mut word = || words.next().ok_or("a numeric value that ends too early");
    let (digits, weight, sign, _scale) = (word()?, word()?, word()?, word()?);
    if digits > weight + 1 {
        return Err("a number with a fraction in a column of whole numbers".into());
    }
    let mut value: i128 = 0;
    for power in 0..=weight {
        let digit = if power < digits { word()? } else { 0 };
        value =
            value.checked_mul(10_000).ok_or("a numeric value out of range")? + i128::from(digit);
    }
    match sign {
        0 => Ok(i64::try_from(value)?),
        0x4000 => Ok(i64::try_from(-value)?),
        _ => Err("a numeric value that is no number".into()),
    }
}

/// What an error of the driver or the server means to us.
pub(super) fn error(sql: &str, error: &tokio_postgres::Error) -> Error {
    let Some(reply) = error.as_db_error() else {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        let lost =
            error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>());
        return if lost {
            Error::Unavailable(format!("PostgreSQL connection: {error} {cause}"))
        } else {
            Error::Internal(format!("{error} {cause} in: {sql}"))
        };
    };
    let code = reply.code();
    let text = format!("{} {}", code.code(), reply.message());
    if *code == SqlState::UNIQUE_VIOLATION {
        Error::Unique { index: reply.constraint().unwrap_or_default().to_owned() }
    } else if *code == SqlState::QUERY_CANCELED {
        Error::Timeout
    } else if may_work_later(code) || plan_is_old(reply) {
        Error::Unavailable(text)
    } else {
        let detail = reply.detail().unwrap_or_default();
        Error::Internal(format!("{text} {detail} in: {sql}"))
    }
}

/// Lost races, and a server that is full, stopping, starting or a standby.
fn may_work_later(code: &SqlState) -> bool {
    const CLASSES: &[&str] = &["08", "40", "53", "55", "58"];
    const CODES: &[&str] =
        &["57P01", "57P02", "57P03", "57P05", "25006", "25P03", "3D000", "28000", "28P01"];
    let code = code.code();
    CODES.contains(&code) || CLASSES.iter().any(|class| code.starts_with(class))
}

/// A migration changed a table under a prepared statement; it must be prepared again.
pub(super) fn plan_is_old(reply: &tokio_postgres::error::DbError) -> bool {
    let code = reply.code().code();
    code == "26000" || (code == "0A000" && reply.message().contains("cached plan"))
}

#[cfg(test)]
mod tests {
    use super::whole_number;

    fn numeric(words: &[i16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn whole_numbers_of_base_10_000() {
        assert_eq!(whole_number(&numeric(&[0, 0, 0, 0])).unwrap(), 0);
        assert_eq!(whole_number(&numeric(&[1, 0, 0x4000, 0, 7])).unwrap(), -7);
        assert_eq!(whole_number(&numeric(&[1, 1, 0, 0, 3])).unwrap(), 30_000);
        assert_eq!(whole_number(&numeric(&[2, 1, 0, 0, 12, 345])).unwrap(), 120_345);
        assert!(whole_number(&numeric(&[1, -1, 0, 1, 5000])).is_err());
        assert!(whole_number(&numeric(&[1, 7, 0, 0, 1])).is_err());
    }
}
