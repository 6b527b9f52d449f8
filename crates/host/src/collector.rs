//! Sends the audit log to an OpenTelemetry collector (OTLP over HTTP), where the person set one: every record, oldest
//! first, from archives too, and again until it was taken. What was taken is remembered in the store, so an outage or a
//! restart loses nothing. It must never send a payload, nor go past a record that was not taken.

mod message;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prokura_account::http::{Guard, Network};
use prokura_api::Collected;
use prokura_delegation::Delegation;
use prokura_domain::AuditRecord;
use prokura_domain::clock::Clock;
use prokura_store::{Log, Store};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use url::Url;

/// The setting that remembers what was taken.
const SENT: &str = "collector_sent";
/// Records in one message at most.
const MOST: usize = 512;
/// How often new records are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is looked whether a collector was set; a change of settings is heard at once.
const OFF: Duration = Duration::from_secs(60);
/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(60);
/// The largest answer that is read.
const ANSWER: usize = 64 * 1024;

/// How far the collector is, for views.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Collected>);

impl Progress {
    pub(crate) fn get(&self) -> Collected {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Collected)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What is sent from, and what it is sent with.
pub(crate) struct Sender {
    pub store: Store,
    pub log: Log,
    pub delegation: Delegation,
    pub network: Network,
    pub clock: Arc<dyn Clock>,
    pub progress: Arc<Progress>,
}

/// The newest record that a collector took. Its hash tells whether the log was put back to an older copy since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    url: String,
    log: String,
    seq: i64,
    hash: String,
    /// How many records it refused for good, and what it said of the last.
    #[serde(default)]
    refused: i64,
    #[serde(default)]
    why: Option<String>,
}

/// A client that is built anew when the person changes the network.
struct Line {
    guard: Guard,
    to: Url,
    set: String,
    version: u64,
}

/// What one turn did.
enum Turn {
    Off,
    Idle,
    /// All there was, or as many as fit into a message.
    Sent {
        more: bool,
    },
    /// The message was too large for the collector.
    TooMuch,
    /// Why not, and how long the collector asks to be left alone.
    Failed(String, Option<Duration>),
}

/// Sends until the Host stops.
pub(crate) async fn run(sender: Sender, stop: CancellationToken) {
    let mut changes = sender.delegation.changes();
    let mut line = None;
    let (mut failed, mut most) = (0u32, MOST);
    loop {
        let turn = tokio::select! {
            () = stop.cancelled() => return,
            turn = sender.turn(&mut line, most) => turn,
        };
        failed = if matches!(turn, Turn::Failed(..)) { failed.saturating_add(1) } else { 0 };
        let pause = match turn {
            Turn::Sent { more: true } => {
                most = (most * 2).min(MOST);
                continue;
            }
            Turn::TooMuch => {
                most = (most / 2).max(1);
                continue;
            }
            Turn::Off => OFF,
            // Each message costs a sync: what comes one by one goes together.
            Turn::Idle | Turn::Sent { more: false } => LOOK,
            Turn::Failed(fault, asked) => {
                tracing::warn!(%fault, "the collector did not take records");
                asked.unwrap_or_else(|| back_off(failed))
            }
        };
        let over = tokio::time::Instant::now() + pause;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(over) => break,
                // A new setting is tried at once; anything else does not shorten a pause.
                _ = changes.recv() => if sender.is_set_anew(line.as_ref()) { break },
            }
        }
    }
}

fn back_off(failed: u32) -> Duration {
    LONGEST.min(Duration::from_secs(1 << failed.saturating_sub(1).min(6)))
}

impl Sender {
    fn set(&self) -> Option<String> {
        self.delegation.log_settings().ok()?.collector
    }

    fn is_set_anew(&self, line: Option<&Line>) -> bool {
        self.set() != line.map(|line| line.set.clone())
    }

    async fn turn(&self, line: &mut Option<Line>, most: usize) -> Turn {
        let Some(url) = self.set() else {
            *line = None;
            self.progress.change(|all| *all = Collected::default());
            return Turn::Off;
        };
        let done = self.try_turn(&url, line, most).await;
        match &done {
            Turn::Failed(fault, _) => self.progress.change(|all| all.fault = Some(fault.clone())),
            Turn::Idle => self.progress.change(|all| all.fault = None),
            Turn::Off | Turn::Sent { .. } | Turn::TooMuch => {}
        }
        done
    }

    async fn try_turn(&self, url: &str, line: &mut Option<Line>, most: usize) -> Turn {
        let failed = |fault: String| Turn::Failed(fault, None);
        let (log, store, to) = (self.log.clone(), self.store.clone(), url.to_owned());
        let read = move || {
            let sent = resume(&log, &store, &to)?;
            let from = sent.as_ref().map_or(0, |sent| sent.seq);
            Ok::<_, String>((sent, log.records_onwards(from, most).map_err(text)?))
        };
        let records = match tokio::task::spawn_blocking(read).await {
            Ok(Ok((sent, records))) => {
                self.progress.change(|all| {
                    all.sent = sent.as_ref().map_or(0, |sent| sent.seq);
                    (all.refused, all.why) =
                        sent.map_or((0, None), |sent| (sent.refused, sent.why));
                });
                records
            }
            Ok(Err(fault)) => return failed(fault),
            Err(fault) => return failed(fault.to_string()),
        };
        let Some(last) = records.last() else { return Turn::Idle };
        match self.post(url, line, &records).await {
            Turn::Sent { .. } => match self.remember(url, last) {
                Ok(()) => Turn::Sent { more: records.len() >= most },
                Err(fault) => failed(fault),
            },
            other => other,
        }
    }

    async fn post(&self, url: &str, line: &mut Option<Line>, records: &[AuditRecord]) -> Turn {
        let failed = |fault: String| Turn::Failed(fault, None);
        let version = self.network.version();
        if line.as_ref().is_none_or(|line| line.set != url || line.version != version) {
            *line = match Line::new(url, &self.network) {
                Ok(line) => Some(line),
                Err(fault) => return failed(fault),
            };
        }
        let Some(line) = line else { return failed("there is no client".to_owned()) };
        let body = message::of(self.log.log_id(), records, self.clock.now());
        let answer = line.guard.post(&line.to, "application/x-protobuf", body, ANSWER).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => return failed(fault.to_string()),
        };
        let status = answer.status().as_u16();
        if status == 413 && records.len() > 1 {
            return Turn::TooMuch;
        }
        if !(200..300).contains(&status) {
            let asked = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
            let asked = asked.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
            return Turn::Failed(
                format!("it answered {status}"),
                asked.map(|long| long.min(5 * LONGEST)),
            );
        }
        let (rejected, why) = message::rejected(answer.body());
        if rejected > 0 {
            // OTLP forbids to send them again: the same answer would come for ever. The log still has them.
            tracing::warn!(
                rejected,
                "the collector took the message and refused some of its records"
            );
        }
        if rejected > 0 || why.is_some() {
            self.progress.change(|all| {
                all.refused = all.refused.saturating_add(rejected);
                all.why = why;
            });
        }
        Turn::Sent { more: true }
    }

    fn remember(&self, url: &str, last: &AuditRecord) -> Result<(), String> {
        let Collected { refused, why, .. } = self.progress.get();
        let sent = Sent {
            url: url.to_owned(),
            log: self.log.log_id().to_owned(),
            seq: last.seq,
            hash: last.hash.to_string(),
            refused,
            why,
        };
        let written = serde_json::to_string(&sent).map_err(text)?;
        self.store.put_setting(SENT, &written).map_err(text)?;
        self.progress.change(|all| (all.sent, all.fault) = (last.seq, None));
        Ok(())
    }
}

/// The newest record that this collector has; `None` where it has nothing of this log as it stands. Blocks.
fn resume(log: &Log, store: &Store, url: &str) -> Result<Option<Sent>, String> {
    let kept = store.setting(SENT).map_err(text)?;
    let Some(sent) = kept.and_then(|kept| serde_json::from_str::<Sent>(&kept).ok()) else {
        return Ok(None);
    };
    if sent.url != url || sent.log != log.log_id() || sent.seq > log.extent().map_err(text)?.1 {
        return Ok(None);
    }
    // Where the record has gone into an archive there is nothing to compare; archives are signed.
    let there = log.record(sent.seq).map_err(text)?;
    let other = there.is_some_and(|record| record.hash.to_string() != sent.hash);
    Ok((!other).then_some(sent))
}

impl Line {
    fn new(set: &str, network: &Network) -> Result<Self, String> {
        let version = network.version();
        let mut to = Url::parse(set).map_err(text)?;
        let guard = Guard::new(&to, network).map_err(text)?;
        let path = to.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/v1/logs") {
            to.set_path(&format!("{path}/v1/logs"));
        }
        Ok(Self { guard, to, set: set.to_owned(), version })
    }
}

fn text(fault: impl std::fmt::Display) -> String {
    fault.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_no_further() {
        let pauses: Vec<u64> = [1, 2, 3, 4, 5, 6, 7, 40, u32::MAX]
            .into_iter()
            .map(|failed| back_off(failed).as_secs())
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn the_address_for_logs_is_found_and_kept() {
        for (set, to) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/logs"),
            ("https://otel.example/in/", "https://otel.example/in/v1/logs"),
            ("https://otel.example/in/v1/logs", "https://otel.example/in/v1/logs"),
        ] {
            assert_eq!(Line::new(set, &Network::system()).unwrap().to.as_str(), to);
        }
        assert!(Line::new("http://otel.example", &Network::system()).is_err());
    }
}
