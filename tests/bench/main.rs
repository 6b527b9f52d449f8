//! `cargo xtask bench gateway`: what a Call costs on its way through Prokura, with policy, approvals and the audit log on,
//! against the same Call sent directly and through a relay that guards nothing. Everything runs as processes of their own
//! on this machine, in interleaved rounds, so that the ratios hold where the figures do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout)]

mod client;
mod measure;
mod relay;
mod report;
mod upstream;

use std::process::{Child, Command, Stdio};

/// A server process of this program, which ends with it.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    /// Starts this program in another role; its first line is its address.
    fn start(words: &[&str]) -> Self {
        use std::io::BufRead as _;
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program).args(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        std::io::BufReader::new(out).read_line(&mut line).unwrap();
        Self { child, url: line.trim().to_owned() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() {
    // `cargo bench` says --bench.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let threads =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let one = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match words.as_slice() {
        ["upstream"] => one().block_on(upstream::serve()),
        ["relay", url] => one().block_on(relay::serve(url)),
        words => threads.unwrap().block_on(async {
            let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(4);
            let found = measure::all(rounds, words.contains(&"--long")).await;
            report::print(&found);
        }),
    }
}
