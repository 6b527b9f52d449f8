//! One MCP server of the soak, in a process of its own so that it can really be killed. It writes the mark of every call
//! that reached it into a file, one a line, and ends when its standard input does.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prokura_testkit::fixture::{Offer, Run, ToolSpec};
use prokura_testkit::{Fixture, Protection};
use serde_json::{Map, Value, json};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let [_, port, file] = words.as_slice() else { panic!("prokura-soak-server PORT FILE") };
    let port = port.parse().expect("a port");
    let marks = File::options().create(true).append(true).open(file).expect("the file of marks");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(8).enable_all().build();
    runtime.expect("a runtime").block_on(async move {
        let offer = offer(Arc::new(Mutex::new(marks)));
        let _fixture = Fixture::start_at(port, offer, Protection::Open).await.expect("the port");
        println!("ready");
        let _ended = tokio::task::spawn_blocking(|| {
            let mut rest = Vec::new();
            let _read = std::io::stdin().read_to_end(&mut rest);
        })
        .await;
    });
}

fn offer(marks: Arc<Mutex<File>>) -> Offer {
    let tool = |name: &str, takes: Duration, size: usize| {
        let marks = Arc::clone(&marks);
        let answer = move |arguments: &Map<String, Value>| {
            let mark = arguments.get("mark").and_then(Value::as_str).unwrap_or("-");
            let line = format!("{mark}\n");
            let mut marks = marks.lock().unwrap_or_else(PoisonError::into_inner);
            marks.write_all(line.as_bytes()).map_err(|error| error.to_string())?;
            drop(marks);
            if !takes.is_zero() {
                std::thread::sleep(takes);
            }
            Ok(json!({ "text": "x".repeat(size) }))
        };
        let input = json!({ "type": "object" });
        ToolSpec::new(name, "A tool of the soak.", input, Run::Answer(Arc::new(answer)))
    };
    let tools = vec![
        tool("look", Duration::ZERO, 100),
        tool("large", Duration::ZERO, 64 * 1024),
        tool("change", Duration::ZERO, 100),
        tool("slow", Duration::from_millis(300), 100),
    ];
    Offer { name: "Soak".to_owned(), tools, ..Offer::default() }
}
