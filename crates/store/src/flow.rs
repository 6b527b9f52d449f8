//! What Agents have read, for the flow rule. It is written with the intent of a Call, in one transaction, so that no number
//! of Calls at once can slip past it, and a restart forgets nothing.

use prokura_domain::clock::Timestamp;
use prokura_domain::flow::{FlowRead, FlowReads, FlowRule, FlowStep};
use prokura_domain::id::{AgentId, CallId, ServerId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::StoreError;
use crate::row::{moment, word};
use crate::store::{Safety, Store};

/// The newest read of each kind, Agent and target; `earlier` is when another Call did the same before.
pub(crate) const SCHEMA: &str = "
CREATE TABLE flow_read(
    agent TEXT NOT NULL,
    label TEXT NOT NULL,
    server TEXT NOT NULL,
    target TEXT NOT NULL,
    call TEXT NOT NULL,
    at INTEGER NOT NULL,
    earlier INTEGER,
    PRIMARY KEY(agent, label, server, target)
) STRICT, WITHOUT ROWID;
";

const PRIVATE: &str = "reads_private";
const UNTRUSTED: &str = "reads_untrusted";

impl Store {
    /// What an Agent read within the window of `rule`, but for what `own` read.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn flow_reads(
        &self,
        agent: &AgentId,
        rule: FlowRule,
        now: Timestamp,
        own: Option<&CallId>,
    ) -> Result<FlowReads, StoreError> {
        self.read(|db| reads(db, agent, rule, now, own))
    }

    /// Forgets what an Agent has read.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn forget_flow(&self, agent: &AgentId) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.execute("DELETE FROM flow_read WHERE agent = ?", [agent.as_str()])?;
            Ok(())
        })
    }
}

fn reads(
    db: &Connection,
    agent: &AgentId,
    rule: FlowRule,
    now: Timestamp,
    own: Option<&CallId>,
) -> rusqlite::Result<FlowReads> {
    let newest = |label: &str| newest(db, agent, label, rule.horizon(now), own);
    Ok(FlowReads { private: newest(PRIVATE)?, untrusted: newest(UNTRUSTED)? })
}

/// The newest read of a kind that counts: by `own` only what another Call read before it.
fn newest(
    db: &Connection,
    agent: &AgentId,
    label: &str,
    horizon: Timestamp,
    own: Option<&CallId>,
) -> rusqlite::Result<Option<FlowRead>> {
    db.prepare_cached(
        "SELECT server, target, CASE WHEN call = ?4 THEN earlier ELSE at END AS counted FROM flow_read
         WHERE agent = ?1 AND label = ?2 AND CASE WHEN call = ?4 THEN earlier ELSE at END > ?3
         ORDER BY counted DESC LIMIT 1",
    )?
    .query_row(
        params![agent.as_str(), label, horizon.0, own.map_or("", CallId::as_str)],
        |row| {
            Ok(FlowRead {
                server: word(row, "server", |id| Some(ServerId::from_text(id)))?,
                target: row.get("target")?,
                at: moment(row, "counted")?,
            })
        },
    )
    .optional()
}

/// Whether the Call has to stop: it would send out after both kinds were read, and nobody was asked about that.
pub(crate) fn crosses(db: &Connection, step: &FlowStep, now: Timestamp) -> rusqlite::Result<bool> {
    Ok(step.stops() && reads(db, &step.agent, step.rule, now, Some(&step.call))?.both())
}

/// Notes what the Call reads. A clock that was set back makes nothing older.
pub(crate) fn note(db: &Connection, step: &FlowStep, now: Timestamp) -> rusqlite::Result<()> {
    let kinds = [(step.labels.reads_private, PRIVATE), (step.labels.reads_untrusted, UNTRUSTED)];
    for (_, label) in kinds.into_iter().filter(|(reads, _)| *reads) {
        db.prepare_cached(
            "INSERT INTO flow_read(agent, label, server, target, call, at) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT(agent, label, server, target) DO UPDATE SET
             earlier = CASE WHEN call = excluded.call THEN earlier ELSE at END,
             at = max(at, excluded.at), call = excluded.call",
        )?
        .execute(params![
            step.agent.as_str(),
            label,
            step.server.as_str(),
            step.target,
            step.call.as_str(),
            now.0,
        ])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use prokura_domain::tool::Labels;

    use super::*;

    fn step(call: &str, target: &str, labels: &str) -> FlowStep {
        FlowStep {
            agent: AgentId::from_text("agt_1"),
            call: CallId::from_text(call),
            server: ServerId::from_text("srv_1"),
            target: target.to_owned(),
            labels: Labels::from_text(labels).unwrap(),
            rule: FlowRule { on: true, window_seconds: 100 },
            cleared: false,
        }
    }

    fn table() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(SCHEMA).unwrap();
        db
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    #[test]
    fn both_kinds_within_the_window_stop_what_sends_out() {
        let db = table();
        note(&db, &step("cal_1", "tool:read", "reads_private"), at(0)).unwrap();
        assert!(!crosses(&db, &step("cal_9", "tool:send", "sends_out"), at(1)).unwrap());
        note(&db, &step("cal_2", "tool:fetch", "reads_untrusted"), at(50)).unwrap();
        assert!(crosses(&db, &step("cal_9", "tool:send", "sends_out"), at(99)).unwrap());
        assert!(!crosses(&db, &step("cal_9", "tool:look", "none"), at(99)).unwrap());
        assert!(!crosses(&db, &step("cal_9", "tool:send", "sends_out"), at(100)).unwrap(), "over");
        let mut other = step("cal_9", "tool:send", "sends_out");
        other.agent = AgentId::from_text("agt_2");
        assert!(!crosses(&db, &other, at(99)).unwrap(), "not for another agent");
    }

    #[test]
    fn what_a_call_reads_itself_does_not_count_against_it_but_what_came_before_does() {
        let db = table();
        let all = "reads_private,reads_untrusted,sends_out";
        let first = step("cal_1", "tool:all", all);
        assert!(!crosses(&db, &first, at(0)).unwrap());
        note(&db, &first, at(0)).unwrap();
        assert!(!crosses(&db, &first, at(1)).unwrap());
        let second = step("cal_2", "tool:all", all);
        assert!(crosses(&db, &second, at(1)).unwrap());
        note(&db, &second, at(1)).unwrap();
        assert!(crosses(&db, &second, at(2)).unwrap(), "the first one read it before");
        assert!(crosses(&db, &first, at(2)).unwrap(), "the second one reads it meanwhile");
    }

    #[test]
    fn a_clock_that_was_set_back_forgets_nothing() {
        let db = table();
        note(&db, &step("cal_1", "tool:read", "reads_private,reads_untrusted"), at(90)).unwrap();
        note(&db, &step("cal_2", "tool:read", "reads_private,reads_untrusted"), at(10)).unwrap();
        assert!(crosses(&db, &step("cal_9", "tool:send", "sends_out"), at(150)).unwrap());
    }
}
