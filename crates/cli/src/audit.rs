//! The words of `prokura audit`, and their wishes.

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use prokura_api::audit::{AuditFilter, AuditMask, AuditStatusView};
use prokura_api::export::{self, Format};
use prokura_api::view::RecordView;
use prokura_api::{AuditWish, Failure, FailureCode, Request};
use prokura_host::control::Client;
use serde_json::Value;

use crate::{show, verify};

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Records, newest first.
    List {
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Only records before this sequence number.
        #[arg(long)]
        before: Option<i64>,
        /// Begin with a remembered filter; what is given beside it counts instead.
        #[arg(long, value_name = "NAME")]
        saved: Option<String>,
        #[command(flatten)]
        filter: Filter,
    },
    /// One record.
    Show { seq: i64 },
    /// The call a record belongs to: its records, what was kept of it, what went on beside it.
    Call { seq: i64 },
    /// What happened around a record: those before and after it, whoever they are about.
    Around {
        seq: i64,
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// What an agent touched.
    Touched { agent: String },
    /// How much happened, day by day (UTC) and agent by agent.
    Days {
        #[arg(long, default_value_t = 30)]
        days: u32,
    },
    /// How the log stands, and how it is kept.
    Status,
    /// Change how the log is kept: keep-days, keep-mib, payload-kib, archive-days (0 is without
    /// limit), collector (an address, or off).
    Set { name: String, value: String },
    /// Say what is kept of the calls to a server: digest, arguments, or arguments-and-results.
    Level { server: String, level: String },
    /// Never keep what is at a place in the arguments of a tool.
    Mask {
        /// A JSON pointer into the arguments, such as /card/number.
        pointer: String,
        #[arg(long)]
        server: Option<String>,
        #[arg(long)]
        tool: Option<String>,
        /// Keep it again.
        #[arg(long)]
        remove: bool,
    },
    /// Remember a filter under a name.
    Save {
        name: String,
        /// Forget it.
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        filter: Filter,
    },
    /// Delete payloads and archive records now, as it is set.
    Care,
    /// Close the records from before a time as a segment and move them into an archive file.
    Archive {
        /// RFC 3339, or a time ago such as 90d.
        #[arg(long)]
        before: String,
    },
    /// Write records as signed evidence into a folder, to give away: records, checkpoints, pages to read them, and how to
    /// verify it.
    Bundle {
        /// The number of the first record; omitted: all from the first.
        #[arg(long, value_name = "SEQ")]
        first: Option<i64>,
        /// The number of the last record; omitted: all to the newest.
        #[arg(long, value_name = "SEQ")]
        last: Option<i64>,
    },
    /// Verify the log; with FILE, a copied database, an archive or a folder of evidence, without a running host.
    Verify {
        file: Option<PathBuf>,
        /// The anchor to compare with, where it is a file.
        #[arg(long, value_name = "FILE", requires = "file")]
        anchor: Option<PathBuf>,
        /// The public key that everything has to be signed by, where you noted it.
        #[arg(long, value_name = "HEX", requires = "file")]
        key: Option<String>,
    },
    /// Every record, oldest first, to standard output.
    Export {
        #[arg(long, default_value = "jsonl")]
        format: FormatWord,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatWord {
    /// One record a line, as JSON.
    Jsonl,
    /// A table.
    Csv,
    /// Open Cybersecurity Schema Framework, API Activity, one event a line.
    Ocsf,
}

#[derive(Debug, Default, ClapArgs)]
pub struct Filter {
    /// Beginnings of words in names, targets, kinds, methods, results and rules.
    #[arg(long)]
    search: Option<String>,
    #[arg(long)]
    agent: Option<String>,
    #[arg(long)]
    server: Option<String>,
    #[arg(long)]
    account: Option<String>,
    /// A tool, URI, prompt or method, in full.
    #[arg(long, alias = "target")]
    tool: Option<String>,
    /// allowed, asked, denied or failed.
    #[arg(long)]
    decision: Option<String>,
    /// A kind such as call.intent, or a topic such as call.
    #[arg(long)]
    kind: Option<String>,
    /// A call's id.
    #[arg(long)]
    call: Option<String>,
    /// A session, as records name it.
    #[arg(long)]
    session: Option<String>,
    /// A W3C trace id.
    #[arg(long)]
    trace: Option<String>,
    /// Not before: RFC 3339, or a time ago such as 8h.
    #[arg(long)]
    since: Option<String>,
    /// Not after.
    #[arg(long)]
    until: Option<String>,
}

impl Filter {
    /// What is given here, and the rest from a remembered one.
    fn over(self, saved: AuditFilter) -> AuditFilter {
        AuditFilter {
            search: self.search.or(saved.search),
            agent: self.agent.or(saved.agent),
            server: self.server.or(saved.server),
            account: self.account.or(saved.account),
            target: self.tool.or(saved.target),
            decision: self.decision.or(saved.decision),
            kind: self.kind.or(saved.kind),
            call: self.call.or(saved.call),
            session: self.session.or(saved.session),
            trace: self.trace.or(saved.trace),
            since: self.since.or(saved.since),
            until: self.until.or(saved.until),
        }
    }
}

pub async fn run(data: &Path, words: Audit, json: bool) -> Result<ExitCode, Failure> {
    if let Audit::Verify { file: Some(file), anchor, key } = &words {
        return verify::file(file, anchor.as_deref(), key.as_deref(), json);
    }
    let mut host = Client::connect(data).await?;
    match words {
        Audit::Verify { .. } => {
            let value = host.ask(&Request::Audit(AuditWish::Verify)).await?;
            let view = serde_json::from_value(value).map_err(unreadable)?;
            return verify::shown(&view, json);
        }
        Audit::Export { format } => {
            export(&mut host, format).await?;
            return Ok(ExitCode::SUCCESS);
        }
        other => {
            let wish = wish(&mut host, other).await?;
            show::print(&host.ask(&Request::Audit(wish)).await?, json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn wish(host: &mut Client, words: Audit) -> Result<AuditWish, Failure> {
    Ok(match words {
        Audit::List { limit, before, saved, filter } => {
            let saved = match saved {
                Some(name) => remembered(host, &name).await?,
                None => AuditFilter::default(),
            };
            AuditWish::List { limit, before, filter: filter.over(saved) }
        }
        Audit::Around { seq, limit } => {
            let before = Some(seq.saturating_add(i64::from(limit / 2) + 1));
            AuditWish::List {
                limit: limit.saturating_add(1),
                before,
                filter: AuditFilter::default(),
            }
        }
        Audit::Show { seq } => AuditWish::Show { seq },
        Audit::Call { seq } => AuditWish::Call { seq },
        Audit::Touched { agent } => AuditWish::Touched { agent },
        Audit::Days { days } => AuditWish::Days { days },
        Audit::Status => AuditWish::Status,
        Audit::Set { name, value } => AuditWish::Set { name, value },
        Audit::Level { server, level } => AuditWish::Level { server, level },
        Audit::Mask { pointer, server, tool, remove } => {
            AuditWish::Mask { mask: AuditMask { server, tool, pointer }, remove }
        }
        Audit::Save { name, remove, filter } => {
            let filter = (!remove).then(|| filter.over(AuditFilter::default()));
            AuditWish::FilterSave { name, filter }
        }
        Audit::Care => AuditWish::Care,
        Audit::Archive { before } => AuditWish::Archive { before },
        Audit::Bundle { first, last } => AuditWish::Bundle { first, last },
        Audit::Verify { .. } | Audit::Export { .. } => AuditWish::Verify,
    })
}

async fn remembered(host: &mut Client, name: &str) -> Result<AuditFilter, Failure> {
    let value = host.ask(&Request::Audit(AuditWish::Status)).await?;
    let status: AuditStatusView = serde_json::from_value(value).map_err(unreadable)?;
    let found = status.filters.into_iter().find(|saved| saved.name == name);
    found.map(|saved| saved.filter).ok_or_else(|| {
        Failure::new(
            FailureCode::NotFound,
            format!("There is no filter \"{name}\"."),
            "See which there are with `prokura audit status`.",
        )
    })
}

/// Page by page, so that a log of any size fits.
async fn export(host: &mut Client, format: FormatWord) -> Result<(), Failure> {
    let format = match format {
        FormatWord::Jsonl => Format::Jsonl,
        FormatWord::Csv => Format::Csv,
        FormatWord::Ocsf => Format::Ocsf,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut after = None;
    let mut text = export::head(format).to_owned();
    loop {
        out.write_all(text.as_bytes()).map_err(unreadable)?;
        let page = host.ask(&Request::Audit(AuditWish::Export { after })).await?;
        let records: Vec<RecordView> = serde_json::from_value(page).map_err(unreadable)?;
        let Some(last) = records.last() else { break };
        after = Some(last.seq);
        text = records.iter().map(|record| export::line(format, record)).collect();
    }
    out.flush().map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    let value = Value::String(error.to_string());
    Failure::new(
        FailureCode::Internal,
        format!("The answer is not understood: {value}."),
        "Use the `prokura` program of the same version as the running host.",
    )
}
