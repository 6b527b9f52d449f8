//! A table over all programs. What people wrote around our entry must come back byte for byte.

use std::fs;
use std::path::PathBuf;

use prokura_wiring::{Change, Folders, Format, Found, Kind, Line, Program, Wire, find, programs};

/// A home folder in which one program has its settings.
pub struct Home {
    _folder: tempfile::TempDir,
    pub folders: Folders,
    pub program: &'static Program,
    pub file: PathBuf,
    pub golden: String,
}

pub fn home(program: &'static Program) -> Home {
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders { home: folder.path().to_owned(), config: folder.path().join(".config") };
    let file = program.file(&folders);
    let ending = match program.format {
        Format::Json | Format::Jsonc => "json",
        Format::Toml => "toml",
        Format::Yaml => "yaml",
    };
    let golden =
        format!("{}/tests/wiring/golden/{}.{ending}", env!("CARGO_MANIFEST_DIR"), program.id);
    let golden = fs::read_to_string(golden).unwrap();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, &golden).unwrap();
    Home { _folder: folder, folders, program, file, golden }
}

pub fn stdio(agent: &str) -> Wire {
    Wire::Stdio {
        command: "/usr/bin/prokura".into(),
        args: vec!["stdio".into(), "--agent".into(), agent.into()],
    }
}

impl Home {
    pub fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap()
    }

    pub fn found(&self) -> Found {
        find(&self.folders).into_iter().find(|found| found.program.id == self.program.id).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.found().servers.unwrap().into_iter().map(|(name, _)| name).collect();
        names.sort();
        names
    }

    pub fn wire(&self, agent: &str, take: &[&str]) -> Change {
        let take: Vec<String> = take.iter().map(|&name| name.to_owned()).collect();
        self.program.wire(&self.folders, &stdio(agent), &take).unwrap()
    }
}

/// Whether all lines of `inner` are lines of `outer`, in this order.
fn keeps_lines(outer: &str, inner: &str) -> bool {
    // A comma may have to follow what was the last entry.
    let bare = |line: &str| line.trim_end().trim_end_matches(',').to_owned();
    let mut lines = outer.lines().map(bare);
    inner.lines().map(bare).all(|line| lines.any(|one| one == line))
}

#[test]
fn the_list_of_programs_can_be_read() {
    assert!(programs().len() >= 14, "{}", programs().len());
    for program in programs() {
        assert!(program.source.starts_with("https://"), "{}", program.id);
        assert_eq!(program.checked.len(), 10, "{}", program.id);
    }
}

#[test]
fn the_servers_a_program_has_are_found() {
    for program in programs() {
        let home = home(program);
        let found = home.found();
        assert!(found.installed, "{}", program.id);
        let servers = found.servers.unwrap();
        let kind = |name: &str| &servers.iter().find(|(one, _)| one == name).unwrap().1.kind;
        assert!(
            matches!(kind("files"), Kind::Local { command, args, env }
            if command == "npx" && args[1] == "server-files" && env[0].0 == "FILES_KEY"),
            "{}",
            program.id
        );
        if !matches!(kind("docs"), Kind::Local { .. }) {
            assert!(
                matches!(kind("docs"), Kind::Remote { url, .. } if url == "https://docs.example/mcp"),
                "{}",
                program.id
            );
            let key = servers.iter().find(|(one, _)| one == "docs").unwrap().1.key();
            let expected =
                (program.id != "vscode").then_some(("Authorization", "Bearer tok-docs-1234567890"));
            assert_eq!(key, expected, "{}", program.id);
        }
    }
}

#[test]
fn a_program_that_is_not_there_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders { home: folder.path().to_owned(), config: folder.path().join(".config") };
    for found in find(&folders) {
        assert!(!found.installed, "{}", found.program.id);
        assert!(found.servers.unwrap().is_empty());
    }
}

#[test]
fn adding_keeps_every_line_and_undoing_brings_back_every_byte() {
    for program in programs() {
        let home = home(program);
        let before: Vec<String> = home.names();
        let receipt = home.wire("claude", &[]).make().unwrap();
        assert!(receipt.stands(), "{}", program.id);
        let wired = home.text();
        assert!(keeps_lines(&wired, &home.golden), "{}:\n{wired}", program.id);
        let mut expected = before;
        expected.push("prokura".into());
        expected.sort();
        assert_eq!(home.names(), expected, "{}", program.id);
        receipt.undo().unwrap().make().unwrap();
        assert_eq!(home.text(), home.golden, "{}", program.id);
        assert!(!receipt.stands());
    }
}

#[test]
fn adding_again_changes_the_one_entry() {
    for program in programs() {
        let home = home(program);
        home.wire("first", &[]).make().unwrap();
        let receipt = home.wire("second", &[]).make().unwrap();
        let text = home.text();
        assert!(text.contains("second") && !text.contains("first"), "{}:\n{text}", program.id);
        assert!(keeps_lines(&text, &home.golden), "{}:\n{text}", program.id);
        receipt.undo().unwrap().make().unwrap();
        assert!(home.text().contains("first"), "{}", program.id);
    }
}

#[test]
fn servers_that_are_taken_over_leave_and_come_back() {
    for program in programs() {
        let home = home(program);
        let change = home.wire("claude", &["docs", "files"]);
        assert_eq!(change.takes().len(), 2);
        let receipt = change.make().unwrap();
        let text = home.text();
        assert!(
            !text.contains("server-files") && !text.contains("docs.example"),
            "{}:\n{text}",
            program.id
        );
        receipt.undo().unwrap().make().unwrap();
        assert_eq!(home.text(), home.golden, "{}", program.id);
    }
}

#[test]
fn undoing_keeps_what_others_changed_meanwhile() {
    for program in programs() {
        let home = home(program);
        let before = home.names();
        let receipt = home.wire("claude", &["docs"]).make().unwrap();
        // Somebody else gives the other server another folder.
        let foreign = home
            .text()
            .replace("/home/ada\"", "/home/grace\"")
            .replace("- /home/ada\n", "- /home/grace\n");
        assert_ne!(foreign, home.text(), "{}", program.id);
        fs::write(&home.file, foreign).unwrap();
        receipt.undo().unwrap().make().unwrap();
        assert_eq!(home.names(), before, "{}", program.id);
        let text = home.text();
        assert!(
            text.contains("/home/grace") && text.contains("docs") && !text.contains("prokura"),
            "{}:\n{text}",
            program.id
        );
    }
}

#[test]
fn comments_around_what_was_taken_come_back_after_a_change_elsewhere() {
    for (id, comment) in [
        ("vscode", "/* the company's documents */"),
        ("zed", "// the company's documents"),
        ("codex", "# the company's documents"),
        ("goose", "# the company's documents"),
        ("continue", "# the company's documents"),
    ] {
        let home = home(prokura_wiring::program(id).unwrap());
        let receipt = home.wire("claude", &["docs"]).make().unwrap();
        let last = home.text().trim_end().lines().last().unwrap().to_owned();
        let foreign = home.text().trim_end().trim_end_matches(&last).to_owned();
        let own = if id == "codex" || id == "goose" || id == "continue" {
            "# added by hand\n"
        } else {
            "// added by hand\n"
        };
        fs::write(&home.file, format!("{foreign}{own}{last}\n")).unwrap();
        receipt.undo().unwrap().make().unwrap();
        let text = home.text();
        assert!(text.contains(comment) && text.contains("added by hand"), "{id}:\n{text}");
        assert_eq!(text.replace(own, ""), home.golden, "{id}");
    }
}

#[test]
fn a_program_without_settings_gets_a_file_and_loses_it_again() {
    for program in programs() {
        let home = home(program);
        fs::remove_file(&home.file).unwrap();
        let receipt = home.wire("claude", &[]).make().unwrap();
        assert_eq!(home.names(), ["prokura"], "{}:\n{}", program.id, home.text());
        receipt.undo().unwrap().make().unwrap();
        assert!(!home.file.exists(), "{}", program.id);
    }
}

#[test]
fn an_endpoint_is_written_where_the_program_takes_one() {
    let wire = Wire::Http {
        url: "http://127.0.0.1:7777/mcp".into(),
        headers: vec![("Authorization".into(), "Bearer pk_abcdefghijkl".into())],
    };
    for program in programs() {
        let home = home(program);
        let change = program.wire(&home.folders, &wire, &[]);
        if ["claude-desktop", "junie"].contains(&program.id.as_str()) {
            assert!(change.unwrap_err().to_string().contains("cannot be connected by URL"));
            continue;
        }
        let change = change.unwrap();
        let shown: Vec<Line> = change.difference();
        assert!(
            !format!("{shown:?}").contains("pk_abcdefghijkl"),
            "{}: a key is shown",
            program.id
        );
        change.make().unwrap();
        let servers = home.found().servers.unwrap();
        let (_, entry) = servers.iter().find(|(name, _)| name == "prokura").unwrap();
        assert!(
            matches!(&entry.kind, Kind::Remote { url, .. } if url == "http://127.0.0.1:7777/mcp"),
            "{}",
            program.id
        );
        assert_eq!(
            entry.key(),
            Some(("Authorization", "Bearer pk_abcdefghijkl")),
            "{}",
            program.id
        );
    }
}
