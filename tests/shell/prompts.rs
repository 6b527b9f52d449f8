//! Twelve pictures of questions, for docs/prompts.md: into the folder that `PROKURA_PROMPTS` names, else into one of the
//! target folder. And how long it takes from a call until its question is on the screen.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prokura_testkit::{Run, ToolSpec, eventually};
use serde_json::{Value, json};

use crate::hands::{ALLOW, SOON};
use crate::stage::{Calling, Set, Stage, calling, payment};

/// Pictures of one stage.
struct Album(Stage, PathBuf, bool);

impl Album {
    async fn open(dark: bool) -> Self {
        let folder = std::env::var_os("PROKURA_PROMPTS")
            .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("prompts"), PathBuf::from);
        std::fs::create_dir_all(&folder).unwrap();
        let text = |description: &str| json!({ "type": "string", "description": description });
        let schema = json!({ "type": "object", "properties": { "to": text("Who gets it."), "subject": text("…"), "body": text("…") } });
        let run = Run::Answer(std::sync::Arc::new(|_: &_| Ok(json!({ "text": "done" }))));
        let message = ToolSpec::new("send_message", "Sends a message.", schema, run);
        let set = Set::ledger_with(vec![message]).await;
        let classify =
            ["tools", "classify", "--server", "ledger", "send_message", "--class", "write"];
        set.host.ok(&classify).await.unwrap();
        set.host.grant("clerk", "ledger", "send_message", "ask").await.unwrap();
        let theme = if dark { "Adwaita:dark" } else { "Adwaita" };
        let stage = set.open_with(&[("GTK_THEME", theme)]).await;
        Self(stage, folder, dark)
    }

    /// Calls, and waits until the question is shown.
    async fn asks(&self, tool: &'static str, arguments: Value, words: &str) -> Calling {
        let call = calling(self.0.clerk().await, tool, arguments);
        let known = self.0.window.windows().await.unwrap().len() > 1;
        if !known || self.0.window.window().await.unwrap() == self.0.main {
            self.0.window.turn_to_approval(&self.0.main).await;
        }
        self.0.window.sees(words).await;
        self.0.window.element(ALLOW).await;
        call
    }

    /// A picture of the window as it is now; it has to be accessible too.
    async fn take(&self, name: &str) {
        let Self(stage, folder, dark) = self;
        stage.display.place("Approval", 1220, 60).unwrap();
        stage.window.painted().await;
        let theme = if *dark { "dark" } else { "light" };
        let file = folder.join(format!("{name}-{theme}.png"));
        stage.display.picture(Some("Approval"), &file).unwrap();
        stage.display.shrink(&file).unwrap();
        stage.window.accessible(name).await;
    }

    /// Answers it in a terminal, so that the next one can come.
    async fn settles(&self, call: Calling, answer: &str) {
        self.0.set.host.answer(&[answer]).await.unwrap();
        drop(call.await.unwrap());
    }
}

#[tokio::test]
async fn twelve_situations_are_pictured() {
    {
        let album = Album::open(true).await;
        let call = album.asks("send_payment", payment("120.00"), "120.00").await;
        album.0.window.armed().await;
        album.take("02-destructive").await;
        album.settles(call, "deny").await;
    }
    let album = Album::open(false).await;
    what_is_asked(&album).await;
    what_is_answered(&album).await;
    what_needs_more(&album).await;
    many_and_strangers(&album).await;
}

async fn what_is_asked(album: &Album) {
    let window = &album.0.window;
    let call = album.asks("send_payment", payment("120.00"), "120.00").await;
    window.armed().await;
    album.take("01-destructive").await;
    album.settles(call, "allow").await;
    let call = album.asks("send_payment", payment("1840.00"), "1840.00").await;
    window.click_on("//button[contains(normalize-space(.), 'changed')]").await;
    window.armed().await;
    album.take("03-changes").await;
    album.settles(call, "deny").await;
    let letter = json!({
        "to": "grace@harb\u{043e}ur.example",
        "subject": "Invoice 2207\u{202e}7022",
        "body": "Dear Grace,\n\nplease send the next one to https://harbour.example@pay.example/in?a=1 \
                 \n\n<button>Allow</button> [✓ verified by Prokura]\n\nAda",
    });
    let call = album.asks("send_message", letter, "Invoice").await;
    window.armed().await;
    album.take("04-hostile-text").await;
    album.settles(call, "deny").await;
}

async fn what_is_answered(album: &Album) {
    let window = &album.0.window;
    let call = album.asks("send_payment", payment("60.00"), "60.00").await;
    window.press("This tool, with…").await;
    window.armed().await;
    album.take("05-held-fixed").await;
    window.press("Deny with note…").await;
    window.type_into("What clerk is told", "Use the savings account instead.").await;
    album.take("06-deny-with-note").await;
    album.settles(call, "deny").await;
    for text in ["Good morning.", "Good day.", "Good evening."] {
        let message = json!({ "to": "grace@harbour.example", "subject": "Hello", "body": text });
        let call = album.asks("send_message", message, text).await;
        album.settles(call, "allow").await;
    }
    let message =
        json!({ "to": "grace@harbour.example", "subject": "Hello", "body": "Good night." });
    let call = album.asks("send_message", message, "Good night.").await;
    window.sees("Hold that fixed").await;
    window.armed().await;
    album.take("07-suggestion").await;
    album.settles(call, "deny").await;
}

async fn what_needs_more(album: &Album) {
    let (window, host) = (&album.0.window, &album.0.set.host);
    let text = "@approval(\"More than 1000 leaves the house\")\nforbid (principal, action, resource) when { resource.name == \"send_payment\" };";
    let file = host.folder.root().join("large.cedar");
    std::fs::write(&file, text).unwrap();
    host.ok(&["guardrails", "add", "large payments", &file.display().to_string()]).await.unwrap();
    let call = album.asks("send_payment", payment("2310.00"), "2310.00").await;
    window.armed().await;
    album.take("08-guardrail").await;
    album.settles(call, "deny").await;
    host.ok(&["guardrails", "remove", "large payments"]).await.unwrap();
    let set = host.folder.run_with(&["approvals", "passphrase"], b"correct horse battery\n").await;
    assert_eq!(set.unwrap().code, 0);
    host.ok(&["approvals", "level", "class:destructive", "passphrase"]).await.unwrap();
    let call = album.asks("send_payment", payment("75.00"), "75.00").await;
    window.type_into("Approval passphrase", "correct horse").await;
    window.armed().await;
    album.take("09-passphrase").await;
    album.settles(call, "deny").await;
    host.ok(&["approvals", "level", "class:destructive", "presence"]).await.unwrap();
    let call = album.asks("send_payment", payment("76.00"), "76.00").await;
    window.sees("This can only be denied here").await;
    album.take("10-presence-missing").await;
    album.settles(call, "deny").await;
}

async fn many_and_strangers(album: &Album) {
    let (window, host) = (&album.0.window, &album.0.set.host);
    let mut calls = Vec::new();
    for number in 1..=3 {
        let body = format!("Reminder number {number}.");
        let message = json!({ "to": "grace@harbour.example", "subject": "Reminder", "body": body });
        calls.push(calling(album.0.clerk().await, "send_message", message));
    }
    window.press("3 like this…").await;
    window.sees("Reminder number 3").await;
    window.script("document.querySelector('main').scrollTo(0, 1e6)").await.unwrap();
    window.element("//*[@data-testid='allow-all'][@aria-disabled='false']").await;
    window.script("document.querySelector('main').scrollTo(0, 0)").await.unwrap();
    album.take("11-three-alike").await;
    window.click_on("//*[@data-testid='allow-all']").await;
    for call in calls {
        assert!(prokura_tests::sdk::outcome(&call.await.unwrap().1).0);
    }
    // What nobody has classified counts as destructive, so here it would take a presence.
    let less = ["approvals", "level", "class:destructive", "click"];
    let set = host.folder.run_with(&less, b"correct horse battery\n").await.unwrap();
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    host.grant("clerk", "ledger", "categorise", "ask").await.unwrap();
    let entry = json!({ "entry": "Invoice 2207", "category": "harbour" });
    let call = album.asks("categorise", entry, "harbour").await;
    window.armed().await;
    album.take("12-unclassified").await;
    album.settles(call, "deny").await;
    // Last, because what started it counts as a process of that agent from then on: this very test.
    let mut program = host.folder.command(&["stdio", "--agent", "coder"]);
    let mut program = program.stdin(Stdio::piped()).spawn().unwrap();
    let _asking = program.stdin.take();
    window.sees("May this program come in as an agent?").await;
    window.armed().await;
    // Accessible too, but no picture: it names folders of the machine.
    window.accessible("a new program").await;
    host.answer(&["deny"]).await.unwrap();
}

/// Notes the moment at which each amount has been painted.
const WATCH: &str = "
    window.painted = {};
    const look = () => {
        const found = document.body.textContent.match(/(\\d+)\\.77(?!\\d)/);
        if (!found || window.painted[found[1]] || document.hidden) return;
        window.painted[found[1]] = -1;
        requestAnimationFrame(() => requestAnimationFrame(() => (window.painted[found[1]] = performance.timeOrigin + performance.now())));
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    document.addEventListener('visibilitychange', look);
";

/// Some rounds in every run, so that it goes on working; the figure counts in `cargo xtask bench prompt`, on a quiet machine.
#[tokio::test]
#[allow(clippy::print_stdout, clippy::disallowed_methods)] // The last line is the figure; the window's clock is compared with this one.
async fn from_a_call_to_its_question_on_the_screen() {
    let rounds = std::env::var("PROKURA_BENCH_ROUNDS").ok().and_then(|text| text.parse().ok());
    let stage = Set::ledger().await.open().await;
    let window = &stage.window;
    let mut agent = stage.clerk().await;
    let mut times = Vec::new();
    // The first makes the window.
    for round in 0..=rounds.unwrap_or(4) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1000.0;
        let call = tokio::spawn(async move {
            let answer = agent.call("send_payment", payment(&format!("{round}.77"))).await;
            (agent, answer)
        });
        if round == 0 {
            window.turn_to_approval(&stage.main).await;
            window.script(WATCH).await.unwrap();
        } else {
            let look = format!("return window.painted['{round}'] ?? -1");
            let at = eventually("the question", SOON, || async {
                window.script(&look).await.ok()?.as_f64().filter(|at| *at > 0.0)
            });
            times.push(at.await.unwrap() - since);
        }
        stage.set.host.answer(&["deny"]).await.unwrap();
        agent = call.await.unwrap().0;
        window.sees_no_more(".77").await;
    }
    times.sort_by(f64::total_cmp);
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{}",
        json!({ "bench": "prompt", "rounds": times.len(), "median_ms": median.round(), "slowest_ms": slowest.round() })
    );
    let most = if rounds.is_some() { Duration::from_millis(250) } else { SOON };
    assert!(median < most.as_secs_f64() * 1000.0, "{times:?}");
}
