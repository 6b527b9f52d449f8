//! The keys that pause all agents from anywhere.

use prokura_testkit::eventually;

use crate::hands::SOON;
use crate::stage::{Set, Stage};

async fn paused(stage: &Stage) -> bool {
    stage.set.host.ok(&["state"]).await.unwrap()["paused"] == true
}

#[tokio::test]
async fn keys_that_the_person_pressed_once_pause_from_anywhere_and_never_resume() {
    let stage = Set::empty().await.open().await;
    let window = &stage.window;
    window.go("Settings").await;
    stage.display.focus("Prokura").await;
    window.press("Set keys…").await;
    // One modifier alone is typing; it goes on waiting.
    stage.display.keys(&["ctrl+c"]);
    stage.display.keys(&["ctrl+alt+p"]);
    window.sees("Ctrl+Alt+P pauses all agents.").await;
    assert!(!paused(&stage).await);
    // Nothing of Prokura has the keyboard.
    stage.display.close_window("Prokura").await;
    eventually("the pause", SOON, || async {
        stage.display.keys(&["ctrl+alt+p"]);
        paused(&stage).await.then_some(())
    })
    .await
    .unwrap();
    window.sees("Resume all agents").await;
    stage.display.keys(&["ctrl+alt+p"]);
    window.accessible("the settings while agents are paused").await;
    assert!(paused(&stage).await, "keys never resume");
    let bad = stage.set.host.cli(&["approvals", "pause-keys", "Ctrl+C"]).await.unwrap();
    assert!(bad.code == 1 && bad.err.contains("no combination of keys"), "{}", bad.err);
    stage.set.host.ok(&["approvals", "pause-keys", "off"]).await.unwrap();
    window.sees("no keys").await;
}
