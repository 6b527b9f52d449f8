//! The servers: processes that are killed and started again at the same place.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use prokura_testkit::host::find_program;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::chance::Chance;

struct Server {
    port: u16,
    marks: PathBuf,
    child: Mutex<Child>,
}

/// All of them.
pub struct Servers {
    all: Vec<Server>,
    program: PathBuf,
    killed: AtomicU64,
}

impl Servers {
    pub async fn start(count: usize, folder: &Path) -> Self {
        let program = find_program("prokura-soak-server").unwrap();
        let mut all = Vec::new();
        for number in 0..count {
            let (listener, port) = prokura_testkit::loopback().await.unwrap();
            drop(listener);
            let marks = folder.join(format!("marks-{number}"));
            let child = Mutex::new(started(&program, port, &marks).await);
            all.push(Server { port, marks, child });
        }
        Self { all, program, killed: AtomicU64::new(0) }
    }

    pub fn urls(&self) -> Vec<String> {
        self.all.iter().map(|server| format!("http://127.0.0.1:{}/mcp", server.port)).collect()
    }

    pub fn killed(&self) -> u64 {
        self.killed.load(Ordering::SeqCst)
    }

    /// Kills one after another, each for a moment, until it is over.
    pub async fn suffer(&self, over: &AtomicBool) {
        let mut chance = Chance::new(7);
        while !over.load(Ordering::SeqCst) {
            tokio::time::sleep(chance.millis(1000, 3000)).await;
            let server = &self.all[chance.below(self.all.len() as u64) as usize];
            let mut child = server.child.lock().await;
            child.kill().await.unwrap();
            self.killed.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(chance.millis(100, 1500)).await;
            *child = started(&self.program, server.port, &server.marks).await;
        }
    }

    pub async fn all_up(&mut self) {
        for server in &self.all {
            let ended = server.child.lock().await.try_wait().unwrap();
            assert!(ended.is_none(), "a server of the soak ended by itself");
        }
    }

    /// The marks of all calls that reached a server.
    pub fn marks(&self) -> Vec<String> {
        let read = |server: &Server| std::fs::read_to_string(&server.marks).unwrap_or_default();
        let all: Vec<String> = self.all.iter().map(read).collect();
        all.iter().flat_map(|text| text.lines().map(str::to_owned)).collect()
    }
}

async fn started(program: &Path, port: u16, marks: &Path) -> Child {
    let mut child = Command::new(program)
        .arg(port.to_string())
        .arg(marks)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await;
    assert_eq!(ready.unwrap().unwrap().as_deref(), Some("ready"), "a server did not start");
    child
}
