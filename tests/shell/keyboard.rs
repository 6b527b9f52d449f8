//! The main job by keys alone: a server, a grant, an answer, a revoke. And that no window that comes up takes keys that
//! were meant for another.

use prokura_testkit::{Fixture, Protection, eventually, ledger};
use prokura_tests::sdk::outcome;

use crate::hands::{ALLOW, SOON};
use crate::stage::{Set, Stage, calling, payment};

/// Presses Tab until what has the focus is called so.
async fn tab_to(stage: &Stage, name: &str) {
    let focused = "
        const one = document.activeElement;
        const label = one?.labels?.[0]?.innerText ?? '';
        return [one?.getAttribute('aria-label') ?? '', label, one?.innerText ?? ''].map((text) => text.replace(/\\s+/g, ' ').trim());
    ";
    let mut seen = Vec::new();
    for _ in 0..80 {
        let found = stage.window.script(focused).await.unwrap();
        if found.as_array().unwrap().iter().any(|text| text.as_str().unwrap().starts_with(name)) {
            return;
        }
        seen.push(found.to_string());
        stage.display.keys(&["Tab"]);
    }
    panic!("Tab does not reach {name}: {seen:?}");
}

async fn grants(stage: &Stage) -> usize {
    stage.set.host.ok(&["grants", "list"]).await.unwrap().as_array().unwrap().len()
}

/// Goes to a screen by its number, and waits until its heading is there.
async fn screen(stage: &Stage, key: &str, title: &str) {
    stage.display.keys(&[key]);
    stage.window.element(&format!("//main//h1[normalize-space(.)='{title}']")).await;
}

#[tokio::test]
async fn the_main_job_is_done_by_keys_alone() {
    let other = Fixture::start(ledger::offer(), Protection::Open).await.unwrap();
    let stage = Set::ledger().await.open().await;
    let (window, display) = (&stage.window, &stage.display);
    display.focus("Prokura").await;
    screen(&stage, "ctrl+3", "Servers").await;
    tab_to(&stage, "Add server").await;
    display.keys(&["Return"]);
    window.element("//dialog[@open]").await;
    display.types(&other.url());
    tab_to(&stage, "Name").await;
    display.keys(&["ctrl+a"]);
    display.types("second");
    display.keys(&["Return"]);
    window.sees("list_accounts").await;
    let servers = stage.set.host.ok(&["servers", "list"]).await.unwrap();
    assert!(servers.as_array().unwrap().iter().any(|one| one["name"] == "second"), "{servers}");
    screen(&stage, "ctrl+5", "Grants").await;
    tab_to(&stage, "New grant").await;
    display.keys(&["Return"]);
    window.element("//dialog[@open]").await;
    let before = grants(&stage).await;
    tab_to(&stage, "Tool").await;
    display.types("list_");
    tab_to(&stage, "Grant").await;
    display.keys(&["Return"]);
    eventually("one grant more", SOON, || async { (grants(&stage).await > before).then_some(()) })
        .await
        .unwrap();

    let call = calling(stage.clerk().await, "send_payment", payment("6.00"));
    window.turn_to_approval(&stage.main).await;
    display.focus("Approval").await;
    window.armed().await;
    tab_to(&stage, "Allow this call").await;
    // Enter is a habit, and this cannot be taken back.
    display.keys(&["Return"]);
    window.sees("6.00").await;
    assert_eq!(stage.payments(), 0);
    window.armed().await;
    display.keys(&["space"]);
    assert!(outcome(&call.await.unwrap().1).0);

    stage.turn_to_main().await;
    display.focus("Prokura").await;
    screen(&stage, "ctrl+5", "Grants").await;
    tab_to(&stage, "Revoke grant: clerk at ledger, list_accounts").await;
    let held = stage.set.host.ok(&["grants", "list"]).await.unwrap();
    display.keys(&["Return"]);
    eventually("one grant less", SOON, || async { (grants(&stage).await == before).then_some(()) })
        .await
        .unwrap();
    comes_back(&stage, before, &held).await;
}

/// The way back: the same grant again, under another id.
async fn comes_back(stage: &Stage, before: usize, held: &serde_json::Value) {
    stage.window.sees("Undo").await;
    stage.display.keys(&["ctrl+z"]);
    eventually("the grant again", SOON, || async { (grants(stage).await > before).then_some(()) })
        .await
        .unwrap();
    let again = stage.set.host.ok(&["grants", "list"]).await.unwrap();
    assert_eq!(meanings(&again), meanings(held));
}

/// What grants say, without what is new of one that was made again.
fn meanings(grants: &serde_json::Value) -> Vec<String> {
    let mut all: Vec<String> = grants
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| {
            let mut grant = grant.clone();
            for new in ["id", "added_at", "used_at", "origin"] {
                grant.as_object_mut().unwrap().remove(new);
            }
            grant.to_string()
        })
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_question_that_steals_the_focus_takes_no_key_that_was_on_its_way() {
    let stage = Set::ledger().await.open().await;
    let (window, display) = (&stage.window, &stage.display);
    display.focus("Prokura").await;
    window.go("Servers").await;
    window.press("Add server").await;
    // Somebody types on while the question comes up over it: spaces, returns, tabs, and letters.
    let call = calling(stage.clerk().await, "send_payment", payment("3.00"));
    for _ in 0..12 {
        display.keys(&["space", "Return", "a", "Tab"]);
    }
    window.turn_to_approval(&stage.main).await;
    assert_eq!(stage.payments(), 0, "a key that was on its way allowed it");
    // Away and back: it arms anew.
    window.armed().await;
    display.focus("Prokura").await;
    display.focus("Approval").await;
    let still = window.element(ALLOW).await;
    let stands = window.attribute(&still, "aria-disabled").await.unwrap();
    assert!(stands.is_some());
    window.armed().await;
    assert_eq!(stage.payments(), 0);
    window.click_on(ALLOW).await;
    assert!(outcome(&call.await.unwrap().1).0);
}
