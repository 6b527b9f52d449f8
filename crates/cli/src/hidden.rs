//! Reads a passphrase: from a terminal without showing it, else from the next line of standard input. It must never print it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use prokura_api::Failure;

use crate::ask::{bad, internal};

/// While it lives, what is typed is not shown.
pub struct Dark(#[cfg(unix)] Option<rustix::termios::Termios>);

impl Dark {
    /// Puts the light out, where there is a terminal.
    pub fn new() -> Self {
        #[cfg(unix)]
        {
            use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
            let before = tcgetattr(std::io::stdin()).ok();
            if let Some(before) = &before {
                let mut dark = before.clone();
                dark.local_modes.remove(LocalModes::ECHO);
                dark.local_modes.insert(LocalModes::ECHONL);
                let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &dark);
            }
            Self(before)
        }
        #[cfg(not(unix))]
        Self()
    }
}

impl Drop for Dark {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(before) = &self.0 {
            use rustix::termios::{OptionalActions, tcsetattr};
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, before);
        }
    }
}

/// Asks for one passphrase.
pub fn passphrase(question: &str) -> Result<String, Failure> {
    let terminal = std::io::stdin().is_terminal();
    let _dark = terminal.then(Dark::new);
    if terminal {
        eprint!("{question}: ");
        let _ = std::io::stderr().flush();
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(internal)?;
    let line = line.trim_end_matches(['\r', '\n']).to_owned();
    if line.is_empty() {
        return Err(bad(
            format!("{question}: nothing was given."),
            "Type it, or give it on standard input.",
        ));
    }
    Ok(line)
}

/// Asks for a new one; in a terminal twice, so that a slip does not lock it away.
pub fn new_passphrase() -> Result<String, Failure> {
    let new = passphrase("New approval passphrase")?;
    if std::io::stdin().is_terminal() && passphrase("Once more")? != new {
        return Err(bad("The two are not the same.".to_owned(), "Nothing was changed; try again."));
    }
    Ok(new)
}
