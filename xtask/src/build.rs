//! Builds with cargo, always over the whole workspace: one profile and one set of features,
//! so that no dependency is compiled a second time because another command chose fewer packages.

use crate::place::Place;
use crate::step::Step;
use crate::{debian, node};
use anyhow::Result;

/// `ui/dist`, which the Shell takes in when it is compiled.
pub fn interface(place: &Place) -> Result<()> {
    node::present()?;
    node::install(place, &place.ui())?;
    node::ui_script(place, "build", "Mend what vite says about ui/ and run this again")
}

/// Some programs of the workspace. A test is named with them so that cargo chooses the same features as for the tests;
/// without it, a hundred crates would be compiled once more for the demo.
pub fn programs(place: &Place, names: &[&str]) -> Result<()> {
    let mut args = vec!["build", "--workspace", "--test", "tidy"];
    for name in names {
        args.extend(["--bin", name]);
    }
    Step::cargo(place, format!("cargo build {}", names.join(", ")), &args)
        .or("Mend what the compiler says and run this again")
        .run()
}

/// Some programs as they are given to people.
pub fn released(place: &Place, names: &[&str]) -> Result<()> {
    let mut args = vec!["build", "--release", "--workspace"];
    for name in names {
        args.extend(["--bin", name]);
    }
    Step::cargo(place, format!("cargo build --release {}", names.join(", ")), &args)
        .or("Mend what the compiler says and run this again")
        .run()
}

/// Everything, tests included.
pub fn everything(place: &Place) -> Result<()> {
    Step::cargo(place, "cargo build, everything", &["build", "--workspace", "--all-targets"])
        .or("Mend what the compiler says and run this again")
        .run()
}

/// What a build of the window needs.
pub fn desktop_needs(place: &Place) -> Result<()> {
    debian::install(debian::HEADLESS)?;
    debian::install(debian::DESKTOP)?;
    interface(place)
}
