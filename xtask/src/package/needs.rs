//! What a package needs of a system, read from the programs themselves: for Debian by dpkg-shlibdeps, for RPM by the names and
//! versions of the shared libraries. The bundler adds the tray's library, which is loaded at run time. It must never be a list that
//! somebody keeps by hand.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Bench, PROGRAMS};
use crate::debian;
use crate::step::note;

/// Which packages can be made here.
pub fn kinds() -> Vec<&'static str> {
    if debian::answers("dpkg-shlibdeps", &["--version"]) {
        return vec!["deb", "rpm"];
    }
    note("dpkg-shlibdeps is not here: only the .rpm is made");
    vec!["rpm"]
}

/// The packages of Debian that hold the libraries, with versions.
pub fn deb(bench: &Bench) -> Result<Vec<String>> {
    if kinds().len() < 2 {
        return Ok(Vec::new());
    }
    let folder = bench.root.join("shlibdeps");
    fs::create_dir_all(folder.join("debian"))?;
    fs::write(
        folder.join("debian/control"),
        "Source: prokura\n\nPackage: prokura\nArchitecture: any\n",
    )?;
    let said = Command::new("dpkg-shlibdeps")
        .arg("-O")
        .args(PROGRAMS.map(|name| bench.program(name)))
        .current_dir(&folder)
        .output()?;
    ensure!(said.status.success(), "dpkg-shlibdeps: {}", String::from_utf8_lossy(&said.stderr));
    let text = String::from_utf8(said.stdout)?;
    let list =
        text.trim().strip_prefix("shlibs:Depends=").context("dpkg-shlibdeps says nothing")?;
    Ok(list.split(", ").map(str::to_owned).collect())
}

/// The names of the shared libraries, as RPM packages of every distribution provide them.
pub fn rpm(bench: &Bench) -> Result<Vec<String>> {
    let bits = if cfg!(target_pointer_width = "64") { "()(64bit)" } else { "" };
    let mut all = BTreeSet::new();
    let mut newest = Vec::new();
    for name in PROGRAMS {
        let said = Command::new("objdump").arg("-p").arg(bench.program(name)).output();
        let said = said.context("objdump is missing (Debian: binutils)")?;
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        all.extend(
            libraries(&text)
                .filter(|one| !one.starts_with("ld-"))
                .map(|one| format!("{one}{bits}")),
        );
        newest = newest.max(glibc(&text));
    }
    ensure!(!all.is_empty(), "the programs name no library");
    if !newest.is_empty() {
        let version: Vec<String> = newest.iter().map(u32::to_string).collect();
        all.insert(format!(
            "libc.so.6(GLIBC_{}){}",
            version.join("."),
            bits.trim_start_matches("()")
        ));
    }
    Ok(all.into_iter().collect())
}

fn libraries(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.trim().strip_prefix("NEEDED")).map(str::trim)
}

/// The newest version of the C library that is asked for.
fn glibc(text: &str) -> Vec<u32> {
    let version = |line: &str| -> Option<Vec<u32>> {
        let (_, version) = line.rsplit_once("GLIBC_")?;
        version.trim().split('.').map(|part| part.parse().ok()).collect()
    };
    text.lines().filter_map(version).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Dynamic Section:\n  NEEDED               libgtk-3.so.0\n  NEEDED               libc.so.6\n\
        \nVersion References:\n  required from libc.so.6:\n    0x06969189 0x00 09 GLIBC_2.9\n    0x069691b4 0x00 05 GLIBC_2.34\n";

    #[test]
    fn libraries_and_the_newest_version_are_read_from_a_program() {
        assert_eq!(libraries(SAID).collect::<Vec<_>>(), ["libgtk-3.so.0", "libc.so.6"]);
        assert_eq!(glibc(SAID), [2, 34]);
    }
}
