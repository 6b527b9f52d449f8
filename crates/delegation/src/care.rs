//! Care for the audit log: what is kept of payloads and for how long, what is archived, what the last look at the chain
//! found. It must never change a record, and every change of a setting is one.

use std::sync::{Mutex, PoisonError};

use prokura_domain::{
    AuditLevel, Change, Durability, Event, Json, Pointer, RecordKind, Server, Timestamp,
};
use prokura_store::{Capture, MaskRule, PayloadCount, Retention, Segment, StoreError, Verdict};
use serde::{Deserialize, Serialize};

use crate::{Delegation, DelegationError};

/// The setting that holds all of [`LogSettings`], as JSON.
const SETTING: &str = "audit";
const DAY_SECONDS: i64 = 86_400;
/// So many of the newest records are verified at every start.
const TAIL: i64 = 2_000;

/// A place in the arguments of a tool that is never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mask {
    /// The Server's name; `None` for all.
    pub server: Option<String>,
    /// The tool; `None` for all.
    pub tool: Option<String>,
    /// An RFC 6901 pointer into its arguments.
    pub pointer: String,
}

/// What the person set for the log. Zero means without limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogSettings {
    /// Payloads older than so many days are deleted.
    pub keep_days: u32,
    /// The oldest payloads are deleted while all take more than so many MiB.
    pub keep_mib: u32,
    /// Of a longer payload only so many KiB are kept.
    pub payload_kib: u32,
    /// Records older than so many days go into archives.
    pub archive_days: u32,
    /// The address of an OpenTelemetry collector that every record is sent to.
    pub collector: Option<String>,
    /// Places that are never kept.
    pub masks: Vec<Mask>,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            keep_days: 90,
            keep_mib: 512,
            payload_kib: 64,
            archive_days: 0,
            collector: None,
            masks: Vec::new(),
        }
    }
}

/// What the last look at the chain found, and when.
#[derive(Debug, Default)]
pub(crate) struct Standing(Mutex<Option<(Verdict, Timestamp)>>);

impl Delegation {
    /// What the person set for the log.
    ///
    /// # Errors
    /// Store faults.
    pub fn log_settings(&self) -> Result<LogSettings, StoreError> {
        let stored = self.store().setting(SETTING)?;
        Ok(stored.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Changes what is kept; recorded before it holds.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn set_log_settings(&self, new: &LogSettings) -> Result<(), DelegationError> {
        let old = self.log_settings()?;
        let text = |settings: &LogSettings| serde_json::to_string(settings).unwrap_or_default();
        let (was, is) = (text(&old), text(new));
        if was == is {
            return Ok(());
        }
        self.note_setting(SETTING, &was, &is, None).await?;
        self.store().put_setting(SETTING, &is)?;
        self.apply_log_settings()?;
        self.tell(Change::Audit);
        Ok(())
    }

    /// Makes the log keep payloads as it is set. Done at every start.
    pub(crate) fn apply_log_settings(&self) -> Result<(), StoreError> {
        let settings = self.log_settings()?;
        let mut rules = Vec::new();
        for mask in &settings.masks {
            let Ok(pointer) = mask.pointer.parse::<Pointer>() else { continue };
            let server = match &mask.server {
                None => None,
                // A server that is gone leaves a rule that covers nothing.
                Some(name) => Some(
                    self.store()
                        .find_server(name)?
                        .map_or_else(|| name.clone(), |found| found.id.to_string()),
                ),
            };
            rules.push(MaskRule { server, tool: mask.tool.clone(), pointer });
        }
        let most = match settings.payload_kib {
            0 => usize::MAX,
            kib => usize::try_from(kib).unwrap_or(usize::MAX).saturating_mul(1024),
        };
        self.log().set_capture(Capture { most, rules });
        Ok(())
    }

    /// Says what the log keeps of the Calls to a Server.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn set_audit_level(
        &self,
        server: &Server,
        level: AuditLevel,
    ) -> Result<(), DelegationError> {
        let (was, is) = (server.audit_level.as_str(), level.as_str());
        self.note_setting("audit_level", was, is, Some(server)).await?;
        self.store().put_server(&Server { audit_level: level, ..server.clone() })?;
        self.tell(Change::Servers);
        Ok(())
    }

    /// Records that the person changed a setting. Never one whose value is a secret.
    ///
    /// # Errors
    /// Log faults.
    pub async fn note_setting(
        &self,
        setting: &str,
        was: &str,
        is: &str,
        server: Option<&Server>,
    ) -> Result<(), DelegationError> {
        let detail = Json::object([
            ("setting", Json::text(setting)),
            ("was", Json::text(was)),
            ("is", Json::text(is)),
        ]);
        let subject = self.subject(None, server.map(|server| &server.id), None);
        let event = Event::new(RecordKind::SettingChanged, detail).about(subject);
        self.log().append(event, Durability::Synced).await?;
        self.tell(Change::Audit);
        Ok(())
    }

    /// Deletes payloads and archives records as it is set. Blocks.
    ///
    /// # Errors
    /// Store and log faults.
    pub fn care_for_log(&self) -> Result<(PayloadCount, Option<Segment>), DelegationError> {
        let settings = self.log_settings()?;
        let ago =
            |days: u32| (days > 0).then(|| self.now().plus_seconds(-DAY_SECONDS * i64::from(days)));
        let most = (settings.keep_mib > 0).then(|| i64::from(settings.keep_mib) * 1024 * 1024);
        let retention = Retention { before: ago(settings.keep_days), most_bytes: most };
        let gone = self.log().delete_payloads(retention)?;
        self.log().finish_archiving()?;
        let closed = match ago(settings.archive_days) {
            Some(moment) => self.archive_log(moment)?,
            None => None,
        };
        Ok((gone, closed))
    }

    /// Closes the records from before `moment` as a segment. Blocks.
    ///
    /// # Errors
    /// Store and log faults; while the Vault is locked nothing can be signed, so nothing is closed.
    pub fn archive_log(&self, moment: Timestamp) -> Result<Option<Segment>, DelegationError> {
        let closed = match self.log().archive(moment) {
            Err(StoreError::NoCheckpoint) => return Ok(None),
            other => other?,
        };
        self.tell(Change::Audit);
        Ok(closed)
    }

    /// Looks at the whole chain, or at its newest records, and records what was found. Blocks while it reads.
    ///
    /// # Errors
    /// Store and log faults.
    pub async fn look_at_log(&self, whole: bool) -> Result<Verdict, DelegationError> {
        let log = self.log().clone();
        let look = move || if whole { log.verify() } else { log.verify_tail(TAIL) };
        let looked = tokio::task::spawn_blocking(look).await;
        let verdict = looked.map_err(|error| StoreError::AuditBroken(error.to_string()))??;
        let faults = verdict.faults.iter().take(5).map(Json::text).collect();
        let detail = Json::object([
            ("whole_log", Json::from(whole)),
            ("ok", Json::from(verdict.is_whole())),
            ("records", Json::from(verdict.records)),
            ("faults", Json::Array(faults)),
        ]);
        let event = Event::new(RecordKind::LogVerified, detail);
        self.log().append(event, Durability::Logged).await?;
        let mut standing = self.0.standing.0.lock().unwrap_or_else(PoisonError::into_inner);
        *standing = Some((verdict.clone(), self.now()));
        drop(standing);
        self.tell(Change::Audit);
        self.tell(Change::State);
        Ok(verdict)
    }

    /// What the last look at the chain found, and when that was; `None` before the first.
    #[must_use]
    pub fn log_standing(&self) -> Option<(Verdict, Timestamp)> {
        self.0.standing.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
