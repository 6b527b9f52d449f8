//! Finding records: by who, where, what, how it was decided, when, and by words. Pages go by number, never by offset, and
//! every question has an index that answers it newest first.

use prokura_domain::clock::Timestamp;
use prokura_domain::record::AuditRecord;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::error::StoreError;
use crate::log::index::{DAY_MS, words_in};
use crate::log::read::{self, RECORD};

/// So many endings of a word are followed; a beginning with more is looked up as a beginning.
const ENDINGS: i64 = 64;

/// Which records are wanted. Everything that is given has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordQuery {
    /// How many at most.
    pub limit: u32,
    /// Only records before this one.
    pub before: Option<i64>,
    /// Only records in whose names, target, kind, method, result or rules words begin like all of these.
    pub search: Option<String>,
    /// An Agent's name or id; of all that ever had the name.
    pub agent: Option<String>,
    /// A Server's name or id.
    pub server: Option<String>,
    /// An Account's name or id.
    pub account: Option<String>,
    /// A target: a tool, URI, prompt or method, in full.
    pub target: Option<String>,
    /// `allowed`, `asked`, `denied` or `failed`.
    pub decision: Option<String>,
    /// A kind such as `call.intent`, or all kinds of a topic, such as `call`.
    pub kind: Option<String>,
    /// A Call's id.
    pub call: Option<String>,
    /// A session, as records name it.
    pub session: Option<String>,
    /// A W3C trace id.
    pub trace: Option<String>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Not after this moment.
    pub until: Option<Timestamp>,
}

impl RecordQuery {
    /// Whether it asks for nothing but a page.
    fn is_plain(&self) -> bool {
        *self == Self { limit: self.limit, before: self.before, ..Self::default() }
    }
}

/// How many records of a day and an Agent there are; the day counts from 1970-01-01, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCount {
    /// The day.
    pub day: i64,
    /// The Agent's id; empty for records about none.
    pub agent: String,
    /// All records.
    pub records: i64,
    /// Calls that were let through.
    pub calls: i64,
    /// Questions that were raised.
    pub prompts: i64,
    /// Calls and requests that were refused.
    pub denials: i64,
    /// What was let through and failed.
    pub failures: i64,
}

/// What an Agent did with one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The Server's id.
    pub server: String,
    /// The tool, URI, prompt or method.
    pub target: String,
    /// Calls that were let through.
    pub calls: i64,
    /// Calls that were refused.
    pub denials: i64,
    /// Calls that were let through and failed.
    pub failures: i64,
    /// The first record of it.
    pub first: i64,
    /// The last record of it.
    pub last: i64,
    /// When that was.
    pub last_at: Timestamp,
}

pub(super) fn page(db: &Connection, query: &RecordQuery) -> Result<Vec<AuditRecord>, StoreError> {
    let Some((sql, values)) = statement(db, query)? else { return Ok(Vec::new()) };
    let found = db
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), read::record)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// The statement for a query; `None` where nothing can be found.
pub(super) fn statement(
    db: &Connection,
    query: &RecordQuery,
) -> rusqlite::Result<Option<(String, Vec<Value>)>> {
    let before = query.before.unwrap_or(i64::MAX);
    if query.is_plain() {
        let sql =
            format!("SELECT {RECORD} FROM record r WHERE r.seq < ?1 ORDER BY r.seq DESC LIMIT ?2");
        return Ok(Some((sql, vec![before.into(), query.limit.into()])));
    }
    let mut tests = Tests::default();
    for (party, wanted) in
        [("agent", &query.agent), ("server", &query.server), ("account", &query.account)]
    {
        let Some(wanted) = wanted.as_deref() else { continue };
        if !tests.party(db, party, wanted)? {
            return Ok(None);
        }
    }
    tests.exact("target", query.target.as_deref());
    tests.exact("decision", query.decision.as_deref());
    tests.exact("call", query.call.as_deref());
    tests.exact("session", query.session.as_deref());
    tests.exact("trace", query.trace.as_ref().map(|text| text.to_ascii_lowercase()).as_deref());
    let column =
        if query.kind.as_ref().is_some_and(|kind| kind.contains('.')) { "kind" } else { "topic" };
    tests.exact(column, query.kind.as_deref());
    tests.within(db, before, query.since, query.until)?;
    let sought = query.search.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let sql = match sought {
        None => format!(
            "SELECT {RECORD} FROM record_index i CROSS JOIN record r ON r.seq = i.seq
             WHERE {} ORDER BY i.seq DESC LIMIT ?",
            tests.all("i.seq")
        ),
        Some(text) => {
            let Some(expression) = expression(db, text)? else { return Ok(None) };
            tests.values.insert(0, expression.into());
            format!(
                "SELECT {RECORD} FROM record_text t CROSS JOIN record_index i ON i.seq = t.rowid
                 CROSS JOIN record r ON r.seq = i.seq
                 WHERE t.words MATCH ? AND {} ORDER BY t.rowid DESC LIMIT ?",
                tests.all("t.rowid")
            )
        }
    };
    let mut values = tests.values;
    values.push(query.limit.into());
    Ok(Some((sql, values)))
}

#[derive(Default)]
struct Tests {
    tests: Vec<String>,
    values: Vec<Value>,
}

impl Tests {
    fn add(&mut self, test: &str, value: impl Into<Value>) {
        self.tests.push(test.to_owned());
        self.values.push(value.into());
    }

    fn exact(&mut self, column: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(&format!("i.{column} = ?"), value.to_owned());
        }
    }

    /// All ids that ever had a name; `false` when there is none.
    fn party(&mut self, db: &Connection, party: &str, wanted: &str) -> rusqlite::Result<bool> {
        let ids: Vec<String> = db
            .prepare_cached(
                "SELECT DISTINCT id FROM record_name WHERE kind = ? AND (name = ?2 OR id = ?2)",
            )?
            .query_map([party, wanted], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        match ids.as_slice() {
            [] => return Ok(false),
            [id] => self.exact(party, Some(id)),
            many => {
                let marks = vec!["?"; many.len()].join(", ");
                self.tests.push(format!("i.{party} IN ({marks})"));
                self.values.extend(many.iter().map(|id| Value::from(id.clone())));
            }
        }
        Ok(true)
    }

    /// Numbers between those of the first and the last day that can matter, then the very moment. Numbers, because the
    /// clock may have been set back, and pages go by number.
    fn within(
        &mut self,
        db: &Connection,
        before: i64,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> rusqlite::Result<()> {
        let (mut lowest, mut highest) = (i64::MIN, before);
        if let Some(since) = since {
            let sql = "SELECT coalesce(min(first), 0) FROM record_day WHERE day >= ?";
            let first: i64 = db
                .prepare_cached(sql)?
                .query_row([since.0.div_euclid(DAY_MS)], |row| row.get(0))?;
            lowest = first;
            self.add("i.at >= ?", since.0);
        }
        if let Some(until) = until {
            let sql = "SELECT coalesce(max(last), 0) FROM record_day WHERE day <= ?";
            let last: i64 = db
                .prepare_cached(sql)?
                .query_row([until.0.div_euclid(DAY_MS)], |row| row.get(0))?;
            highest = highest.min(last.saturating_add(1));
            self.add("i.at <= ?", until.0);
        }
        self.add("SEQ >= ?", lowest);
        self.add("SEQ < ?", highest);
        Ok(())
    }

    fn all(&self, seq: &str) -> String {
        self.tests.join(" AND ").replace("SEQ", seq)
    }
}

/// The full-text expression for words that begin like those of `text`; `None` where there are no such words. A text
/// without any letter or digit finds nothing.
fn expression(db: &Connection, text: &str) -> rusqlite::Result<Option<String>> {
    let mut parts = Vec::new();
    for word in words_in(text).take(8) {
        let length = word.chars().count();
        if length < 2 {
            parts.push(format!("\"{word}\""));
            continue;
        }
        let endings: Vec<String> = db
            .prepare_cached("SELECT word FROM record_word WHERE word >= ?1 AND word < ?2 LIMIT ?3")?
            .query_map((&word, format!("{word}\u{10ffff}"), ENDINGS + 1), |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        if endings.is_empty() {
            return Ok(None);
        }
        if length <= 3 || endings.len() as i64 > ENDINGS {
            parts.push(format!("\"{word}\"*"));
        } else {
            let each: Vec<String> = endings.iter().map(|word| format!("\"{word}\"")).collect();
            parts.push(format!("({})", each.join(" OR ")));
        }
    }
    Ok((!parts.is_empty()).then(|| parts.join(" AND ")))
}

/// A number that no record from `moment` on is before: the first of its day or of a later one, whatever the clock did; where
/// the index has none of them, the first that it does not have.
pub(super) fn first_since(db: &Connection, moment: Timestamp) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce((SELECT min(first) FROM record_day WHERE day >= ?),
        (SELECT max(seq) + 1 FROM record_index), 0)";
    db.prepare_cached(sql)?.query_row([moment.0.div_euclid(DAY_MS)], |row| row.get(0))
}

pub(super) fn days(db: &Connection, from: i64, to: i64) -> rusqlite::Result<Vec<DayCount>> {
    db.prepare_cached(
        "SELECT day, agent, records, calls, prompts, denials, failures FROM record_day
         WHERE day BETWEEN ? AND ? ORDER BY day, agent",
    )?
    .query_map([from, to], |row| {
        Ok(DayCount {
            day: row.get(0)?,
            agent: row.get(1)?,
            records: row.get(2)?,
            calls: row.get(3)?,
            prompts: row.get(4)?,
            denials: row.get(5)?,
            failures: row.get(6)?,
        })
    })?
    .collect()
}

/// Every id that records name as `party` (`agent`, `server` or `account`), with the name it had last by the alphabet.
pub(super) fn names(db: &Connection, party: &str) -> rusqlite::Result<Vec<(String, String)>> {
    db.prepare_cached(
        "SELECT id, max(name) FROM record_name WHERE kind = ? GROUP BY id ORDER BY 2, 1",
    )?
    .query_map([party], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

/// What an Agent touched, newest first.
pub(super) fn touched(db: &Connection, agent: &str, most: u32) -> rusqlite::Result<Vec<Touched>> {
    db.prepare_cached(
        "SELECT server, target, calls, denials, failures, first, last, last_at FROM record_touch
         WHERE agent = ? ORDER BY last DESC LIMIT ?",
    )?
    .query_map((agent, most), |row| {
        Ok(Touched {
            server: row.get(0)?,
            target: row.get(1)?,
            calls: row.get(2)?,
            denials: row.get(3)?,
            failures: row.get(4)?,
            first: row.get(5)?,
            last: row.get(6)?,
            last_at: row.get(7).map(Timestamp)?,
        })
    })?
    .collect()
}
