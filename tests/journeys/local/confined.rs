//! Confinement, where the machine has bubblewrap.

use serde_json::{Value, json};

use super::{clerk, rough, world};

/// What the server says it can reach.
async fn reach(options: &[&str], paths: &[&str]) -> Value {
    let (host, key) = world(options, &[]).await;
    let port: u16 = host.http().rsplit(':').next().unwrap().parse().unwrap();
    let agent = clerk(&host, &key).await;
    let said = agent.call("reach", json!({ "paths": paths, "port": port })).await.unwrap();
    serde_json::from_str(&said.text()).unwrap_or_else(|_| panic!("{}", said.raw))
}

#[tokio::test]
async fn a_confined_server_reaches_what_was_named_and_nothing_else() {
    // P-18
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = |name: &str| {
        let path = place.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path.to_string_lossy().into_owned()
    };
    let (read, write, other) = (folder("read"), folder("write"), folder("other"));
    let code = rough(&[])[1].clone();
    let python = std::path::Path::new(&rough(&[])[0]).ancestors().nth(2).unwrap().to_owned();
    let python = python.to_string_lossy().into_owned();
    // Where the interpreter behind the environment lies, with its library.
    let real = std::fs::canonicalize(&rough(&[])[0]).unwrap();
    let real = real.ancestors().nth(2).unwrap().to_string_lossy().into_owned();
    let paths = [read.as_str(), write.as_str(), other.as_str()];
    let base = [
        "--confine",
        "--read",
        &code,
        "--read",
        &python,
        "--read",
        &real,
        "--read",
        &read,
        "--write",
        &write,
    ];

    let told = reach(&base, &paths).await;
    assert_eq!(
        (&told[&read], &told[&write], &told[&other]),
        (&json!("read"), &json!("write"), &json!("FileNotFoundError"))
    );
    assert_eq!(told["network"], "ConnectionRefusedError", "its own network is empty");
    assert!(told["processes"].as_u64().unwrap() < 6, "it sees only its own: {told}");

    let open = [&base[..], &["--network"]].concat();
    assert_eq!(reach(&open, &paths).await["network"], "connected");
    let free = reach(&[], &paths).await;
    assert_eq!((&free[&other], &free["network"]), (&json!("write"), &json!("connected")));
}
