//! Rules as a file: out here and in there, shown before anything changes, with nothing lost and nothing smuggled in.

use prokura_testkit::{Fixture, Protection, TestHost, ledger};
use serde_json::{Value, json};

use crate::scene::{Scene, fine, payment, refused};

const NEVER_MALLORY: &str = r#"forbid (principal, action == Action::"ledger/send_payment", resource)
when { context.arguments.to == "Mallory" };"#;

async fn export(host: &TestHost) -> Value {
    let said = host.folder.run(&["rules", "export"]).await.unwrap();
    assert_eq!(said.code, 0, "{}", said.err);
    serde_json::from_str(&said.out).unwrap()
}

async fn import(host: &TestHost, file: &Value, words: &[&str]) -> (i32, Value, String) {
    let all = [&["rules", "import", "-", "--json"], words].concat();
    let said = host.folder.run_with(&all, file.to_string().as_bytes()).await.unwrap();
    (said.code, said.json(), said.err)
}

/// Without the moment it was written.
fn rules(mut file: Value) -> Value {
    file.as_object_mut().unwrap().remove("exported_at");
    file
}

/// Grants and guardrails with everything they can say.
async fn full() -> Scene {
    let scene = Scene::ledger().await;
    scene.host.agent("scribe").await.unwrap();
    for words in [
        &[
            "--tools",
            "send_payment",
            "--effect",
            "allow",
            "--where",
            "/to = Grace",
            "--where",
            r#"/currency in ["EUR"]"#,
            "--budget",
            "2/1d",
            "--until",
            "30d",
            "--note",
            "\"rent\" — and more",
        ][..],
        &["--tools", "categorise", "--effect", "allow", "--budget", "sum(/amount)<=500/1d"],
        &["--tools", "get_*", "--effect", "ask"],
        &["--tools", "delete_*", "--effect", "ask", "--level", "passphrase"],
        &["--tools", "class:admin", "--effect", "deny"],
        &["--resources", "ledger://*", "--effect", "allow", "--account", "anonymous"],
    ] {
        let add = ["grants", "add", "--agent", "clerk", "--server", "ledger"];
        scene.host.ok(&[&add, words].concat()).await.unwrap();
    }
    let call = {
        let agent = scene.agent();
        tokio::spawn(async move {
            agent.call("get_statement", json!({ "account": "giro" })).await.unwrap()
        })
    };
    scene.host.answer(&["allow", "--for", "8h"]).await.unwrap();
    fine(&call.await.unwrap());
    for (name, text) in
        [("mallory", NEVER_MALLORY), ("off", "forbid (principal, action, resource);")]
    {
        let words = ["guardrails", "add", name];
        if name == "off" {
            // It is switched off at once: nothing may come between that needs a call.
            assert_eq!(scene.host.folder.run_with(&words, text.as_bytes()).await.unwrap().code, 0);
            scene.host.ok(&["guardrails", "disable", "off"]).await.unwrap();
        } else {
            assert_eq!(scene.host.folder.run_with(&words, text.as_bytes()).await.unwrap().code, 0);
        }
    }
    scene
}

#[tokio::test]
async fn what_goes_out_comes_in_again_whole_on_another_machine() {
    let scene = full().await;
    let file = export(&scene.host).await;
    assert_eq!((&file["prokura"], &file["version"]), (&json!("rules"), &json!(1)));
    assert_eq!(file["grants"].as_array().unwrap().len(), 7, "{file}");
    assert!(file["grants"].to_string().contains("same_arguments\":\""), "{file}");
    // Here nothing is new.
    let (code, plan, err) = import(&scene.host, &file, &[]).await;
    assert_eq!((code, &plan["added"], &plan["same"]), (0, &json!(0), &json!(9)), "{plan} {err}");
    // There, everything is, and its server is at the same address.
    let there = TestHost::start().await.unwrap();
    let url = scene.fixture.url();
    there.ok(&["servers", "add", &url, "--name", "ledger"]).await.unwrap();
    let key = there.agent("clerk").await.unwrap();
    there.agent("scribe").await.unwrap();
    let (code, plan, _) = import(&there, &file, &[]).await;
    assert_eq!((code, &plan["added"], &plan["done"]), (0, &json!(9), &json!(false)), "{plan}");
    assert_eq!(there.ok(&["grants", "list"]).await.unwrap(), json!([]), "it was only shown");
    let (code, plan, err) = import(&there, &file, &["--yes"]).await;
    assert_eq!((code, &plan["done"]), (0, &json!(true)), "{err}");
    assert_eq!(rules(export(&there).await), rules(file), "nothing was lost on the way");
    let levels = there.ok(&["approvals", "levels"]).await.unwrap();
    assert_eq!(levels["levels"].as_array().unwrap().len(), 1, "{levels}");
    let agent = prokura_testkit::Agent::modern(&there.endpoint("ledger"), &key).unwrap();
    for amount in ["2.00", "3.00"] {
        fine(&agent.call("send_payment", payment(amount)).await.unwrap());
    }
    refused(&agent.call("send_payment", payment("4.00")).await.unwrap(), "budget");
    // The very arguments of the approval go there too, and no others.
    fine(&agent.call("get_statement", json!({ "account": "giro" })).await.unwrap());
    let states = there.ok(&["guardrails", "list"]).await.unwrap();
    let on = |name: &str| {
        let all = states.as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap()["enabled"].clone()
    };
    assert_eq!((on("mallory"), on("off")), (json!(true), json!(false)));
}

#[tokio::test]
async fn what_is_not_there_is_named_and_nothing_is_taken_unless_the_rest_is_asked_for() {
    let scene = full().await;
    let mut file = export(&scene.host).await;
    let there = TestHost::start().await.unwrap();
    let other = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
    there.ok(&["servers", "add", &other.url(), "--name", "ledger"]).await.unwrap();
    there.agent("clerk").await.unwrap();
    // Another server has the name here: it is not the one that was meant.
    let (_, plan, _) = import(&there, &file, &[]).await;
    assert_eq!(plan["left_out"], 7, "{plan}");
    let whys = plan["rules"].to_string();
    assert!(whys.contains(&scene.fixture.url()) && whys.contains("here, not"), "{whys}");
    let mine = json!([{ "name": "ledger", "url": other.url() }]);
    file["servers"] = mine;
    let mut set = |target: &str, name: &str, value: &str| {
        let grants = file["grants"].as_array_mut().unwrap();
        grants.iter_mut().find(|one| one["target"] == target).unwrap()[name] = json!(value);
    };
    set("tools:get_*", "agent", "nobody");
    set("class:admin", "server", "nowhere");
    set("resource:ledger://*", "account", "ada");
    set("tool:send_payment", "until", "2001-01-01T00:00:00Z");
    let (_, plan, _) = import(&there, &file, &[]).await;
    let whys = plan["rules"].to_string();
    for why in [
        r#"no agent \"nobody\""#,
        r#"no server \"nowhere\""#,
        r#"no account \"ada\""#,
        "already over",
    ] {
        assert!(whys.contains(why), "{why} is not in {whys}");
    }
    assert_eq!((&plan["left_out"], &plan["added"]), (&json!(4), &json!(5)), "{plan}");
    let (code, _, err) = import(&there, &file, &["--yes"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("4 of the rules"), "{err}");
    assert_eq!(there.ok(&["guardrails", "list"]).await.unwrap(), json!([]), "nothing was taken");
    let (code, plan, _) = import(&there, &file, &["--partly", "--yes"]).await;
    assert_eq!((code, &plan["done"]), (0, &json!(true)));
    assert_eq!(there.ok(&["grants", "list"]).await.unwrap().as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_a_permit_is_never_taken() {
    let scene = Scene::ledger().await;
    let whole = json!({ "prokura": "rules", "version": 1, "grants": [], "guardrails": [] });
    let with = |name: &str, value: Value| {
        let mut file = whole.clone();
        file[name] = value;
        file
    };
    let grant =
        json!({ "agent": "clerk", "server": "ledger", "target": "tools:*", "effect": "allow" });
    let mut limited = grant.clone();
    limited["only_on"] = json!("mondays");
    for (file, says) in [
        (with("version", json!(2)), "version 2"),
        (with("version", json!(null)), "version"),
        (with("prokura", json!("bundle")), "no file of rules"),
        (with("limits", json!([])), "limits"),
        // A limit that would be passed over would let more through.
        (with("grants", json!([limited])), "only_on"),
    ] {
        let (code, _, err) = import(&scene.host, &file, &["--yes"]).await;
        assert_eq!(code, 1, "{file}");
        assert!(err.contains(says), "{says}: {err}");
    }
    let twice = r#"{"prokura":"rules","version":1,"grants":[{"agent":"clerk","server":"ledger","target":"tools:*","effect":"deny","effect":"allow"}]}"#;
    let words = ["rules", "import", "-", "--yes"];
    let said = scene.host.folder.run_with(&words, twice.as_bytes()).await.unwrap();
    assert_eq!(said.code, 1, "{}", said.out);
    let permit = json!([{ "name": "open", "text": "permit (principal, action, resource);" }]);
    let (_, plan, _) = import(&scene.host, &with("guardrails", permit), &[]).await;
    assert_eq!(plan["rules"][0]["does"], "left_out", "{plan}");
    assert!(plan["rules"][0]["why"].as_str().unwrap().contains("never permit"), "{plan}");
    assert_eq!(scene.host.ok(&["grants", "list"]).await.unwrap(), json!([]));
    assert_eq!(scene.host.ok(&["guardrails", "list"]).await.unwrap(), json!([]));
}

#[tokio::test]
async fn a_guardrail_that_would_change_is_shown_as_it_is_and_as_it_would_be() {
    let scene = Scene::ledger().await;
    let words = ["guardrails", "add", "mallory"];
    scene.host.folder.run_with(&words, NEVER_MALLORY.as_bytes()).await.unwrap();
    let mut file = export(&scene.host).await;
    let text = NEVER_MALLORY.replace("Mallory", "Eve");
    file["guardrails"][0]["text"] = json!(text);
    let (_, plan, _) = import(&scene.host, &file, &[]).await;
    let rule = &plan["rules"][0];
    assert_eq!(
        (&rule["does"], &rule["before"], &rule["after"]),
        (&json!("change"), &json!(NEVER_MALLORY), &json!(text))
    );
    scene.grant("send_payment", "allow").await;
    import(&scene.host, &file, &["--yes"]).await;
    let mut eve = payment("1.00");
    eve["to"] = json!("Eve");
    refused(&scene.agent().call("send_payment", eve).await.unwrap(), "mallory");
}
