//! Evidence: records taken out of a running host into a folder, verified with nothing but the public key, and what somebody
//! changed in it is named. (U-05)

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::scene::{Scene, fine, payment};

/// Evidence of a host that did some calls, and its public key.
async fn evidence(scene: &Scene, words: &[&str]) -> (PathBuf, String) {
    let words: Vec<&str> = ["audit", "bundle"].iter().chain(words).copied().collect();
    let saved = scene.host.ok(&words).await.unwrap();
    let place = PathBuf::from(saved["path"].as_str().unwrap());
    let manifest: Value =
        serde_json::from_slice(&fs::read(place.join("manifest.json")).unwrap()).unwrap();
    (place, manifest["public_key"].as_str().unwrap().to_owned())
}

async fn verify(scene: &Scene, place: &Path, key: &str) -> (bool, Value) {
    let place = place.to_str().unwrap();
    let words = ["audit", "verify", place, "--key", key, "--json"];
    let said = scene.host.folder.run(&words).await.unwrap();
    (said.code == 0, serde_json::from_str(said.out.trim()).unwrap())
}

#[tokio::test]
async fn evidence_is_verified_elsewhere_with_only_the_key_and_a_changed_record_is_named() {
    let mut scene = Scene::ledger().await;
    scene.grant("*", "allow").await;
    let agent = scene.agent();
    for amount in ["1.00", "31337.42"] {
        fine(&agent.call("send_payment", payment(amount)).await.unwrap());
    }
    let (place, key) = evidence(&scene, &[]).await;
    // Elsewhere: a copy, and no host.
    let away = tempfile::tempdir().unwrap();
    let copy = away.path().join("evidence");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&place).unwrap().flatten() {
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    scene.host.stop().await.unwrap();
    let (good, said) = verify(&scene, &copy, &key).await;
    assert!(good, "{said}");
    assert_eq!(said["faults"], json!([]));
    let (good, said) = verify(&scene, &copy, &"ab".repeat(32)).await;
    assert!(!good && said["faults"].to_string().contains("another key"), "{said}");
    // Nobody's arguments are in it.
    let all: String = fs::read_dir(&copy)
        .unwrap()
        .flatten()
        .map(|entry| String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned())
        .collect();
    assert!(all.contains("send_payment") && !all.contains("31337.42"));
    // One word of one record.
    let path = copy.join("records.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let line = text.lines().find(|line| line.contains("\"call.outcome\"")).unwrap();
    let seq = serde_json::from_str::<Value>(line).unwrap()["seq"].clone();
    let changed = line.replace("\\\"result\\\":\\\"ok\\\"", "\\\"result\\\":\\\"no\\\"");
    assert_ne!(line, changed);
    fs::write(&path, text.replace(line, &changed)).unwrap();
    let (good, said) = verify(&scene, &copy, &key).await;
    assert!(!good, "{said}");
    assert!(said["faults"].to_string().contains(&format!("record {seq} was changed")), "{said}");
}

#[tokio::test]
async fn evidence_of_a_few_records_holds_those_and_the_taking_out_is_recorded() {
    let scene = Scene::ledger().await;
    let (place, key) = evidence(&scene, &["--first", "2", "--last", "4"]).await;
    let records = fs::read_to_string(place.join("records.jsonl")).unwrap();
    assert_eq!(records.lines().count(), 3);
    let (good, said) = verify(&scene, &place, &key).await;
    assert!(good && said["records"] == 3, "{said}");
    assert!(scene.kinds().await.contains(&"log.exported".to_owned()));
    let wrong =
        scene.host.folder.run(&["audit", "bundle", "--first", "4", "--last", "2"]).await.unwrap();
    assert_ne!(wrong.code, 0);
    assert!(place.parent().unwrap().read_dir().unwrap().count() == 1, "nothing half is left");
}
