//! What is measured, in interleaved rounds.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use prokura_testkit::TestHost;
use prokura_testkit::host::Folder;
use serde_json::{Map, Value, json};

use crate::Process;
use crate::client::Client;

/// The three ways to the same server.
pub const WAYS: [&str; 3] = ["direct", "floor", "prokura"];
const WARM: usize = 50;
const CALLS: usize = 300;
const BUSY: Duration = Duration::from_millis(1200);

/// Figures by name, each the median of its rounds.
pub type Found = Map<String, Value>;

#[derive(Default)]
struct Rounds(std::collections::BTreeMap<String, Vec<f64>>);

impl Rounds {
    fn add(&mut self, what: &str, way: &str, value: f64) {
        self.0.entry(format!("{what} {way}")).or_default().push(value);
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

struct World {
    host: TestHost,
    key: String,
    upstream: Process,
    relay: Process,
}

impl World {
    async fn new() -> Self {
        let upstream = Process::start(&["upstream"]);
        let relay = Process::start(&["relay", &upstream.url]);
        let folder = Folder::new(None).unwrap();
        let serving = folder.serve().await.unwrap();
        let host = TestHost::on(folder, serving);
        for (name, path) in [("few", "/mcp"), ("many", "/many/mcp")] {
            let url = format!("{}{path}", upstream.url);
            host.ok(&["servers", "add", &url, "--name", name]).await.unwrap();
        }
        for (tool, class) in
            [("echo", "read"), ("blob", "read"), ("progress", "read"), ("save", "write")]
        {
            let words = ["tools", "classify", "--server", "few", tool, "--class", class];
            host.ok(&[&words[..], &["--labels", "none"]].concat()).await.unwrap();
        }
        let key = host.agent("bench").await.unwrap();
        // What is measured is the way, not how often one agent may come.
        let unlimited = ["agents", "limits", "bench", "--per-minute", "0", "--at-once", "256"];
        host.ok(&unlimited).await.unwrap();
        host.grant("bench", "few", "class:read", "allow").await.unwrap();
        host.grant("bench", "few", "class:write", "allow").await.unwrap();
        host.grant("bench", "many", "*", "allow").await.unwrap();
        Self { host, key, upstream, relay }
    }

    async fn client(&self, way: &str, server: &str) -> Client {
        let path = if server == "many" { "/many/mcp" } else { "/mcp" };
        match way {
            "direct" => Client::new(format!("{}{path}", self.upstream.url), "bench").await,
            "floor" => Client::new(format!("{}{path}", self.relay.url), "bench").await,
            _ => Client::new(self.host.endpoint(server), &self.key).await,
        }
    }

    fn resident(&self) -> f64 {
        let pid = self.host.serving.as_ref().unwrap().pid().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

pub async fn all(rounds: usize, long: bool) -> Found {
    let mut world = World::new().await;
    let mut found = Rounds::default();
    tokio::time::sleep(Duration::from_secs(2)).await;
    found.add("rss_idle_mib", "prokura", world.resident());
    for _ in 0..rounds {
        found.add("fsync_us", "disk", fsync(&world.host.folder.data()));
        for way in WAYS {
            one_at_a_time(&world, way, &mut found).await;
        }
        for way in WAYS {
            together(&world, way, &mut found).await;
        }
    }
    let client = world.client("prokura", "few").await;
    let most = if long { 100_000 } else { 20_000 };
    for _ in 0..most {
        client.echo("echo").await;
    }
    found.add("rss_loaded_mib", "prokura", world.resident());
    for _ in 0..3 {
        world.host.stop().await.unwrap();
        let start = Instant::now();
        world.host.serving = Some(world.host.folder.serve().await.unwrap());
        world.client("prokura", "few").await.echo("echo").await;
        found.add("cold_ms", "prokura", start.elapsed().as_secs_f64() * 1e3);
    }
    world.host.stop().await.unwrap();
    found.0.into_iter().map(|(name, all)| (name, json!(median(all)))).collect()
}

async fn one_at_a_time(world: &World, way: &str, found: &mut Rounds) {
    let client = world.client(way, "few").await;
    for tool in ["echo", "save"] {
        for _ in 0..WARM {
            client.echo(tool).await;
        }
        let mut times = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            times.push(micros(client.echo(tool).await));
        }
        found.add(&format!("{tool}_us"), way, median(times));
    }
    for (name, size, calls) in [("64k_us", 65_536, 60), ("1m_us", 1_048_576, 15)] {
        let mut times = Vec::new();
        for _ in 0..calls {
            times.push(micros(client.call("blob", json!({ "size": size }), "xxxx").await));
        }
        found.add(name, way, median(times));
    }
    let mut times = Vec::new();
    for _ in 0..10 {
        times.push(micros(client.call("progress", json!({}), "done").await));
    }
    found.add("progress_us", way, median(times));
    let many = world.client(way, "many").await;
    let mut times = Vec::new();
    for _ in 0..20 {
        times.push(micros(many.request("tools/list", json!({}), "tool_199").await));
    }
    found.add("list_us", way, median(times));
}

/// Calls a second with many under way.
async fn together(world: &World, way: &str, found: &mut Rounds) {
    let client = world.client(way, "few").await;
    for (tool, width) in [("echo", 8), ("echo", 64), ("save", 64)] {
        let until = Instant::now() + BUSY;
        let start = Instant::now();
        let workers: Vec<_> = (0..width)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move {
                    let mut calls = 0u64;
                    while Instant::now() < until {
                        client.echo(tool).await;
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        let mut calls = 0;
        for worker in workers {
            calls += worker.await.unwrap();
        }
        let rate = calls as f64 / start.elapsed().as_secs_f64();
        found.add(&format!("{tool}_{width}_per_s"), way, rate);
    }
}

/// What it costs here to have 4 KiB on the disk.
fn fsync(folder: &Path) -> f64 {
    let path = folder.join("bench-fsync");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut times = Vec::new();
    for _ in 0..100 {
        file.write_all(&[7; 4096]).unwrap();
        let start = Instant::now();
        file.sync_data().unwrap();
        times.push(micros(start.elapsed()));
    }
    drop(file);
    std::fs::remove_file(path).unwrap();
    median(times)
}
