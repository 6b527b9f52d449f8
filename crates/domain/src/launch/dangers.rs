//! What stands out in a command (U-18). It points out; it never decides: what it does not know is not harmless.

use super::Launch;

/// Programs that become another user.
const RAISING: [&str; 6] = ["sudo", "su", "doas", "pkexec", "runuser", "setpriv"];
/// Programs that delete or overwrite.
const DELETING: [&str; 7] = ["rm", "rmdir", "shred", "dd", "mkfs", "wipefs", "truncate"];
/// Programs that run what is written in an argument.
const SHELLS: [&str; 11] =
    ["sh", "bash", "zsh", "dash", "fish", "ksh", "cmd", "powershell", "pwsh", "env", "xargs"];
/// Interpreters, and the option that takes code.
const CODE: [(&str, &[&str]); 5] = [
    ("python", &["-c"]),
    ("node", &["-e", "--eval", "-p", "--print"]),
    ("perl", &["-e", "-E"]),
    ("ruby", &["-e"]),
    ("deno", &["eval"]),
];
/// Programs that fetch something and run it.
const FETCHING: [&str; 8] = ["npx", "uvx", "pipx", "bunx", "pnpm", "yarn", "dlx", "uv"];
/// Programs that fetch.
const NETWORK: [&str; 7] = ["curl", "wget", "nc", "ncat", "socat", "ssh", "scp"];
/// Folders below a home that hold keys.
const KEYS: [&str; 9] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".kube",
    ".docker",
    ".netrc",
    ".config/gcloud",
    ".local/share/keyrings",
    ".mozilla",
];
/// Variables that make a program load code of others.
const LOADING: [&str; 8] = [
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "DYLD_INSERT_LIBRARIES",
    "NODE_OPTIONS",
    "PYTHONSTARTUP",
    "PYTHONPATH",
    "BASH_ENV",
];

/// The last part of a path, without the version that some systems put behind a program's name.
fn name(word: &str) -> &str {
    let last = word.rsplit('/').next().unwrap_or(word);
    last.strip_suffix(".exe").unwrap_or(last)
}

pub(super) fn of(launch: &Launch, home: Option<&str>) -> Vec<String> {
    let words: Vec<&str> = std::iter::once(&launch.command)
        .chain(&launch.arguments)
        .map(String::as_str)
        // What a shell is given is looked at word by word too.
        .flat_map(|word| word.split([' ', '\t', '\n', ';', '|', '&', '(', ')']))
        .filter(|word| !word.is_empty())
        .collect();
    let called = |names: &[&str]| words.iter().map(|word| name(word)).find(|w| names.contains(w));
    let mut found = Vec::new();
    if let Some(word) = called(&RAISING) {
        found.push(format!("\"{word}\" can give it the rights of another user, also of root."));
    }
    if let Some(word) = called(&DELETING) {
        found.push(format!("\"{word}\" deletes or overwrites files."));
    }
    found.extend(code(launch));
    if let Some(word) = called(&NETWORK) {
        let piped = launch.arguments.iter().any(|word| word.contains('|'));
        found.push(match piped {
            true => format!("It fetches something with \"{word}\" and hands it on to a program."),
            false => format!("\"{word}\" speaks to other machines."),
        });
    }
    if let Some(word) = called(&FETCHING) {
        found.push(format!(
            "\"{word}\" can fetch a package from the internet and run it: what runs can be another program each time."
        ));
    }
    found.extend(places(launch, home));
    found.extend(
        launch
            .environment
            .keys()
            .chain(&launch.secrets)
            .filter(|name| LOADING.contains(&name.as_str()))
            .map(|name| format!("The variable {name} can make it run code of others.")),
    );
    found
}

/// Shells and interpreters that are handed code.
fn code(launch: &Launch) -> Option<String> {
    let own = name(&launch.command);
    if SHELLS.contains(&own) {
        return Some(format!("\"{own}\" runs whatever its arguments say; read them to the end."));
    }
    let (_, options) = CODE.iter().find(|(program, _)| own.starts_with(program))?;
    let given = launch.arguments.iter().any(|word| options.contains(&word.as_str()));
    given
        .then(|| format!("\"{own}\" runs code that stands in its arguments; read them to the end."))
}

/// Folders that a server seldom needs.
fn places(launch: &Launch, home: Option<&str>) -> Vec<String> {
    let confined = launch.confinement.iter();
    let all = confined
        .flat_map(|limits| limits.read.iter().chain(&limits.write))
        .chain(&launch.arguments)
        .chain(&launch.folder)
        .chain(launch.environment.values());
    let mut found = Vec::new();
    for word in all {
        let path = word.rsplit_once('=').map_or(word.as_str(), |(_, value)| value);
        let path = path.strip_suffix('/').unwrap_or(path);
        if let Some(part) = KEYS.iter().find(|part| {
            path.split_once(**part).is_some_and(|(before, after)| {
                before.ends_with('/') && (after.is_empty() || after.starts_with('/'))
            })
        }) {
            found.push(format!("\"{word}\" leads to {part}, where keys and passwords lie."));
        } else if path.is_empty() && word.ends_with('/') || home.is_some_and(|home| path == home) {
            let what = if path.is_empty() { "the whole disk" } else { "your whole home folder" };
            found.push(format!("\"{word}\" is {what}."));
        } else if path == "~" {
            found.push(format!("\"{word}\" is your whole home folder."));
        }
    }
    found
}
