//! A picture of every screen, light and dark, for eyes: into the folder that `PROKURA_SHOTS` names, else into one of
//! the target folder. It is a test too: every screen has to come up, and in the theme that was asked for.

mod world;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::stage::{Set, Stage, calling, payment};
use world::World;

/// Pictures of one theme.
struct Album {
    folder: PathBuf,
    theme: &'static str,
    /// What axe-core found, by picture.
    faults: Mutex<Vec<String>>,
}

impl Album {
    fn new(theme: &'static str) -> Self {
        let folder = std::env::var_os("PROKURA_SHOTS")
            .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("shots"), PathBuf::from);
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, theme, faults: Mutex::default() }
    }

    fn environment(&self) -> [(&'static str, &'static str); 1] {
        [("GTK_THEME", if self.theme == "dark" { "Adwaita:dark" } else { "Adwaita" })]
    }

    /// A picture of the main window.
    async fn main(&self, stage: &Stage, name: &str) {
        self.picture(stage, "Prokura", name).await;
    }

    /// A picture of the approval window.
    async fn approval(&self, stage: &Stage, name: &str) {
        self.picture(stage, "Approval", name).await;
    }

    async fn picture(&self, stage: &Stage, title: &str, name: &str) {
        stage.window.painted().await;
        let file = self.folder.join(format!("{name}-{}.png", self.theme));
        stage.display.picture(Some(title), &file).unwrap();
        let faults = stage.window.inaccessible().await;
        let told = faults.into_iter().map(|fault| format!("{name}-{}: {fault}", self.theme));
        self.faults.lock().unwrap().extend(told);
    }

    /// The theme is the one that was asked for, not the other one under its name.
    async fn assert_theme(&self, stage: &Stage) {
        let asked = "return matchMedia('(prefers-color-scheme: dark)').matches";
        let dark = stage.window.script(asked).await.unwrap();
        assert_eq!(dark, self.theme == "dark", "the window is not {}", self.theme);
    }
}

#[tokio::test]
async fn shots_light() {
    walk(&Album::new("light")).await;
}

#[tokio::test]
async fn shots_dark() {
    walk(&Album::new("dark")).await;
}

async fn walk(album: &Album) {
    nothing_yet(album).await;
    let (world, set) = World::start().await;
    let stage = set.open_with(&album.environment()).await;
    album.assert_theme(&stage).await;
    stage.display.place("Prokura", 10, 30).unwrap();
    home_and_servers(album, &stage).await;
    agents_and_grants(album, &stage).await;
    audit_and_settings(album, &stage).await;
    approvals(album, &stage, &world).await;
    assert_eq!(*album.faults.lock().unwrap(), Vec::<String>::new());
}

/// What a person sees at first.
async fn nothing_yet(album: &Album) {
    let stage = Set::empty().await.open_with(&album.environment()).await;
    stage.window.sees("Get started").await;
    album.main(&stage, "home-empty").await;
    for screen in ["Servers", "Agents", "Grants", "Approvals"] {
        stage.window.go(screen).await;
        album.main(&stage, &format!("{}-empty", screen.to_lowercase())).await;
    }
    stage.window.go("Servers").await;
    stage.window.press("Add server").await;
    stage.window.type_into("Address of its MCP endpoint", "https://mcp.harbour.example/mcp").await;
    album.main(&stage, "server-add").await;
}

async fn home_and_servers(album: &Album, stage: &Stage) {
    let window = &stage.window;
    window.sees("You denied what was asked by invoice-bot").await;
    album.main(stage, "home").await;
    window.go("Servers").await;
    window.sees("mailbox").await;
    album.main(stage, "servers").await;
    window.click_on("//main//table//a[contains(., 'mailbox')]").await;
    window.sees("list_messages").await;
    album.main(stage, "server").await;
    window.click_on("//button[@aria-expanded][contains(., 'list_messages')]").await;
    window.sees("a claim, not a fact").await;
    window.to_the_end().await;
    album.main(stage, "server-tools").await;
    window.go("Servers").await;
    window.click_on("//main//table//a[contains(., 'archive')]").await;
    window.click_on("//header//button[normalize-space(.)='Sign in…']").await;
    window.sees("and nothing else").await;
    album.main(stage, "sign-in").await;
    window.press("Cancel").await;
}

async fn agents_and_grants(album: &Album, stage: &Stage) {
    let window = &stage.window;
    window.go("Agents").await;
    window.sees("invoice-bot").await;
    album.main(stage, "agents").await;
    window.press("Add agent").await;
    window.type_into("Name", "research-desk").await;
    window.press("Add agent and show its key").await;
    window.sees("The key is shown only now.").await;
    album.main(stage, "agent-key").await;
    window.press("I have stored the key").await;
    window.go("Grants").await;
    window.sees("of 5 tools").await;
    album.main(stage, "grants").await;
    window.click_on("//button[@aria-pressed][contains(., 'invoice-bot at ledger')]").await;
    window.sees("invoice-bot → ledger").await;
    window.to_the_end().await;
    album.main(stage, "grants-cell").await;
    window.press("List").await;
    window.sees("Last used").await;
    album.main(stage, "grants-list").await;
    window.press("Matrix").await;
    window.press("New grant").await;
    window.choose("Agent", "codex").await;
    window.choose("may use, at", "ledger").await;
    window.choose("Tool", "send_payment").await;
    window.press("Allow").await;
    window.sees("will not ask you").await;
    album.main(stage, "grant-new").await;
    window.press("Cancel").await;
}

async fn audit_and_settings(album: &Album, stage: &Stage) {
    let window = &stage.window;
    window.go("Audit").await;
    window.sees("was answered").await;
    album.main(stage, "audit").await;
    window.press("Verify the log").await;
    window.sees("The log is whole.").await;
    window.click_on("//main//ol//button[contains(., 'call to send_payment')]").await;
    window.sees("Hash before").await;
    album.main(stage, "audit-record").await;
    window.go("Guardrails").await;
    window.sees("Guardrails").await;
    album.main(stage, "guardrails").await;
    window.go("Settings").await;
    window.sees("Address for agents").await;
    album.main(stage, "settings").await;
}

async fn approvals(album: &Album, stage: &Stage, world: &World) {
    let window = &stage.window;
    let bot = world.agent(&stage.set.http, "ledger", &world.bot).await;
    let _paying = calling(bot, "send_payment", payment("2310.00"));
    window.turn_to_approval(&stage.main).await;
    stage.display.place("Approval", 1220, 60).unwrap();
    window.armed().await;
    album.approval(stage, "approval").await;
    let desk = world.agent(&stage.set.http, "mailbox", &world.desk).await;
    let _sending = calling(desk, "send_message", world::letter());
    window.sees("1 of 2 waiting").await;
    window.press("Next question").await;
    window.sees("grace@harbour.example").await;
    window.armed().await;
    album.approval(stage, "approval-message").await;
    window.press("As sent").await;
    album.approval(stage, "approval-raw").await;
    window.press("Deny with note…").await;
    window.type_into("What claude-code is told", "Ask me again when Grace confirmed.").await;
    album.approval(stage, "approval-note").await;

    stage.turn_to_main().await;
    window.go("Approvals").await;
    window.sees("Waiting for you").await;
    window.click_on("//button[@aria-expanded='false'][contains(., 'send_payment')]").await;
    album.main(stage, "approvals").await;
    window.go("Home").await;
    window.sees("2 questions wait").await;
    album.main(stage, "home-waiting").await;
}
