//! How the log stands and how it is kept. Every change of a setting is a record.

use std::collections::BTreeMap;

use prokura_account::http::check_own;
use prokura_delegation::Mask;
use prokura_domain::{AuditLevel, Pointer};
use prokura_store::{PayloadCount, Segment};
use url::Url;

use super::audit::{blocking, moment};
use super::shown;
use crate::audit::{
    AuditFilter, AuditMask, AuditStatusView, CareView, CollectorView, LevelView, SavedFilterView,
    SegmentView,
};
use crate::failure::{Failure, FailureCode};
use crate::view::Named;
use crate::{Api, Collected};

/// The setting that holds remembered filters.
const FILTERS: &str = "audit_filters";
const MOST_FILTERS: usize = 100;

impl Api {
    /// How the log stands, and how it is kept.
    ///
    /// # Errors
    /// [`Failure`] when the log cannot be read.
    pub async fn audit_status(&self) -> Result<AuditStatusView, Failure> {
        let log = self.0.log.clone();
        let (keeping, (oldest, newest), names) = blocking(move || {
            let names = ["agent", "server", "account"].map(|party| log.names(party));
            Ok((log.keeping()?, log.extent()?, names))
        })
        .await?;
        let [agents, servers, accounts] = names;
        let settings = self.0.delegation.log_settings()?;
        let standing = self.0.delegation.log_standing();
        let levels = self.store().servers()?.into_iter().map(|server| LevelView {
            server: Named { id: server.id.to_string(), name: server.name },
            level: server.audit_level.as_str().to_owned(),
        });
        let filters = self.filters()?.into_iter();
        Ok(AuditStatusView {
            ok: standing.as_ref().map(|(verdict, _)| verdict.is_whole()),
            looked_at: standing.as_ref().map(|(_, at)| shown(*at)),
            faults: standing.map(|(verdict, _)| verdict.faults).unwrap_or_default(),
            oldest,
            newest,
            unindexed: self.0.log.unindexed(),
            payloads: keeping.kept.payloads,
            payload_bytes: keeping.kept.bytes,
            keep_days: settings.keep_days,
            keep_mib: settings.keep_mib,
            payload_kib: settings.payload_kib,
            archive_days: settings.archive_days,
            collector: settings.collector.map(|url| {
                let Collected { sent, fault, refused, why, traces, metrics } =
                    self.0.surroundings.collected();
                let waiting = (newest - sent).max(0);
                CollectorView { url, sent, waiting, fault, refused, why, traces, metrics }
            }),
            levels: levels.collect(),
            masks: settings.masks.into_iter().map(mask_view).collect(),
            segments: keeping.segments.iter().map(segment_view).collect(),
            filters: filters.map(|(name, filter)| SavedFilterView { name, filter }).collect(),
            agents: named(agents?),
            servers: named(servers?),
            accounts: named(accounts?),
        })
    }

    /// Changes how the log is kept.
    ///
    /// # Errors
    /// [`Failure`] when there is no such setting, or the change cannot be recorded.
    pub async fn audit_set(&self, name: String, value: String) -> Result<AuditStatusView, Failure> {
        if name == "collector" {
            return self.audit_collector(&value).await;
        }
        let number: u32 = value.trim().parse().map_err(|_| {
            bad(format!("\"{value}\" is not a number."), "Give a whole number; 0 is without limit.")
        })?;
        let mut settings = self.0.delegation.log_settings()?;
        match name.as_str() {
            "keep-days" => settings.keep_days = number,
            "keep-mib" => settings.keep_mib = number,
            "payload-kib" => settings.payload_kib = number,
            "archive-days" => settings.archive_days = number,
            _ => {
                return Err(bad(
                    format!("There is no setting \"{name}\"."),
                    "Settings are keep-days, keep-mib, payload-kib, archive-days and collector.",
                ));
            }
        }
        self.0.delegation.set_log_settings(&settings).await?;
        self.audit_status().await
    }

    /// Sends every record to an OpenTelemetry collector from now on, or to none.
    async fn audit_collector(&self, value: &str) -> Result<AuditStatusView, Failure> {
        let mut settings = self.0.delegation.log_settings()?;
        settings.collector = match value.trim() {
            "" | "off" => None,
            text => Some(collector(text)?),
        };
        self.0.delegation.set_log_settings(&settings).await?;
        self.audit_status().await
    }

    /// Says what is kept of the calls to a server.
    ///
    /// # Errors
    /// [`Failure`] when there is no such server or level, or the change cannot be recorded.
    pub async fn audit_level(
        &self,
        server: String,
        level: String,
    ) -> Result<AuditStatusView, Failure> {
        let server = self.server_named(&server)?;
        let level = AuditLevel::from_text(&level.replace('-', "_")).ok_or_else(|| {
            bad(
                format!("There is no level \"{level}\"."),
                "Levels are digest, arguments and arguments_and_results.",
            )
        })?;
        self.0.delegation.set_audit_level(&server, level).await?;
        self.audit_status().await
    }

    /// Never keeps what is at a place in the arguments of a tool, or keeps it again.
    ///
    /// # Errors
    /// [`Failure`] when the place is not understood, or the change cannot be recorded.
    pub async fn audit_mask(
        &self,
        mask: AuditMask,
        remove: bool,
    ) -> Result<AuditStatusView, Failure> {
        if let Some(server) = mask.server.as_ref().filter(|_| !remove) {
            self.server_named(server)?;
        }
        mask.pointer.parse::<Pointer>().map_err(|fault| {
            bad(format!("{fault}."), "Write it like /card/number, into the arguments of the tool.")
        })?;
        let mut settings = self.0.delegation.log_settings()?;
        let mask = Mask { server: mask.server, tool: mask.tool, pointer: mask.pointer };
        let there = settings.masks.contains(&mask);
        match (remove, there) {
            (true, _) => settings.masks.retain(|known| *known != mask),
            (false, true) => {}
            (false, false) => settings.masks.push(mask),
        }
        self.0.delegation.set_log_settings(&settings).await?;
        self.audit_status().await
    }

    /// Remembers a filter under a name, or forgets it.
    ///
    /// # Errors
    /// [`Failure`] when the name cannot be used, or nothing can be written.
    pub async fn audit_filter_save(
        &self,
        name: String,
        filter: Option<AuditFilter>,
    ) -> Result<AuditStatusView, Failure> {
        let name = name.trim().to_owned();
        let mut filters = self.filters()?;
        match filter {
            None => drop(filters.remove(&name)),
            Some(_) if name.is_empty() || name.chars().count() > 60 => {
                return Err(bad(
                    "A filter needs a name of at most 60 characters.".to_owned(),
                    "Say what it shows, such as \"payments that were refused\".",
                ));
            }
            Some(_) if filters.len() >= MOST_FILTERS && !filters.contains_key(&name) => {
                return Err(bad(
                    format!("There are {MOST_FILTERS} filters already."),
                    "Forget one that you do not use.",
                ));
            }
            Some(filter) => drop(filters.insert(name, filter)),
        }
        let text = serde_json::to_string(&filters).unwrap_or_default();
        self.store().put_setting(FILTERS, &text)?;
        self.audit_status().await
    }

    /// Deletes payloads and archives records now, as it is set.
    ///
    /// # Errors
    /// [`Failure`] when nothing can be written.
    pub async fn audit_care(&self) -> Result<CareView, Failure> {
        let delegation = self.0.delegation.clone();
        let done = tokio::task::spawn_blocking(move || delegation.care_for_log()).await;
        let (gone, closed) = done.map_err(|error| {
            Failure::new(FailureCode::Internal, error.to_string(), "Try again.")
        })??;
        Ok(care_view(gone, closed.as_ref()))
    }

    /// Closes records as a segment and moves them into an archive.
    ///
    /// # Errors
    /// [`Failure`] when the time is not understood, or nothing can be written.
    pub async fn audit_archive(&self, before: String) -> Result<CareView, Failure> {
        let moment = moment(&before, self.0.delegation.moment())?;
        let delegation = self.0.delegation.clone();
        let done = tokio::task::spawn_blocking(move || delegation.archive_log(moment)).await;
        let closed = done.map_err(|error| {
            Failure::new(FailureCode::Internal, error.to_string(), "Try again.")
        })??;
        Ok(care_view(PayloadCount::default(), closed.as_ref()))
    }

    fn filters(&self) -> Result<BTreeMap<String, AuditFilter>, Failure> {
        let stored = self.store().setting(FILTERS)?;
        Ok(stored.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }
}

/// An address that records may be sent to: https, or this machine, and without anything secret in it.
fn collector(text: &str) -> Result<String, Failure> {
    const HINT: &str = "Write https://otel.example, or http://127.0.0.1:4318 for one on this machine, which can pass \
                        records on with a key of its own.";
    let url = Url::parse(text).map_err(|_| bad(format!("\"{text}\" is not an address."), HINT))?;
    check_own(&url).map_err(|fault| bad(format!("{fault}."), HINT))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("A collector's address has no query and no fragment.".to_owned(), HINT));
    }
    Ok(url.into())
}

fn bad(message: String, hint: &str) -> Failure {
    Failure::new(FailureCode::BadRequest, message, hint)
}

fn named(names: Vec<(String, String)>) -> Vec<Named> {
    names.into_iter().map(|(id, name)| Named { id, name }).collect()
}

fn mask_view(mask: Mask) -> AuditMask {
    AuditMask { server: mask.server, tool: mask.tool, pointer: mask.pointer }
}

fn segment_view(segment: &Segment) -> SegmentView {
    SegmentView {
        first: segment.first,
        last: segment.last,
        file: segment.file.clone(),
        sha256: segment.digest.to_string(),
    }
}

fn care_view(gone: PayloadCount, closed: Option<&Segment>) -> CareView {
    CareView {
        payloads_deleted: gone.payloads,
        bytes_freed: gone.bytes,
        closed: closed.map(segment_view),
    }
}
