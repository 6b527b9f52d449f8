//! Between rows and values: words of enums, digests, whole numbers.

use std::error::Error;

use prokura_domain::clock::Timestamp;
use prokura_domain::digest::Digest;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A column that does not hold what it should.
pub(crate) fn unreadable(
    column: &str,
    fault: impl Into<Box<dyn Error + Send + Sync>>,
) -> rusqlite::Error {
    let fault = format!("column {column}: {}", fault.into());
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, fault.into())
}

/// A text column read by `parse`.
pub(crate) fn word<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| unreadable(column, format!("\"{text}\" is unknown")))
}

/// A text column read by `parse`, or nothing.
pub(crate) fn word_or_none<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    match text {
        None => Ok(None),
        Some(text) => match parse(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(unreadable(column, format!("\"{text}\" is unknown"))),
        },
    }
}

/// A column that holds JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|fault| unreadable(column, fault))
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|fault| rusqlite::Error::ToSqlConversionFailure(fault.into()))
}

/// The word of a unit variant, as serde names it.
pub(crate) fn from_word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

/// Reads the word of a unit variant, as serde names it.
pub(crate) fn to_word<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    let fault = |why: String| rusqlite::Error::ToSqlConversionFailure(why.into());
    let value = serde_json::to_value(value).map_err(|why| fault(why.to_string()))?;
    value.as_str().map(str::to_owned).ok_or_else(|| fault(format!("{value} is not a word")))
}

/// A moment.
pub(crate) fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp)
}

/// A moment, or nothing.
pub(crate) fn moment_or_none(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp))
}

/// A digest from its text form.
pub(crate) fn digest(row: &Row<'_>, column: &str) -> rusqlite::Result<Digest> {
    word(row, column, Digest::from_hex)
}

/// A count that SQLite keeps as a signed number.
pub(crate) fn count(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    let stored: i64 = row.get(column)?;
    u64::try_from(stored).map_err(|fault| unreadable(column, fault))
}

/// A count as SQLite keeps it.
pub(crate) fn from_count(count: u64) -> rusqlite::Result<i64> {
    i64::try_from(count).map_err(|fault| rusqlite::Error::ToSqlConversionFailure(fault.into()))
}
