//! The demo tells the truth: its sequence numbers are those of the log, and its servers received what it says.

use prokura_testkit::TestHost;
use prokura_testkit::host::{Folder, find_program};
use serde_json::Value;
use tokio::process::Command;

#[tokio::test]
async fn the_headless_demo_matches_the_log_and_what_the_servers_received_twice_in_a_row() {
    for _ in 0..2 {
        let folder = Folder::new(None).unwrap();
        let demo = find_program("prokura-demo").unwrap();
        let output = Command::new(demo)
            .args(["--headless", "--json", "--folder"])
            .arg(folder.root())
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let host = TestHost::start_in(folder).await.unwrap();
        let records = host.audit().await.unwrap();
        let kinds = |step: &str| -> Vec<String> {
            let steps = told["steps"].as_array().unwrap();
            let seqs =
                steps.iter().find(|one| one["step"] == step).unwrap()["audit"].as_array().unwrap();
            let kind = |seq: &Value| {
                records.iter().find(|record| record["seq"] == *seq).unwrap()["kind"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            seqs.iter().map(kind).collect()
        };
        assert_eq!(
            kinds("payment_approved"),
            ["question.raised", "question.settled", "call.intent", "call.outcome"]
        );
        assert_eq!(
            kinds("payment_denied"),
            ["question.raised", "question.settled", "call.refused"]
        );
        assert_eq!(kinds("revoked"), ["grant.revoked"]);
        assert_eq!(kinds("payment_refused"), ["call.refused"]);
        let received = |server: &str| -> Vec<String> {
            let calls = told["received"][server].as_array().unwrap().iter();
            calls.map(|call| call["tool"].as_str().unwrap().to_owned()).collect()
        };
        let sent = |server: &str| -> Vec<String> {
            let ours = records.iter().rev().filter(|record| {
                record["kind"] == "call.intent" && record["server"]["name"] == server
            });
            ours.map(|record| record["target"].as_str().unwrap().to_owned()).collect()
        };
        for server in ["mailbox", "ledger"] {
            assert_eq!(received(server), sent(server));
        }
        assert_eq!(received("ledger"), ["list_accounts", "send_payment"]);
    }
}
