//! Starts what was built: the desktop, the demo, the pictures, the conformance suite.
//! Whatever it starts owns standard output.

use crate::place::Place;
use crate::step::Step;
use crate::suite::with_tools;
use crate::{build, debian, given, node, python};
use anyhow::{Result, bail};

/// `cargo xtask run`.
pub fn desktop(place: &Place, words: &[String]) -> Result<()> {
    let words: Vec<&String> = words.iter().filter(|word| *word != "--").collect();
    build::desktop_needs(place)?;
    build::programs(place, &["prokura-desktop"])?;
    Step::new("prokura-desktop", place.program("prokura-desktop")).args(&words).run()
}

/// `cargo xtask demo`.
pub fn demo(place: &Place, words: &[String]) -> Result<()> {
    if given(words, "--json") && !given(words, "--headless") {
        bail!("--json goes with --headless: `cargo xtask demo --headless --json`");
    }
    if given(words, "--headless") {
        build::programs(place, &["prokura", "prokura-demo"])?;
    } else {
        build::desktop_needs(place)?;
        build::programs(place, &["prokura", "prokura-demo", "prokura-desktop"])?;
    }
    with_tools(place, Step::new("the demo", place.program("prokura-demo")).args(words))
        .or("The lines above say which part of the story went wrong")
        .run()
}

/// `cargo xtask shots`. With `--tutorial` the pictures of docs/first-ten-minutes.md are renewed, smaller.
pub fn shots(place: &Place, words: &[String]) -> Result<()> {
    build::desktop_needs(place)?;
    node::install(place, &place.tests().join("node"))?;
    build::programs(place, &["prokura", "prokura-demo", "prokura-desktop"])?;
    let folder = place.root.join("shots");
    std::fs::create_dir_all(&folder)?;
    let step = Step::cargo(
        place,
        "pictures into shots/ and docs/pictures/prompts/",
        &["test", "--workspace", "--test", "shell", "--", "shots", "newcomer", "pictured"],
    );
    with_tools(place, step)
        .env("PROKURA_SHOTS", &folder)
        .env("PROKURA_PROMPTS", place.root.join("docs/pictures/prompts"))
        .or("The lines above say which screen could not be shown")
        .run()?;
    if given(words, "--tutorial") { tutorial(place, &folder) } else { Ok(()) }
}

/// The pictures that the book shows of a newcomer's way. The one of the pairing stays out: it names folders of this machine.
fn tutorial(place: &Place, folder: &std::path::Path) -> Result<()> {
    for name in ["1-start", "2-connect", "3-sign-in", "5-grant", "6-call", "7-done"] {
        let from = folder.join(format!("first-{name}-light.png"));
        let to = place.root.join(format!("docs/pictures/first-{name}.png"));
        Step::new(format!("docs/pictures/first-{name}.png"), "/usr/bin/convert")
            .args(&[from])
            .args(&["-strip", "+dither", "-colors", "48", "-define", "png:compression-level=9"])
            .args(&[to])
            .run()?;
    }
    Ok(())
}

/// `cargo xtask bench prompt`: the real window, in the build that tests use, so that the figure is no better than what
/// people get.
pub fn prompt(place: &Place) -> Result<()> {
    build::desktop_needs(place)?;
    node::install(place, &place.tests().join("node"))?;
    build::programs(place, &["prokura", "prokura-desktop"])?;
    let words =
        ["test", "--workspace", "--test", "shell", "--", "--nocapture", "from_a_call_to_its"];
    let step =
        Step::cargo(place, "bench prompt: from a call to its question on the screen", &words);
    with_tools(place, step)
        .env("PROKURA_BENCH_ROUNDS", "30")
        .or("The median is not under 250 ms, or the window did not come")
        .run()
}

/// `cargo xtask soak`. Every test run soaks for a minute; this is the long one.
pub fn soak(place: &Place, words: &[String]) -> Result<()> {
    let seconds = match words {
        [] => "1800",
        [flag, seconds] if flag == "--seconds" && seconds.parse::<u64>().is_ok() => seconds,
        _ => bail!("this is how: cargo xtask soak [--seconds N]"),
    };
    python::install(place)?;
    build::programs(place, &["prokura", "prokura-soak-server"])?;
    let words = ["test", "--workspace", "--test", "soak", "--", "--nocapture"];
    with_tools(place, Step::cargo(place, format!("soak for {seconds} s"), &words))
        .env("PROKURA_SOAK_SECONDS", seconds)
        .or("What leaked, hung or was lost is named above")
        .run()
}

/// `cargo xtask conformance`.
pub fn conformance(place: &Place, words: &[String]) -> Result<()> {
    let usage =
        "conformance server|client|authorization [--requirements REV], or conformance cross";
    if let [leg] = words
        && leg == "cross"
    {
        return cross(place);
    }
    let (leg, revision) = match words {
        [leg] => (leg.as_str(), "2026-07-28"),
        [leg, flag, revision] if flag == "--requirements" => (leg.as_str(), revision.as_str()),
        _ => bail!("this is how: cargo xtask {usage}"),
    };
    if !["server", "client", "authorization"].contains(&leg) {
        bail!("there is no leg {leg:?}: cargo xtask {usage}");
    }
    conformance_needs(place)?;
    let step =
        Step::new(format!("conformance {leg} {revision}"), place.program("prokura-conformance"))
            .args(&[leg, "--requirements", revision]);
    with_tools(place, step)
        .or("Results that differ from the expected failures are named above")
        .run()
}

/// `cargo xtask conformance cross`: agents of every revision at servers of every revision.
fn cross(place: &Place) -> Result<()> {
    conformance_needs(place)?;
    let step = Step::new("conformance cross", place.program("prokura-conformance"));
    with_tools(place, step.args(&["cross", "--all"]))
        .or("Failures beyond docs/bridging.md are named above")
        .run()
}

fn conformance_needs(place: &Place) -> Result<()> {
    debian::install(debian::HEADLESS)?;
    node::present()?;
    node::install(place, &place.tests().join("node"))?;
    python::install(place)?;
    build::programs(place, &["prokura", "prokura-conformance"])
}
