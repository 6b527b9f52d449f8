//! A bus of its own, and on it what a desktop offers: polkit, and the place where notifications show. Both do what the
//! test says, and remember what they were asked.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use zbus::Connection;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

/// A bus; it ends when it is dropped.
#[derive(Debug)]
pub struct Bus {
    _daemon: Child,
    /// As programs name it in `DBUS_SESSION_BUS_ADDRESS` and `DBUS_SYSTEM_BUS_ADDRESS`.
    pub address: String,
}

impl Bus {
    /// Starts one.
    ///
    /// # Errors
    /// When `dbus-daemon` is missing.
    pub async fn start() -> anyhow::Result<Self> {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("dbus-daemon does not start; is it installed?")?;
        let output = daemon.stdout.take().context("dbus-daemon has no standard output")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let address = line.context("dbus-daemon ended without an address")?;
        Ok(Self { _daemon: daemon, address })
    }

    async fn offer<I: zbus::object_server::Interface>(
        &self,
        name: &str,
        path: &str,
        what: I,
    ) -> anyhow::Result<Connection> {
        let builder = zbus::connection::Builder::address(self.address.as_str())?;
        Ok(builder.serve_at(path, what)?.name(name)?.build().await?)
    }
}

/// What polkit does when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// Shows its dialog, and the person is there.
    #[default]
    Confirms,
    /// Shows its dialog, and the person is not there.
    Refuses,
    /// Shows its dialog until it is told otherwise.
    Waits,
    /// Lets it pass without a dialog.
    Passes,
    /// Shows its dialog, and would keep the yes.
    Keeps,
    /// Does not know the action.
    Unknown,
}

#[derive(Debug, Default)]
struct Doorman {
    verdict: Verdict,
    dialogs: usize,
    cancelled: usize,
}

/// A polkit.
#[derive(Debug, Clone)]
pub struct Polkit {
    doorman: Arc<Mutex<Doorman>>,
    changed: Arc<Notify>,
    _bus: Option<Connection>,
}

impl Polkit {
    /// Offers one on a bus.
    ///
    /// # Errors
    /// When the bus does not take it.
    pub async fn on(bus: &Bus) -> anyhow::Result<Self> {
        let mut own = Self { doorman: Arc::default(), changed: Arc::default(), _bus: None };
        let authority = Authority(own.clone());
        let path = "/org/freedesktop/PolicyKit1/Authority";
        own._bus = Some(bus.offer("org.freedesktop.PolicyKit1", path, authority).await?);
        Ok(own)
    }

    fn doorman(&self) -> MutexGuard<'_, Doorman> {
        self.doorman.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it does from now on.
    pub fn set(&self, verdict: Verdict) {
        self.doorman().verdict = verdict;
        self.changed.notify_waiters();
    }

    /// How many dialogs it showed.
    #[must_use]
    pub fn dialogs(&self) -> usize {
        self.doorman().dialogs
    }

    /// How many of them were taken back.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.doorman().cancelled
    }
}

struct Authority(Polkit);

type Said = (bool, bool, HashMap<String, String>);

#[zbus::interface(name = "org.freedesktop.PolicyKit1.Authority")]
impl Authority {
    async fn check_authorization(
        &self,
        subject: (String, HashMap<String, OwnedValue>),
        action: String,
        details: HashMap<String, String>,
        flags: u32,
        _cancellation: String,
    ) -> zbus::fdo::Result<(Said,)> {
        let verdict = self.0.doorman().verdict;
        // As polkit has it: only its owner may say more, and only of itself may anybody ask.
        if !details.is_empty() || subject.0 != "system-bus-name" {
            return Err(zbus::fdo::Error::AccessDenied("Only trusted callers".to_owned()));
        }
        if verdict == Verdict::Unknown || action != "org.prokura.desktop.approve" {
            let text = format!("Action {action} is not registered");
            return Err(zbus::fdo::Error::Failed(text));
        }
        let keeps = HashMap::from([(
            "polkit.retains_authorization_after_challenge".to_owned(),
            "1".to_owned(),
        )]);
        if verdict == Verdict::Passes {
            return Ok(((true, false, HashMap::new()),));
        }
        let details = if verdict == Verdict::Keeps { keeps } else { HashMap::new() };
        if flags & 1 == 0 {
            return Ok(((false, true, details),));
        }
        self.0.doorman().dialogs += 1;
        loop {
            let changed = self.0.changed.notified();
            let now = self.0.doorman().verdict;
            if now != Verdict::Waits {
                return Ok(((now == Verdict::Confirms, false, HashMap::new()),));
            }
            changed.await;
        }
    }

    fn cancel_check_authorization(&self, _cancellation: String) {
        self.0.doorman().cancelled += 1;
    }
}

/// A notification as it was wished for.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its number.
    pub id: u32,
    /// The title.
    pub summary: String,
    /// The text.
    pub body: String,
    /// Keys and labels of its buttons, in turn.
    pub actions: Vec<String>,
    /// The names of its hints.
    pub hints: Vec<String>,
}

#[derive(Debug, Default)]
struct Board {
    shown: Vec<Shown>,
    closed: Vec<u32>,
}

/// The place where notifications show.
#[derive(Debug, Clone)]
pub struct Notices {
    board: Arc<Mutex<Board>>,
    bus: Option<Connection>,
}

const NOTICES: (&str, &str) = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications");

impl Notices {
    /// Offers one on a bus.
    ///
    /// # Errors
    /// When the bus does not take it.
    pub async fn on(bus: &Bus) -> anyhow::Result<Self> {
        let mut own = Self { board: Arc::default(), bus: None };
        let server = Server(Arc::clone(&own.board));
        own.bus = Some(bus.offer(NOTICES.0, NOTICES.1, server).await?);
        Ok(own)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that were shown so far.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        self.board().shown.clone()
    }

    /// Those that were taken away again.
    #[must_use]
    pub fn closed(&self) -> Vec<u32> {
        self.board().closed.clone()
    }

    /// Presses a button of one.
    ///
    /// # Errors
    /// When the bus does not carry it.
    pub async fn press(&self, id: u32, key: &str) -> anyhow::Result<()> {
        let bus = self.bus.as_ref().context("no bus")?;
        let emitter = SignalEmitter::new(bus, NOTICES.1)?;
        Ok(Server::action_invoked(&emitter, id, key).await?)
    }
}

struct Server(Arc<Mutex<Board>>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Server {
    #[allow(clippy::too_many_arguments)] // As the specification has it.
    fn notify(
        &self,
        _app: String,
        replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = u32::try_from(board.shown.len()).unwrap_or(u32::MAX);
        let id = if replaces == 0 { count + 1 } else { replaces };
        let hints = hints.into_keys().collect();
        board.shown.push(Shown { id, summary, body, actions, hints });
        id
    }

    fn close_notification(&self, id: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).closed.push(id);
    }

    #[zbus(name = "GetCapabilities")]
    fn capabilities(&self) -> Vec<String> {
        ["actions", "body"].map(str::to_owned).into()
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, key: &str) -> zbus::Result<()>;
}
