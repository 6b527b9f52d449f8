//! The house rules that a machine can see. Each is a test, and each is shown to fail on a bad sample.
//! It must never be quietened by a list of exceptions: mend the code, or change the rule for everybody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod book;
mod code;
mod docs;
mod edges;
mod samples;
mod text;
mod tree;

use code::Faults;
use edges::Edge;
use std::sync::LazyLock;
use tree::{SOURCES, Source, top};

/// Fails with all faults, one a line.
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}

fn each(rule: fn(&Source) -> Option<String>) {
    none(&SOURCES.iter().filter_map(rule).collect::<Vec<_>>());
}

static CODE: LazyLock<Faults> = LazyLock::new(|| {
    let mut all = Faults::default();
    SOURCES.iter().for_each(|source| all.add(code::look(source)));
    all
});

fn manifest_edges() -> Vec<Edge> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(top())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    edges::edges(&serde_json::from_slice(&output.stdout).unwrap())
}

fn read(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn crates_use_only_what_the_table_allows() {
    none(&edges::foreign(&manifest_edges()));
}

#[test]
fn heavy_dependencies_stay_with_their_owner() {
    none(&edges::strays(&manifest_edges()));
}

#[test]
fn cargo_deny_knows_the_same_owners() {
    none(&edges::unlike_deny(&read("deny.toml").parse().unwrap()));
}

#[test]
fn files_are_under_400_lines() {
    each(text::long);
}

#[test]
fn functions_are_under_60_lines() {
    none(&CODE.long_functions);
}

#[test]
fn the_shell_starts_in_at_most_150_lines() {
    each(text::crowded_start);
}

#[test]
fn crates_and_long_modules_open_with_their_purpose() {
    each(text::unopened);
}

#[test]
fn files_are_named_by_what_they_hold() {
    each(text::vague_file);
}

#[test]
fn types_and_functions_have_names_that_say_something() {
    none(&CODE.poor_names);
}

#[test]
fn no_test_is_left_out() {
    none(&CODE.ignored_tests);
    each(text::left_out);
}

#[test]
fn only_host_and_shell_read_the_clock() {
    none(&CODE.clocks);
}

#[test]
fn lock_files_name_public_registries_only() {
    each(text::private_registry);
}

#[test]
fn no_file_holds_a_secret() {
    each(text::secret);
}

#[test]
fn one_folder_of_the_interface_knows_the_shell() {
    each(text::second_door);
}

#[test]
fn nobody_but_policy_can_make_or_copy_a_permit() {
    let path = "crates/policy/src/permit.rs";
    none(&code::permit_doors(&Source::sample(path, &read(path))));
}

#[test]
fn every_invariant_names_what_holds_it() {
    none(&docs::unheld(&docs::rows(&read("ARCHITECTURE.md"), "## Invariants"), 11, &top()));
}

#[test]
fn every_promise_names_what_holds_it() {
    none(&docs::unheld(&docs::rows(&read("SECURITY.md"), "## What it promises"), 8, &top()));
}

#[test]
fn the_shapes_of_the_command_line_are_told_as_they_are() {
    none(&docs::misshapen(&read("docs/cli.md"), &read("ui/src/generated/View.ts")));
}

#[test]
fn every_page_of_the_book_is_in_its_table_of_contents() {
    none(&book::unlisted(SOURCES.iter(), &read("docs/SUMMARY.md")));
}

#[test]
fn links_of_the_documents_lead_to_what_is_there() {
    let read = |path: &std::path::Path| {
        let path = top().join(path);
        // Pictures and folders are linked to as they are.
        std::fs::read_to_string(&path).ok().or_else(|| path.exists().then(String::new))
    };
    let pages = SOURCES.iter().filter(|one| one.is(&["md"]));
    none(&pages.flat_map(|page| book::dangling(page, &read)).collect::<Vec<_>>());
}

#[test]
fn pictures_of_the_book_stay_small() {
    let folder = std::fs::read_dir(top().join("docs/pictures")).unwrap();
    let bytes: u64 = folder.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 1_500_000, "docs/pictures holds {bytes} bytes");
}
