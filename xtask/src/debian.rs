//! Debian packages that builds and tests need.
//! It must never touch a package that is there already, so that it needs no network and no rights then.

use crate::step::{Step, note};
use anyhow::Result;
use std::process::{Command, Stdio};

/// Packages for one purpose.
pub struct Group {
    purpose: &'static str,
    packages: &'static [&'static str],
}

/// What everything without a window needs.
pub const HEADLESS: &Group = &Group {
    purpose: "tests without a window",
    packages: &[
        "bubblewrap",
        "dbus-daemon",
        "gnome-keyring",
        "pkg-config",
        "procps",
        "python3-venv",
    ],
};

/// What the window needs, to build it and to drive it.
pub const DESKTOP: &Group = &Group {
    purpose: "the window",
    packages: &[
        "libwebkit2gtk-4.1-dev",
        "libayatana-appindicator3-1",
        "xvfb",
        "xauth",
        "webkit2gtk-driver",
        "openbox",
        "xdotool",
        "imagemagick",
        "fonts-dejavu-core",
        "fonts-inter",
    ],
};

/// What packages are made with; the bundler itself comes from npm. It wants to see the headers of the tray's library.
pub const PACKAGES: &Group = &Group {
    purpose: "packages",
    packages: &["binutils", "dpkg-dev", "libayatana-appindicator3-dev"],
};

/// What the test of the packages needs: a system with nothing on it.
pub const CLEAN_ROOT: &Group = &Group {
    purpose: "packages in a clean root",
    packages: &["debootstrap", "appstream", "desktop-file-utils"],
};

/// Installs what is missing of a group; elsewhere than on Debian and its relatives it only says what is needed.
pub fn install(group: &Group) -> Result<()> {
    if !answers("dpkg-query", &["--version"]) || !answers("apt-get", &["--version"]) {
        note(format!(
            "this is no Debian: see to it that what these packages hold is there, for {}: {}",
            group.purpose,
            group.packages.join(" ")
        ));
        return Ok(());
    }
    let missing: Vec<&str> =
        group.packages.iter().copied().filter(|name| !installed(name)).collect();
    if missing.is_empty() {
        note(format!("packages for {}: all there", group.purpose));
        return Ok(());
    }
    let list = missing.join(" ");
    let advice = format!("Install them by hand: apt-get install --no-install-recommends {list}");
    apt("apt-get update", &["update"]).or(advice.clone()).run()?;
    let mut args =
        vec!["-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends"];
    args.extend(missing);
    apt(&format!("install packages for {}: {list}", group.purpose), &args).or(advice).run()
}

fn apt(what: &str, args: &[&str]) -> Step {
    let root =
        Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"));
    let step = if root {
        Step::new(what, "apt-get")
    } else {
        Step::new(what, "sudo").args(&["DEBIAN_FRONTEND=noninteractive", "apt-get"])
    };
    let mut step = step.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    // apt reports on standard output, which belongs to what is started later.
    step.command.stdin(Stdio::inherit()).stdout(std::io::stderr());
    step
}

fn installed(name: &str) -> bool {
    Command::new("dpkg-query")
        .args(["-W", "-f", "${Status}", name])
        .output()
        .is_ok_and(|output| output.stdout.ends_with(b"ok installed"))
}

/// Whether a program is there and ends well.
pub fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
