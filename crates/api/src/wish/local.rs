//! Servers that are programs of this machine: added, changed, stopped, and shown exactly as they would be started.

use std::collections::BTreeSet;

use prokura_account::Secret;
use prokura_domain::{
    Confinement, Launch, Plan, Question, QuestionKind, QuestionState, Running, Server,
};

use crate::Api;
use crate::failure::{Failure, FailureCode};
use crate::pieces::pieces;
use crate::request::{ConfineWish, LaunchWish};
use crate::view::{
    ConfinementView, EnteredView, LaunchView, LocalView, LogView, Piece, ServerView, StartView,
    VariableView,
};

impl Api {
    /// What would be started.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be a command, or there is no such program.
    pub async fn local_preview(&self, launch: LaunchWish) -> Result<LaunchView, Failure> {
        let (launch, secrets) = taken(launch);
        let plan = self.0.delegation.planned(&launch)?;
        let mut view = self.launch_view(&plan, None)?;
        for variable in &mut view.environment {
            variable.given |= secrets.iter().any(|(name, _)| *name == variable.name);
        }
        Ok(view)
    }

    /// Adds a program of this machine as a server, and asks the person whether it may start.
    ///
    /// # Errors
    /// [`Failure`]: name or command cannot be used, there is no such program, or the vault is locked.
    pub async fn local_add(&self, name: String, launch: LaunchWish) -> Result<ServerView, Failure> {
        let (launch, secrets) = taken(launch);
        if let Some(name) = launch.secrets.iter().find(|name| !gives(&secrets, name)) {
            return Err(no_value(name));
        }
        let server = self.0.delegation.add_local(&name, launch).await?;
        let ready = async {
            self.keep_secrets(&server, secrets).await?;
            self.0.accounts.ensure_anonymous(&server).await?;
            self.0.delegation.ask_to_start(&server).await?;
            Ok(())
        };
        if let Err(failure) = ready.await {
            self.0.delegation.remove_server(&server).await?;
            return Err(failure);
        }
        self.server_view(&server, &self.store().grants()?)
    }

    /// The local server for one that an agent program starts: the one with the same command, or a new one that waits for
    /// the person. What the program gave it as environment can be secrets, so all of that goes into the vault.
    pub(crate) async fn local_taken(
        &self,
        name: String,
        command: &str,
        arguments: &[String],
        env: &[(String, String)],
    ) -> Result<String, Failure> {
        let refers = |text: &String| text.contains("${") || text.contains("{env:");
        if arguments.iter().chain(env.iter().map(|(_, value)| value)).any(refers) {
            return Err(Failure::new(
                FailureCode::BadRequest,
                format!(
                    "The command of \"{name}\" refers to a variable or an input of its program."
                ),
                "Leave it where it is, or add it by hand with `prokura servers add-local`.",
            ));
        }
        let names: BTreeSet<&String> = env.iter().map(|(name, _)| name).collect();
        let same = |server: &Server| {
            server.launch.as_ref().is_some_and(|launch| {
                let own = launch.secrets.iter().chain(launch.environment.keys());
                launch.command == command
                    && launch.arguments == arguments
                    && own.collect::<BTreeSet<_>>() == names
            })
        };
        if let Some(known) = self.store().servers()?.into_iter().find(same) {
            return Ok(known.name);
        }
        let (empty, given): (Vec<_>, Vec<_>) =
            env.iter().cloned().partition(|(_, value)| value.is_empty());
        let launch = LaunchWish {
            command: command.to_owned(),
            arguments: arguments.to_vec(),
            environment: empty.into_iter().collect(),
            secrets: given.into_iter().map(|(name, value)| (name, Some(value))).collect(),
            ..LaunchWish::default()
        };
        Ok(self.local_add(name, launch).await?.name)
    }

    /// Starts a server in another way from now on, and asks the person again.
    ///
    /// # Errors
    /// [`Failure`] as for adding, or it is no program of this machine.
    pub async fn local_change(
        &self,
        server: String,
        launch: LaunchWish,
    ) -> Result<ServerView, Failure> {
        let server = self.server_named(&server)?;
        let (launch, secrets) = taken(launch);
        for name in &launch.secrets {
            if !gives(&secrets, name) && !self.0.accounts.has_variable(&server.id, name)? {
                return Err(no_value(name));
            }
        }
        let before = server.launch.clone().unwrap_or_default();
        let server = self.0.delegation.change_local(&server, launch).await?;
        self.keep_secrets(&server, secrets).await?;
        let kept = server.launch.iter().flat_map(|launch| &launch.secrets);
        for name in before.secrets.iter().filter(|name| !kept.clone().any(|kept| kept == *name)) {
            self.0.accounts.forget_variable(&server.id, name)?;
        }
        self.0.delegation.ask_to_start(&server).await?;
        self.server_view(&server, &self.store().grants()?)
    }

    /// Asks the person again whether a server may start.
    ///
    /// # Errors
    /// [`Failure`] when it is no program of this machine, or it was denied a moment ago.
    pub async fn local_ask(&self, server: String) -> Result<ServerView, Failure> {
        let server = self.server_named(&server)?;
        self.0.delegation.ask_to_start(&server).await?;
        self.server_view(&server, &self.store().grants()?)
    }

    /// Stops a server; it starts again when it is used.
    ///
    /// # Errors
    /// [`Failure`] when it is no program of this machine.
    pub async fn local_stop(&self, server: String) -> Result<ServerView, Failure> {
        let server = self.server_named(&server)?;
        self.0.delegation.stop_local(&server).await?;
        self.server_view(&server, &self.store().grants()?)
    }

    /// What a server wrote to its standard error.
    ///
    /// # Errors
    /// [`Failure`] when it is no program of this machine.
    pub async fn local_log(&self, server: String) -> Result<LogView, Failure> {
        let server = self.server_named(&server)?;
        if server.launch.is_none() {
            return Err(Failure::new(
                FailureCode::NotFound,
                format!(
                    "{} is no program of this machine, so nothing it writes is kept.",
                    server.name
                ),
                "What its calls came to is in the audit log.",
            ));
        }
        Ok(LogView { text: pieces(&self.0.delegation.said_by(&server.id)) })
    }

    async fn keep_secrets(
        &self,
        server: &Server,
        secrets: Vec<(String, Secret)>,
    ) -> Result<(), Failure> {
        for (name, value) in secrets {
            self.0.accounts.set_variable(server, &name, value).await?;
        }
        Ok(())
    }

    /// How a server that is a program of this machine stands; `None` for any other.
    pub(crate) fn local_view(&self, server: &Server) -> Result<Option<LocalView>, Failure> {
        let Some(launch) = &server.launch else { return Ok(None) };
        let planned = self.0.delegation.planned(launch);
        let running = self.0.delegation.running(&server.id);
        let approved = match &planned {
            Ok(plan) => self.0.delegation.may_start(&server.id, plan)?,
            Err(_) => true,
        };
        let (state, why, pids) = match (running, &planned) {
            (Running::Up(pids), _) => ("running", None, pids),
            (_, Err(fault)) => ("missing", Some(fault.to_string()), Vec::new()),
            (_, Ok(_)) if !approved => ("unapproved", None, Vec::new()),
            (Running::Crashed(why), _) => ("crashed", Some(why), Vec::new()),
            (Running::GivenUp(why), _) => ("given_up", Some(why), Vec::new()),
            (Running::Stopped, _) => ("stopped", None, Vec::new()),
        };
        let waits = |question: &&Question| {
            matches!(question.kind, QuestionKind::LocalStart { .. })
                && question.server.as_ref() == Some(&server.id)
                && question.state == QuestionState::Pending
                && self.0.delegation.moment() < question.expires_at
        };
        let questions = self.store().questions(true)?;
        Ok(Some(LocalView {
            state: state.to_owned(),
            why,
            pids,
            launch: planned.ok().map(|plan| self.launch_view(&plan, Some(server))).transpose()?,
            entered: entered(launch),
            question: questions.iter().find(waits).map(|question| question.id.to_string()),
        }))
    }

    /// What a question about a start is about.
    pub(crate) fn start_view(&self, question: &Question) -> Result<Option<StartView>, Failure> {
        let QuestionKind::LocalStart { plan, reason } = &question.kind else { return Ok(None) };
        let server = match &question.server {
            Some(id) => self.store().server(id)?,
            None => None,
        };
        let approved = match &question.server {
            Some(id) => self.store().approved_plan(id)?,
            None => None,
        };
        let before = approved.filter(|approved| *approved != **plan);
        let before = before.map(|plan| self.launch_view(&plan, None)).transpose()?;
        let launch = self.launch_view(plan, server.as_ref())?;
        Ok(Some(StartView { reason: reason.as_str().to_owned(), launch, before }))
    }

    fn launch_view(&self, plan: &Plan, server: Option<&Server>) -> Result<LaunchView, Failure> {
        let launch = &plan.launch;
        let plain = launch.environment.iter().map(|(name, value)| VariableView {
            name: name.clone(),
            value: Some(pieces(value)),
            given: true,
        });
        let mut environment: Vec<VariableView> = plain.collect();
        for name in &launch.secrets {
            let given = match server {
                Some(server) => self.0.accounts.has_variable(&server.id, name)?,
                None => false,
            };
            environment.push(VariableView { name: name.clone(), value: None, given });
        }
        let home = self.0.surroundings.folders().home;
        Ok(LaunchView {
            line: pieces(&launch.line()),
            program: pieces(&plan.program),
            file: (plan.file != plan.program).then(|| pieces(&plan.file)),
            arguments: all(&launch.arguments),
            folder: launch.folder.as_deref().map(pieces),
            environment,
            confinement: launch.confinement.as_ref().map(|limits| ConfinementView {
                read: all(&limits.read),
                write: all(&limits.write),
                network: limits.network,
                by: pieces(plan.confiner.as_deref().unwrap_or_default()),
            }),
            dangers: launch.dangers(home.to_str()),
        })
    }
}

fn all(texts: &[String]) -> Vec<Vec<Piece>> {
    texts.iter().map(|text| pieces(text)).collect()
}

/// What was wished for, with the secrets apart.
fn taken(wish: LaunchWish) -> (Launch, Vec<(String, Secret)>) {
    let confine = |limits: ConfineWish| Confinement {
        read: limits.read,
        write: limits.write,
        network: limits.network,
    };
    let launch = Launch {
        command: wish.command,
        arguments: wish.arguments,
        folder: wish.folder.filter(|folder| !folder.is_empty()),
        environment: wish.environment,
        secrets: wish.secrets.keys().cloned().collect(),
        confinement: wish.confine.map(confine),
    };
    let given = wish.secrets.into_iter().filter_map(|(name, value)| Some((name, value?)));
    (launch, given.map(|(name, value)| (name, Secret::new(value))).collect())
}

fn gives(secrets: &[(String, Secret)], name: &str) -> bool {
    secrets.iter().any(|(given, value)| given == name && !value.expose().is_empty())
}

fn no_value(name: &str) -> Failure {
    Failure::new(
        FailureCode::BadRequest,
        format!("The secret {name} has no value."),
        "Give its value; it is kept in the vault and shown nowhere.",
    )
}

fn entered(launch: &Launch) -> EnteredView {
    let limits = launch.confinement.clone().unwrap_or_default();
    EnteredView {
        command: launch.command.clone(),
        arguments: launch.arguments.clone(),
        folder: launch.folder.clone(),
        environment: launch
            .environment
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        secrets: launch.secrets.iter().cloned().collect(),
        confined: launch.confinement.is_some(),
        read: limits.read,
        write: limits.write,
        network: limits.network,
    }
}
