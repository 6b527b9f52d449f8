//! Grants: making and taking back.

use prokura_domain::{
    AccountId, AgentId, Budget, Change, Condition, Durability, Effect, Event, Grant, GrantId, Json,
    Origin, QuestionState, RecordKind, ServerId, TargetPattern, Timestamp,
};
use prokura_store::StoreError;

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
    /// Which arguments it is for.
    pub conditions: Vec<Condition>,
    /// How much may go through it.
    pub budget: Option<Budget>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// A note.
    pub note: Option<String>,
    /// From where.
    pub origin: Origin,
}

impl Delegation {
    /// Makes a Grant.
    ///
    /// # Errors
    /// [`GrantFault`] when it would never apply or cannot be checked; store and log faults.
    pub async fn grant(&self, wish: NewGrant) -> Result<Grant, DelegationError> {
        let now = self.now();
        if let Some(until) = wish.until.filter(|until| *until <= now) {
            return Err(GrantFault::Over(until).into());
        }
        if wish.conditions.len() > MOST_CONDITIONS {
            return Err(GrantFault::TooMany.into());
        }
        if wish.budget.is_some() && wish.effect == Effect::Deny {
            return Err(GrantFault::BudgetOfDeny.into());
        }
        wish.conditions
            .iter()
            .try_for_each(prokura_policy::check)
            .map_err(GrantFault::Condition)?;
        let grant = Grant {
            id: GrantId::new(&*self.0.parts.entropy),
            agent: wish.agent,
            server: wish.server,
            account: wish.account,
            target: wish.target,
            effect: wish.effect,
            arguments: None,
            conditions: wish.conditions,
            budget: wish.budget,
            until: wish.until,
            note: wish.note,
            origin: wish.origin.clone(),
            added_at: now,
            revoked_at: None,
            used_at: None,
        };
        self.keep_grant(&grant, &wish.origin).await?;
        Ok(grant)
    }

    /// Records a Grant, then keeps it: a Grant that is not in the log does not exist.
    pub(crate) async fn keep_grant(&self, grant: &Grant, by: &Origin) -> Result<(), StoreError> {
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
        self.note_grant(RecordKind::GrantAdded, grant, detail).await?;
        self.store().put_grant(grant)?;
        self.rules_changed(Change::Grants);
        Ok(())
    }

    /// Takes a Grant back: Calls that went through it are cancelled, and Questions it asked are dropped.
    ///
    /// # Errors
    /// [`GrantFault`]; store and log faults. The Grant is closed before the log is written.
    pub async fn revoke_grant(&self, id: &GrantId) -> Result<Grant, DelegationError> {
        let grant = self.store().grant(id)?.ok_or_else(|| GrantFault::Unknown(id.to_string()))?;
        if grant.revoked_at.is_some() {
            return Err(GrantFault::Revoked.into());
        }
        self.close_grants(|open| open.id == *id).await?;
        let hit = |question: &prokura_domain::Question| {
            question.why.iter().any(|why| why.rule == id.as_str())
        };
        self.drop_questions(QuestionState::Dropped, hit).await?;
        Ok(self.store().grant(id)?.unwrap_or(grant))
    }

    /// Closes every open Grant that `hit` names, cancels what rests on it, and records each; says how many.
    pub(crate) async fn close_grants(
        &self,
        hit: impl Fn(&Grant) -> bool,
    ) -> Result<usize, DelegationError> {
        let now = self.now();
        let mut closed = Vec::new();
        for mut grant in self.store().grants()? {
            if grant.revoked_at.is_none() && hit(&grant) {
                grant.revoked_at = Some(now);
                self.store().put_grant(&grant)?;
                closed.push(grant);
            }
        }
        if closed.is_empty() {
            return Ok(0);
        }
        self.rules_changed(Change::Grants);
        let rests = |ids: &[GrantId]| closed.iter().any(|grant| ids.contains(&grant.id));
        let cancelled = self.0.flights.cancel(|flight| rests(&flight.grants));
        for grant in &closed {
            let detail = Json::object([
                ("grant", Json::text(grant.id.as_str())),
                ("grant_target", Json::text(grant.target.to_text())),
                ("calls_cancelled", Json::from(cancelled as u64)),
            ]);
            self.note_grant(RecordKind::GrantRevoked, grant, detail).await?;
        }
        Ok(closed.len())
    }

    async fn note_grant(
        &self,
        kind: RecordKind,
        grant: &Grant,
        detail: Json,
    ) -> Result<(), StoreError> {
        let subject = self.subject(Some(&grant.agent), Some(&grant.server), grant.account.as_ref());
        self.log().append(Event::new(kind, detail).about(subject), Durability::Synced).await?;
        self.tell(Change::Audit);
        Ok(())
    }
}
