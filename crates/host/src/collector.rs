//! Sends the audit log to an OpenTelemetry collector (OTLP over HTTP), where the person set one: every record, oldest
//! first, from archives too, and again until it was taken; and calls as spans and totals, which are made from the same
//! records. What was taken is remembered in the store, so an outage or a restart loses nothing. It must never send a
//! payload, nor go past a record that was not taken.

mod attributes;
mod logs;
mod signal;
mod spans;
mod totals;

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

pub(crate) use signal::Signal;
use totals::Totals;

/// Records in one message at most.
const MOST: usize = 512;
/// How often new records are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is looked whether a collector was set; a change of settings is heard at once.
const OFF: Duration = Duration::from_secs(60);
/// When a collector that takes no such signal is asked again.
const NOT_HERE: Duration = Duration::from_secs(600);
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
#[derive(Clone)]
pub(crate) struct Sender {
    pub signal: Signal,
    pub store: Store,
    pub log: Log,
    pub delegation: Delegation,
    pub network: Network,
    pub clock: Arc<dyn Clock>,
    pub progress: Arc<Progress>,
}

/// The newest record that a collector took. Its hash tells whether the log was put back to an older copy since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// What was counted up to it; of metrics only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    totals: Option<Totals>,
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
    let of = |signal| one(Sender { signal, ..sender.clone() }, stop.clone());
    futures::future::join_all(Signal::ALL.map(of)).await;
}

async fn one(sender: Sender, stop: CancellationToken) {
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
                tracing::warn!(%fault, signal = sender.signal.word(), "the collector did not take it");
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
    /// An address of logs is for logs alone.
    fn set(&self) -> Option<String> {
        let set = self.delegation.log_settings().ok()?.collector?;
        let logs_alone = set.trim_end_matches('/').ends_with("/v1/logs");
        (self.signal == Signal::Logs || !logs_alone).then_some(set)
    }

    fn tell(&self, change: impl FnOnce(&mut Collected)) {
        if self.signal == Signal::Logs {
            self.progress.change(change);
        }
    }

    /// Says what is in the way, or that nothing is.
    fn tell_fault(&self, fault: Option<String>) {
        self.progress.change(|all| match self.signal {
            Signal::Logs => all.fault = fault,
            Signal::Traces => all.traces = fault,
            Signal::Metrics => all.metrics = fault,
        });
    }

    fn is_set_anew(&self, line: Option<&Line>) -> bool {
        self.set() != line.map(|line| line.set.clone())
    }

    async fn turn(&self, line: &mut Option<Line>, most: usize) -> Turn {
        let Some(url) = self.set() else {
            *line = None;
            self.tell(|all| *all = Collected::default());
            self.tell_fault(None);
            return Turn::Off;
        };
        let done = self.try_turn(&url, line, most).await;
        match &done {
            Turn::Failed(fault, _) => self.tell_fault(Some(fault.clone())),
            Turn::Idle => self.tell_fault(None),
            Turn::Off | Turn::Sent { .. } | Turn::TooMuch => {}
        }
        done
    }

    async fn try_turn(&self, url: &str, line: &mut Option<Line>, most: usize) -> Turn {
        let failed = |fault: String| Turn::Failed(fault, None);
        let (log, store, to) = (self.log.clone(), self.store.clone(), url.to_owned());
        let setting = self.signal.setting();
        let read = move || {
            let sent = resume(&log, &store, setting, &to)?;
            let from = sent.as_ref().map_or(0, |sent| sent.seq);
            Ok::<_, String>((sent, log.records_onwards(from, most).map_err(text)?))
        };
        let (records, counted) = match tokio::task::spawn_blocking(read).await {
            Ok(Ok((sent, records))) => {
                let counted = sent.as_ref().and_then(|sent| sent.totals.clone());
                self.tell(|all| {
                    all.sent = sent.as_ref().map_or(0, |sent| sent.seq);
                    (all.refused, all.why) =
                        sent.map_or((0, None), |sent| (sent.refused, sent.why));
                });
                (records, counted)
            }
            Ok(Err(fault)) => return failed(fault),
            Err(fault) => return failed(fault.to_string()),
        };
        let Some(last) = records.last() else { return Turn::Idle };
        let mut totals = None;
        let log_id = self.log.log_id();
        let body = match self.signal {
            Signal::Logs => Some(logs::of(log_id, &records, self.clock.now())),
            Signal::Traces => spans::of(log_id, &records),
            Signal::Metrics => {
                let counted = totals.insert(counted.unwrap_or_default());
                counted.count(&records);
                Some(counted.message(log_id, last))
            }
        };
        let done = match body {
            Some(body) => self.post(url, line, body, records.len()).await,
            None => Turn::Sent { more: true },
        };
        match done {
            Turn::Sent { .. } => match self.remember(url, last, totals) {
                Ok(()) => Turn::Sent { more: records.len() >= most },
                Err(fault) => failed(fault),
            },
            other => other,
        }
    }

    async fn post(
        &self,
        url: &str,
        line: &mut Option<Line>,
        body: Vec<u8>,
        records: usize,
    ) -> Turn {
        let failed = |fault: String| Turn::Failed(fault, None);
        let version = self.network.version();
        if line.as_ref().is_none_or(|line| line.set != url || line.version != version) {
            *line = match Line::new(url, &self.network, self.signal) {
                Ok(line) => Some(line),
                Err(fault) => return failed(fault),
            };
        }
        let Some(line) = line else { return failed("there is no client".to_owned()) };
        let answer = line.guard.post(&line.to, "application/x-protobuf", body, ANSWER).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => return failed(fault.to_string()),
        };
        let status = answer.status().as_u16();
        if status == 413 && records > 1 {
            return Turn::TooMuch;
        }
        if self.signal != Signal::Logs && [404, 405, 501].contains(&status) {
            let fault = format!("it takes no {} (it answered {status})", self.signal.word());
            return Turn::Failed(fault, Some(NOT_HERE));
        }
        if !(200..300).contains(&status) {
            let asked = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
            let asked = asked.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
            return Turn::Failed(
                format!("it answered {status}"),
                asked.map(|long| long.min(5 * LONGEST)),
            );
        }
        let (rejected, why) = self.signal.rejected(answer.body());
        if rejected > 0 {
            // OTLP forbids to send them again: the same answer would come for ever. The log still has them.
            tracing::warn!(
                rejected,
                "the collector took the message and refused some of its records"
            );
        }
        if rejected > 0 || why.is_some() {
            self.tell(|all| {
                all.refused = all.refused.saturating_add(rejected);
                all.why = why;
            });
        }
        Turn::Sent { more: true }
    }

    fn remember(
        &self,
        url: &str,
        last: &AuditRecord,
        totals: Option<Totals>,
    ) -> Result<(), String> {
        let told = self.progress.get();
        let logs = self.signal == Signal::Logs;
        let (refused, why) = if logs { (told.refused, told.why) } else { (0, None) };
        let sent = Sent {
            url: url.to_owned(),
            log: self.log.log_id().to_owned(),
            seq: last.seq,
            hash: last.hash.to_string(),
            refused,
            why,
            totals,
        };
        let written = serde_json::to_string(&sent).map_err(text)?;
        self.store.put_setting(self.signal.setting(), &written).map_err(text)?;
        self.tell(|all| all.sent = last.seq);
        self.tell_fault(None);
        Ok(())
    }
}

/// The newest record that this collector has; `None` where it has nothing of this log as it stands. Blocks.
fn resume(log: &Log, store: &Store, setting: &str, url: &str) -> Result<Option<Sent>, String> {
    let kept = store.setting(setting).map_err(text)?;
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
    fn new(set: &str, network: &Network, signal: Signal) -> Result<Self, String> {
        let version = network.version();
        let mut to = Url::parse(set).map_err(text)?;
        let guard = Guard::new(&to, network).map_err(text)?;
        let path = to.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/v1/logs") {
            to.set_path(&format!("{path}/v1/{}", signal.word()));
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
            assert_eq!(Line::new(set, &Network::system(), Signal::Logs).unwrap().to.as_str(), to);
        }
        assert!(Line::new("http://otel.example", &Network::system(), Signal::Logs).is_err());
    }
}
