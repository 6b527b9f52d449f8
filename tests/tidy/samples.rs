//! Every rule fails on something: a rule that cannot fail holds nothing.

use crate::edges::{Edge, foreign, strays, unlike_deny};
use crate::tree::{Source, top};
use crate::{book, code, docs, text};

fn edge(from: &str, to: &str, tests_only: bool, ours: bool) -> Edge {
    Edge { from: from.to_owned(), to: to.to_owned(), tests_only, ours }
}

#[test]
fn an_edge_outside_the_table_is_seen() {
    assert_eq!(foreign(&[edge("gateway", "account", false, true)]).len(), 1);
    assert_eq!(foreign(&[edge("delegation", "vault", false, true)]).len(), 1);
    assert_eq!(foreign(&[edge("gateway", "store", true, true)]).len(), 1);
    assert_eq!(foreign(&[edge("cli", "testkit", false, true)]).len(), 1);
    assert_eq!(foreign(&[edge("newcomer", "domain", false, true)]).len(), 1);
    assert!(foreign(&[edge("gateway", "delegation", false, true)]).is_empty());
    assert!(foreign(&[edge("gateway", "testkit", true, true)]).is_empty());
}

#[test]
fn a_heavy_dependency_elsewhere_is_seen() {
    assert_eq!(strays(&[edge("gateway", "reqwest", false, false)]).len(), 1);
    assert_eq!(strays(&[edge("host", "tauri-plugin-single-instance", false, false)]).len(), 1);
    assert_eq!(
        strays(&[edge("store", "zbus-secret-service-keyring-store", false, false)]).len(),
        1
    );
    assert_eq!(strays(&[edge("delegation", "rusqlite", true, false)]).len(), 1);
    assert!(strays(&[edge("upstream", "reqwest", false, false)]).is_empty());
    assert!(strays(&[edge("gateway", "reqwest", true, false)]).is_empty());
}

#[test]
fn a_differing_deny_list_is_seen() {
    let text = "[bans]\ndeny = [{ crate = \"rusqlite\", wrappers = [\"prokura-host\"] }]";
    let faults = unlike_deny(&text.parse().unwrap());
    assert!(faults.iter().any(|fault| fault.contains("rusqlite")));
    assert!(faults.iter().any(|fault| fault.contains("does not name keyring-core")));
}

#[test]
fn long_files_and_functions_are_seen() {
    let file = |lines: usize| Source::sample("crates/a/src/b.rs", &"\n".repeat(lines));
    assert!(text::long(&file(400)).is_some());
    assert!(text::long(&file(399)).is_none());
    assert!(
        text::crowded_start(&Source::sample("src-tauri/src/lib.rs", &"\n".repeat(151))).is_some()
    );
    let function = |lines: usize| {
        let text = format!("impl A {{ fn long() {{{}}} }}", "\n".repeat(lines - 1));
        code::look(&Source::sample("crates/a/src/b.rs", &text)).long_functions.len()
    };
    assert_eq!((function(60), function(59)), (1, 0));
}

#[test]
fn missing_openings_are_seen() {
    assert!(text::unopened(&Source::sample("xtask/src/main.rs", "fn main() {}")).is_some());
    assert!(text::unopened(&Source::sample("crates/a/src/b.rs", &"\n".repeat(41))).is_some());
    assert!(
        text::unopened(&Source::sample("crates/a/src/lib.rs", "//! All good things.")).is_some()
    );
    assert!(
        text::unopened(&Source::sample("crates/a/src/lib.rs", "//! A.\n//! It must never b."))
            .is_none()
    );
}

#[test]
fn names_that_say_nothing_are_seen() {
    assert!(text::vague_file(&Source::sample("crates/a/src/b/mod.rs", "")).is_some());
    assert!(text::vague_file(&Source::sample("ui/src/parts/utils.ts", "")).is_some());
    for sample in [
        "struct TokenManager;",
        "enum CallHandler {}",
        "fn get_token() {}",
        "trait AgentService {}",
    ] {
        assert_eq!(
            code::look(&Source::sample("crates/a/src/b.rs", sample)).poor_names.len(),
            1,
            "{sample}"
        );
    }
}

#[test]
fn left_out_tests_and_read_clocks_are_seen() {
    let sample = Source::sample(
        "crates/gateway/src/a.rs",
        "#[test] #[ignore] fn a() { let now = std::time::SystemTime::now(); }",
    );
    let faults = code::look(&sample);
    assert_eq!((faults.ignored_tests.len(), faults.clocks.len()), (1, 1));
    let timer = "use tokio::time::Instant;\nfn a() { Instant::now(); }";
    assert!(code::look(&Source::sample("crates/gateway/src/a.rs", timer)).clocks.is_empty());
    let watch = "use std::time::Instant;\nfn a() { Instant::now(); }";
    assert_eq!(code::look(&Source::sample("crates/gateway/src/a.rs", watch)).clocks.len(), 1);
    let comment = Source::sample("crates/gateway/src/a.rs", "// SystemTime::now()\nfn a() {}");
    assert!(code::look(&comment).clocks.is_empty());
    let host = Source::sample("crates/host/src/clock.rs", "fn a() { SystemTime::now(); }");
    assert!(code::look(&host).clocks.is_empty());
    let script = format!("test{}('x', () => {{}})", ".only");
    assert!(text::left_out(&Source::sample("ui/src/a.test.ts", &script)).is_some());
}

#[test]
fn private_registries_and_secrets_are_seen() {
    let lock = "\"resolved\": \"https://npm.example.com/a.tgz\"";
    assert!(text::private_registry(&Source::sample("ui/package-lock.json", lock)).is_some());
    let lock = "source = \"git+https://example.com/a\"";
    assert!(text::private_registry(&Source::sample("Cargo.lock", lock)).is_some());
    let token = format!("token = {}{}", "ghp", "_0123456789abcdef");
    assert!(text::secret(&Source::sample("docs/a.md", &token)).is_some());
    let key = format!("-----BEGIN PRIVATE{}", " KEY-----");
    assert!(text::secret(&Source::sample("tests/a.py", &key)).is_some());
}

#[test]
fn a_second_way_to_the_shell_is_seen() {
    let text = "import { invoke } from \"@tauri-apps/api/core\";";
    assert!(text::second_door(&Source::sample("ui/src/grants/a.ts", text)).is_some());
    assert!(text::second_door(&Source::sample("ui/src/host/a.ts", text)).is_none());
}

#[test]
fn a_permit_with_a_door_is_seen() {
    for sample in [
        "pub struct Permit { pub call: u8 }",
        "#[derive(Debug, Clone)] pub struct Permit { call: u8 }",
        "pub struct Permit { call: u8 } impl Default for Permit { fn default() -> Self { Permit { call: 0 } } }",
        "pub struct Other;",
    ] {
        assert!(!code::permit_doors(&Source::sample("p.rs", sample)).is_empty(), "{sample}");
    }
    let closed = "#[derive(Debug)] pub struct Permit { call: u8 }";
    assert!(code::permit_doors(&Source::sample("p.rs", closed)).is_empty());
}

#[test]
fn an_unheld_invariant_is_seen() {
    let page = "## Invariants\n| 1 | good | `tests/tidy/main.rs::files_are_under_400_lines` |\n| 2 | bad | `tests/tidy/none.rs` |\n| 3 | worse | `tests/tidy/main.rs::nothing` |\n| 4 | worst | hope |\n## Next\n| 5 | elsewhere | `deny.toml` |";
    let faults = docs::unheld(&docs::rows(page, "## Invariants"), 5, &top());
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(faults.iter().all(|fault| !fault.starts_with("number 1")));
}

#[test]
fn a_shape_told_wrongly_is_seen() {
    let types = "export type Named = { \n/**\n * Its: name.\n */\nid: string, \n/**\n * B.\n */\nname: string, };";
    let faults = docs::misshapen("| `Named` | `id`, `title` |", types);
    assert!(faults.contains(&"Named has id, name".to_owned()), "{faults:?}");
    let right = docs::misshapen("| `Named` | `id`, `name` |", types);
    assert_eq!(right, ["only 1 shapes are told"]);
}

#[test]
fn pages_outside_the_book_and_links_to_nowhere_are_seen() {
    let page = |path: &str, text: &str| Source::sample(path, text);
    let pages = [page("docs/a.md", ""), page("docs/b.md", ""), page("README.md", "")];
    assert_eq!(book::unlisted(pages.iter(), "- [A](a.md)").len(), 1);
    assert_eq!(book::unlisted(pages.iter(), "- [A](a.md)\n- [A](a.md)\n- [B](b.md)").len(), 1);
    let read = |path: &std::path::Path| {
        (path == std::path::Path::new("docs/b.md")).then(|| "# A heading, long".to_owned())
    };
    let faults = |text: &str| book::dangling(&page("docs/a.md", text), &read).len();
    assert_eq!(
        faults("[b](b.md) [b](../docs/b.md#a-heading-long) [out](https://example.com/b)"),
        0
    );
    assert_eq!(faults("[c](c.md) [b](b.md#another-heading)"), 2);
    assert_eq!(faults("```\n[c](c.md)\n```"), 0);
}
