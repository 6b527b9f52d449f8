//! Starts that go wrong: nothing is overwritten, and the person is told what is the matter and what to do.

use prokura_testkit::TestHost;
use prokura_testkit::host::{Folder, write_private};
use serde_json::Value;

use crate::scene::Scene;

/// `serve` has to fail and say something like all of `words`.
async fn does_not_start(folder: &Folder, words: &[&str]) {
    let key = folder.key_file();
    let said = folder
        .run(&["serve", "--port", "0", "--vault-key-file", key.to_str().unwrap()])
        .await
        .unwrap();
    tells(&said, words);
}

fn tells(said: &prokura_testkit::Said, words: &[&str]) {
    assert!(said.code > 0, "ended with {}: {}{}", said.code, said.out, said.err);
    let told = format!("{}{}", said.err, said.out).to_lowercase();
    assert!(!told.contains("panicked"), "{told}");
    for word in words {
        assert!(told.contains(word), "\"{told}\" does not say \"{word}\"");
    }
    assert!(told.lines().count() >= 2, "no next step: {told}");
}

#[tokio::test]
async fn a_data_folder_in_use_is_left_alone() {
    let host = TestHost::start().await.unwrap();
    does_not_start(&host.folder, &["another prokura", "--data"]).await;
    assert!(host.ok(&["servers", "list"]).await.unwrap().is_array());
}

#[tokio::test]
async fn a_corrupt_database_is_named_and_not_overwritten() {
    let mut scene = Scene::ledger().await;
    scene.host.stop().await.unwrap();
    let database = scene.host.folder.data().join("prokura.db");
    let mut bytes = std::fs::read(&database).unwrap();
    for byte in bytes.iter_mut().skip(100).step_by(3) {
        *byte ^= 0x5a;
    }
    std::fs::write(&database, &bytes).unwrap();
    does_not_start(&scene.host.folder, &["prokura.db"]).await;
    assert_eq!(std::fs::read(&database).unwrap(), bytes);
    std::fs::write(&database, b"this is not a database at all, it is a letter to a friend")
        .unwrap();
    does_not_start(&scene.host.folder, &["prokura.db"]).await;
    assert_eq!(
        std::fs::read(&database).unwrap(),
        b"this is not a database at all, it is a letter to a friend"
    );
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_named_and_not_touched() {
    let mut scene = Scene::ledger().await;
    scene.host.stop().await.unwrap();
    let database = scene.host.folder.data().join("prokura.db");
    let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.execute('pragma user_version = 9000')\ndb.commit()";
    let python = prokura_tests::tools::python().unwrap();
    let status = tokio::process::Command::new(python)
        .args(["-c", script])
        .arg(&database)
        .status()
        .await
        .unwrap();
    assert!(status.success());
    let before = std::fs::read(&database).unwrap();
    does_not_start(&scene.host.folder, &["newer"]).await;
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

#[tokio::test]
async fn a_key_file_that_is_not_right_is_named() {
    let folder = Folder::new(None).unwrap();
    write_private(&folder.key_file(), &[7; 31]).unwrap();
    does_not_start(&folder, &["32"]).await;
    write_private(&folder.key_file(), &[7; 32]).unwrap();
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(folder.key_file(), readable).unwrap();
    does_not_start(&folder, &["600"]).await;
    std::fs::remove_file(folder.key_file()).unwrap();
    does_not_start(&folder, &["vault.key"]).await;
}

#[tokio::test]
async fn another_key_opens_nothing_and_breaks_nothing() {
    let mut scene = Scene::ledger().await;
    scene.host.stop().await.unwrap();
    let right = std::fs::read(scene.host.folder.key_file()).unwrap();
    write_private(&scene.host.folder.key_file(), &[9; 32]).unwrap();
    let key = scene.host.folder.key_file();
    let said = match scene.host.restart().await {
        // Everything else works, and the window says what is missing.
        Ok(()) => {
            let doctor = scene.host.cli(&["doctor", "--json"]).await.unwrap();
            scene.host.stop().await.unwrap();
            format!("{}{}", doctor.out, doctor.err)
        }
        Err(error) => error.to_string(),
    };
    assert!(said.to_lowercase().contains("key"), "{said}");
    write_private(&key, &right).unwrap();
    scene.host.restart().await.unwrap();
    assert_eq!(scene.host.ok(&["audit", "verify"]).await.unwrap()["ok"], true);
}

#[tokio::test]
async fn a_port_that_somebody_else_holds_is_named() {
    let (_listener, port) = prokura_testkit::loopback().await.unwrap();
    let folder = Folder::new(None).unwrap();
    let key = folder.key_file();
    let words = ["serve", "--port", &port.to_string(), "--vault-key-file", key.to_str().unwrap()]
        .map(str::to_owned);
    let said = folder.run(&words).await.unwrap();
    tells(&said, &[&port.to_string(), "in use"]);
}

#[tokio::test]
async fn a_command_without_a_host_says_how_to_start_one() {
    let folder = Folder::new(None).unwrap();
    let said = folder.run(&["servers", "list"]).await.unwrap();
    tells(&said, &["prokura serve"]);
    let said = folder.run(&["servers", "list", "--json"]).await.unwrap();
    let failure: Value =
        serde_json::from_str(if said.out.is_empty() { &said.err } else { &said.out }).unwrap();
    assert!(failure.to_string().contains("hint"), "{failure}");
}

#[tokio::test]
async fn wishes_that_make_no_sense_are_refused_with_what_to_do() {
    let scene = Scene::ledger().await;
    for (words, told) in [
        (&["servers", "add", "not a url", "--name", "x"][..], "url"),
        (&["servers", "add", "http://192.0.2.1/mcp", "--name", "x"], "https"),
        (&["servers", "add", "https://127.0.0.1:1/mcp", "--name", "Bad Name"], "name"),
        (&["servers", "add", "http://127.0.0.1:1/mcp", "--name", "gone"], "reach"),
        (&["servers", "add", "http://127.0.0.1:1/mcp", "--name", "ledger"], "ledger"),
        (&["servers", "sign-in", "nowhere"], "nowhere"),
        (&["agents", "add", "clerk", "--key"], "clerk"),
        (&["agents", "revoke", "nobody"], "nobody"),
        (
            &[
                "grants", "add", "--agent", "nobody", "--server", "ledger", "--tools", "*",
                "--effect", "allow",
            ],
            "nobody",
        ),
        (
            &[
                "grants", "add", "--agent", "clerk", "--server", "nowhere", "--tools", "*",
                "--effect", "allow",
            ],
            "nowhere",
        ),
        (
            &["grants", "add", "--agent", "clerk", "--server", "ledger", "--effect", "allow"],
            "tools",
        ),
        (
            &[
                "grants", "add", "--agent", "clerk", "--server", "ledger", "--tools", "*",
                "--effect", "allow", "--until", "soon",
            ],
            "soon",
        ),
        (&["grants", "revoke", "no-such-grant"], "no-such-grant"),
        (
            &["tools", "classify", "--server", "ledger", "send_payment", "--class", "lovely"],
            "lovely",
        ),
        (&["audit", "show", "4000"], "4000"),
    ] {
        let said = scene.host.cli(words).await.unwrap();
        let text = format!("{}{}", said.out, said.err);
        assert!(said.code > 0, "{words:?}: {text}");
        assert!(text.to_lowercase().contains(&told.to_lowercase()), "{words:?}: {text}");
        assert!(!text.contains("panicked"), "{words:?}: {text}");
    }
}
