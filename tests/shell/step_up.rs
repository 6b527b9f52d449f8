//! What needs more than a click, in the real window: the approval passphrase, and the system's own dialog.

use prokura_testkit::bus::{Bus, Polkit, Verdict};
use prokura_testkit::eventually;
use prokura_tests::sdk::outcome;

use crate::hands::{ALLOW, SOON};
use crate::stage::{Set, calling, payment};

#[tokio::test]
async fn the_window_asks_for_the_passphrase_and_a_click_alone_allows_nothing() {
    let stage = Set::ledger().await.open().await;
    let window = &stage.window;
    window.go("Settings").await;
    window.press("Set passphrase…").await;
    window.type_into("New passphrase", "correct horse battery").await;
    window.type_into("Once more", "correct horse battery").await;
    window.accessible("the passphrase dialog").await;
    window.press("Set it").await;
    window.sees("The approval passphrase is set.").await;
    window.press("Ask for more…").await;
    window.choose("To say yes to", "Every destructive tool").await;
    window.accessible("the level dialog").await;
    window.press("Ask for this").await;
    window.sees("needs the approval passphrase").await;

    let call = calling(stage.clerk().await, "send_payment", payment("7.00"));
    window.turn_to_approval(&stage.main).await;
    window.sees("Approval passphrase").await;
    let shut = window.element("//*[@data-testid='allow'][@aria-disabled='true']").await;
    window.click(&shut).await.unwrap();
    window.type_into("Approval passphrase", "a wrong one").await;
    window.armed().await;
    window.click_on(ALLOW).await;
    window.sees("not the approval passphrase").await;
    assert_eq!(stage.payments(), 0);
    window.type_into("Approval passphrase", "correct horse battery").await;
    window.accessible("a question with a passphrase").await;
    window.armed().await;
    window.click_on(ALLOW).await;
    let (ran, text) = outcome(&call.await.unwrap().1);
    assert!(ran && text.contains("7.00"), "{text}");
}

#[tokio::test]
async fn the_system_asks_for_each_call_and_denying_works_meanwhile() {
    let bus = Bus::start().await.unwrap();
    let polkit = Polkit::on(&bus).await.unwrap();
    let set = Set::ledger().await;
    set.host.ok(&["approvals", "level", "tool:ledger/send_payment", "presence"]).await.unwrap();
    let stage = set.open_with(&[("DBUS_SYSTEM_BUS_ADDRESS", &bus.address)]).await;
    let window = &stage.window;
    let call = calling(stage.clerk().await, "send_payment", payment("8.00"));
    window.turn_to_approval(&stage.main).await;
    window.sees("Your system will ask whether it is you").await;
    polkit.set(Verdict::Refuses);
    window.armed().await;
    window.click_on(ALLOW).await;
    window.sees("did not confirm that you are there").await;
    polkit.set(Verdict::Confirms);
    window.armed().await;
    window.click_on(ALLOW).await;
    let (ran, text) = outcome(&call.await.unwrap().1);
    assert!(ran && text.contains("8.00"), "{text}");

    polkit.set(Verdict::Waits);
    let call = calling(stage.clerk().await, "send_payment", payment("9.00"));
    window.sees("9.00").await;
    window.armed().await;
    window.click_on(ALLOW).await;
    window.sees("Denying still works").await;
    window.click_on("//footer//button[starts-with(normalize-space(.), 'Deny Esc')]").await;
    assert!(!outcome(&call.await.unwrap().1).0);
    eventually("the dialog to go", SOON, || async { (polkit.cancelled() == 1).then_some(()) })
        .await
        .unwrap();
    assert_eq!((polkit.dialogs(), stage.payments()), (3, 1));
}
