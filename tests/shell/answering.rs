//! What else a person can answer, and that no habit of the fingers answers for them.

use prokura_tests::sdk::outcome;

use crate::hands::ALLOW;
use crate::stage::{Calling, Set, Stage, calling, payment};

/// Presses the button that allows the moment it shows another question, and keeps what it looked like from then on.
const HASTE: &str = "
    const seen = (window.seen = []);
    new MutationObserver(() => {
        const button = document.querySelector('[data-testid=allow]');
        const still = button?.getAttribute('aria-disabled');
        if (!button || seen.at(-1)?.still === still) return;
        seen.push({ still, at: performance.now() });
        if (still === 'true') button.click();
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
";

async fn assert_refused(stage: &Stage, words: &str, call: Calling) {
    let (_agent, answer) = call.await.unwrap();
    let (ran, text) = outcome(&answer);
    assert!(!ran, "it went: {text}");
    assert!(text.contains(words), "\"{text}\" does not say \"{words}\"");
    assert_eq!(stage.payments(), 0);
}

#[tokio::test]
async fn the_button_arms_anew_for_every_question_and_a_click_before_that_allows_nothing() {
    let stage = Set::ledger().await.open().await;
    let window = &stage.window;
    let first = calling(stage.clerk().await, "send_payment", payment("1.00"));
    window.turn_to_approval(&stage.main).await;
    let second = calling(stage.clerk().await, "send_payment", payment("2.00"));
    window.sees("1 of 2 waiting").await;
    window.armed().await;

    window.script(HASTE).await.unwrap();
    window.press("Next question").await;
    window.sees("2.00").await;
    window.armed().await;
    let seen = window.script("return window.seen").await.unwrap();
    assert_eq!(seen[0]["still"], "true", "{seen}");
    assert_eq!(seen[1]["still"], "false", "{seen}");
    let took = seen[1]["at"].as_f64().unwrap() - seen[0]["at"].as_f64().unwrap();
    assert!(took > 300.0, "armed after {took} ms");
    window.sees("2 of 2 waiting").await;
    assert_eq!(stage.payments(), 0, "a click before the button was armed allowed it");

    window.click_on(ALLOW).await;
    let (ran, text) = outcome(&second.await.unwrap().1);
    assert!(ran && text.contains("2.00"), "{text}");
    window.sees("1.00").await;
    window.armed().await;
    window.click_on(ALLOW).await;
    let (ran, text) = outcome(&first.await.unwrap().1);
    assert!(ran && text.contains("1.00"), "{text}");
    assert_eq!(stage.payments(), 2);
}

#[tokio::test]
async fn a_denial_with_a_note_reaches_the_agent() {
    let stage = Set::ledger().await.open().await;
    let window = &stage.window;
    let call = calling(stage.clerk().await, "send_payment", payment("3.00"));
    window.turn_to_approval(&stage.main).await;
    window.armed().await;
    window.press("Deny with note…").await;
    window.type_into("What clerk is told", "Pay it from the savings.").await;
    window.press("Deny and tell clerk").await;
    assert_refused(&stage, "Pay it from the savings.", call).await;

    stage.turn_to_main().await;
    window.go("Audit").await;
    window.sees("You denied what was asked by clerk at ledger").await;
    window.go("Approvals").await;
    window.sees("Nothing waits.").await;
    window.click_on("//button[@aria-expanded='false'][contains(., 'send_payment')]").await;
    window.sees("You told the agent: Pay it from the savings.").await;
}

#[tokio::test]
async fn closing_the_approval_window_refuses_and_the_next_call_opens_it_again() {
    let stage = Set::ledger().await.open().await;
    let window = &stage.window;
    let call = calling(stage.clerk().await, "send_payment", payment("4.00"));
    window.turn_to_approval(&stage.main).await;
    window.armed().await;
    stage.display.close_window("Approval").await;
    assert_refused(&stage, "denied", call).await;
    stage.display.hidden("Approval").await;

    let call = calling(stage.clerk().await, "send_payment", payment("5.00"));
    window.sees("5.00").await;
    window.armed().await;
    window.click_on(ALLOW).await;
    let (ran, text) = outcome(&call.await.unwrap().1);
    assert!(ran && text.contains("5.00"), "{text}");
    assert_eq!(stage.payments(), 1);
}

#[tokio::test]
async fn closing_the_main_window_keeps_the_gateway_running_and_calls_still_ask() {
    let stage = Set::ledger().await.open().await;
    let window = &stage.window;
    stage.display.close_window("Prokura").await;
    stage.display.hidden("Prokura").await;
    let call = calling(stage.clerk().await, "send_payment", payment("6.00"));
    window.turn_to_approval(&stage.main).await;
    window.armed().await;
    window.click_on(ALLOW).await;
    let (ran, text) = outcome(&call.await.unwrap().1);
    assert!(ran && text.contains("6.00"), "{text}");
}
