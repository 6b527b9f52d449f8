//! Somebody who has just installed Prokura: a home folder with the settings of agent programs, nothing else. From the first
//! window to an approved call of an agent that was connected, with every click counted. Its pictures are those of
//! docs/first-ten-minutes.md (`cargo xtask shots`).

use std::path::{Path, PathBuf};

use prokura_testkit::Browser;
use prokura_tests::sdk::outcome;
use prokura_tests::{Sdk, SdkAgent};
use serde_json::json;

use crate::hands::ALLOW;
use crate::stage::{Set, Stage, calling, payment};

const CODEX: &str = include_str!("../../crates/wiring/tests/wiring/golden/codex.toml");
const CURSOR: &str = include_str!("../../crates/wiring/tests/wiring/golden/cursor.json");
const GEMINI: &str = include_str!("../../crates/wiring/tests/wiring/golden/gemini-cli.json");

/// What is promised (issue 8): at most so many clicks and filled-in fields.
const AT_MOST: usize = 12;
/// The one click on the page of the authorization server, which is not ours.
const IN_THE_BROWSER: usize = 1;

/// Where the pictures go, and in which theme they are.
struct Album(PathBuf, &'static str);

impl Album {
    async fn take(&self, stage: &Stage, title: &str, name: &str) {
        stage.window.painted().await;
        let file = self.0.join(format!("first-{name}-{}.png", self.1));
        stage.display.picture(Some(title), &file).unwrap();
    }
}

/// The settings that agent programs have in the home folder; Codex uses the ledger by itself.
fn settle(home: &Path, ledger: &str) -> PathBuf {
    let codex: String = CODEX
        .replace("https://docs.example/mcp", ledger)
        .replace("mcp_servers.docs", "mcp_servers.ledger")
        .lines()
        .filter(|line| !line.starts_with("http_headers"))
        .map(|line| format!("{line}\n"))
        .collect();
    let put = |file: &str, text: &str| {
        let path = home.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    put(".cursor/mcp.json", CURSOR);
    put(".gemini/settings.json", GEMINI);
    put(".codex/config.toml", &codex)
}

/// The command that Codex would start now, read from its settings as Codex reads them.
fn wired_command(settings: &Path) -> Vec<String> {
    let settings: toml::Table = std::fs::read_to_string(settings).unwrap().parse().unwrap();
    let servers = settings["mcp_servers"].as_table().unwrap();
    assert!(!servers.contains_key("ledger"), "the ledger stayed in the settings");
    let entry = &servers["prokura"];
    let words = entry["args"].as_array().unwrap().iter();
    std::iter::once(&entry["command"])
        .chain(words)
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

/// Connects Codex, takes its server over, and signs in there.
async fn set_up(stage: &Stage, album: &Album) {
    let window = &stage.window;
    window.sees("Connect Codex").await;
    window.sees("Connect Gemini CLI").await;
    album.take(stage, "Prokura", "1-start").await;
    window.press("Connect Codex…").await;
    window.click_on("//dialog//label[contains(., 'ledger')]").await;
    window.sees("[mcp_servers.prokura]").await;
    album.take(stage, "Prokura", "2-connect").await;
    window.press("Write these settings").await;

    window.press("Sign in to ledger…").await;
    window.sees("and nothing else").await;
    album.take(stage, "Prokura", "3-sign-in").await;
    window.press("Open the browser").await;
    let page = stage.opened_page().await;
    Browser::new("ada").unwrap().visit(&page).await.unwrap();
    window.sees("You are signed in as").await;
    window.press("Done").await;
    window.sees("Restart Codex").await;
}

async fn newcomer(theme: &'static str, gtk: &str) {
    let set = Set::empty().await;
    let settings = settle(&set.host.folder.home(), &set.ledger.url());
    let before = std::fs::read_to_string(&settings).unwrap();
    let stage = set.open_with(&[("GTK_THEME", gtk)]).await;
    let folder = std::env::var_os("PROKURA_SHOTS")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("shots"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let album = Album(folder, theme);
    let window = &stage.window;
    set_up(&stage, &album).await;

    // The person restarts Codex; it starts what its settings say.
    let mut agent = SdkAgent::start(Sdk::TypeScript, None).unwrap();
    let options = json!({ "command": wired_command(&settings), "era": "legacy" });
    let coming = tokio::spawn(async move { agent.join(options).await.map(|()| agent) });
    window.turn_to_approval(&stage.main).await;
    window.sees("codex").await;
    window.armed().await;
    album.take(&stage, "Approval", "4-pairing").await;
    window.click_on(ALLOW).await;
    let mut agent = coming.await.unwrap().unwrap();
    assert!(agent.tools().await.unwrap().is_empty(), "it may use something already");

    stage.turn_to_main().await;
    window.sees("Let codex use ledger, asking me each time").await;
    album.take(&stage, "Prokura", "5-grant").await;
    window.press("Let codex use ledger, asking me each time").await;
    window.sees("Nothing needs you.").await;
    let tools = agent.tools().await.unwrap();
    assert!(tools.contains(&"ledger__send_payment".to_owned()), "{tools:?}");

    let call = calling(agent, "ledger__send_payment", payment("120.00"));
    window.turn_to_approval(&stage.main).await;
    window.sees("Invoice 2207").await;
    window.armed().await;
    album.take(&stage, "Approval", "6-call").await;
    assert_eq!(stage.payments(), 0, "it went before anybody allowed it");
    window.click_on(ALLOW).await;
    let (_agent, answer) = call.await.unwrap();
    let (ran, text) = outcome(&answer);
    assert!(ran && text.contains("120.00"), "{text}");
    assert_eq!(stage.payments(), 1);
    let needed = window.interactions() + IN_THE_BROWSER;
    assert!(needed <= AT_MOST, "{needed} interactions, {AT_MOST} are promised");

    stage.turn_to_main().await;
    window.sees("was answered").await;
    album.take(&stage, "Prokura", "7-done").await;
    stage.set.host.ok(&["wire", "undo", "codex", "--yes"]).await.unwrap();
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), before, "the way back");
}

#[tokio::test]
async fn a_newcomer_reaches_an_approved_call_of_a_wired_agent_in_twelve_interactions() {
    newcomer("light", "Adwaita").await;
    if std::env::var_os("PROKURA_SHOTS").is_some() {
        newcomer("dark", "Adwaita:dark").await;
    }
}
