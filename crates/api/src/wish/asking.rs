//! How answers have to be given: levels, the approval passphrase, and whether questions come as notifications.

use prokura_delegation::StepUpFault;
use prokura_domain::{GrantId, Keys, Level, LevelScope, Passphrase, ToolClass};

use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::fault::sentence;
use crate::view::{AskingView, StepUpLevelView};

impl Api {
    /// How it stands.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn asking(&self) -> Result<AskingView, Failure> {
        let step_up = self.0.delegation.step_up().await?;
        let mut levels = Vec::new();
        for (scope, level) in step_up.levels.rules() {
            let (text, words) = self.scope_words(scope)?;
            levels.push(StepUpLevelView {
                scope: text,
                words,
                level: level.as_str().to_owned(),
                in_the_way: match level {
                    Level::Passphrase if !step_up.passphrase => Some(NO_PASSPHRASE.to_owned()),
                    Level::Presence => step_up.unable.clone(),
                    Level::Click | Level::Passphrase => None,
                },
            });
        }
        Ok(AskingView {
            levels,
            passphrase_set: step_up.passphrase,
            wait_seconds: step_up.wait_seconds,
            unable: step_up.unable,
            notices: self.0.delegation.notices(),
            pause_keys: self.pause_keys(),
        })
    }

    /// Sets what a yes has to be given with.
    ///
    /// # Errors
    /// [`Failure`] when a word is not known, nothing of that name exists, or less is asked for without what it takes.
    pub async fn asking_level(
        &self,
        scope: String,
        level: String,
        passphrase: Option<String>,
    ) -> Result<AskingView, Failure> {
        let level = self::level(&level)?;
        let scope = self.scope_of(&scope)?;
        let passphrase = given(passphrase);
        self.0.delegation.set_level(scope, level, passphrase.as_ref()).await?;
        self.asking().await
    }

    /// Sets the approval passphrase.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be used, or the old one is missing or wrong.
    pub async fn asking_passphrase(
        &self,
        new: String,
        old: Option<String>,
    ) -> Result<AskingView, Failure> {
        let old = given(old);
        self.0.delegation.set_passphrase(Passphrase::new(new), old.as_ref()).await?;
        self.asking().await
    }

    /// Says whether questions come as notifications too.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be remembered.
    pub async fn asking_notices(&self, on: bool) -> Result<AskingView, Failure> {
        self.0.delegation.set_notices(on)?;
        self.asking().await
    }

    /// Sets the keys that pause all agents, or takes them away.
    ///
    /// # Errors
    /// [`Failure`] when they are none that can be used, or cannot be remembered.
    pub async fn asking_pause_keys(&self, keys: Option<String>) -> Result<AskingView, Failure> {
        let keys = keys.map(|text| text.parse::<Keys>()).transpose().map_err(|fault| {
            Failure::new(
                FailureCode::BadRequest,
                sentence(&fault.to_string()),
                "Nothing was changed.",
            )
        })?;
        self.0.delegation.set_pause_keys(keys.as_ref()).await?;
        self.asking().await
    }

    /// The keys that pause all agents.
    #[must_use]
    pub fn pause_keys(&self) -> Option<String> {
        self.0.delegation.pause_keys().map(|keys| keys.to_string())
    }

    /// Whether new questions come as notifications too.
    #[must_use]
    pub fn notices(&self) -> bool {
        self.0.delegation.notices()
    }

    /// A scope as people write it.
    fn scope_of(&self, text: &str) -> Result<LevelScope, Failure> {
        let unknown =
            || StepUpFault::Scope(format!("\"{text}\" is nothing that a level is set for"));
        let fault = |fault: StepUpFault| prokura_delegation::DelegationError::from(fault);
        let (kind, rest) = text.split_once(':').ok_or_else(|| fault(unknown()))?;
        Ok(match kind {
            "class" => {
                LevelScope::Class(ToolClass::from_text(rest).ok_or_else(|| fault(unknown()))?)
            }
            "server" => LevelScope::Server(self.level_server(rest)?),
            "tool" => {
                let (server, tool) = rest.split_once('/').ok_or_else(|| fault(unknown()))?;
                LevelScope::Tool(self.level_server(server)?, tool.to_owned())
            }
            "grant" => {
                let id = GrantId::from_text(rest);
                if self.store().grant(&id)?.is_none() {
                    return Err(
                        fault(StepUpFault::Scope(format!("there is no grant {rest}"))).into()
                    );
                }
                LevelScope::Grant(id)
            }
            _ => return Err(fault(unknown()).into()),
        })
    }

    /// A Server by name or id; also one that is gone, so that what was set for it can be taken back.
    fn level_server(&self, name: &str) -> Result<prokura_domain::ServerId, Failure> {
        let set = self.0.delegation.level_servers();
        match self.store().find_server(name)? {
            Some(server) => Ok(server.id),
            None => match set.into_iter().find(|id| id.as_str() == name) {
                Some(id) => Ok(id),
                None => self.server_named(name).map(|server| server.id),
            },
        }
    }

    /// A scope as people write it, and in words.
    fn scope_words(&self, scope: &LevelScope) -> Result<(String, String), Failure> {
        let server = |id: &prokura_domain::ServerId| -> Result<String, Failure> {
            let found = self.store().server(id)?;
            Ok(found.map_or_else(|| id.to_string(), |server| server.name))
        };
        Ok(match scope {
            LevelScope::Class(class) => {
                let class = class.as_str();
                (format!("class:{class}"), format!("Every {class} tool"))
            }
            LevelScope::Server(id) => {
                let name = server(id)?;
                (format!("server:{name}"), format!("Everything at {name}"))
            }
            LevelScope::Tool(id, tool) => {
                let name = server(id)?;
                (format!("tool:{name}/{tool}"), format!("{tool} at {name}"))
            }
            LevelScope::Grant(id) => {
                let grant = self.store().grant(id)?;
                let about = grant.map_or_else(|| "what is gone".to_owned(), |it| it.target.words());
                (format!("grant:{id}"), format!("What the grant for {about} asks ({id})"))
            }
        })
    }
}

/// Why a passphrase level cannot be met.
const NO_PASSPHRASE: &str = "no approval passphrase is set";

/// A level by its word.
pub(super) fn level(word: &str) -> Result<Level, Failure> {
    Level::from_text(word).ok_or_else(|| {
        let text = format!("\"{word}\" is no level.");
        Failure::new(FailureCode::BadRequest, text, "Use click, passphrase or presence.")
    })
}

/// A passphrase that was given; an empty one was not.
pub(super) fn given(text: Option<String>) -> Option<Passphrase> {
    text.filter(|text| !text.is_empty()).map(Passphrase::new)
}
