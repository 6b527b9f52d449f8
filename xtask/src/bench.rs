//! `cargo xtask bench NAME`: builds one bench with the release profile and runs it. What it prints is its own business; here
//! is only which there are. Benches are measured on a quiet machine and never run by the tests.

use crate::place::Place;
use crate::step::Step;
use anyhow::{Result, bail};

/// A bench: its name, its package, its target in that package, and what it measures.
struct Bench {
    name: &'static str,
    package: &'static str,
    target: &'static str,
    about: &'static str,
}

/// All of them.
const BENCHES: &[Bench] = &[
    Bench {
        name: "policy",
        package: "prokura-policy",
        target: "policy",
        about: "decisions over 100,000 grants and 1,000 guardrails",
    },
    Bench {
        name: "governed",
        package: "prokura-delegation",
        target: "governed",
        about: "a whole governed call, and one rule added or revoked, over as many rules",
    },
    Bench {
        name: "audit",
        package: "prokura-store",
        target: "audit",
        about: "what the audit log costs to write, and to read at 1,000,000 records",
    },
    Bench {
        name: "gateway",
        package: "prokura-tests",
        target: "gateway",
        about: "calls through Prokura against direct ones and a relay that guards nothing",
    },
];

/// `cargo xtask bench NAME [ARGS]…`. Without a name: the list.
pub fn run(place: &Place, words: &[String]) -> Result<()> {
    if words.first().is_some_and(|name| name == "prompt") {
        return crate::start::prompt(place);
    }
    let Some((name, rest)) = words.split_first() else {
        println!("  {:<10} from a call to its question on the screen", "prompt");
        for bench in BENCHES {
            println!("  {:<10} {}", bench.name, bench.about);
        }
        return Ok(());
    };
    let Some(bench) = BENCHES.iter().find(|bench| bench.name == name) else {
        let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        bail!("{name:?} is no bench; there are: {}", names.join(", "));
    };
    if bench.name == "gateway" {
        let words = ["build", "--release", "-p", "prokura-cli"];
        Step::cargo(place, "prokura, as it is released", &words).run()?;
    }
    let mut words = vec!["bench", "-p", bench.package, "--bench", bench.target, "--"];
    words.extend(rest.iter().map(String::as_str));
    Step::cargo(place, format!("bench {name}: {}", bench.about), &words)
        .env("PROKURA_TEST_BIN", place.target.join("release"))
        .run()
}
