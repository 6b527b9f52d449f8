//! Everything that is looked at without starting the product: format, lints, tidiness, types, licences.
//! Cheap things come first, so that a slip shows at once.

use crate::place::Place;
use crate::step::{Step, note};
use crate::{build, debian, given, node};
use anyhow::Result;

/// `cargo xtask check`: all of it.
pub fn all(place: &Place) -> Result<()> {
    without_tests(place)?;
    Step::cargo(
        place,
        "tidiness and generated types",
        &["test", "--quiet", "--workspace", "--test", "tidy", "--test", "types"],
    )
    .or("Each failing test's name is the rule; for types run `cargo xtask types`")
    .run()
}

/// All but what `cargo test` runs anyway.
pub fn without_tests(place: &Place) -> Result<()> {
    Step::cargo(place, "cargo fmt --check", &["fmt", "--all", "--check"])
        .or("Run `cargo fmt --all` (rustup component add rustfmt)")
        .run()?;
    build::desktop_needs(place)?;
    node::ui_script(place, "lint", "Mend what the linter says about ui/")?;
    node::ui_script(place, "check", "Mend what the type check says about ui/")?;
    node::ui_script(place, "test", "Mend the interface, or its test in ui/tests")?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    Step::cargo(place, "cargo clippy -D warnings", &clippy)
        .or("Mend what clippy says (rustup component add clippy)")
        .run()?;
    deny(place)
}

/// Bans, licences and sources, where cargo-deny is there; tidy checks the owners of heavy crates in any case.
fn deny(place: &Place) -> Result<()> {
    if !debian::answers("cargo-deny", &["--version"]) {
        note("cargo-deny is not installed: licences and sources are not looked at");
        return Ok(());
    }
    let args = [
        ["deny", "--offline", "--workspace"].as_slice(),
        &["check", "--allow", "unused-wrapper", "bans", "licenses", "sources"],
    ]
    .concat();
    Step::cargo(place, "cargo deny", &args).or("Mend deny.toml or the dependency it names").run()
}

/// `cargo xtask types`: writes `ui/src/generated`, or only compares it.
pub fn types(place: &Place, words: &[String]) -> Result<()> {
    let step = Step::cargo(
        place,
        "types of the interface",
        &["test", "--quiet", "--workspace", "--test", "types"],
    );
    if given(words, "--check") {
        return step.or("Run `cargo xtask types` and look at the change in ui/src/generated").run();
    }
    step.env("PROKURA_WRITE_TYPES", "1").or("Mend what the compiler says about crates/api").run()
}

/// `cargo xtask reference`: writes `docs/commands.md`. That it is not stale is a test of the command line.
pub fn reference(place: &Place) -> Result<()> {
    let test = ["test", "--quiet", "--workspace", "--bin", "prokura", "reference"];
    Step::cargo(place, "docs/commands.md", &test)
        .env("PROKURA_WRITE_REFERENCE", "1")
        .or("Mend what the compiler says about crates/cli")
        .run()
}
