//! The whole path: a real agent's call stops in a window, a click lets it go, the log shows it, and taking the grant
//! back ends it.

use prokura_tests::sdk::outcome;

use crate::hands::ALLOW;
use crate::stage::{Set, calling, payment};

#[tokio::test]
async fn a_call_waits_for_a_click_goes_is_recorded_and_is_refused_after_a_revoke() {
    let stage = Set::ledger().await.open().await;
    let window = &stage.window;

    let call = calling(stage.clerk().await, "send_payment", payment("120.00"));
    window.turn_to_approval(&stage.main).await;
    let account = format!("as {}", stage.account().await);
    for words in ["clerk", "proved by its key", "ledger", &account, "send_payment", "destructive"] {
        window.sees(words).await;
    }
    for words in
        ["from giro", "amount 120.00", "currency EUR", "reference Invoice 2207", "to Grace"]
    {
        window.sees(words).await;
    }
    window.element("//*[@role='img'][@aria-label='hidden character U+200B']").await;
    window.armed().await;
    assert_eq!(stage.payments(), 0, "it went before anybody allowed it");
    window.click_on(ALLOW).await;
    let (agent, answer) = call.await.unwrap();
    let (ran, text) = outcome(&answer);
    assert!(ran && text.contains("120.00"), "{text}");
    assert_eq!(stage.payments(), 1);

    stage.turn_to_main().await;
    window.go("Audit").await;
    window.sees("You allowed what was asked by clerk at ledger").await;
    window.sees("clerk calls send_payment at ledger").await;
    window.sees("clerk's call to send_payment at ledger was answered").await;

    window.go("Grants").await;
    window.press("Revoke grant: clerk at ledger, send_payment").await;
    window.sees_no_more("1 asks").await;
    let (_agent, answer) = calling(agent, "send_payment", payment("121.00")).await.unwrap();
    let (ran, text) = outcome(&answer);
    assert!(!ran && text.contains("Unknown tool"), "without a grant: {text}");
    assert_eq!(stage.payments(), 1);
    window.go("Audit").await;
    window.sees("A grant for clerk at ledger was revoked").await;
    window.sees("clerk was refused send_payment at ledger").await;
}
