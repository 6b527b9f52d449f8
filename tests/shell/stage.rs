//! What every test starts with: a ledger with an authorization server of its own, a data folder, and on it the desktop
//! program on a display of its own. What is not tested is set up by the command line, as a script would.

use std::path::{Path, PathBuf};
use std::time::Duration;

use prokura_testkit::host::{Folder, find_program, write_private};
use prokura_testkit::{Authority, Fixture, TestHost, ToolSpec, eventually, ledger};
use prokura_tests::{Sdk, SdkAgent};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use crate::display::Display;
use crate::driver::{Driver, Start};

/// Two windows at a time would share two processors and each be late.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Waits until no other window is up.
pub async fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().await
}

/// The desktop program at work.
pub struct Stage {
    pub window: Driver,
    pub main: String,
    pub display: Display,
    pub set: Set,
}

/// What the program stands on, before it is started.
pub struct Set {
    pub host: TestHost,
    pub http: String,
    pub key: String,
    pub ledger: Fixture,
    _authority: Authority,
    _alone: MutexGuard<'static, ()>,
}

/// A call under way: the agent, and what came of it.
pub type Calling = JoinHandle<(SdkAgent, anyhow::Result<Value>)>;

impl Set {
    /// A folder with nothing in it.
    pub async fn empty() -> Self {
        Self::offering(Vec::new()).await
    }

    /// The same; the ledger offers more tools than its own.
    async fn offering(more: Vec<ToolSpec>) -> Self {
        let alone = alone().await;
        let mut offer = ledger::offer();
        offer.tools.extend(more);
        let (ledger, authority) = Fixture::with_authority(offer).await.unwrap();
        let host = TestHost::start_in(Folder::new(None).unwrap()).await.unwrap();
        let http = host.http();
        Self { host, http, key: String::new(), ledger, _authority: authority, _alone: alone }
    }

    /// A ledger with a person signed in, and the agent `clerk`, which may read and asks for payments.
    pub async fn ledger() -> Self {
        Self::ledger_with(Vec::new()).await
    }

    /// The same; the ledger offers more tools than its own.
    pub async fn ledger_with(more: Vec<ToolSpec>) -> Self {
        let mut set = Self::offering(more).await;
        set.host.ok(&["servers", "add", &set.ledger.url(), "--name", "ledger"]).await.unwrap();
        set.host.sign_in("ledger").await.unwrap();
        for (tool, class) in [("send_payment", "destructive"), ("list_accounts", "read")] {
            let classify = ["tools", "classify", "--server", "ledger", tool, "--class", class];
            set.host.ok(&classify).await.unwrap();
        }
        set.key = set.host.agent("clerk").await.unwrap();
        set.host.grant("clerk", "ledger", "class:read", "allow").await.unwrap();
        set.host.grant("clerk", "ledger", "send_payment", "ask").await.unwrap();
        set
    }

    /// Starts the desktop program on the same folder.
    pub async fn open(self) -> Stage {
        self.start(&[], &[]).await
    }

    /// The same, as another program opens it: with more words.
    pub async fn open_at(self, words: &[&str]) -> Stage {
        self.start(&[], words).await
    }

    /// The same with more in its environment.
    pub async fn open_with(self, more: &[(&str, &str)]) -> Stage {
        self.start(more, &[]).await
    }

    async fn start(mut self, more: &[(&str, &str)], words: &[&str]) -> Stage {
        self.host.stop().await.unwrap();
        let root = self.host.folder.root().to_path_buf();
        let display = Display::start(&root.join("home")).unwrap();
        let start = Start {
            program: find_program("prokura-desktop").unwrap(),
            arguments: [
                "--data".to_owned(),
                self.host.folder.data().display().to_string(),
                "--vault-key-file".to_owned(),
                self.host.folder.key_file().display().to_string(),
            ]
            .into_iter()
            .chain(words.iter().map(ToString::to_string))
            .collect(),
            environment: environment(&root, &display.name, more),
        };
        let window = Driver::start(&start).await.unwrap();
        let main = window.window().await.unwrap();
        window.element("//nav[@aria-label='Screens']").await;
        Stage { window, main, display, set: self }
    }
}

/// A session of its own: home, run-time folder and browser; no session bus, so that nothing of the person's is reached.
fn environment(root: &Path, display: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let run = private_folder(&root.join("run"));
    let programs = private_folder(&root.join("programs"));
    browser(&programs, &opened(root));
    let path = std::env::var("PATH").unwrap_or_default();
    let mut all = vec![
        ("DISPLAY", display.to_owned()),
        ("HOME", root.join("home").display().to_string()),
        ("XDG_RUNTIME_DIR", run.display().to_string()),
        ("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", run.join("bus").display())),
        ("PATH", format!("{}:{path}", programs.display())),
        ("GDK_BACKEND", "x11".to_owned()),
        ("NO_AT_BRIDGE", "1".to_owned()),
        ("WEBKIT_DISABLE_DMABUF_RENDERER", "1".to_owned()),
        ("TAURI_AUTOMATION", "true".to_owned()),
        ("TAURI_WEBVIEW_AUTOMATION", "true".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
    ];
    all.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn private_folder(path: &Path) -> PathBuf {
    use std::os::unix::fs::DirBuilderExt as _;
    if !path.is_dir() {
        std::fs::DirBuilder::new().mode(0o700).create(path).unwrap();
    }
    path.to_path_buf()
}

/// The person's browser: it writes down which page it was asked to open.
fn browser(folder: &Path, opened: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let script = format!(
        "#!/bin/sh\nprintf '%s' \"$1\" > '{0}.part' && mv '{0}.part' '{0}'\n",
        opened.display()
    );
    let file = folder.join("xdg-open");
    write_private(&file, script.as_bytes()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
}

fn opened(root: &Path) -> PathBuf {
    root.join("opened")
}

impl Stage {
    /// An agent made with the official TypeScript client, at the ledger.
    pub async fn agent(&self, key: &str) -> SdkAgent {
        let url = format!("{}/s/ledger/mcp", self.set.http);
        SdkAgent::connect(Sdk::TypeScript, &url, key, "2026-07-28").await.unwrap()
    }

    /// The agent `clerk`.
    pub async fn clerk(&self) -> SdkAgent {
        self.agent(&self.set.key).await
    }

    /// The name of the account at the ledger.
    pub async fn account(&self) -> String {
        let servers = self.set.host.ok(&["servers", "list"]).await.unwrap();
        servers[0]["accounts"][0]["name"].as_str().unwrap().to_owned()
    }

    /// The page that the browser was asked to open.
    pub async fn opened_page(&self) -> String {
        let file = opened(self.set.host.folder.root());
        eventually("a page in the browser", Duration::from_secs(20), || async {
            std::fs::read_to_string(&file).ok()
        })
        .await
        .unwrap()
    }

    /// How many payments the ledger really received.
    pub fn payments(&self) -> usize {
        self.set.ledger.recorder().calls("send_payment").len()
    }

    /// Turns back to the main window.
    pub async fn turn_to_main(&self) {
        self.window.turn_to(&self.main).await.unwrap();
    }
}

impl Drop for Stage {
    /// A picture of what was on the screen when a test failed.
    #[allow(clippy::print_stderr)]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = std::thread::current().name().unwrap_or("shell").replace("::", "-");
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
            if self.display.picture(None, &file).is_ok() {
                eprintln!("what was on the screen: {}", file.display());
            }
        }
    }
}

/// Lets an agent call, and does not wait for what comes of it.
pub fn calling(mut agent: SdkAgent, tool: &'static str, arguments: Value) -> Calling {
    tokio::spawn(async move {
        let answer = agent.call(tool, arguments).await;
        (agent, answer)
    })
}

/// A payment; the payee's name holds a character that nobody can see.
pub fn payment(amount: &str) -> Value {
    json!({
        "from": "giro",
        "to": "Grace\u{200b}s Harbour Works",
        "amount": amount,
        "currency": "EUR",
        "reference": "Invoice 2207",
    })
}
