//! Yeses that need more than a command: the approval passphrase, and the system's own word that the person is there, from
//! a polkit on a bus of its own. What an attacker would try is tried here, over the real socket.

use std::time::Duration;

use prokura_api::{AnswerWish, Request};
use prokura_host::control::Client;
use prokura_testkit::bus::{Bus, Polkit, Verdict};
use prokura_testkit::host::Folder;
use prokura_testkit::{Agent, AgentReply, Fixture, Protection, Said, TestHost, eventually, ledger};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::scene::{Scene, fine, payment, refused};

const SECRET: &str = "correct horse battery";

impl Scene {
    /// Runs a command with something on its standard input.
    async fn told(&self, words: &[&str], input: &str) -> Said {
        self.host.folder.run_with(words, input.as_bytes()).await.unwrap()
    }

    async fn level(&self, scope: &str, level: &str) {
        self.host.ok(&["approvals", "level", scope, level]).await.unwrap();
    }

    fn pays(&self, amount: &str) -> JoinHandle<anyhow::Result<AgentReply>> {
        let (agent, payment) = (self.agent(), payment(amount));
        tokio::spawn(async move { agent.call("send_payment", payment).await })
    }

    async fn waits(&self) -> String {
        self.host.pending().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn answers(&self, id: &str, input: &str) -> Said {
        self.told(&["approvals", "answer", id, "allow"], input).await
    }

    fn sent(&self) -> usize {
        self.fixture.recorder().calls("send_payment").len()
    }
}

fn no(said: &Said, words: &str) {
    assert!(said.code == 1 && said.err.contains(words), "{} {}{}", said.code, said.out, said.err);
}

async fn asking() -> Scene {
    let scene = Scene::ledger().await;
    scene.grant("send_payment", "ask").await;
    scene
}

#[tokio::test]
async fn the_terminal_asks_for_the_passphrase_and_guesses_cost_time_across_a_restart() {
    let mut scene = asking().await;
    scene.level("tool:ledger/send_payment", "passphrase").await;
    let call = scene.pays("1.00");
    let id = scene.waits().await;
    // None is set: that is said, by doctor too, and nothing is denied.
    no(&scene.answers(&id, "").await, "none is set");
    let doctor = scene.host.cli(&["doctor"]).await.unwrap();
    assert!(doctor.out.contains("nobody can say yes here"), "{}", doctor.out);
    let short = scene.told(&["approvals", "passphrase"], "short\n").await;
    no(&short, "8 to 1024");
    let set = scene.told(&["approvals", "passphrase"], &format!("{SECRET}\n")).await;
    assert_eq!(set.code, 0, "{}", set.err);
    no(&scene.answers(&id, "").await, "nothing was given");
    let view = scene.host.cli(&["approvals", "show", &id]).await.unwrap();
    assert!(view.out.contains("the approval passphrase"), "{}", view.out);
    let right = scene.answers(&id, &format!("{SECRET}\n")).await;
    assert_eq!(right.code, 0, "{}", right.err);
    fine(&call.await.unwrap().unwrap());

    // A new one needs the old one.
    let stolen =
        scene.told(&["approvals", "passphrase"], "wrong old one\nmine from now on\n").await;
    no(&stolen, "not the approval passphrase");
    let call = scene.pays("2.00");
    let id = scene.waits().await;
    no(&scene.answers(&id, "guess\n").await, "not the approval passphrase");
    no(&scene.answers(&id, "guess\n").await, "the next try counts in 5 seconds");
    call.abort();
    let _ = call.await;
    scene.host.restart().await.unwrap();
    let call = scene.pays("2.00");
    let id = scene.waits().await;
    no(&scene.answers(&id, &format!("{SECRET}\n")).await, "here were 3 wrong passphrases");
    assert_eq!(scene.sent(), 1);
    eventually("the end of the delay", Duration::from_secs(30), || async {
        (scene.answers(&id, &format!("{SECRET}\n")).await.code == 0).then_some(())
    })
    .await
    .unwrap();
    fine(&call.await.unwrap().unwrap());
    let logs = scene.host.logs();
    let audit = scene.host.cli(&["audit", "list", "--limit", "1000", "--json"]).await.unwrap().out;
    assert!(!logs.contains(SECRET) && !audit.contains(SECRET), "the passphrase was told");
    for file in walk(&scene.host.folder.data()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        assert!(!found, "the passphrase lies in {}", file.display());
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn many_guesses_at_once_over_the_socket_are_three_guesses() {
    let scene = asking().await;
    scene.told(&["approvals", "passphrase"], &format!("{SECRET}\n")).await;
    scene.level("server:ledger", "passphrase").await;
    let call = scene.pays("1.00");
    let id = scene.waits().await;
    let data = scene.host.folder.data();
    let guesses = (0..30).map(|number| {
        let (data, approval) = (data.clone(), id.clone());
        tokio::spawn(async move {
            let passphrase = Some(format!("guess number {number}"));
            let wish = Request::ApprovalAnswer { approval, answer: AnswerWish::Once, passphrase };
            Client::connect(&data).await.unwrap().ask(&wish).await.unwrap_err().message
        })
    });
    let guesses: Vec<_> = guesses.collect();
    let mut told = Vec::new();
    for guess in guesses {
        told.push(guess.await.unwrap());
    }
    let looked = told.iter().filter(|text| text.contains("not the approval passphrase")).count();
    assert_eq!(looked, 3, "{told:?}");
    assert!(told.iter().filter(|text| text.contains("here were 3 wrong")).count() == 27);
    // Skipping it, lowering it, or asking for less by another grant does not help either.
    no(&scene.answers(&id, "").await, "nothing was given");
    let lower = scene.told(&["approvals", "level", "server:ledger", "click"], "guess\n").await;
    no(&lower, "here were 3 wrong");
    scene.grant("send_payment", "ask").await;
    no(&scene.answers(&id, "guess\n").await, "here were 3 wrong");
    assert_eq!(scene.sent(), 0);
    let denied = scene.host.cli(&["approvals", "answer", &id, "deny"]).await.unwrap();
    assert_eq!(denied.code, 0, "denying needs nothing: {}", denied.err);
    refused(&call.await.unwrap().unwrap(), "denied");
}

/// A ledger whose payments need the person to be there, and the polkit that says so.
struct Guarded {
    scene: Scene,
    polkit: Polkit,
    _bus: Bus,
}

impl Guarded {
    async fn start() -> Self {
        let bus = Bus::start().await.unwrap();
        let polkit = Polkit::on(&bus).await.unwrap();
        let folder = Folder::new(None).unwrap();
        let key_file = folder.key_file().display().to_string();
        let mut command = folder.command(&["serve", "--port", "0", "--vault-key-file", &key_file]);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &bus.address);
        let serving = folder.serve_command(command).await.unwrap();
        let host = TestHost::on(folder, serving).without_flow_rule().await.unwrap();
        let fixture = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
        host.ok(&["servers", "add", &fixture.url(), "--name", "ledger"]).await.unwrap();
        let key = host.agent("clerk").await.unwrap();
        let scene = Scene { host, fixture, key };
        let ask = [
            "grants",
            "add",
            "--agent",
            "clerk",
            "--server",
            "ledger",
            "--tools",
            "send_payment",
            "--effect",
            "ask",
            "--level",
            "presence",
        ];
        scene.host.ok(&ask).await.unwrap();
        Self { scene, polkit, _bus: bus }
    }
}

#[tokio::test]
async fn presence_is_asked_for_each_time_and_a_yes_without_a_dialog_is_none() {
    let Guarded { scene, polkit, _bus } = &Guarded::start().await;
    for number in 1..=2 {
        let call = scene.pays("1.00");
        let id = scene.waits().await;
        let held = scene.told(&["approvals", "answer", &id, "allow", "--for", "8h"], "").await;
        no(&held, "can only be allowed once");
        let yes = scene.answers(&id, "").await;
        assert_eq!(yes.code, 0, "{}", yes.err);
        fine(&call.await.unwrap().unwrap());
        assert_eq!((polkit.dialogs(), scene.sent()), (number, number));
    }
    let call = scene.pays("1.00");
    let id = scene.waits().await;
    for (verdict, words) in [
        (Verdict::Refuses, "did not confirm that you are there"),
        (Verdict::Passes, "without asking anybody"),
        (Verdict::Keeps, "set to remember the answer"),
        (Verdict::Unknown, "polkit does not know Prokura yet"),
    ] {
        polkit.set(verdict);
        no(&scene.answers(&id, &format!("{SECRET}\n")).await, words);
        let waiting = scene.host.pending().await.unwrap();
        assert_eq!(waiting["id"], Value::from(id.clone()), "{verdict:?} denied it");
        let told = waiting["in_the_way"].as_str().map(str::to_owned);
        assert_eq!(told.is_some(), verdict != Verdict::Refuses, "{told:?}");
    }
    assert_eq!(scene.sent(), 2);
    // While the dialog stands, somebody denies: it goes, and what is said in it afterwards counts for nothing.
    polkit.set(Verdict::Waits);
    let denied = async {
        eventually("a dialog", Duration::from_secs(20), || async {
            (polkit.dialogs() == 4).then_some(())
        })
        .await
        .unwrap();
        scene.host.ok(&["approvals", "answer", &id, "deny"]).await.unwrap();
    };
    let (late, ()) = tokio::join!(scene.answers(&id, ""), denied);
    no(&late, "already denied");
    eventually("the dialog to go", Duration::from_secs(20), || async {
        (polkit.cancelled() == 1).then_some(())
    })
    .await
    .unwrap();
    polkit.set(Verdict::Confirms);
    refused(&call.await.unwrap().unwrap(), "denied");
    assert_eq!(scene.sent(), 2);
}

#[tokio::test]
async fn a_presence_for_one_call_is_none_for_another() {
    let Guarded { scene, polkit, _bus } = &Guarded::start().await;
    let call = scene.pays("1.00");
    let id = scene.waits().await;
    assert_eq!(scene.answers(&id, "").await.code, 0);
    fine(&call.await.unwrap().unwrap());
    // The same answer again, and the same call again.
    no(&scene.answers(&id, "").await, "already");
    polkit.set(Verdict::Refuses);
    let agent: Agent = scene.agent();
    let again = tokio::spawn(async move { agent.call("send_payment", payment("1.00")).await });
    let next = scene.waits().await;
    assert_ne!(next, id);
    no(&scene.answers(&next, "").await, "did not confirm");
    assert_eq!(scene.sent(), 1);
    scene.host.ok(&["approvals", "answer", &next, "deny"]).await.unwrap();
    refused(&again.await.unwrap().unwrap(), "denied");
}
