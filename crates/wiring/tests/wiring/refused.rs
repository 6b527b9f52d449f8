//! What is not written, and what is not shown.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use prokura_wiring::{Line, WiringError, program, programs};

use crate::golden::{home, stdio};

#[test]
fn a_file_that_changed_since_it_was_shown_is_left_alone() {
    for program in programs() {
        let home = home(program);
        let change = home.wire("claude", &[]);
        let foreign = format!("{}\n", home.golden);
        fs::write(&home.file, &foreign).unwrap();
        assert!(matches!(change.make(), Err(WiringError::Changed(_))), "{}", program.id);
        assert_eq!(home.text(), foreign);
    }
}

#[test]
fn a_broken_file_says_where_and_stays() {
    for (id, broken) in [
        ("cursor", "{ \"mcpServers\": { \"secret-sk-1\" } }"),
        ("cursor", "{ \"mcpServers\": [] }"),
        ("codex", "model = \"x\"\n[mcp_servers.docs\nkey = 'sk-1'\n"),
        ("goose", "extensions:\n  docs: {sk-1\n"),
        ("goose", "extensions: sk-1\n"),
    ] {
        let home = home(program(id).unwrap());
        fs::write(&home.file, broken).unwrap();
        let error =
            home.program.wire(&home.folders, &stdio("claude"), &[]).unwrap_err().to_string();
        assert!(error.contains("by hand") && !error.contains("sk-1"), "{id}: {error}");
        assert!(home.found().servers.is_err() || broken == "extensions: sk-1\n");
        assert_eq!(home.text(), broken);
    }
}

#[test]
fn strict_json_keeps_its_strictness() {
    let home = home(program("cursor").unwrap());
    fs::write(&home.file, "{ // mine\n}\n").unwrap();
    assert!(
        home.program.wire(&home.folders, &stdio("claude"), &[]).is_err(),
        "Cursor would not read it either"
    );
}

#[test]
fn keys_of_others_are_hidden_in_the_difference() {
    for program in programs() {
        let home = home(program);
        let shown = format!("{:?}", home.wire("claude", &["docs", "files"]).difference());
        assert!(
            !shown.contains("sk-files-0987654321") && !shown.contains("tok-docs-1234567890"),
            "{}: {shown}",
            program.id
        );
        assert!(shown.contains("prokura"), "{}", program.id);
    }
}

#[test]
fn a_difference_shows_what_goes_and_what_comes() {
    let home = home(program("codex").unwrap());
    let lines = home.wire("claude", &["docs"]).difference();
    assert!(lines.contains(&Line::Removed("[mcp_servers.docs]".into())), "{lines:?}");
    assert!(lines.contains(&Line::Added("[mcp_servers.prokura]".into())), "{lines:?}");
    assert!(lines.iter().any(|line| matches!(line, Line::Skipped(_))), "{lines:?}");
}

#[test]
fn links_stay_links_and_permissions_stay() {
    let home = home(program("codex").unwrap());
    let real = home.folders.home.join("dotfiles.toml");
    fs::rename(&home.file, &real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, &home.file).unwrap();
    home.wire("claude", &[]).make().unwrap();
    assert!(fs::symlink_metadata(&home.file).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("prokura"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_new_file_is_the_persons_alone() {
    let home = home(program("cursor").unwrap());
    fs::remove_file(&home.file).unwrap();
    home.wire("claude", &[]).make().unwrap();
    assert_eq!(fs::metadata(&home.file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_server_that_is_not_there_cannot_be_taken() {
    let home = home(program("cursor").unwrap());
    let error =
        home.program.wire(&home.folders, &stdio("claude"), &["nothing".into()]).unwrap_err();
    assert!(matches!(error, WiringError::NoEntry { .. }), "{error}");
}
