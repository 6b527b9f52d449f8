//! Bundles: guardrails that an organisation signed. They hold whatever is granted, are changed by nobody else, only ever go
//! forward, and cannot allow anything.

use ed25519_dalek::{Signer as _, SigningKey};
use prokura_testkit::TestHost;
use serde_json::{Value, json};

use crate::scene::{Scene, fine, payment, refused};

const NEVER: &str = r#"@reason("the company says so") forbid (principal, action == Action::"ledger/send_payment", resource);"#;

/// Who publishes: a key, and bundles signed with it.
struct Publisher {
    key: String,
    file: String,
}

impl Publisher {
    async fn new(host: &TestHost, name: &str) -> Self {
        let file = host.folder.root().join(name).display().to_string();
        let made = host.ok(&["bundles", "new-key", &file]).await.unwrap();
        Self { key: made["key"].as_str().unwrap().to_owned(), file }
    }

    /// A signed bundle, or what was said instead.
    async fn sign(&self, host: &TestHost, payload: &str) -> Result<String, String> {
        let words = ["bundles", "sign", "-", "--key-file", &self.file];
        let said = host.folder.run_with(&words, payload.as_bytes()).await.unwrap();
        if said.code == 0 { Ok(said.out) } else { Err(said.err) }
    }
}

/// Signed by somebody who does not look at what they sign.
fn forged(payload: &str, seed: &str) -> String {
    let byte = |at: usize| u8::from_str_radix(&seed[2 * at..2 * at + 2], 16).unwrap();
    let seed: [u8; 32] = std::array::from_fn(byte);
    let signed = [b"prokura-bundle-v1\n".as_slice(), payload.as_bytes()].concat();
    let signature = SigningKey::from_bytes(&seed).sign(&signed).to_bytes();
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "prokura": "bundle", "version": 1, "payload": payload, "signature": hex }).to_string()
}

fn payload(sequence: u64, text: &str) -> String {
    json!({
        "name": "acme", "sequence": sequence, "issued_at": "2026-11-01T00:00:00Z",
        "guardrails": [{ "name": "payments", "text": text }],
    })
    .to_string()
}

async fn take(host: &TestHost, bundle: &str, words: &[&str]) -> (i32, Value, String) {
    let all = [&["bundles", "take", "-", "--json"], words].concat();
    let said = host.folder.run_with(&all, bundle.as_bytes()).await.unwrap();
    (said.code, said.json(), said.err)
}

async fn pays(scene: &Scene) -> prokura_testkit::AgentReply {
    scene.agent().call("send_payment", payment("1.00")).await.unwrap()
}

#[tokio::test]
async fn a_required_bundle_holds_whatever_is_granted_and_only_who_signs_it_changes_it() {
    let mut scene = Scene::ledger().await;
    scene.grant("*", "allow").await;
    let acme = Publisher::new(&scene.host, "acme.key").await;
    let first = acme.sign(&scene.host, &payload(1, NEVER)).await.unwrap();
    // Without its key it is a stranger's.
    let (code, _, err) = take(&scene.host, &first, &[]).await;
    assert_eq!(code, 1);
    assert!(err.contains("not signed by the key of any bundle"), "{err}");
    fine(&pays(&scene).await);
    let look = ["bundles", "look", "-", "--json", "--key", &acme.key];
    let looked = scene.host.folder.run_with(&look, first.as_bytes()).await.unwrap().json();
    assert_eq!((&looked["name"], &looked["taken_at"]), (&json!("acme"), &json!(null)), "{looked}");
    fine(&pays(&scene).await);
    let (code, taken, err) = take(&scene.host, &first, &["--key", &acme.key]).await;
    assert_eq!((code, &taken["sequence"]), (0, &json!(1)), "{err}");
    refused(&pays(&scene).await, "the company says so");
    let listed = scene.host.ok(&["guardrails", "list"]).await.unwrap();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["bundle"]),
        (&json!("acme/payments"), &json!("acme")),
        "{listed}"
    );
    for words in
        [["guardrails", "disable", "acme/payments"], ["guardrails", "remove", "acme/payments"]]
    {
        let said = scene.host.cli(&words).await.unwrap();
        assert_eq!(said.code, 1);
        assert!(said.err.contains("belongs to the bundle"), "{}", said.err);
    }
    scene.host.restart().await.unwrap();
    refused(&pays(&scene).await, "the company says so");
    // A newer one needs no key to be said; what it no longer says no longer holds.
    let second = payload(2, NEVER).replace("send_payment", "close_account");
    let second = acme.sign(&scene.host, &second).await.unwrap();
    let (code, taken, err) = take(&scene.host, &second, &[]).await;
    assert_eq!((code, &taken["sequence"]), (0, &json!(2)), "{err}");
    fine(&pays(&scene).await);
    let records = scene.host.audit().await.unwrap();
    let told: Vec<&Value> =
        records.iter().filter(|one| one.to_string().contains("bundle/acme")).collect();
    assert_eq!(told.len(), 2, "both are in the log");
    scene.host.ok(&["bundles", "release", "acme"]).await.unwrap();
    assert_eq!(scene.host.ok(&["bundles", "list"]).await.unwrap(), json!([]));
    assert_eq!(scene.host.ok(&["guardrails", "list"]).await.unwrap(), json!([]));
}

#[tokio::test]
async fn a_changed_an_older_and_a_strangers_bundle_are_refused_and_change_nothing() {
    let scene = Scene::ledger().await;
    scene.grant("*", "allow").await;
    let acme = Publisher::new(&scene.host, "acme.key").await;
    let mallory = Publisher::new(&scene.host, "mallory.key").await;
    let old = acme
        .sign(
            &scene.host,
            &payload(
                1,
                "forbid (principal, action == Action::\"ledger/close_account\", resource);",
            ),
        )
        .await
        .unwrap();
    let new = acme.sign(&scene.host, &payload(7, NEVER)).await.unwrap();
    assert_eq!(take(&scene.host, &new, &["--key", &acme.key]).await.0, 0);
    let by_mallory = mallory
        .sign(&scene.host, &payload(8, "forbid (principal == Agent::\"x\", action, resource);"))
        .await
        .unwrap();
    let twice = acme
        .sign(&scene.host, &payload(7, "forbid (principal == Agent::\"x\", action, resource);"))
        .await
        .unwrap();
    // The payload of one under the signature of another, a word changed, the signature changed.
    let mut mixed: Value = serde_json::from_str(&old).unwrap();
    mixed["payload"] = json!(payload(9, "forbid (principal == Agent::\"x\", action, resource);"));
    let changed = new.replace("send_payment", "send_nothing");
    let mut wrong: Value = serde_json::from_str(&new).unwrap();
    wrong["signature"] = json!("00".repeat(64));
    let mut version: Value = serde_json::from_str(&new).unwrap();
    version["version"] = json!(2);
    for (what, bundle, words, says) in [
        ("rolled back", &old, vec![], "sequence 7 before"),
        ("rolled back with the key", &old, vec!["--key", &acme.key], "sequence 7 before"),
        ("the same sequence twice", &twice, vec![], "another text"),
        ("by a stranger", &by_mallory, vec![], "not signed by the key"),
        ("by a stranger with her key", &by_mallory, vec!["--key", &mallory.key], "another key"),
        ("mixed", &mixed.to_string(), vec![], "not signed by the key"),
        ("changed", &changed, vec!["--key", &acme.key], "changed after it was signed"),
        ("without a signature", &wrong.to_string(), vec!["--key", &acme.key], "signature"),
        ("of another version", &version.to_string(), vec![], "version"),
        ("no bundle", &"{}".to_owned(), vec![], "no bundle"),
    ] {
        let (code, _, err) = take(&scene.host, bundle, &words).await;
        assert_eq!(code, 1, "{what} was taken");
        assert!(err.contains(says), "{what}: {err}");
        refused(&pays(&scene).await, "the company says so");
    }
    // The same once more is nothing new.
    assert_eq!(take(&scene.host, &new, &[]).await.0, 0);
    let listed = scene.host.ok(&["bundles", "list"]).await.unwrap();
    assert_eq!((listed[0]["sequence"].as_u64(), &listed[0]["fault"]), (Some(7), &json!(null)));
}

#[tokio::test]
async fn nothing_in_a_bundle_can_allow() {
    let scene = Scene::ledger().await;
    let acme = Publisher::new(&scene.host, "acme.key").await;
    let permit = payload(1, "permit (principal, action, resource);");
    let said = acme.sign(&scene.host, &permit).await.unwrap_err();
    assert!(said.contains("never permit"), "{said}");
    let grants = permit.replace("\"guardrails\"", "\"grants\":[],\"guardrails\"");
    let said = acme.sign(&scene.host, &grants).await.unwrap_err();
    assert!(said.contains("grants"), "{said}");
    // Who signs without this program can write what they like: it is not taken here.
    let signed = acme.sign(&scene.host, &payload(1, NEVER)).await.unwrap();
    let seed = std::fs::read_to_string(&acme.file).unwrap();
    let forgery = forged(&permit, seed.trim());
    assert_ne!(forgery, signed);
    let (code, _, err) = take(&scene.host, &forgery, &["--key", &acme.key]).await;
    assert_eq!(code, 1);
    assert!(err.contains("never permit"), "{err}");
    refused(&pays(&scene).await, "unknown tool");
    assert_eq!(scene.host.ok(&["bundles", "list"]).await.unwrap(), json!([]));
    let again = scene.host.cli(&["bundles", "new-key", &acme.file]).await.unwrap();
    assert_eq!(again.code, 1, "a key is never written over");
}

#[tokio::test]
async fn a_bundle_whose_kept_text_was_changed_denies_everything() {
    let mut scene = Scene::ledger().await;
    scene.grant("*", "allow").await;
    let acme = Publisher::new(&scene.host, "acme.key").await;
    let bundle = acme.sign(&scene.host, &payload(3, NEVER)).await.unwrap();
    assert_eq!(take(&scene.host, &bundle, &["--key", &acme.key]).await.0, 0);
    let agent = |scene: &Scene| scene.agent();
    fine(&agent(&scene).call("list_accounts", json!({})).await.unwrap());
    scene.host.stop().await.unwrap();
    let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\nhit = db.execute(\"update setting set value = replace(value, 'send_payment', 'send_nothing') where name = 'bundles'\")\nassert hit.rowcount == 1\ndb.commit()";
    let database = scene.host.folder.data().join("prokura.db");
    let done = std::process::Command::new("python3").args(["-c", script]).arg(database).status();
    assert!(done.unwrap().success());
    scene.host.restart().await.unwrap();
    refused(&agent(&scene).call("list_accounts", json!({})).await.unwrap(), "cannot be read");
    let listed = scene.host.ok(&["bundles", "list"]).await.unwrap();
    assert!(listed[0]["fault"].as_str().unwrap().contains("signature"), "{listed}");
    // The very same bundle mends it.
    assert_eq!(take(&scene.host, &bundle, &["--key", &acme.key]).await.0, 0);
    fine(&agent(&scene).call("list_accounts", json!({})).await.unwrap());
    refused(&pays(&scene).await, "the company says so");
}
