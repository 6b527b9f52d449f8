//! Budgets beside the chain: what is counted is recorded, and what is not recorded is not counted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use prokura_domain::budget::Charge;
use prokura_domain::decimal::Decimal;
use prokura_domain::id::GrantId;
use prokura_domain::record::{Durability, RecordKind};
use rusqlite::Connection;

use super::fakes::{Bench, event, of_call};
use crate::StoreError;
use crate::log::draft::Draft;
use crate::log::turn;

fn charge(grant: &str, budget: &str, amount: &str) -> Charge {
    Charge {
        grant: GrantId::from_text(grant),
        budget: budget.parse().unwrap(),
        amount: Decimal::read(amount).unwrap(),
    }
}

/// Appends an intent that costs this; the number of its record, or whose budget was used up.
async fn intent(bench: &Bench, charges: Vec<Charge>) -> Result<i64, String> {
    let event = of_call(RecordKind::CallIntent, "cal_1");
    match bench.log.append_charged(event, None, Durability::Synced, charges).await {
        Ok(seq) => Ok(seq),
        Err(StoreError::BudgetUsedUp(grant)) => Err(grant.to_string()),
        Err(fault) => panic!("{fault}"),
    }
}

fn counted(bench: &Bench) -> i64 {
    let db = Connection::open(bench.path()).unwrap();
    db.query_row("SELECT count(*) FROM budget_use", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_charge_and_its_record_are_written_together_or_not_at_all() {
    let bench = Bench::new();
    let calls = || charge("grt_1", "2/1h", "1");
    let sum = |amount| charge("grt_2", "sum(/n)<=0.3/1h", amount);
    assert_eq!(intent(&bench, vec![calls(), sum("0.1")]).await, Ok(2));
    assert_eq!(intent(&bench, vec![calls(), sum("0.3")]).await, Err("grt_2".to_owned()));
    assert_eq!(counted(&bench), 2, "the first of both was not taken either");
    assert_eq!(intent(&bench, vec![calls(), sum("0.2")]).await, Ok(3));
    assert_eq!(intent(&bench, vec![sum("0"), calls()]).await, Err("grt_1".to_owned()));
    assert_eq!(counted(&bench), 4);
    assert!(bench.log.verify().unwrap().is_whole());
}

#[tokio::test]
async fn one_refused_charge_does_not_hold_up_what_waits_beside_it() {
    let bench = Bench::new();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let order = turn::Order::Run(Box::new(move |_| held.recv().unwrap()));
    bench.log.0.turns.send(order).unwrap();
    let append = |number: i64| {
        let log = bench.log.clone();
        let costs = number % 2 == 0;
        let charges = if costs { vec![charge("grt_1", "2/1h", "1")] } else { Vec::new() };
        tokio::spawn(async move {
            log.append_charged(event(number), None, Durability::Logged, charges).await
        })
    };
    let waiting: Vec<_> = (0..8).map(append).collect();
    tokio::task::yield_now().await;
    hold.send(()).unwrap();
    let mut written = Vec::new();
    for one in waiting {
        written.extend(one.await.unwrap().ok());
    }
    assert_eq!(written.len(), 6, "four cost nothing, and two of the others fit");
    assert_eq!(written.iter().max(), Some(&7), "the chain has no gap");
    assert_eq!(counted(&bench), 2);
    assert!(bench.log.verify().unwrap().is_whole());
}

#[tokio::test]
async fn what_could_not_be_recorded_is_not_counted() {
    let bench = Bench::new();
    let db = Connection::open(bench.path()).unwrap();
    let full = "CREATE TRIGGER broken BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'no'); END";
    db.execute_batch(full).unwrap();
    let event = of_call(RecordKind::CallIntent, "cal_1");
    let charges = vec![charge("grt_1", "2/1h", "1")];
    let fault = bench.log.append_charged(event, None, Durability::Logged, charges).await;
    assert!(matches!(fault, Err(StoreError::AuditBroken(_))));
    assert_eq!(counted(&bench), 0);
    db.execute_batch("DROP TRIGGER broken").unwrap();
    assert_eq!(intent(&bench, vec![charge("grt_1", "2/1h", "1")]).await, Ok(2));
}

#[tokio::test]
async fn a_refused_charge_does_not_pass_for_a_sync() {
    let bench = Bench::new();
    let one = || vec![charge("grt_1", "1/1h", "1")];
    intent(&bench, one()).await.unwrap();
    let mut refused =
        Draft::plain(of_call(RecordKind::CallIntent, "cal_2"), Durability::Synced).unwrap();
    refused.reservation = one().into();
    let unsynced = bench.look(move |writer| {
        writer.unsynced = true;
        let answers = writer.commit(&[&refused]).unwrap();
        assert!(matches!(answers[..], [Err(StoreError::BudgetUsedUp(_))]));
        writer.unsynced
    });
    assert!(unsynced, "nothing was written, so nothing was synced");
}
