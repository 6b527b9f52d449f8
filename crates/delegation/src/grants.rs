//! Grants: making, changing and taking back, one or many at once.

use std::sync::PoisonError;

use prokura_domain::{
    AccountId, AgentId, Budget, Change, Condition, Digest, Durability, Effect, Event, Grant,
    GrantId, Json, Level, LevelScope, Origin, QuestionState, RecordKind, ServerId, TargetPattern,
    Timestamp,
};
use prokura_store::{Store, StoreError};

use crate::{Delegation, DelegationError};

/// How many conditions a Grant may have.
pub(crate) const MOST_CONDITIONS: usize = 32;

/// Why a Grant could not be made or taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantFault {
    /// There is no such Grant.
    #[error("there is no grant {0}; list them with `grants list --all`")]
    Unknown(String),
    /// It was taken back before.
    #[error("this grant was revoked already")]
    Revoked,
    /// It would never apply.
    #[error("the time {0} is already over; choose a later one")]
    Over(Timestamp),
    /// A condition can never be checked.
    #[error("{0}")]
    Condition(String),
    /// A budget of what is denied.
    #[error("a grant that denies lets nothing through, so it has no budget; leave the budget out")]
    BudgetOfDeny,
    /// A level of what is never asked.
    #[error("only a grant that asks has a level; use it with ask, or leave the level out")]
    LevelOfNoQuestion,
    /// Nothing was named.
    #[error("no grant is named")]
    Nothing,
    /// Nothing would change.
    #[error("say what to change: the effect, or the end")]
    NoChange,
    /// More conditions than anybody reads.
    #[error("a grant has at most {MOST_CONDITIONS} conditions; make several grants")]
    TooMany,
}

/// A Grant that is wished for.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// Who may.
    pub agent: AgentId,
    /// Where.
    pub server: ServerId,
    /// As whom; `None` is every Account.
    pub account: Option<AccountId>,
    /// What.
    pub target: TargetPattern,
    /// Allow, ask or deny.
    pub effect: Effect,
    /// The very arguments it is for, by their digest.
    pub arguments: Option<Digest>,
    /// Which arguments it is for.
    pub conditions: Vec<Condition>,
    /// How much may go through it.
    pub budget: Option<Budget>,
    /// What a yes to what it asks has to be given with, where that is more than a click.
    pub level: Option<Level>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// A note.
    pub note: Option<String>,
    /// From where.
    pub origin: Origin,
}

/// What becomes of Grants that are changed; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amendment {
    /// Another effect.
    pub effect: Option<Effect>,
    /// Another end; `Some(None)` is no end.
    pub until: Option<Option<Timestamp>>,
}

impl Delegation {
    /// Makes a Grant.
    ///
    /// # Errors
    /// [`GrantFault`] when it would never apply or cannot be checked; store and log faults.
    pub async fn grant(&self, wish: NewGrant) -> Result<Grant, DelegationError> {
        let (origin, level) = (wish.origin.clone(), wish.level);
        let grant = self.drafted(wish)?;
        self.give_level(&grant, level).await?;
        self.keep_grant(&grant, &origin).await?;
        Ok(grant)
    }

    /// Makes several Grants: all of them, or none where one cannot be.
    ///
    /// # Errors
    /// [`GrantFault`] when one would never apply or cannot be checked; store and log faults.
    pub async fn grant_all(&self, wishes: Vec<NewGrant>) -> Result<Vec<Grant>, DelegationError> {
        let Some(origin) = wishes.first().map(|wish| wish.origin.clone()) else {
            return Ok(Vec::new());
        };
        let levels: Vec<Option<Level>> = wishes.iter().map(|wish| wish.level).collect();
        let grants: Result<Vec<Grant>, GrantFault> =
            wishes.into_iter().map(|wish| self.drafted(wish)).collect();
        let grants = grants?;
        for (grant, level) in grants.iter().zip(levels) {
            self.give_level(grant, level).await?;
        }
        for grant in &grants {
            self.note_made(RecordKind::GrantAdded, grant, &origin).await?;
        }
        self.keep_grants(&grants)?;
        self.rules_changed(Change::Grants);
        Ok(grants)
    }

    /// Whether such a Grant could be made.
    ///
    /// # Errors
    /// [`GrantFault`] why not.
    pub fn check_grant(&self, wish: &NewGrant) -> Result<(), GrantFault> {
        self.drafted(wish.clone()).map(drop)
    }

    /// Before the Grant is there, so that it never asks for less.
    async fn give_level(&self, grant: &Grant, level: Option<Level>) -> Result<(), DelegationError> {
        match level.filter(|level| *level > Level::Click) {
            Some(level) => self.set_level(LevelScope::Grant(grant.id.clone()), level, None).await,
            None => Ok(()),
        }
    }

    /// What is wished for, as a Grant that could be kept.
    fn drafted(&self, wish: NewGrant) -> Result<Grant, GrantFault> {
        let now = self.now();
        if let Some(until) = wish.until.filter(|until| *until <= now) {
            return Err(GrantFault::Over(until));
        }
        if wish.conditions.len() > MOST_CONDITIONS {
            return Err(GrantFault::TooMany);
        }
        if wish.level.is_some_and(|level| level > Level::Click) && wish.effect != Effect::Ask {
            return Err(GrantFault::LevelOfNoQuestion);
        }
        if wish.budget.is_some() && wish.effect == Effect::Deny {
            return Err(GrantFault::BudgetOfDeny);
        }
        wish.conditions
            .iter()
            .try_for_each(prokura_policy::check)
            .map_err(GrantFault::Condition)?;
        Ok(Grant {
            id: GrantId::new(&*self.0.parts.entropy),
            agent: wish.agent,
            server: wish.server,
            account: wish.account,
            target: wish.target,
            effect: wish.effect,
            arguments: wish.arguments,
            conditions: wish.conditions,
            budget: wish.budget,
            until: wish.until,
            note: wish.note,
            origin: wish.origin,
            added_at: now,
            revoked_at: None,
            used_at: None,
        })
    }

    /// Records a Grant, then keeps it: a Grant that is not in the log does not exist.
    pub(crate) async fn keep_grant(&self, grant: &Grant, by: &Origin) -> Result<(), StoreError> {
        self.note_made(RecordKind::GrantAdded, grant, by).await?;
        self.keep_grants(std::slice::from_ref(grant))?;
        self.rules_changed(Change::Grants);
        Ok(())
    }

    /// Writes Grants, and has them decide from now on. Nothing else writes them. The log is in the same file: what it was told
    /// before is on the disk with them.
    fn keep_grants(&self, grants: &[Grant]) -> Result<(), StoreError> {
        self.put_grants(grants, |store| store.put_grants(grants))
    }

    fn put_grants(
        &self,
        grants: &[Grant],
        put: impl FnOnce(&Store) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut ledger = self.0.ledger.write().unwrap_or_else(PoisonError::into_inner);
        put(self.store())?;
        grants.iter().for_each(|grant| ledger.put(grant.clone()));
        Ok(())
    }

    /// Records how a Grant reads now.
    async fn note_made(
        &self,
        kind: RecordKind,
        grant: &Grant,
        by: &Origin,
    ) -> Result<(), StoreError> {
        let by = by.as_str();
        let detail = Json::object([
            ("grant", Json::text(grant.id.as_str())),
            ("grant_target", Json::text(grant.target.to_text())),
            ("effect", Json::text(grant.effect.as_str())),
            ("same_arguments", Json::from(grant.arguments.is_some())),
            (
                "conditions",
                Json::Array(grant.conditions.iter().map(|each| each.to_string().into()).collect()),
            ),
            ("budget", Json::from(grant.budget.as_ref().map(ToString::to_string))),
            ("until", Json::from(grant.until.map(|until| until.to_string()))),
            ("note", Json::from(grant.note.clone())),
            ("by", Json::text(by)),
        ]);
        self.note_grant(kind, grant, detail, Durability::Logged).await
    }

    /// Changes the effect or the end of Grants, all of them or none; what they limit stays, and so does what was used of their
    /// budgets. Calls that went through one that is stricter now are cancelled.
    ///
    /// # Errors
    /// [`GrantFault`] where one is not there, was revoked or could not be so; store and log faults.
    pub async fn change_grants(
        &self,
        ids: &[GrantId],
        to: Amendment,
        by: &Origin,
    ) -> Result<Vec<Grant>, DelegationError> {
        let grants = self.standing_grants(ids)?;
        if to == Amendment::default() {
            return Err(GrantFault::NoChange.into());
        }
        if let Some(Some(until)) = to.until.filter(|until| until.is_some_and(|at| at <= self.now()))
        {
            return Err(GrantFault::Over(until).into());
        }
        let mut changed = Vec::new();
        for before in grants {
            let mut after = before.clone();
            after.effect = to.effect.unwrap_or(before.effect);
            after.until = to.until.unwrap_or(before.until);
            if after.effect == Effect::Deny && after.budget.is_some() {
                return Err(GrantFault::BudgetOfDeny.into());
            }
            changed.push((before, after));
        }
        for (before, after) in changed.iter().filter(|(before, after)| before != after) {
            // What takes authority away is not held up by the log; what gives more is.
            if after.effect <= before.effect {
                self.note_made(RecordKind::GrantChanged, after, by).await?;
            }
        }
        let after: Vec<Grant> = changed.iter().map(|(_, after)| after.clone()).collect();
        self.keep_grants(&after)?;
        self.rules_changed(Change::Grants);
        let stricter: Vec<&GrantId> = changed
            .iter()
            .filter(|(before, after)| after.effect > before.effect)
            .map(|(_, after)| &after.id)
            .collect();
        self.0.flights.cancel(|flight| flight.grants.iter().any(|id| stricter.contains(&id)));
        for (_, after) in changed.iter().filter(|(before, after)| after.effect > before.effect) {
            self.note_made(RecordKind::GrantChanged, after, by).await?;
        }
        Ok(after)
    }

    /// The Grants of these identities, none of them taken back.
    fn standing_grants(&self, ids: &[GrantId]) -> Result<Vec<Grant>, DelegationError> {
        if ids.is_empty() {
            return Err(GrantFault::Nothing.into());
        }
        let mut grants: Vec<Grant> = Vec::new();
        for id in ids {
            let grant =
                self.store().grant(id)?.ok_or_else(|| GrantFault::Unknown(id.to_string()))?;
            if grant.revoked_at.is_some() {
                return Err(GrantFault::Revoked.into());
            }
            if grants.iter().all(|known| known.id != grant.id) {
                grants.push(grant);
            }
        }
        Ok(grants)
    }

    /// Takes a Grant back.
    ///
    /// # Errors
    /// [`GrantFault`]; store and log faults. The Grant is closed before the log is written.
    pub async fn revoke_grant(&self, id: &GrantId) -> Result<Grant, DelegationError> {
        let revoked = self.revoke_grants(std::slice::from_ref(id)).await?;
        let one = revoked.into_iter().next();
        Ok(one.ok_or_else(|| GrantFault::Unknown(id.to_string()))?)
    }

    /// Takes Grants back, all of them or none: Calls that went through them are cancelled, and Questions they asked are
    /// dropped.
    ///
    /// # Errors
    /// [`GrantFault`]; store and log faults. The Grants are closed before the log is written.
    pub async fn revoke_grants(&self, ids: &[GrantId]) -> Result<Vec<Grant>, DelegationError> {
        let grants = self.standing_grants(ids)?;
        self.close_these(grants).await?;
        let hit = |question: &prokura_domain::Question| {
            question.why.iter().any(|why| ids.iter().any(|id| why.rule == id.as_str()))
        };
        self.drop_questions(QuestionState::Dropped, hit).await?;
        let mut revoked = Vec::new();
        for id in ids {
            revoked.extend(self.store().grant(id)?);
        }
        Ok(revoked)
    }

    /// Closes every open Grant that `hit` names, cancels what rests on it, and records each; says how many.
    pub(crate) async fn close_grants(
        &self,
        hit: impl Fn(&Grant) -> bool,
    ) -> Result<usize, DelegationError> {
        let hits: Vec<GrantId> =
            self.ledger().iter().filter(|grant| hit(grant)).map(|grant| grant.id.clone()).collect();
        let mut open = Vec::new();
        for id in hits {
            // When it was last used stands in the table only.
            open.extend(self.store().grant(&id)?.filter(|grant| grant.revoked_at.is_none()));
        }
        self.close_these(open).await
    }

    async fn close_these(&self, mut closed: Vec<Grant>) -> Result<usize, DelegationError> {
        if closed.is_empty() {
            return Ok(0);
        }
        let now = self.now();
        closed.iter_mut().for_each(|grant| grant.revoked_at = Some(now));
        self.put_grants(&closed, |store| store.put_grants_before_a_sync(&closed))?;
        self.rules_changed(Change::Grants);
        let rests = |ids: &[GrantId]| closed.iter().any(|grant| ids.contains(&grant.id));
        let cancelled = self.0.flights.cancel(|flight| rests(&flight.grants));
        for (at, grant) in closed.iter().enumerate() {
            let detail = Json::object([
                ("grant", Json::text(grant.id.as_str())),
                ("grant_target", Json::text(grant.target.to_text())),
                ("calls_cancelled", Json::from(cancelled as u64)),
            ]);
            // The last one takes all to the disk, the Grants too.
            let last = at + 1 == closed.len();
            let durable = if last { Durability::Synced } else { Durability::Logged };
            if let Err(error) =
                self.note_grant(RecordKind::GrantRevoked, grant, detail, durable).await
            {
                // What was taken back stays so, also where the log cannot say it.
                self.store().put_grants(&closed)?;
                return Err(error.into());
            }
        }
        Ok(closed.len())
    }

    async fn note_grant(
        &self,
        kind: RecordKind,
        grant: &Grant,
        detail: Json,
        durable: Durability,
    ) -> Result<(), StoreError> {
        let subject = self.subject(Some(&grant.agent), Some(&grant.server), grant.account.as_ref());
        self.log().append(Event::new(kind, detail).about(subject), durable).await?;
        self.tell(Change::Audit);
        Ok(())
    }
}
