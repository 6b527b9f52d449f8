//! Local Servers: programs of this machine. None is started before the person approved exactly what would be started,
//! and what became of one is recorded. It must never start anything itself, or see what its secrets are.

use prokura_domain::call::Why;
use prokura_domain::{
    Change, Durability, Event, Incident, Json, Launch, Plan, Question, QuestionKind, QuestionState,
    RecordKind, Running, Server, ServerId, StartReason,
};

use crate::ask::{Asking, internal};
use crate::message::{Refusal, RefusalCode};
use crate::told::changed;
use crate::{Delegation, DelegationError};

/// A start that was denied is refused for so long without asking again.
const DENIED_MS: i64 = 60_000;

impl Delegation {
    /// Adds a Server that is a program of this machine. Nothing is started: the person is asked first.
    ///
    /// # Errors
    /// [`DelegationError::Name`] when name or command cannot be used; [`DelegationError::NotFound`] when there is no
    /// such program; store and log faults.
    pub async fn add_local(&self, name: &str, launch: Launch) -> Result<Server, DelegationError> {
        let plan = self.planned(&launch)?;
        let endpoint = format!("stdio:{name}");
        let detail = Json::object([("endpoint", Json::text(&endpoint)), ("plan", plan.json())]);
        self.add(name, endpoint, Some(launch), detail).await
    }

    /// Starts a local Server in another way from now on. What runs is stopped; the person is asked before the new start.
    ///
    /// # Errors
    /// As [`Self::add_local`]; [`DelegationError::NotFound`] where it is no local Server.
    pub async fn change_local(
        &self,
        server: &Server,
        launch: Launch,
    ) -> Result<Server, DelegationError> {
        if server.launch.is_none() {
            return Err(not_local(server));
        }
        let plan = self.planned(&launch)?;
        let detail = Json::object([("plan", plan.json())]);
        self.note_server(RecordKind::ServerChanged, server, detail).await?;
        let server = Server { launch: Some(launch), ..server.clone() };
        self.store().put_server(&server)?;
        self.programs().stop(&server.id, "Its command was changed.").await;
        self.drop_questions(QuestionState::Dropped, |question| asks_start(question, &server.id))
            .await?;
        self.rules_changed(Change::Servers);
        Ok(server)
    }

    /// Stops a local Server and forgets that it crashed. It starts again when it is used.
    ///
    /// # Errors
    /// [`DelegationError::NotFound`] where it is no local Server.
    pub async fn stop_local(&self, server: &Server) -> Result<(), DelegationError> {
        if server.launch.is_none() {
            return Err(not_local(server));
        }
        self.programs().stop(&server.id, "The person stopped it.").await;
        self.tell(Change::Servers);
        Ok(())
    }

    /// What would be started for a Server now.
    ///
    /// # Errors
    /// [`DelegationError::Name`] when the command cannot be one, [`DelegationError::NotFound`] when there is no such
    /// program.
    pub fn planned(&self, launch: &Launch) -> Result<Plan, DelegationError> {
        launch.check().map_err(|fault| DelegationError::Launch(fault.to_string()))?;
        self.programs().plan(launch).map_err(DelegationError::Launch)
    }

    /// Whether the person approved exactly this start.
    ///
    /// # Errors
    /// Store faults.
    pub fn may_start(&self, server: &ServerId, plan: &Plan) -> Result<bool, DelegationError> {
        Ok(self.store().approved_plan(server)?.as_ref() == Some(plan))
    }

    /// Where a local Server stands.
    #[must_use]
    pub fn running(&self, server: &ServerId) -> Running {
        self.programs().running(server)
    }

    /// What a local Server wrote to its standard error, masked: the newest of it.
    #[must_use]
    pub fn said_by(&self, server: &ServerId) -> String {
        self.programs().said(server)
    }

    /// Puts the question before the person whether a local Server may start as it would now; `None` where it may.
    /// The same question is asked once at a time.
    ///
    /// # Errors
    /// [`DelegationError::Refused`] when the person has just denied it; there is no such program; store and log faults.
    pub async fn ask_to_start(&self, server: &Server) -> Result<Option<Question>, DelegationError> {
        let Some(launch) = &server.launch else { return Err(not_local(server)) };
        let plan = self.planned(launch)?;
        let digest = plan.digest();
        let approved = self.store().approved_plan(&server.id)?;
        if approved.as_ref() == Some(&plan) {
            return Ok(None);
        }
        // Two Calls at once must not ask twice.
        let _one = self.0.starting.lock().await;
        let (all, now) = (self.store().questions(false)?, self.now());
        // Of a settled one the digest is gone, and the plan is not.
        let of_plan = |question: &&Question| matches!(&question.kind, QuestionKind::LocalStart { plan: asked, .. } if **asked == plan);
        let same: Vec<&Question> = all
            .iter()
            .filter(|question| asks_start(question, &server.id))
            .filter(of_plan)
            .collect();
        let open = |question: &&&Question| {
            question.state == QuestionState::Pending && now < question.expires_at
        };
        if let Some(open) = same.iter().find(open) {
            return Ok(Some((*open).clone()));
        }
        let denied = |question: &&Question| {
            question.state == QuestionState::Denied
                && question.settled_at.is_some_and(|at| now.millis_since(at) < DENIED_MS)
        };
        if same.iter().any(denied) {
            let text = format!("the person has just denied that {} is started", server.name);
            return Err(DelegationError::Refused(text));
        }
        // Whether it is the first time, another command, or another program behind the same one.
        let reason = match approved {
            None => StartReason::First,
            Some(before) if before.launch == plan.launch => StartReason::Moved,
            Some(_) => StartReason::Changed,
        };
        let kind = QuestionKind::LocalStart { plan: Box::new(plan), reason };
        let asking = Asking {
            kind,
            agent: None,
            server: Some(server.id.clone()),
            account: None,
            digest,
            params: "{}".to_owned(),
            why: vec![Why::new("local_start", told(reason))],
        };
        let subject = self.subject(None, Some(&server.id), None);
        Ok(Some(self.put_up(asking, subject, None).await?))
    }

    /// What an Agent is told whose message would have started a Server that may not start; the person is asked.
    pub(crate) async fn unstarted(&self, server: &ServerId) -> Refusal {
        let denied = |text: String| Refusal::new(RefusalCode::Denied, text);
        let server = match self.store().server(server) {
            Ok(Some(server)) => server,
            Ok(None) => return changed(),
            Err(error) => return internal(error),
        };
        match self.ask_to_start(&server).await {
            // It was approved a moment ago.
            Ok(None) => changed(),
            Ok(Some(_)) => {
                let text = format!(
                    "{} is a program of this machine that the person has not approved to start. The person is asked in Prokura; try again when it is approved.",
                    server.name
                );
                denied(text)
            }
            Err(error) => denied(format!("{} cannot be started: {error}.", server.name)),
        }
    }

    /// Carries out a yes: what was shown may start from now on, and is looked at once.
    pub(crate) async fn approve_start(
        &self,
        question: &Question,
        plan: &Plan,
    ) -> Result<(), DelegationError> {
        let found = question.server.as_ref().map(|id| self.store().server(id)).transpose()?;
        let Some(server) = found.flatten() else {
            return Err(DelegationError::NotFound("the server was removed meanwhile".to_owned()));
        };
        let detail = Json::object([
            ("question", Json::text(question.id.as_str())),
            ("plan", plan.json()),
            ("digest", Json::text(question.digest.to_string())),
        ]);
        self.note_server(RecordKind::ServerStartApproved, &server, detail).await?;
        // What was shown, not what is found now: that is compared at every start.
        self.store().approve_plan(&server.id, plan)?;
        let (from, to) = ([QuestionState::Allowed], QuestionState::Used);
        self.store().settle_question(&question.id, &from, to, self.now(), None)?;
        self.rules_changed(Change::Servers);
        let delegation = self.clone();
        tokio::spawn(async move {
            if let Err(error) = delegation.look_at_local(&server).await {
                tracing::warn!(%error, server = %server.name, "a local server could not be looked at");
            }
        });
        Ok(())
    }

    /// Asks a local Server for its tools, which starts it.
    async fn look_at_local(&self, server: &Server) -> Result<(), DelegationError> {
        for account in self.store().accounts(&server.id)? {
            self.refresh_tools(server, &account.id).await?;
        }
        Ok(())
    }

    /// Records what happened to a process of a local Server.
    pub async fn note_incident(&self, server: &ServerId, incident: &Incident) {
        let pid = |pid: &u32| Json::from(u64::from(*pid));
        let (kind, detail) = match incident {
            Incident::Started { pid: of, program } => (
                RecordKind::ServerStarted,
                Json::object([("pid", pid(of)), ("program", Json::text(program))]),
            ),
            Incident::Stopped { pid: of, why } => (
                RecordKind::ServerStopped,
                Json::object([("pid", pid(of)), ("reason", Json::text(why))]),
            ),
            Incident::Crashed { pid: of, why, given_up } => (
                RecordKind::ServerCrashed,
                Json::object([
                    ("pid", pid(of)),
                    ("reason", Json::text(why)),
                    ("given_up", Json::Bool(*given_up)),
                ]),
            ),
            Incident::Failed { why } => {
                (RecordKind::ServerStartFailed, Json::object([("reason", Json::text(why))]))
            }
        };
        let event = Event::new(kind, detail).about(self.subject(None, Some(server), None));
        if let Err(error) = self.log().append(event, Durability::Logged).await {
            tracing::error!(%error, "what became of a local server could not be recorded");
        }
        self.tell(Change::Audit);
        self.tell(Change::Servers);
    }

    pub(crate) fn programs(&self) -> &dyn crate::Programs {
        self.0.parts.programs.as_ref()
    }
}

/// Whether a Question asks if this Server may start.
fn asks_start(question: &Question, server: &ServerId) -> bool {
    matches!(question.kind, QuestionKind::LocalStart { .. })
        && question.server.as_ref() == Some(server)
}

fn not_local(server: &Server) -> DelegationError {
    DelegationError::NotFound(format!("{} is no program of this machine", server.name))
}

fn told(reason: StartReason) -> &'static str {
    match reason {
        StartReason::First => {
            "This program would run on your machine for the first time, with your rights."
        }
        StartReason::Changed => {
            "What would be started is not what you approved: look at what changed."
        }
        StartReason::Moved => {
            "The command is the one you approved, but another program is found for it now."
        }
    }
}
