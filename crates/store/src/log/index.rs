//! The index of the log: what is searched and counted. It is derived from the records and trails behind them, so that
//! no Call waits for it; what is not in it yet is caught up with before a search. It must never hold what a record does
//! not say, and nothing of a payload.

use std::collections::HashSet;

use prokura_domain::json::Json;
use prokura_domain::record::{AuditRecord, RecordKind};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::log::{payload, read};

/// Version 7 makes the index anew from the records; what was there before held less.
pub(crate) const SCHEMA_8: &str = "
DROP TABLE record_index;
CREATE TABLE record_index(
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    decision TEXT,
    call TEXT,
    session TEXT,
    trace TEXT,
    agent TEXT,
    server TEXT,
    account TEXT,
    target TEXT
) STRICT;
CREATE INDEX record_index_call ON record_index(call) WHERE call IS NOT NULL;
CREATE INDEX record_index_session ON record_index(session) WHERE session IS NOT NULL;
CREATE INDEX record_index_trace ON record_index(trace) WHERE trace IS NOT NULL;
CREATE INDEX record_index_topic ON record_index(topic);
CREATE INDEX record_index_decision ON record_index(decision) WHERE decision IS NOT NULL;
CREATE INDEX record_index_agent ON record_index(agent) WHERE agent IS NOT NULL;
CREATE INDEX record_index_agent_target ON record_index(agent, target) WHERE agent IS NOT NULL;
CREATE INDEX record_index_agent_decision ON record_index(agent, decision) WHERE agent IS NOT NULL;
CREATE INDEX record_index_server ON record_index(server) WHERE server IS NOT NULL;
CREATE INDEX record_index_account ON record_index(account) WHERE account IS NOT NULL;
CREATE INDEX record_index_target ON record_index(target) WHERE target IS NOT NULL;
CREATE TABLE record_name(
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY(kind, id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE record_word(
    word TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE record_day(
    day INTEGER NOT NULL,
    agent TEXT NOT NULL,
    records INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    prompts INTEGER NOT NULL,
    denials INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY(day, agent)
) STRICT, WITHOUT ROWID;
CREATE TABLE record_touch(
    agent TEXT NOT NULL,
    server TEXT NOT NULL,
    target TEXT NOT NULL,
    calls INTEGER NOT NULL,
    denials INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY(agent, server, target)
) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE record_text USING fts5(words, content='', contentless_delete=1, prefix='2 3',
    tokenize='unicode61 remove_diacritics 0');
";

pub(crate) const DAY_MS: i64 = 86_400_000;

/// The longest word that is found, and how many of one record.
const LONGEST: usize = 64;
const WORDS: usize = 96;
/// How many known words are remembered; beyond that they are asked for again.
const REMEMBERED: usize = 20_000;

/// What was written to the small tables already, so that it is not written for every record again.
#[derive(Default)]
pub(super) struct Known {
    names: HashSet<(&'static str, String, String)>,
    words: HashSet<String>,
}

/// What the index says of one record.
struct Entry {
    seq: i64,
    at: i64,
    kind: String,
    decision: Option<&'static str>,
    call: Option<String>,
    session: Option<String>,
    trace: Option<String>,
    parties: [Option<(String, String)>; 3],
    target: Option<String>,
    words: Vec<String>,
}

const PARTIES: [&str; 3] = ["agent", "server", "account"];

impl Entry {
    fn of(record: &AuditRecord) -> Self {
        // A record that does not read was tampered with; verification says so, and its place stays empty here.
        let body = Json::read(record.body.as_bytes()).unwrap_or(Json::Null);
        let text = |pointer: &str| body.at(pointer).and_then(Json::as_str).map(str::to_owned);
        let parties = PARTIES
            .map(|party| Some((text(&format!("/{party}/id"))?, text(&format!("/{party}/name"))?)));
        let target = text("/target/name").or_else(|| text("/detail/tool"));
        Self {
            seq: record.seq,
            at: record.at.0,
            decision: decision(&record.kind, &body),
            call: text("/call"),
            session: text("/detail/session"),
            trace: text("/trace"),
            words: words(record, &body, &parties, target.as_deref()),
            parties,
            target,
            kind: record.kind.clone(),
        }
    }

    fn party(&self, place: usize) -> Option<&str> {
        self.parties.get(place)?.as_ref().map(|(id, _)| id.as_str())
    }
}

/// `allowed`, `asked`, `denied` or `failed`; many records are about none of these.
fn decision(kind: &str, body: &Json) -> Option<&'static str> {
    let word = |member: &str| body.at(&format!("/detail/{member}")).and_then(Json::as_str);
    let kind = RecordKind::from_text(kind)?;
    if kind == RecordKind::CallIntent {
        Some("allowed")
    } else if kind == RecordKind::QuestionRaised {
        Some("asked")
    } else if kind == RecordKind::QuestionSettled {
        Some(if word("answer") == Some("allowed") { "allowed" } else { "denied" })
    } else if kind == RecordKind::CallOutcome {
        let fine = ["ok", "accepted", "input_required", "task"];
        (!word("result").is_some_and(|result| fine.contains(&result))).then_some("failed")
    } else if [RecordKind::CallRefused, RecordKind::RequestRefused, RecordKind::WishRefused]
        .contains(&kind)
    {
        Some("denied")
    } else if [RecordKind::TokenFailed, RecordKind::SignInFailed].contains(&kind) {
        Some("failed")
    } else {
        None
    }
}

/// The words of a text as they are indexed and sought: runs of letters and digits in lower case.
pub(super) fn words_in(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().chars().take(LONGEST).collect())
}

/// Names, target, kind, method, result and rules: fields that were chosen because they hold no content of a Call.
fn words(
    record: &AuditRecord,
    body: &Json,
    parties: &[Option<(String, String)>; 3],
    target: Option<&str>,
) -> Vec<String> {
    let mut texts: Vec<&str> = vec![&record.kind];
    texts.extend(parties.iter().flatten().map(|(_, name)| name.as_str()));
    texts.extend(target);
    for member in ["method", "result", "class", "setting"] {
        texts.extend(body.at(&format!("/detail/{member}")).and_then(Json::as_str));
    }
    for why in body.at("/detail/why").and_then(Json::items).unwrap_or_default() {
        texts.extend(why.member("rule").and_then(Json::as_str));
    }
    let mut seen = HashSet::new();
    let all = texts.into_iter().flat_map(words_in);
    all.filter(|word| seen.insert(word.clone())).take(WORDS).collect()
}

/// Up to where the index reaches.
pub(super) fn reach(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("SELECT coalesce(max(seq), 0) FROM record_index", [], |row| row.get(0))
}

/// Indexes at most `most` records after `from` in one transaction; answers up to where it got.
pub(super) fn catch_up(
    db: &mut Connection,
    from: i64,
    most: usize,
    known: &mut Known,
) -> rusqlite::Result<i64> {
    let db = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let records = read::after(&db, from, most)?;
    let mut reached = from;
    let mut fresh = Known::default();
    for record in &records {
        write(&db, &Entry::of(record), known, &mut fresh)?;
        reached = record.seq;
    }
    payload::count(&db, 1, payload::within(&db, from, reached)?)?;
    db.commit()?;
    known.names.extend(fresh.names);
    known.words.extend(fresh.words);
    if known.words.len() > REMEMBERED {
        *known = Known::default();
    }
    Ok(reached)
}

fn write(
    db: &Transaction<'_>,
    entry: &Entry,
    known: &Known,
    fresh: &mut Known,
) -> rusqlite::Result<()> {
    let topic = entry.kind.split('.').next().unwrap_or_default();
    db.prepare_cached(
        "INSERT INTO record_index(seq, at, topic, kind, decision, call, session, trace, agent, server, account, target)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        entry.seq,
        entry.at,
        topic,
        entry.kind,
        entry.decision,
        entry.call,
        entry.session,
        entry.trace,
        entry.party(0),
        entry.party(1),
        entry.party(2),
        entry.target,
    ])?;
    db.prepare_cached("INSERT INTO record_text(rowid, words) VALUES (?, ?)")?
        .execute(params![entry.seq, entry.words.join(" ")])?;
    for (party, found) in PARTIES.iter().zip(&entry.parties) {
        let Some((id, name)) = found else { continue };
        let key = (*party, id.clone(), name.clone());
        if !known.names.contains(&key) && fresh.names.insert(key) {
            db.prepare_cached(
                "INSERT OR IGNORE INTO record_name(kind, id, name) VALUES (?, ?, ?)",
            )?
            .execute([party, id.as_str(), name.as_str()])?;
        }
    }
    for word in &entry.words {
        if !known.words.contains(word) && fresh.words.insert(word.clone()) {
            db.prepare_cached("INSERT OR IGNORE INTO record_word(word) VALUES (?)")?
                .execute([word])?;
        }
    }
    count(db, entry)
}

fn count(db: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    let is = |kinds: &[RecordKind]| kinds.iter().any(|kind| kind.as_str() == entry.kind);
    db.prepare_cached(
        "INSERT INTO record_day(day, agent, records, calls, prompts, denials, failures, first, last)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?7)
         ON CONFLICT(day, agent) DO UPDATE SET records = records + 1, calls = calls + ?3, prompts = prompts + ?4,
         denials = denials + ?5, failures = failures + ?6, first = min(first, ?7), last = max(last, ?7)",
    )?
    .execute(params![
        entry.at.div_euclid(DAY_MS),
        entry.party(0).unwrap_or_default(),
        is(&[RecordKind::CallIntent]),
        is(&[RecordKind::QuestionRaised]),
        is(&[RecordKind::CallRefused, RecordKind::RequestRefused]),
        entry.decision == Some("failed"),
        entry.seq,
    ])?;
    let (Some(agent), Some(server), Some(target)) = (entry.party(0), entry.party(1), &entry.target)
    else {
        return Ok(());
    };
    let about = [RecordKind::CallIntent, RecordKind::CallRefused, RecordKind::CallOutcome];
    if !is(&about) {
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO record_touch(agent, server, target, calls, denials, failures, first, last, last_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)
         ON CONFLICT(agent, server, target) DO UPDATE SET calls = calls + ?4, denials = denials + ?5,
         failures = failures + ?6, last = ?7, last_at = ?8",
    )?
    .execute(params![
        agent,
        server,
        target,
        is(&[RecordKind::CallIntent]),
        is(&[RecordKind::CallRefused]),
        entry.decision == Some("failed"),
        entry.seq,
        entry.at,
    ])?;
    Ok(())
}

/// Forgets what the index says of records up to `last`, which went into an archive. The days stay as they were counted.
pub(super) fn forget(db: &Transaction<'_>, from: i64, last: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM record_index WHERE seq BETWEEN ? AND ?", [from, last])?;
    let mut one = db.prepare_cached("DELETE FROM record_text WHERE rowid = ?")?;
    (from..=last).try_for_each(|seq| one.execute([seq]).map(|_| ()))
}
