//! The icons in all sizes, from the one drawing `icons/prokura.svg`. They are kept in the repository, as the window needs them when
//! it is compiled; a package is only made of icons that still come from the drawing.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::node;
use crate::place::Place;
use crate::step::Step;

const SIZES: [&str; 8] = ["16", "24", "32", "48", "64", "128", "256", "512"];
/// Those for other systems. The one for macOS is packed a little differently each time, so it is not compared.
const OTHERS: [&str; 2] = ["icon.ico", "icon.icns"];

/// `cargo xtask icons`.
pub fn write(place: &Place) -> Result<()> {
    node::install(place, &place.root)?;
    let folder = place.target.join("xtask/icons");
    draw(place, &folder)?;
    for name in names() {
        fs::copy(folder.join(&name), place.root.join("icons").join(&name))?;
    }
    Ok(())
}

/// Fails where an icon does not come from the drawing as it is.
pub fn compare(place: &Place, folder: &Path) -> Result<()> {
    draw(place, folder)?;
    for name in names().filter(|name| !name.ends_with(".icns")) {
        let kept = fs::read(place.root.join("icons").join(&name)).unwrap_or_default();
        ensure!(
            kept == fs::read(folder.join(&name))?,
            "icons/{name} does not come from icons/prokura.svg: run `cargo xtask icons`"
        );
    }
    Ok(())
}

fn names() -> impl Iterator<Item = String> {
    let sizes = SIZES.iter().map(|size| format!("{size}x{size}.png"));
    sizes.chain(OTHERS.iter().map(|name| (*name).to_owned()))
}

fn draw(place: &Place, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let sizes: Vec<&str> = SIZES.iter().flat_map(|size| ["--png", size]).collect();
    for (what, more) in [("for other systems", &[] as &[&str]), ("for Linux", &sizes)] {
        let mut step = Step::new(format!("icons {what}"), "node")
            .args(&[place.root.join("node_modules/@tauri-apps/cli/tauri.js")])
            .args(&["icon", "icons/prokura.svg", "--output"])
            .args(&[folder])
            .args(more)
            .dir(&place.root)
            .or("`npx tauri icon icons/prokura.svg --output shots` says why");
        step.command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        step.run()?;
    }
    Ok(())
}
