//! Fifty agents at ten servers, for a minute in every test run and for as long as `cargo xtask soak` is told: servers and
//! agents are killed at random, and at last the Host. Nothing leaks, nothing hangs, and every record is accounted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout)] // The figures are what it is for.

mod agents;
mod books;
mod chance;
mod servers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use prokura_testkit::{TestHost, eventually};
use serde_json::json;
use tokio::time::Instant;

use agents::{Crowd, Tally};
use books::Books;
use servers::Servers;

/// How many of each.
const AGENTS: usize = 50;
const SERVERS: usize = 10;
/// How long a run of all tests soaks.
const SECONDS: u64 = 60;
/// Part of the time until memory is compared, and the parts that are compared.
const WARM: f64 = 0.4;
const PART: f64 = 0.2;
/// How much more the last part may hold than the first, and what one page of luck is worth on a short run.
const FLAT: f64 = 1.10;

/// The servers of an agent.
fn places(agent: usize) -> [usize; 2] {
    [agent % SERVERS, (agent * 3 + 1) % SERVERS]
}

async fn set_up(host: &TestHost, servers: &Servers) -> Vec<String> {
    for (number, server) in servers.urls().iter().enumerate() {
        let name = format!("s{number}");
        host.ok(&["servers", "add", server, "--name", &name]).await.unwrap();
        host.ok(&["tools", "list", "--server", &name, "--refresh"]).await.unwrap();
        for tool in ["look", "large"] {
            let words = ["tools", "classify", "--server", &name, tool, "--class", "read"];
            host.ok(&words).await.unwrap();
        }
    }
    let keys = futures::stream::iter(0..AGENTS).map(|number| async move {
        let name = agents::name(number);
        let key = match agents::is_program(number) {
            true => String::new(),
            false => host.agent(&name).await.unwrap(),
        };
        if !agents::is_program(number) {
            for place in places(number) {
                host.grant(&name, &format!("s{place}"), "*", "allow").await.unwrap();
            }
        }
        key
    });
    keys.buffered(4).collect().await
}

/// Resident memory and open files of a process.
fn held(pid: u32) -> (f64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0.0);
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    (kib / 1024.0, files)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// The middle of a part of the samples that begins at `from`.
fn part(samples: &[f64], from: f64) -> f64 {
    let at = |share: f64| ((samples.len() as f64) * share) as usize;
    median(&samples[at(from)..at(from + PART).min(samples.len())])
}

/// Soaks, and gives the memory over time.
async fn soak(host: &TestHost, servers: &Servers, crowd: &Crowd, time: Duration) -> Vec<f64> {
    let over = Arc::new(AtomicBool::new(false));
    let pid = host.serving.as_ref().and_then(|serving| serving.pid()).unwrap();
    let watch = async {
        let mut samples = Vec::new();
        let every = time.as_secs_f64() / 200.0;
        let mut due = tokio::time::interval(Duration::from_secs_f64(every));
        for _ in 0..200 {
            due.tick().await;
            samples.push(held(pid).0);
        }
        over.store(true, Ordering::SeqCst);
        samples
    };
    let (samples, (), ()) = tokio::join!(watch, servers.suffer(&over), crowd.live(&over));
    samples
}

/// The books when nothing is under way any more. The longer it soaked, the longer one look at them takes.
async fn settled(host: &TestHost, time: Duration) -> Books {
    let began = Instant::now();
    let mut looks = 0;
    loop {
        let books = Books::of(host).await;
        looks += 1;
        let open = books.open();
        if open.is_empty() {
            return books;
        }
        let late = looks > 5 && began.elapsed() > Duration::from_secs(30) + time / 10;
        assert!(!late, "{} calls never ended: {open:?}", open.len());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn agents_and_servers_come_and_go_and_nothing_leaks_hangs_or_is_lost() {
    let seconds = std::env::var("PROKURA_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(SECONDS));
    let mut host = TestHost::start().await.unwrap();
    let mut servers = Servers::start(SERVERS, host.folder.root()).await;
    let keys = set_up(&host, &servers).await;
    let tally = Arc::new(Tally::default());
    let crowd = Crowd::new(&host, keys, Arc::clone(&tally)).await;
    let samples = soak(&host, &servers, &crowd, time).await;

    // Whoever is left can still do everything, and nothing is under way any more.
    servers.all_up().await;
    crowd.everybody_reaches_both_servers().await;
    let pid = host.serving.as_ref().and_then(|serving| serving.pid()).unwrap();
    let (early, late) = (part(&samples, WARM), part(&samples, 1.0 - PART));
    println!(
        "resident: {early:.1} MiB warm, {late:.1} MiB at the end; killed {} servers",
        servers.killed()
    );
    let books = settled(&host, time).await;
    books.outcomes_fit_intents();
    let quiet = held(pid);

    // At last the Host goes in the middle of calls; what became of them is unknown, and said.
    let lost = crowd.begin_slow_calls().await;
    eventually("calls under way", Duration::from_secs(20), || async {
        (servers.marks().len() >= books.sent() + 5).then_some(())
    })
    .await
    .ok();
    host.kill().await.unwrap();
    drop(lost);
    host.restart().await.unwrap();
    let books = Books::of(&host).await;
    let unknown = books.outcomes_fit_intents();
    assert!(unknown > 0, "no call was under way when the host was killed");
    books.hold_every_mark(&servers.marks());
    assert_eq!(host.ok(&["audit", "verify"]).await.unwrap()["ok"], true);

    let figures = json!({
        "seconds": time.as_secs(), "agents": AGENTS, "servers": SERVERS,
        "calls": books.sent(), "records": books.records(), "unknown": unknown,
        "begun": tally.begun(), "fine": tally.fine(), "refused": tally.refused(), "broken": tally.broken(),
        "agents_killed": tally.killed(), "servers_killed": servers.killed(),
        "rss_mib_warm": early.round(), "rss_mib_end": late.round(),
        "growth": format!("{:.3}", late / early), "files": quiet.1,
    });
    println!("{figures}");
    assert_eq!(tally.stuck(), 0, "requests were never answered: {figures}");
    assert!(tally.fine() > 100, "hardly anything went through: {figures}");
    assert!(late <= early * FLAT, "memory grows: {figures}");
    assert!(quiet.1 < 40 + 4 * (AGENTS + SERVERS), "files are left open: {figures}");
}
