//! Values on the wire: parameters go as text, which every column type reads; answers come in binary.

use std::error::Error;
use std::fmt::Write as _;

use bytes::BytesMut;
use jiff::Timestamp;
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::SqlValue;

type Failure = Box<dyn Error + Sync + Send>;

/// Signs of decimal numbers.
const POSITIVE: u16 = 0;
const NEGATIVE: u16 = 0x4000;

/// Microseconds from the epoch of Unix to PostgreSQL's own, 2000-01-01.
const EPOCH: i64 = 946_684_800_000_000;

impl ToSql for SqlValue {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Integer(integer) => write!(out, "{integer}")?,
            Self::Real(real) => write!(out, "{real}")?,
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Blob(bytes) => {
                out.extend_from_slice(b"\\x");
                bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for SqlValue {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(match *ty {
            Type::BOOL => Self::Integer(i64::from(raw.first().is_some_and(|byte| *byte != 0))),
            Type::INT2 => Self::Integer(i16::from_be_bytes(raw.try_into()?).into()),
            Type::INT4 => Self::Integer(i32::from_be_bytes(raw.try_into()?).into()),
            Type::INT8 => Self::Integer(i64::from_be_bytes(raw.try_into()?)),
            Type::FLOAT4 => Self::Real(f32::from_be_bytes(raw.try_into()?).into()),
            Type::FLOAT8 => Self::Real(f64::from_be_bytes(raw.try_into()?)),
            Type::NUMERIC => numeric(raw)?,
            Type::TIMESTAMP | Type::TIMESTAMPTZ => Self::Text(timestamp(i64::from_be_bytes(raw.try_into()?))?),
            Type::BYTEA => Self::Blob(raw.to_vec()),
            Type::JSONB => Self::Text(std::str::from_utf8(raw.get(1..).unwrap_or_default())?.to_owned()),
            _ => Self::Text(std::str::from_utf8(raw)?.to_owned()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A time as rows have it: `2026-11-21 08:00:00.123`, UTC.
fn timestamp(micros: i64) -> Result<String, Failure> {
    let time = Timestamp::from_microsecond(micros.saturating_add(EPOCH))?;
    Ok(time.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string())
}

/// A decimal number: whole ones are integers, as SQLite has them.
///
/// On the wire it is the number of digits to the base of 10,000, the first one's weight, the sign, the scale, and the
/// digits, each in two bytes (PostgreSQL's `numeric_send`).
fn numeric(raw: &[u8]) -> Result<SqlValue, Failure> {
    let mut words = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let mut word = || words.next().ok_or("a number ends too soon");
    let (count, weight, sign, _scale) = (word()?, i32::from(word()?.cast_signed()), word()?, word()?);
    if sign != POSITIVE && sign != NEGATIVE {
        return Err("a number is not finite".into());
    }
    let mut whole = String::from(if sign == NEGATIVE { "-0" } else { "0" });
    let mut fraction = "0000".repeat(usize::try_from(-weight - 1).unwrap_or_default());
    for place in 0..i32::from(count) {
        write!(if place <= weight { &mut whole } else { &mut fraction }, "{:04}", word()?)?;
    }
    whole.push_str(&"0000".repeat(usize::try_from(weight + 1 - i32::from(count)).unwrap_or_default()));
    let integer = if fraction.bytes().all(|digit| digit == b'0') { whole.parse().ok() } else { None };
    Ok(match integer {
        Some(integer) => SqlValue::Integer(integer),
        None => SqlValue::Real(format!("{whole}.{fraction}").parse()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn decimal_numbers_are_read() {
        let minus_one = u16::MAX;
        let cases: [(&[u16], SqlValue); 9] = [
            (&[0, 0, 0, 0], 0.into()),
            (&[1, 0, 0, 0, 7], 7.into()),
            (&[1, 0, NEGATIVE, 0, 7], (-7).into()),
            (&[1, 1, 0, 0, 12], 120_000.into()),
            (&[2, 1, 0, 0, 12, 34], 120_034.into()),
            (&[2, 0, 0, 1, 12, 5000], 12.5.into()),
            (&[2, 0, 0, 2, 12, 0], 12.into()),
            (&[1, minus_one, NEGATIVE, 1, 5000], (-0.5).into()),
            (&[1, minus_one - 1, 0, 5, 1000], 0.00001.into()),
        ];
        for (words, value) in cases {
            assert_eq!(numeric(&sent(words)).unwrap(), value, "{words:?}");
        }
        assert!(numeric(&sent(&[0, 0, 0xC000, 0])).is_err());
        assert!(numeric(&sent(&[2, 0, 0, 0, 1])).is_err());
    }

    #[test]
    fn times_are_read_as_rows_have_them() {
        assert_eq!(timestamp(0).unwrap(), "2000-01-01 00:00:00.000");
        assert_eq!(timestamp(-1_000).unwrap(), "1999-12-31 23:59:59.999");
    }
}
