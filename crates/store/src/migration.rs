//! The format of the file, version by version. A step that was released is never changed; a new one is added below it.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::error::StoreError;
use crate::{
    account, agent, budget, client, flow, grant, guardrail, log, pairing, question, registration,
    secret, server, setting, sign_in, task, tool,
};

/// The newest format this program knows.
pub(crate) const VERSION: i64 = 12;

/// "Prok" in ASCII: tells the file apart from databases of other programs.
const APPLICATION: i64 = 0x5072_6f6b;

/// Says what the file is before anything is written to it.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let corrupt = |fault: String| StoreError::Corrupt { path: path.to_owned(), fault };
    let number = |pragma: &str| -> rusqlite::Result<i64> {
        connection.pragma_query_value(None, pragma, |row| row.get(0))
    };
    let damaged = |fault: rusqlite::Error| match fault.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => corrupt(fault.to_string()),
        _ => StoreError::from(fault),
    };
    let version = number("user_version").map_err(damaged)?;
    let application = number("application_id").map_err(damaged)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(damaged)?;
    if version == 0 && application == 0 && tables == 0 {
        return Ok(0);
    }
    if application != APPLICATION {
        return Err(corrupt("it belongs to another program".to_owned()));
    }
    if version > VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: VERSION });
    }
    check_pages(connection, version)
        .map_err(damaged)?
        .map_or(Ok(version), |fault| Err(corrupt(fault)))
}

/// Looks at the small tables page by page; the log is checked by its own verification.
fn check_pages(connection: &Connection, version: i64) -> rusqlite::Result<Option<String>> {
    for (_, table) in TABLES.into_iter().filter(|(since, _)| *since <= version) {
        let said: String =
            connection
                .query_row(&format!("PRAGMA quick_check('{table}')"), [], |row| row.get(0))?;
        if said != "ok" {
            return Ok(Some(said));
        }
    }
    Ok(None)
}

/// Since which version there is which table.
const TABLES: [(i64, &str); 17] = [
    (1, "server"),
    (1, "account"),
    (1, "secret"),
    (1, "registration"),
    (1, "tool"),
    (1, "agent"),
    (1, "grant"),
    (1, "question"),
    (1, "setting"),
    (3, "budget_use"),
    (4, "pairing"),
    (5, "flow_read"),
    (6, "guardrail"),
    (7, "client"),
    (7, "sign_in"),
    (7, "token"),
    (10, "task"),
];

/// What each version adds to the one before.
const STEPS: &[(i64, &[&str])] = &[
    (
        1,
        &[
            server::SCHEMA,
            account::SCHEMA,
            secret::SCHEMA,
            registration::SCHEMA,
            tool::SCHEMA,
            agent::SCHEMA,
            grant::SCHEMA,
            question::SCHEMA,
            setting::SCHEMA,
            log::SCHEMA,
        ],
    ),
    (2, &[grant::SCHEMA_2]),
    (3, &[grant::SCHEMA_3, budget::SCHEMA_3]),
    (4, &[question::SCHEMA_4, pairing::SCHEMA_4]),
    (5, &[flow::SCHEMA]),
    (6, &[guardrail::SCHEMA]),
    (7, &[client::SCHEMA, sign_in::SCHEMA]),
    (8, &log::SCHEMA_8),
    (9, &log::SCHEMA_9),
    (10, &[task::SCHEMA]),
    (11, &[server::SCHEMA_11]),
    (12, &[server::SCHEMA_12]),
];

/// Brings the file from `version` to [`VERSION`], whole or not at all.
pub(crate) fn run(connection: &mut Connection, version: i64) -> Result<(), StoreError> {
    if version >= VERSION {
        return Ok(());
    }
    climb(connection, version, VERSION)
}

/// Takes the steps after `from` up to `to`.
fn climb(connection: &mut Connection, from: i64, to: i64) -> Result<(), StoreError> {
    let steps = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (_, schemas) in STEPS.iter().filter(|(step, _)| from < *step && *step <= to) {
        schemas.iter().try_for_each(|schema| steps.execute_batch(schema))?;
    }
    steps.pragma_update(None, "application_id", APPLICATION)?;
    steps.pragma_update(None, "user_version", to)?;
    steps.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use prokura_domain::{AgentId, GrantId, QuestionId};

    use super::*;
    use crate::Store;

    const GRANT: &str = r#"INSERT INTO "grant"(id, agent, server, target, effect, origin, added_at)
        VALUES ('grt_1', 'agt_1', 'srv_1', 'tool:pay', 'allow', '{"by":"cli"}', 7)"#;

    const QUESTION: &str = r#"INSERT INTO question(id, kind, v, body, agent, server, account, digest, params, why,
        raised_at, expires_at, state) VALUES ('qst_1', 'call', 1,
        '{"kind":"call","call":"cal_1","method":"tools/call","target_kind":"tool","target":"pay","class":null,"pin":null}',
        'agt_1', 'srv_1', 'acc_1', '0000000000000000000000000000000000000000000000000000000000000000', '', '[]', 7, 8,
        'used')"#;

    #[test]
    fn a_file_of_every_earlier_version_is_brought_up_and_keeps_its_rows() {
        for version in 1..VERSION {
            let dir = tempfile::tempdir().unwrap();
            let mut old = Connection::open(dir.path().join("prokura.db")).unwrap();
            climb(&mut old, 0, version).unwrap();
            old.execute(GRANT, []).unwrap();
            old.execute(QUESTION, []).unwrap();
            drop(old);
            let store = Store::open(dir.path()).unwrap();
            let grant = store.grant(&GrantId::from_text("grt_1")).unwrap().unwrap();
            assert!(grant.conditions.is_empty() && grant.budget.is_none());
            store.put_grant(&grant).unwrap();
            let question = store.question(&QuestionId::from_text("qst_1")).unwrap().unwrap();
            assert_eq!(question.agent, Some(AgentId::from_text("agt_1")));
            drop(store);
            let now = Connection::open(dir.path().join("prokura.db")).unwrap();
            let found: i64 =
                now.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            assert_eq!(found, VERSION);
        }
    }
}
