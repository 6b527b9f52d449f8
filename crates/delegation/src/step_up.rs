//! Step-up: what a yes has to be given with, the approval passphrase, and proof that the person is there. It can only make
//! an answer harder. It must never keep a passphrase, count a guess after it was looked at, or take one proof twice.

mod tries;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prokura_domain::port::{PresenceFault, SealFault};
use prokura_domain::{
    Change, Level, LevelScope, Levels, Passphrase, Question, QuestionId, QuestionKind,
    QuestionState, ServerId, Target,
};
use prokura_store::{Sealed, Store, StoreError};

use crate::{AnswerFault, Delegation, DelegationError};
use tries::Tries;

/// The setting that holds the levels.
const LEVELS: &str = "approval_levels";
/// The setting that counts wrong passphrases: it has to outlive the Host, or a restart would give new guesses.
const TRIES: &str = "approval_tries";
/// Row and field of what is kept of the passphrase.
const KEPT: (&str, &str) = ("approval", "passphrase");
/// How short and how long a passphrase may be.
const LENGTH: (usize, usize) = (8, 1024);
/// Answers whose proof is remembered; of the oldest only what was wanted at first is known.
const MOST: usize = 1024;
/// How often a question under a dialog is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long the system may ask for a presence where no Question limits it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why a yes was not given with enough, or a passphrase not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepUpFault {
    /// It was left out.
    #[error("a yes to this needs the approval passphrase; nothing was answered")]
    PassphraseNeeded,
    /// There is none.
    #[error(
        "a yes to this needs the approval passphrase, and none is set; nothing was answered, and the question still waits"
    )]
    NoPassphrase,
    /// It was another one.
    #[error("this is not the approval passphrase{}; nothing was answered", again(*.0))]
    Wrong(i64),
    /// Too many wrong ones came before.
    #[error("there were {0} wrong passphrases; the next one is looked at in {1} seconds")]
    Wait(u32, i64),
    /// What is kept cannot be looked at.
    #[error("the approval passphrase cannot be checked now: {0}")]
    Vault(SealFault),
    /// Nobody was shown to be there.
    #[error("a yes to this needs proof that you are there: {0}; nothing was answered")]
    Presence(PresenceFault),
    /// A new passphrase cannot be used.
    #[error("use 8 to 1024 visible characters or spaces")]
    BadPassphrase,
    /// The old one is needed to set a new one.
    #[error("to set a new approval passphrase the old one is needed")]
    OldNeeded,
    /// What gets a level does not exist.
    #[error("{0}")]
    Scope(String),
}

fn again(seconds: i64) -> String {
    if seconds == 0 { String::new() } else { format!("; the next try counts in {seconds} seconds") }
}

/// How the levels stand on this machine.
#[derive(Debug, Clone)]
pub struct StepUp {
    /// What was set.
    pub levels: Arc<Levels>,
    /// Whether there is a passphrase.
    pub passphrase: bool,
    /// In how many seconds the next passphrase is looked at; 0 is at once.
    pub wait_seconds: i64,
    /// Why this machine cannot tell that the person is there.
    pub unable: Option<String>,
}

/// What is remembered of step-ups while the Host runs.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    levels: Mutex<Arc<Levels>>,
    /// What answers were given with.
    met: Mutex<HashMap<QuestionId, Level>>,
    /// One passphrase is looked at at a time: many at once would be many guesses for one delay.
    guess: tokio::sync::Mutex<()>,
    /// The system asks for one question at a time, so that it is clear which.
    presence: tokio::sync::Mutex<()>,
}

impl Steps {
    pub fn stored(store: &Store) -> Result<Self, StoreError> {
        let levels = store.setting(LEVELS)?.map(|text| Levels::from_text(&text));
        let steps = Self::default();
        *steps.levels.lock().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(levels.unwrap_or_default());
        Ok(steps)
    }
}

impl Delegation {
    /// What answers have to be given with.
    #[must_use]
    pub fn levels(&self) -> Arc<Levels> {
        Arc::clone(&self.0.steps.levels.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The Servers that a level is set for, also where they are gone.
    #[must_use]
    pub fn level_servers(&self) -> Vec<ServerId> {
        let server = |(scope, _): &(LevelScope, Level)| match scope {
            LevelScope::Server(id) | LevelScope::Tool(id, _) => Some(id.clone()),
            LevelScope::Class(_) | LevelScope::Grant(_) => None,
        };
        self.levels().rules().iter().filter_map(server).collect()
    }

    /// How the levels stand on this machine.
    ///
    /// # Errors
    /// Store faults.
    pub async fn step_up(&self) -> Result<StepUp, DelegationError> {
        Ok(StepUp {
            levels: self.levels(),
            passphrase: self.kept()?.is_some(),
            wait_seconds: self.tries()?.left(self.now()),
            unable: self.0.parts.presence.able().await.err().map(|fault| fault.to_string()),
        })
    }

    /// Sets what answers about something have to be given with. To take less than before, what was wanted before has to
    /// be shown once more, where this machine can.
    ///
    /// # Errors
    /// [`StepUpFault`]; store and log faults.
    pub async fn set_level(
        &self,
        scope: LevelScope,
        level: Level,
        passphrase: Option<&Passphrase>,
    ) -> Result<(), DelegationError> {
        let before = self.levels().of(&scope);
        if level < before {
            self.prove_to_lower(before, passphrase).await?;
        }
        let text = |level: Level| format!("{} {}", scope.to_text(), level.as_str());
        self.note_setting(LEVELS, &text(before), &text(level), None).await?;
        {
            let mut held = self.0.steps.levels.lock().unwrap_or_else(PoisonError::into_inner);
            let levels = held.with(scope, level);
            self.store().put_setting(LEVELS, &levels.to_text())?;
            *held = Arc::new(levels);
        }
        self.rules_changed(Change::State);
        self.tell(Change::Approvals);
        Ok(())
    }

    async fn prove_to_lower(
        &self,
        before: Level,
        passphrase: Option<&Passphrase>,
    ) -> Result<(), DelegationError> {
        let able = before == Level::Presence && self.0.parts.presence.able().await.is_ok();
        match (able, self.kept()?.is_some()) {
            (true, _) => self.shows(Level::Presence, passphrase, PATIENCE).await,
            (false, true) => self.shows(Level::Passphrase, passphrase, PATIENCE).await,
            // Neither can be had here: the person must not be locked out of their own rules.
            (false, false) => Ok(()),
        }
    }

    /// Sets the approval passphrase; where there is one, it is needed.
    ///
    /// # Errors
    /// [`StepUpFault`]; store and log faults.
    pub async fn set_passphrase(
        &self,
        new: Passphrase,
        old: Option<&Passphrase>,
    ) -> Result<(), DelegationError> {
        let text = new.expose();
        let length = text.chars().count();
        if !(LENGTH.0..=LENGTH.1).contains(&length) || text.chars().any(char::is_control) {
            return Err(StepUpFault::BadPassphrase.into());
        }
        let _one = self.0.steps.guess.lock().await;
        let before = self.kept()?;
        match (&before, old) {
            (Some(kept), Some(old)) => self.guess(kept, old).await?,
            (Some(_), None) => return Err(StepUpFault::OldNeeded.into()),
            (None, _) => {}
        }
        let generation = before.as_ref().map_or(0, |kept| kept.generation) + 1;
        let passphrases = Arc::clone(&self.0.parts.passphrases);
        let bytes = blocking(move || passphrases.keep(&new, generation)).await?;
        let was = if before.is_some() { "another" } else { "none" };
        self.note_setting("approval_passphrase", was, "set", None).await?;
        self.store().put_secret(KEPT.0, KEPT.1, &Sealed { generation, bytes })?;
        self.put_tries(Tries::default())?;
        self.tell(Change::State);
        self.tell(Change::Approvals);
        Ok(())
    }

    /// What a yes to this Question has to be given with now: what was wanted when it was raised, or more.
    #[must_use]
    pub fn level_of(&self, question: &Question) -> Level {
        let own = question.kind.level();
        let (target_kind, target, class) = match &question.kind {
            QuestionKind::Call { target_kind, target, class, .. } => (target_kind, target, *class),
            QuestionKind::Elicitation { target_kind, target, .. } => (target_kind, target, None),
            QuestionKind::Pairing { .. }
            | QuestionKind::Consent { .. }
            | QuestionKind::Scopes { .. }
            | QuestionKind::LocalStart { .. } => return own,
        };
        let (Some(server), Some(target)) =
            (&question.server, Target::from_parts(target_kind, target))
        else {
            return own;
        };
        let class = match &target {
            Target::Tool(name) => {
                self.store().tool(server, name).ok().flatten().map_or(class, |tool| tool.class)
            }
            Target::Resource(_) | Target::Prompt(_) | Target::Method(_) => None,
        };
        let grants: Vec<_> =
            question.why.iter().map(|why| prokura_domain::GrantId::from_text(&why.rule)).collect();
        own.max(self.levels().wanted(server, &target, class, &grants))
    }

    /// What is in the way of giving such a yes on this machine.
    ///
    /// # Errors
    /// Store faults.
    pub async fn in_the_way(&self, level: Level) -> Result<Option<String>, DelegationError> {
        Ok(match level {
            Level::Click => None,
            Level::Passphrase if self.kept()?.is_none() => {
                Some("no approval passphrase is set".to_owned())
            }
            Level::Passphrase => None,
            Level::Presence => {
                self.0.parts.presence.able().await.err().map(|fault| fault.to_string())
            }
        })
    }

    /// What the yes to an allowed Question was given with.
    pub(crate) fn level_met(&self, question: &Question) -> Level {
        let met = self.0.steps.met.lock().unwrap_or_else(PoisonError::into_inner);
        met.get(&question.id).copied().unwrap_or_default().max(question.kind.level())
    }

    /// A yes to this Question is about to be given; shows that it is given with enough.
    pub(crate) async fn step_up_for(
        &self,
        question: &Question,
        passphrase: Option<&Passphrase>,
        remembers: bool,
    ) -> Result<(), DelegationError> {
        let level = self.level_of(question);
        if level == Level::Presence && remembers {
            return Err(AnswerFault::EachTime.into());
        }
        let left = question.expires_at.millis_since(self.now());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
        tokio::select! {
            shown = self.shows(level, passphrase, left) => shown?,
            // The dialog goes when there is nothing left to answer.
            state = self.settled_elsewhere(&question.id) => {
                return Err(AnswerFault::Settled(state.to_owned()).into());
            }
        }
        let mut met = self.0.steps.met.lock().unwrap_or_else(PoisonError::into_inner);
        if met.len() >= MOST {
            met.clear();
        }
        met.insert(question.id.clone(), level);
        Ok(())
    }

    /// Waits until a Question was answered in another way. Looks from time to time: who waits here must not count as the
    /// Call that waits for the answer.
    async fn settled_elsewhere(&self, id: &QuestionId) -> &'static str {
        loop {
            tokio::time::sleep(LOOK).await;
            match self.store().question(id) {
                // What cannot be read has not been answered.
                Err(_) => {}
                Ok(Some(question)) if question.state == QuestionState::Pending => {}
                Ok(Some(question)) => return question.state.as_str(),
                Ok(None) => return QuestionState::Dropped.as_str(),
            }
        }
    }

    async fn shows(
        &self,
        level: Level,
        passphrase: Option<&Passphrase>,
        within: Duration,
    ) -> Result<(), DelegationError> {
        match level {
            Level::Click => Ok(()),
            Level::Passphrase => {
                let _one = self.0.steps.guess.lock().await;
                let kept = self.kept()?.ok_or(StepUpFault::NoPassphrase)?;
                let given = passphrase.ok_or(StepUpFault::PassphraseNeeded)?;
                self.guess(&kept, given).await
            }
            Level::Presence => {
                let proving = async {
                    let _one = self.0.steps.presence.lock().await;
                    self.0.parts.presence.prove().await
                };
                let proved = tokio::time::timeout(within, proving).await;
                let proved = proved.unwrap_or(Err(PresenceFault::NotConfirmed));
                if let Err(fault) = proved {
                    self.note_wish_refused("approval_answer", &fault.to_string()).await;
                    return Err(StepUpFault::Presence(fault).into());
                }
                Ok(())
            }
        }
    }

    /// One guess. It is counted before it is looked at: who kills the Host meanwhile has had it.
    async fn guess(&self, kept: &Sealed, given: &Passphrase) -> Result<(), DelegationError> {
        let (now, before) = (self.now(), self.tries()?);
        let left = before.left(now);
        if left > 0 {
            return Err(StepUpFault::Wait(before.wrong, left).into());
        }
        let tries = Tries { wrong: before.wrong.saturating_add(1), at: now.0 };
        self.put_tries(tries)?;
        let passphrases = Arc::clone(&self.0.parts.passphrases);
        let (given, kept) = (given.clone(), kept.clone());
        let fits = blocking(move || passphrases.fits(&given, &kept.bytes, kept.generation)).await;
        match fits {
            Ok(true) => Ok(self.put_tries(Tries::default())?),
            Ok(false) => {
                self.note_wish_refused("approval_answer", "the passphrase was wrong").await;
                Err(StepUpFault::Wrong(tries.delay()).into())
            }
            Err(fault) => {
                self.put_tries(before)?;
                Err(fault)
            }
        }
    }

    fn kept(&self) -> Result<Option<Sealed>, StoreError> {
        self.store().secret(KEPT.0, KEPT.1)
    }

    /// What cannot be read is no reason to begin anew.
    fn tries(&self) -> Result<Tries, StoreError> {
        let worst = || Tries { wrong: u32::MAX, at: self.now().0 };
        let text = self.store().setting(TRIES)?;
        Ok(text.map_or_else(Tries::default, |text| Tries::read(&text).unwrap_or_else(worst)))
    }

    fn put_tries(&self, tries: Tries) -> Result<(), StoreError> {
        self.store().put_setting(TRIES, &tries.to_text())
    }
}

/// Argon2 takes its time, and nothing else should wait for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SealFault> + Send + 'static,
) -> Result<T, DelegationError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|_| Err(SealFault::Locked("it was interrupted".to_owned())));
    done.map_err(|fault| StepUpFault::Vault(fault).into())
}
