//! What other programs open Prokura with, and what the person runs themselves.

use serde_json::json;

use crate::hands::ALLOW;
use crate::stage::Set;

#[tokio::test]
async fn a_link_fills_the_form_in_says_so_and_does_nothing() {
    let set = Set::empty().await;
    let url = set.ledger.url();
    let link = format!("prokura://add-server?url={url}&name=ledger");
    let stage = set.open_at(&[&link]).await;
    let window = &stage.window;
    window.sees("A link filled this in.").await;
    let filled = "return [...document.querySelectorAll('dialog input')].map((one) => one.value)";
    let filled = window.script(filled).await.unwrap();
    let filled: Vec<&str> =
        filled.as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
    assert!(filled.contains(&url.as_str()) && filled.contains(&"ledger"), "{filled:?}");
    window.accessible("a form that a link filled in").await;
    assert_eq!(stage.set.host.ok(&["servers", "list"]).await.unwrap(), json!([]));
    assert_eq!(stage.set.ledger.recorder().all().len(), 0, "nothing was asked before a click");
    window.press("Cancel").await;
    window.press("Add server").await;
    window.sees("Address of its MCP endpoint").await;
    window.sees_no_more("A link filled this in.").await;
}

#[tokio::test]
async fn a_tool_that_the_person_runs_asks_in_its_window_and_shows_what_came() {
    let stage = Set::ledger().await.open().await;
    let window = &stage.window;
    window.go("Servers").await;
    window.click_on("//main//a[.//b[normalize-space(.)='ledger']]").await;
    window
        .click_on("//main//button[@aria-expanded][.//span[normalize-space(.)='send_payment']]")
        .await;
    window.press("Run it yourself…").await;
    window.choose("from", "giro").await;
    window.choose("currency", "EUR").await;
    window.type_into("to", "Grace").await;
    window.type_into("amount", "12.50").await;
    window.accessible("the form of a tool").await;
    window.click_on("//dialog//button[@type='submit']").await;
    window.turn_to_approval(&stage.main).await;
    window.sees("you").await;
    window.sees("amount 12.50").await;
    window.armed().await;
    assert_eq!(stage.payments(), 0);
    window.click_on(ALLOW).await;
    stage.turn_to_main().await;
    window.sees("Payment 1: 12.50 to Grace.").await;
    window.sees("What was decided and recorded").await;
    window.sees("you calls send_payment at ledger").await;
    window.accessible("the result of a tool").await;
    assert_eq!(stage.payments(), 1);
}

#[tokio::test]
async fn a_well_known_server_fills_the_form_in_and_a_backup_is_written_by_clicks() {
    let stage = Set::empty().await.open().await;
    let window = &stage.window;
    window.go("Servers").await;
    window.press("Add server").await;
    window.press("Well-known").await;
    window.sees("Linear").await;
    window.accessible("the list of well-known servers").await;
    window.click_on("//dialog//button[.//b[normalize-space(.)='Linear']]").await;
    let filled = "return [...document.querySelectorAll('dialog input')].map((one) => one.value)";
    let filled = window.script(filled).await.unwrap().to_string();
    assert!(
        filled.contains("https://mcp.linear.app/mcp") && filled.contains("\"linear\""),
        "{filled}"
    );
    assert_eq!(stage.set.host.ok(&["servers", "list"]).await.unwrap(), json!([]));
    window.press("Cancel").await;

    window.go("Settings").await;
    window.press("Back up…").await;
    window.type_into("Passphrase of the backup", "correct horse battery").await;
    window.type_into("Once more", "correct horse battery").await;
    window.press("Write the backup").await;
    window.sees("The backup is written.").await;
    window.accessible("a written backup").await;
    let exports = stage.set.host.folder.data().join("exports");
    let files: Vec<_> = std::fs::read_dir(exports).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files[0].file_name().to_string_lossy().ends_with(".backup"));
}
