//! Notifications of the desktop, from a server of them on a bus of its own: they open or deny, and never allow.

use prokura_testkit::bus::{Bus, Notices};
use prokura_testkit::eventually;
use prokura_tests::sdk::outcome;

use crate::hands::SOON;
use crate::stage::{Set, calling, payment};

#[tokio::test]
async fn a_notification_says_who_asks_and_can_open_or_deny_and_nothing_else() {
    let bus = Bus::start().await.unwrap();
    let notices = Notices::on(&bus).await.unwrap();
    let set = Set::ledger().await;
    let stage = set.open_with(&[("DBUS_SESSION_BUS_ADDRESS", &bus.address)]).await;
    let call = calling(stage.clerk().await, "send_payment", payment("120.00"));
    let shown =
        eventually("a notification", SOON, || async { notices.shown().pop() }).await.unwrap();
    assert_eq!(shown.summary, "clerk asks: send_payment");
    assert!(shown.body.starts_with("At ledger as "), "{shown:?}");
    assert!(!shown.body.contains("120") && !shown.summary.contains("120"), "an argument is told");
    let keys: Vec<&String> = shown.actions.iter().step_by(2).collect();
    assert_eq!(keys, ["default", "open", "deny"]);
    assert!(shown.hints.contains(&"suppress-sound".to_owned()), "{shown:?}");

    // Closed behind another window, it opens the question; a word that is none of its own does nothing.
    for key in ["allow", "open"] {
        notices.press(shown.id, key).await.unwrap();
    }
    stage.window.turn_to_approval(&stage.main).await;
    notices.press(shown.id, "deny").await.unwrap();
    let (ran, text) = outcome(&call.await.unwrap().1);
    assert!(!ran && text.contains("denied"), "{text}");
    assert_eq!(stage.payments(), 0);
    eventually("it to go", SOON, || async { notices.closed().contains(&shown.id).then_some(()) })
        .await
        .unwrap();

    // Switched off, and while nobody wants to be disturbed, none comes.
    for words in [["approvals", "notices", "off"], ["approvals", "do-not-disturb", "wait"]] {
        stage.set.host.ok(&words).await.unwrap();
        let call = calling(stage.clerk().await, "send_payment", payment("5.00"));
        stage.set.host.answer(&["deny"]).await.unwrap();
        assert!(!outcome(&call.await.unwrap().1).0);
        stage.set.host.ok(&["approvals", "notices", "on"]).await.unwrap();
    }
    assert_eq!(notices.shown().len(), 1);
}
