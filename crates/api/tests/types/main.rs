//! The TypeScript in `ui/src/generated` is what these types say: compared here, written by `cargo xtask types`.
//! It must never be edited by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use prokura_api::{audit, failure, request, view};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ts_rs::{Config, TS};

/// File name to contents, of a folder of generated files.
type Files = BTreeMap<String, String>;

/// Every type the interface is told or asks with. One that is used by another comes with it.
fn export(folder: &Path) {
    let config = Config::new().with_out_dir(folder);
    macro_rules! each {
        ($($type:ty),* $(,)?) => { $(<$type>::export_all(&config).unwrap();)* };
    }
    each!(
        audit::AuditStatusView,
        audit::CallView,
        audit::CareView,
        audit::DayView,
        audit::SavedView,
        audit::TouchedView,
        failure::Failure,
        request::Request,
        view::AccessView,
        view::AccountView,
        view::AgentAdded,
        view::AgentView,
        view::ApprovalView,
        view::ApprovalsToldView,
        view::BundleView,
        view::AskingView,
        view::CheckView,
        view::FlowView,
        view::GrantView,
        view::GuardrailView,
        view::GuardrailWordsView,
        view::KnownServersView,
        view::LaunchView,
        view::LineView,
        view::LogView,
        view::NetworkView,
        view::OwnServerView,
        view::PlanView,
        view::ProgramView,
        view::RecordView,
        view::RulePlanView,
        view::RunView,
        view::ServerView,
        view::SignInView,
        view::SimulationView,
        view::StateView,
        view::ToolView,
        view::VerifyView,
        view::WirePreviewView,
        view::WiredView,
    );
}

fn read(folder: &Path) -> Files {
    let Ok(entries) = std::fs::read_dir(folder) else { return Files::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "ts"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// The types as they are now, by way of a folder that only the named test uses.
fn fresh(test: &str) -> Files {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("types").join(test);
    let _ = std::fs::remove_dir_all(&folder);
    export(&folder);
    read(&folder)
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn generated_types_are_up_to_date() {
    let folder = top().join("ui/src/generated");
    let fresh = fresh("compared");
    if std::env::var_os("PROKURA_WRITE_TYPES").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for name in read(&folder).keys() {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, text) in &fresh {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    let found = read(&folder);
    let names: Vec<&String> = fresh.keys().collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), names, "run `cargo xtask types`");
    for (name, text) in &fresh {
        assert!(found[name] == *text, "ui/src/generated/{name} differs: run `cargo xtask types`");
    }
}

#[test]
fn no_type_with_a_typescript_file_is_left_out() {
    let all: String = fresh("complete").into_values().collect();
    let sources = top().join("crates/api/src");
    let mut seen = 0;
    let mut folders = vec![sources];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    for path in files {
        let text = std::fs::read_to_string(path).unwrap();
        for part in text.split("#[ts(export_to").skip(1) {
            let name = part
                .lines()
                .find_map(|line| {
                    line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))
                })
                .and_then(|rest| rest.split(|c: char| !c.is_alphanumeric()).next())
                .unwrap();
            assert!(
                all.contains(&format!("export type {name} =")),
                "{name} is missing in the list above"
            );
            seen += 1;
        }
    }
    assert!(seen > 15, "only {seen} types found in crates/api/src");
}
