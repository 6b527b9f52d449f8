//! The words for bubblewrap: a program sees the system's folders, what the person named, and nothing else of the disk;
//! no other process; and the network only where it may.

use std::path::Path;

use prokura_domain::{Confinement, Plan};

use super::find::home;

/// Folders of the system that every program needs, and none of them holds what is the person's.
const SYSTEM: [&str; 9] =
    ["/usr", "/etc", "/opt", "/nix", "/bin", "/sbin", "/lib", "/lib32", "/lib64"];
/// Where names are looked up, where that is not in `/etc` alone.
const NAMES: [&str; 2] = ["/run/systemd/resolve", "/run/resolvconf"];

/// What stands before the program on the command line of the confiner.
pub(super) fn words(plan: &Plan, limits: &Confinement) -> Vec<String> {
    let mut words: Vec<String> =
        ["--die-with-parent", "--new-session", "--unshare-all"].map(str::to_owned).to_vec();
    let mut add = |more: &[&str]| words.extend(more.iter().map(ToString::to_string));
    if limits.network {
        add(&["--share-net"]);
    }
    for folder in SYSTEM {
        match std::fs::read_link(folder).ok().as_deref().and_then(Path::to_str) {
            Some(target) => add(&["--symlink", target, folder]),
            None => add(&["--ro-bind-try", folder, folder]),
        }
    }
    add(&["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run"]);
    if limits.network {
        NAMES.iter().for_each(|folder| add(&["--ro-bind-try", folder, folder]));
    }
    let home = home();
    if home != "/" {
        add(&["--tmpfs", &home]);
    }
    // The program itself, wherever it lies; then what the person named, of which the last word is that it can be changed.
    for own in [&plan.program, &plan.file] {
        add(&["--ro-bind", own, own]);
    }
    let folder = plan.launch.folder.as_ref().unwrap_or(&home);
    if plan.launch.folder.is_some() {
        add(&["--ro-bind", folder, folder]);
    }
    limits.read.iter().for_each(|path| add(&["--ro-bind", path, path]));
    limits.write.iter().for_each(|path| add(&["--bind", path, path]));
    add(&["--chdir", folder, "--"]);
    words
}
