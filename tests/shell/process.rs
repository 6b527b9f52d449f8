//! A process that ends, with everything it started, when it is dropped: by id, never by name.

use std::process::{Child, Command};

use anyhow::Context as _;

/// A running process.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child =
            command.spawn().with_context(|| format!("{name} does not start; is it installed?"))?;
        Ok(Self(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut all = descendants(self.0.id());
        all.push(self.0.id());
        for id in all {
            // One that has ended by itself meanwhile is no trouble.
            let _sent =
                Command::new("sh").args(["-c", &format!("kill -KILL {id}")]).output().is_ok();
        }
        let _ended = self.0.wait().is_ok();
    }
}

/// The ids of all that `id` started, the deepest last.
fn descendants(id: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    let mut all = Vec::new();
    for child in listed.unwrap_or_default().split_whitespace().filter_map(|one| one.parse().ok()) {
        all.push(child);
        all.extend(descendants(child));
    }
    all
}
