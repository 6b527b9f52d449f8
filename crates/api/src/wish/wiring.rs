//! Agent programs on this machine: what they have, connecting them, and taking that back. It must never write what was not
//! previewed, and never show a key that it met in their settings.

use prokura_domain::port::SealContext;
use prokura_domain::{Event, Json, RecordKind, Server, Timestamp};
use prokura_store::Sealed;
use prokura_wiring::{
    Change, Entry, Found, Kind, Line, Receipt, Take, Wire, WiringError, find, program,
};
use serde::{Deserialize, Serialize};

use super::shown;
use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::request::WireWish;
use crate::view::{LineView, OwnServerView, ProgramView, WirePreviewView, WiredView};

/// What is kept, sealed, of a change that was made.
#[derive(Serialize, Deserialize)]
struct Kept {
    agent: String,
    way: String,
    at: i64,
    receipt: Receipt,
}

const FIELD: &str = "receipt";

fn row(program: &str) -> String {
    format!("wiring:{program}")
}

fn context(row: &str, generation: u64) -> SealContext<'_> {
    SealContext { purpose: "wiring", row, field: FIELD, generation, bound_to: None }
}

impl Api {
    /// The agent programs of the list, with those on this machine first.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn programs(&self) -> Result<Vec<ProgramView>, Failure> {
        let folders = self.0.surroundings.folders();
        let found = tokio::task::spawn_blocking(move || find(&folders)).await.unwrap_or_default();
        let mut programs =
            found.iter().map(|found| self.program_view(found)).collect::<Result<Vec<_>, _>>()?;
        programs.sort_by_key(|program| !program.installed);
        Ok(programs)
    }

    /// How a program's settings would read with Prokura in them.
    ///
    /// # Errors
    /// [`Failure`] when it is connected already, or its settings cannot be changed safely.
    pub async fn wire_preview(&self, wish: WireWish) -> Result<WirePreviewView, Failure> {
        Ok(preview(&self.change(&wish)?))
    }

    /// Changes a program's settings as they were previewed, after adding the servers that Prokura takes over.
    ///
    /// # Errors
    /// [`Failure`] when the file is not the one that was previewed, or a server cannot be added: then the file is as it was.
    pub async fn wire(&self, wish: WireWish, digest: String) -> Result<WiredView, Failure> {
        let change = self.change(&wish)?;
        if change.digest() != digest {
            return Err(WiringError::Changed(change.file().to_owned()).into());
        }
        // Without the vault there would be no way back.
        self.keep(&wish.program, None)?;
        let mut added = Vec::new();
        for take in change.takes() {
            added.push(self.take_over(take).await?);
        }
        let file = change.file().display().to_string();
        let receipt = change.make()?;
        let at = self.0.delegation.moment();
        let kept = Kept { agent: wish.agent.clone(), way: wish.way.clone(), at: at.0, receipt };
        self.keep(&wish.program, Some(&kept))?;
        let servers = added.iter().map(Json::text).collect();
        self.told(RecordKind::AgentWired, &wish, &file, servers).await?;
        Ok(WiredView { program: wish.program, file, agent: wish.agent, servers: added })
    }

    /// How a program's settings would read without what was changed.
    ///
    /// # Errors
    /// [`Failure`] when nothing was changed, or it cannot be taken back safely.
    pub async fn unwire_preview(&self, program: String) -> Result<WirePreviewView, Failure> {
        Ok(preview(&self.kept(&program)?.receipt.undo()?))
    }

    /// Takes back what was changed. The servers that were added stay in Prokura.
    ///
    /// # Errors
    /// [`Failure`] when the file is not the one that was previewed; then it is as it was.
    pub async fn unwire(&self, program: String, digest: String) -> Result<WiredView, Failure> {
        let kept = self.kept(&program)?;
        let change = kept.receipt.undo()?;
        if change.digest() != digest {
            return Err(WiringError::Changed(change.file().to_owned()).into());
        }
        let file = change.file().display().to_string();
        change.make()?;
        self.store().remove_secrets(&row(&program))?;
        let wish = WireWish { program, agent: kept.agent, way: kept.way, take: Vec::new() };
        self.told(RecordKind::AgentUnwired, &wish, &file, Vec::new()).await?;
        Ok(WiredView { program: wish.program, file, agent: wish.agent, servers: Vec::new() })
    }

    fn change(&self, wish: &WireWish) -> Result<Change, Failure> {
        let known = program(&wish.program)?;
        if self.store().secret(&row(&wish.program), FIELD)?.is_some()
            && self.kept(&wish.program)?.receipt.stands()
        {
            return Err(Failure::new(
                FailureCode::Conflict,
                format!("{} is connected already.", known.name),
                format!("Take that back first: `prokura wire undo {}`.", known.id),
            ));
        }
        let wire = match wish.way.as_str() {
            "command" => Wire::Stdio {
                command: self.0.surroundings.program().display().to_string(),
                args: self.stdio_words(agent_name(&wish.agent)?),
            },
            "sign_in" if known.signs_in => Wire::Http {
                url: format!("{}/mcp", self.0.surroundings.http()),
                headers: Vec::new(),
            },
            "sign_in" => {
                return Err(Failure::new(
                    FailureCode::BadRequest,
                    format!("{} cannot sign in to a server by itself.", known.name),
                    "Connect it by command.",
                ));
            }
            other => {
                return Err(Failure::new(
                    FailureCode::BadRequest,
                    format!("\"{other}\" is no way to connect a program."),
                    "Use `command` or `sign_in`.",
                ));
            }
        };
        Ok(known.wire(&self.0.surroundings.folders(), &wire, &wish.take)?)
    }

    /// How the program starts `prokura stdio` so that it reaches this very Host.
    fn stdio_words(&self, agent: String) -> Vec<String> {
        let mut words = vec!["stdio".to_owned(), "--agent".to_owned(), agent];
        if let Some(data) = self.0.surroundings.other_data() {
            words.extend(["--data".to_owned(), data.display().to_string()]);
        }
        words
    }

    /// The server in Prokura for one of the program's: the one with the same URL, or a new one, with its key.
    async fn take_over(&self, take: &Take) -> Result<String, Failure> {
        let url = match &take.entry.kind {
            Kind::Remote { url, .. } => url,
            Kind::Local { command, args, env } => {
                return self.local_taken(self.free_name(&take.name)?, command, args, env).await;
            }
            Kind::Other => {
                return Err(Failure::new(
                    FailureCode::BadRequest,
                    format!("\"{}\" has neither a URL nor a command.", take.name),
                    "Leave it where it is.",
                ));
            }
        };
        let known = self.store().servers()?.into_iter().find(|server| same(server, url));
        if let Some(server) = known {
            return Ok(server.name);
        }
        let server = self.server_add(url.clone(), self.free_name(&take.name)?).await?;
        if let Some((header, value)) = take.entry.key() {
            let bearer = header.eq_ignore_ascii_case("authorization");
            let key = match value.get(..7) {
                Some(scheme) if bearer && scheme.eq_ignore_ascii_case("bearer ") => &value[7..],
                _ => value,
            };
            self.key_set(server.name.clone(), header.to_owned(), key.trim().to_owned()).await?;
        }
        Ok(server.name)
    }

    fn free_name(&self, wished: &str) -> Result<String, Failure> {
        let plain: String = wished
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
            .collect();
        let plain = match plain.trim_matches('-') {
            "" => "server".to_owned(),
            name => name.chars().take(24).collect(),
        };
        let names: Vec<String> = self.store().servers()?.into_iter().map(|one| one.name).collect();
        let free = |name: &String| !names.contains(name);
        let numbered = (2..1000).map(|number| format!("{plain}-{number}"));
        Ok(std::iter::once(plain.clone()).chain(numbered).find(free).unwrap_or(plain))
    }

    /// Keeps what was changed, or only tries whether it could.
    fn keep(&self, program: &str, kept: Option<&Kept>) -> Result<(), Failure> {
        let row = row(program);
        let generation = self.store().secret(&row, FIELD)?.map_or(0, |old| old.generation) + 1;
        let plain = serde_json::to_vec(&kept).map_err(|error| {
            Failure::new(FailureCode::Internal, error.to_string(), "Report this as a bug.")
        })?;
        let bytes = self.0.sealer.seal(&context(&row, generation), &plain).map_err(locked)?;
        if kept.is_some() {
            self.store().put_secret(&row, FIELD, &Sealed { generation, bytes })?;
        }
        Ok(())
    }

    fn kept(&self, program: &str) -> Result<Kept, Failure> {
        let known = prokura_wiring::program(program)?;
        let row = row(program);
        let sealed = self.store().secret(&row, FIELD)?.ok_or_else(|| {
            Failure::new(
                FailureCode::NotFound,
                format!("Prokura did not connect {}.", known.name),
                "`prokura wire list` shows what it did connect.",
            )
        })?;
        let plain =
            self.0.sealer.open(&context(&row, sealed.generation), &sealed.bytes).map_err(locked)?;
        serde_json::from_slice(&plain).map_err(|_| {
            Failure::new(
                FailureCode::Internal,
                "What was kept of the change cannot be read.",
                "Remove the entry \"prokura\" from the program's settings by hand.",
            )
        })
    }

    async fn told(
        &self,
        kind: RecordKind,
        wish: &WireWish,
        file: &str,
        servers: Vec<Json>,
    ) -> Result<(), Failure> {
        let detail = Json::object([
            ("program", Json::text(&wish.program)),
            ("agent_name", Json::text(&wish.agent)),
            ("way", Json::text(&wish.way)),
            ("file", Json::text(file)),
            ("servers", Json::Array(servers)),
        ]);
        self.0.log.append(Event::new(kind, detail), prokura_domain::Durability::Synced).await?;
        Ok(())
    }

    fn program_view(&self, found: &Found) -> Result<ProgramView, Failure> {
        let known = found.program;
        let kept = match self.store().secret(&row(&known.id), FIELD)? {
            Some(_) => self.kept(&known.id).ok(),
            None => None,
        };
        let servers = found.servers.as_deref().unwrap_or_default();
        let ours = servers.iter().any(|(name, _)| name == "prokura");
        Ok(ProgramView {
            id: known.id.clone(),
            name: known.name.clone(),
            installed: found.installed,
            file: found.file.display().to_string(),
            state: match (&found.servers, &kept, ours) {
                (Err(_), ..) => "unreadable",
                (Ok(_), Some(_), true) => "connected",
                (Ok(_), _, true) => "has_entry",
                (Ok(_), _, false) => "free",
            }
            .to_owned(),
            agent: kept.as_ref().map(|kept| kept.agent.clone()),
            connected_at: kept.map(|kept| shown(Timestamp(kept.at))),
            signs_in: known.signs_in,
            source: known.source.clone(),
            servers: servers
                .iter()
                .filter(|(name, _)| name != "prokura")
                .map(|(name, entry)| own(name, entry))
                .collect(),
            problem: found.servers.as_ref().err().map(ToString::to_string),
        })
    }
}

fn same(server: &Server, url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| url.as_str() == server.endpoint)
}

fn own(name: &str, entry: &Entry) -> OwnServerView {
    let (kind, at) = match &entry.kind {
        Kind::Remote { url, .. } => {
            ("remote", url.split(['?', '#']).next().unwrap_or_default().to_owned())
        }
        Kind::Local { command, .. } => ("local", command.clone()),
        Kind::Other => ("other", String::new()),
    };
    OwnServerView {
        name: name.to_owned(),
        kind: kind.to_owned(),
        at,
        has_key: entry.key().is_some(),
        disabled: entry.disabled,
    }
}

fn preview(change: &Change) -> WirePreviewView {
    let line = |line: Line| {
        let (mark, text) = match line {
            Line::Same(text) => ("same", text),
            Line::Added(text) => ("added", text),
            Line::Removed(text) => ("removed", text),
            Line::Skipped(1) => ("skipped", "1 line".to_owned()),
            Line::Skipped(lines) => ("skipped", format!("{lines} lines")),
        };
        LineView { mark: mark.to_owned(), text }
    };
    WirePreviewView {
        file: change.file().display().to_string(),
        lines: change.difference().into_iter().map(line).collect(),
        digest: change.digest(),
    }
}

/// Names are written into other programs' settings and into a command line.
fn agent_name(name: &str) -> Result<String, Failure> {
    let fine = !name.is_empty()
        && name.len() <= 64
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if fine {
        return Ok(name.to_owned());
    }
    Err(Failure::new(
        FailureCode::BadRequest,
        format!("\"{name}\" cannot be an agent's name."),
        "Use a-z, 0-9 and \"-\", at most 64 of them.",
    ))
}

fn locked(fault: prokura_domain::port::SealFault) -> Failure {
    Failure::new(
        FailureCode::VaultLocked,
        format!("What is needed to take this back cannot be kept now: {fault}."),
        "Unlock the vault (`prokura doctor` says how) and try again.",
    )
}

impl From<WiringError> for Failure {
    fn from(error: WiringError) -> Self {
        let (code, hint) = match &error {
            WiringError::Unknown(_) | WiringError::NoEntry { .. } => {
                (FailureCode::NotFound, "Look at `prokura wire list`.")
            }
            WiringError::NoSuchWay { .. } => (FailureCode::BadRequest, "Choose another way."),
            WiringError::Changed(_) => (FailureCode::Conflict, "Look at the difference again."),
            WiringError::Unreadable { .. } | WiringError::Unsafe(_) => {
                (FailureCode::Conflict, "Mend the file, or add the entry by hand.")
            }
            WiringError::File { .. } => {
                (FailureCode::Internal, "Look at the permissions of the file and its folder.")
            }
        };
        Self::new(code, error.to_string(), hint)
    }
}
