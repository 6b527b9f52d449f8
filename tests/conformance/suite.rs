//! Every leg and revision of the official suite, as a test: what is not listed as an expected failure has to pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Mutex;

/// The suite starts many programs at once: one leg at a time.
static TURN: Mutex<()> = Mutex::const_new(());

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the table is what people look for")]
async fn agents_and_servers_of_different_eras_reach_each_other() {
    let _turn = TURN.lock().await;
    let program = env!("CARGO_BIN_EXE_prokura-conformance");
    let run = Command::new(program).arg("cross").kill_on_drop(true).output();
    let output =
        tokio::time::timeout(std::time::Duration::from_secs(300), run).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_expected_failure_between_the_eras_is_explained() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let folder = env!("CARGO_MANIFEST_DIR");
    let expected = read(&format!("{folder}/conformance/expected-crossing.yaml"));
    let explained = read(&format!("{folder}/../docs/bridging.md"));
    for line in expected.lines().filter_map(|line| line.trim().strip_prefix("- ")) {
        assert!(explained.contains(line), "docs/bridging.md says nothing of {line}");
    }
}

/// Runs a leg; every required scenario has to pass.
async fn passes(leg: &str, revision: &str, required: u64) {
    let _turn = TURN.lock().await;
    let program = env!("CARGO_BIN_EXE_prokura-conformance");
    let arguments = [leg, "--requirements", revision];
    let run = Command::new(program).args(arguments).kill_on_drop(true).output();
    let output =
        tokio::time::timeout(std::time::Duration::from_secs(300), run).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let last: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(last["scenarios"], serde_json::json!([required, required]), "{last}");
    // The extensions pass too: all of those that the suite runs.
    assert_eq!(last["extras"][0], last["extras"][1], "{last}");
}

#[tokio::test]
async fn agents_of_2026_07_28_are_served() {
    passes("server", "2026-07-28", 37).await;
}

#[tokio::test]
async fn agents_of_2025_11_25_are_served() {
    passes("server", "2025-11-25", 30).await;
}

#[tokio::test]
async fn servers_of_2026_07_28_are_used() {
    passes("client", "2026-07-28", 32).await;
}

#[tokio::test]
async fn servers_of_2025_11_25_are_used() {
    passes("client", "2025-11-25", 18).await;
}

#[tokio::test]
async fn agents_of_2026_07_28_sign_in() {
    passes("authorization", "2026-07-28", 2).await;
}

#[tokio::test]
async fn agents_of_2025_11_25_sign_in() {
    passes("authorization", "2025-11-25", 2).await;
}
