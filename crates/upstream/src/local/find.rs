//! What would be started: the file that a command means on this machine, now. It starts nothing.

use std::path::{Path, PathBuf};

use prokura_domain::{Launch, Plan};

/// The program that confines others.
const CONFINER: &str = "bwrap";
/// What is searched where the Host itself has no `PATH`.
pub(super) const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The folders programs are looked for in.
pub(super) fn path() -> String {
    std::env::var("PATH").ok().filter(|path| !path.is_empty()).unwrap_or(USUAL_PATH.to_owned())
}

/// The person's home.
pub(super) fn home() -> String {
    std::env::var("HOME").ok().filter(|home| !home.is_empty()).unwrap_or("/".to_owned())
}

/// See the module.
pub(super) fn plan(launch: &Launch) -> Result<Plan, String> {
    // What was entered was checked then; an older version may have let more pass.
    launch.check().map_err(|fault| fault.to_string())?;
    let program = found(&launch.command)
        .ok_or_else(|| format!("there is no program \"{}\" on this machine", launch.command))?;
    let file = program
        .canonicalize()
        .map_err(|error| format!("{} cannot be opened: {error}", program.display()))?;
    if let Some(folder) = launch.folder.as_deref().filter(|folder| !Path::new(folder).is_dir()) {
        return Err(format!("there is no folder {folder}"));
    }
    let confiner = match &launch.confinement {
        None => None,
        Some(limits) => {
            let missing = limits.read.iter().chain(&limits.write).find(|path| !exists(path));
            if let Some(missing) = missing {
                return Err(format!("there is no {missing}, which it should be confined to"));
            }
            Some(found(CONFINER).ok_or_else(|| {
                "it is to be confined, but this machine has no bwrap: install the package \"bubblewrap\", or let it run unconfined".to_owned()
            })?)
        }
    };
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| format!("{} is a path that cannot be shown", path.display()))
    };
    Ok(Plan {
        launch: launch.clone(),
        program: text(&program)?,
        file: text(&file)?,
        confiner: confiner.as_deref().map(text).transpose()?,
    })
}

fn exists(path: &str) -> bool {
    Path::new(path).exists()
}

/// The first program of this name, as `execvp` would find it; never in the folder of the Host.
fn found(command: &str) -> Option<PathBuf> {
    if command.starts_with('/') {
        return Some(PathBuf::from(command)).filter(|path| runs(path));
    }
    let path = path();
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(command)).find(|path| runs(path))
}

#[cfg(unix)]
fn runs(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn runs(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use prokura_domain::Confinement;

    fn launch(command: &str) -> Launch {
        Launch { command: command.to_owned(), ..Launch::default() }
    }

    #[test]
    fn a_command_is_found_where_a_shell_would_find_it_and_links_are_followed() {
        let plan = plan(&launch("sh")).unwrap();
        assert!(plan.program.ends_with("/sh") && plan.program.starts_with('/'), "{plan:?}");
        assert_eq!(Path::new(&plan.file), Path::new(&plan.program).canonicalize().unwrap());
        for missing in ["no-such-program-here", "/no/such/file", "/etc/passwd", "/etc"] {
            assert!(super::plan(&launch(missing)).is_err(), "{missing}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_before_anything_is_started() {
        let gone = Some("/no/such/folder".to_owned());
        assert!(plan(&Launch { folder: gone, ..launch("sh") }).is_err());
        let read = vec!["/no/such/folder".to_owned()];
        let confinement = Some(Confinement { read, ..Confinement::default() });
        let fault = plan(&Launch { confinement, ..launch("sh") }).unwrap_err();
        assert!(fault.contains("/no/such/folder"), "{fault}");
    }
}
