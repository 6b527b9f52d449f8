//! Pairing: which program may come in over the local socket, and as which Agent. The person decides, once for each
//! program; a program that changed is another one.

use std::time::Duration;

use prokura_domain::call::Why;
use prokura_domain::{
    Agent, AgentId, AgentState, Caller, Change, Digest, Json, Pairing, PairingId, PairingReason,
    Program, Question, QuestionKind, QuestionState, RecordKind, SeenFile,
};
use prokura_store::StoreError;

use crate::ask::{Asking, broken, internal};
use crate::message::{Refusal, RefusalCode};
use crate::person::check_agent_name;
use crate::{Delegation, DelegationError};

/// A program that was denied is refused for so long without asking again, so that it cannot wear the person down.
const DENIED_MS: i64 = 60_000;
/// How often, and after what time, it is looked whether a yes was carried out. A busy disk takes its time.
const LOOKS: u32 = 500;
const LOOK: Duration = Duration::from_millis(20);
/// Pairings that wait for the person at most.
const WAITING: usize = 8;

impl Delegation {
    /// The Agent that a process on the local socket is: at once where it is paired, else after the person allowed it.
    /// It may take minutes; dropping the future leaves the Question open.
    ///
    /// # Errors
    /// [`Refusal`]: what the process is told instead.
    pub async fn admit(&self, caller: Caller) -> Result<Agent, Refusal> {
        let bad = |text: String| Refusal::new(RefusalCode::Malformed, text);
        check_agent_name(&caller.name).map_err(|fault| bad(fault.to_string()))?;
        let reason = match self.known(&caller).map_err(internal)? {
            Known::Paired(agent) => return Ok(agent),
            Known::Revoked => return Err(revoked()),
            Known::Not(reason) => reason,
        };
        // Who is paired comes in, and its calls are refused until the pause is over. Nobody is asked meanwhile.
        if self.paused() {
            let text =
                "The person has paused all agents in Prokura. Try again when the pause is over.";
            return Err(Refusal::new(RefusalCode::Paused, text));
        }
        let question = match self.asked_before(&caller).map_err(internal)? {
            Some(question) => question,
            None => self.ask_pairing(&caller, reason).await?,
        };
        let answered = self.answered(&question.id).await?;
        let answered = self.carried_out(answered).await.map_err(internal)?;
        let agent = self.agent_called(&caller.name).map_err(internal)?;
        match (answered.state, agent) {
            (QuestionState::Used, Some(agent)) if agent.state == AgentState::Active => Ok(agent),
            (QuestionState::Used, Some(_)) => Err(revoked()),
            _ => Err(unpaired(&answered)),
        }
    }

    /// A yes is carried out a moment after it is given; until then it is no answer yet.
    async fn carried_out(&self, mut question: Question) -> Result<Question, StoreError> {
        for _ in 0..LOOKS {
            if question.state != QuestionState::Allowed {
                break;
            }
            tokio::time::sleep(LOOK).await;
            question = self.store().question(&question.id)?.unwrap_or(question);
        }
        Ok(question)
    }

    /// Whether a program that was let in may no longer be here, and what it is told.
    #[must_use]
    pub fn out_again(&self, agent: &AgentId, caller: &Caller) -> Option<Refusal> {
        if self.gone(agent) {
            return Some(revoked());
        }
        let program = caller.program.as_ref()?;
        let pairings = match self.store().pairings(agent) {
            Ok(pairings) => pairings,
            // Who cannot be looked up is not let in either.
            Err(fault) => return Some(internal(fault)),
        };
        if pairings.iter().any(|pairing| pairing.program == *program) {
            return None;
        }
        let text = "The person took this program back in Prokura. The next request asks them anew.";
        Some(Refusal::new(RefusalCode::Changed, text))
    }

    fn agent_called(&self, name: &str) -> Result<Option<Agent>, StoreError> {
        Ok(self.store().find_agent(name)?.filter(|agent| agent.name == name))
    }

    fn known(&self, caller: &Caller) -> Result<Known, StoreError> {
        let Some(agent) = self.agent_called(&caller.name)? else {
            let told = caller.program.is_some();
            let reason = if told { PairingReason::First } else { PairingReason::Untold };
            return Ok(Known::Not(reason));
        };
        if agent.state == AgentState::Revoked {
            return Ok(Known::Revoked);
        }
        let Some(program) = &caller.program else {
            return Ok(Known::Not(PairingReason::Untold));
        };
        let pairings = self.store().pairings(&agent.id)?;
        if let Some(pairing) = pairings.iter().find(|pairing| pairing.program == *program) {
            if let Err(error) = self.store().touch_pairing(&pairing.id, self.now()) {
                tracing::warn!(%error, "the last visit of a program could not be written");
            }
            return Ok(Known::Paired(agent));
        }
        let places = |program: &Program| {
            let script = program.script.as_ref().map(|script| script.path.clone());
            (program.executable.path.clone(), script)
        };
        let moved = pairings.iter().any(|pairing| places(&pairing.program) == places(program));
        Ok(Known::Not(match pairings.is_empty() {
            true => PairingReason::First,
            false if moved => PairingReason::Changed,
            false => PairingReason::Another,
        }))
    }

    /// The Question about the same program that already waits.
    fn asked_before(&self, caller: &Caller) -> Result<Option<Question>, StoreError> {
        let (digest, now) = (bound(caller), self.now());
        let open = self.store().questions(true)?;
        Ok(open.into_iter().find(|question| {
            matches!(question.kind, QuestionKind::Pairing { .. })
                && question.digest == digest
                && now < question.expires_at
        }))
    }

    async fn ask_pairing(
        &self,
        caller: &Caller,
        reason: PairingReason,
    ) -> Result<Question, Refusal> {
        let now = self.now();
        let same = |question: &Question| match &question.kind {
            QuestionKind::Pairing { caller: asked, .. } => bound(asked) == bound(caller),
            QuestionKind::Call { .. }
            | QuestionKind::Consent { .. }
            | QuestionKind::Scopes { .. }
            | QuestionKind::LocalStart { .. }
            | QuestionKind::Elicitation { .. } => false,
        };
        let all = self.store().questions(false).map_err(internal)?;
        let denied = all.iter().any(|question| {
            question.state == QuestionState::Denied
                && question.settled_at.is_some_and(|at| now.millis_since(at) < DENIED_MS)
                && same(question)
        });
        if denied {
            let text =
                "The person has just denied this program. Wait a minute before you start it again.";
            return Err(Refusal::new(RefusalCode::DeniedByPerson, text));
        }
        let waiting = all.iter().filter(|question| {
            question.state == QuestionState::Pending
                && matches!(question.kind, QuestionKind::Pairing { .. })
        });
        if waiting.count() >= WAITING {
            let text = "Too many programs wait to be paired. Ask the person to answer in Prokura.";
            return Err(Refusal::new(RefusalCode::Denied, text));
        }
        let agent = self.agent_called(&caller.name).map_err(internal)?.map(|agent| agent.id);
        let subject = self.subject(agent.as_ref(), None, None);
        let asking = Asking {
            kind: QuestionKind::Pairing { caller: caller.clone(), reason },
            agent,
            server: None,
            account: None,
            digest: bound(caller),
            params: "{}".to_owned(),
            why: vec![Why::new("pairing", told(reason))],
        };
        self.put_up(asking, subject, None).await.map_err(broken)
    }

    /// Carries out a yes: the Agent is there, and the program is one of its own from now on.
    pub(crate) async fn pair(
        &self,
        question: &Question,
        caller: &Caller,
    ) -> Result<(), DelegationError> {
        let agent = match self.agent_called(&caller.name)? {
            Some(agent) if agent.state == AgentState::Revoked => {
                let text = format!("the agent \"{}\" was revoked meanwhile", agent.name);
                return Err(DelegationError::NotFound(text));
            }
            Some(agent) => agent,
            None => self.add_paired(&caller.name).await?,
        };
        if let Some(program) = &caller.program {
            let pairing = Pairing {
                id: PairingId::new(&*self.0.parts.entropy),
                agent: agent.id.clone(),
                program: program.clone(),
                added_at: self.now(),
                seen_at: None,
            };
            let mut detail = shown(program);
            detail.push(("pairing".to_owned(), Json::text(pairing.id.as_str())));
            detail.push(("question".to_owned(), Json::text(question.id.as_str())));
            self.note_agent(RecordKind::AgentPaired, &agent.id, Json::Object(detail)).await?;
            self.store().put_pairing(&pairing)?;
        }
        let (from, to) = ([QuestionState::Allowed], QuestionState::Used);
        self.store().settle_question(&question.id, &from, to, self.now(), None)?;
        self.tell(Change::Agents);
        Ok(())
    }

    async fn add_paired(&self, name: &str) -> Result<Agent, DelegationError> {
        let agent = Agent {
            id: AgentId::new(&*self.0.parts.entropy),
            name: name.to_owned(),
            state: AgentState::Active,
            key: None,
            claim: None,
            added_at: self.now(),
            seen_at: None,
        };
        self.store().put_agent(&agent)?;
        let detail = Json::object([("credential", Json::text("pairing"))]);
        self.note_agent(RecordKind::AgentAdded, &agent.id, detail).await?;
        Ok(agent)
    }

    /// Takes back what one program was allowed; it is asked about anew when it comes again.
    ///
    /// # Errors
    /// [`DelegationError::NotFound`] when the Agent has no such pairing; store and log faults.
    pub async fn unpair(&self, agent: &AgentId, id: &PairingId) -> Result<(), DelegationError> {
        let pairings = self.store().pairings(agent)?;
        let Some(pairing) = pairings.into_iter().find(|pairing| pairing.id == *id) else {
            return Err(DelegationError::NotFound(format!("this agent has no pairing {id}")));
        };
        self.store().remove_pairing(id)?;
        self.rules_changed(Change::Agents);
        let mut detail = shown(&pairing.program);
        detail.push(("pairing".to_owned(), Json::text(id.as_str())));
        self.note_agent(RecordKind::AgentUnpaired, agent, Json::Object(detail)).await
    }
}

/// What is known of a process that came.
enum Known {
    Paired(Agent),
    Revoked,
    Not(PairingReason),
}

/// What an answer is bound to: the name and the program; of a process whose program cannot be told, this very process.
fn bound(caller: &Caller) -> Digest {
    let program = match (&caller.program, caller.chain.first()) {
        (Some(program), _) => program.digest().to_string(),
        (None, Some(process)) => format!("process {}", process.pid),
        (None, None) => "nothing".to_owned(),
    };
    Digest::of(&[b"prokura-pairing-v1", caller.name.as_bytes(), b"\0", program.as_bytes()])
}

fn shown(program: &Program) -> Vec<(String, Json)> {
    let file = |file: &SeenFile| {
        Json::object([
            ("path", Json::text(&file.path)),
            ("sha256", Json::text(file.digest.to_string())),
        ])
    };
    vec![
        ("executable".to_owned(), file(&program.executable)),
        ("script".to_owned(), program.script.as_ref().map_or(Json::Null, file)),
    ]
}

fn told(reason: PairingReason) -> &'static str {
    match reason {
        PairingReason::First => "This program comes in under this name for the first time.",
        PairingReason::Changed => {
            "The program changed since you paired it: the file at the same place holds something else now."
        }
        PairingReason::Another => {
            "Another program than the one you paired wants to come in under this name."
        }
        PairingReason::Untold => {
            "Prokura cannot tell for sure which program this is, so it asks every time."
        }
    }
}

fn revoked() -> Refusal {
    Refusal::new(
        RefusalCode::Revoked,
        "This agent was revoked in Prokura. Start it under another --agent name to ask anew.",
    )
}

fn unpaired(question: &Question) -> Refusal {
    match question.state {
        QuestionState::Denied => {
            let note = question.note.as_deref().filter(|note| !note.is_empty());
            let text = note.map_or_else(
                || "The person did not let this program in.".to_owned(),
                |note| format!("The person did not let this program in: {note}"),
            );
            Refusal::new(RefusalCode::DeniedByPerson, text)
        }
        QuestionState::Expired => Refusal::new(
            RefusalCode::Unanswered,
            "Nobody let this program in within ten minutes. Start it again to ask again.",
        ),
        QuestionState::Pending
        | QuestionState::Allowed
        | QuestionState::Used
        | QuestionState::Dropped => Refusal::new(
            RefusalCode::Changed,
            "The question about this program was dropped. Start it again to ask again.",
        ),
    }
}
