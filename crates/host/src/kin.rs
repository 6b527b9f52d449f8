//! Which processes belong to an Agent: the ones that came in over the local socket, everything they started, and
//! everything that runs a program that was paired. Processes of local Servers are kept in the same table: neither may
//! widen what an Agent may do.
//! It must never forget one that still runs.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use prokura_domain::Program;

use crate::process::{Processes, Seen, chain};
use crate::program::Ours;

/// What is known of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tie {
    /// Who it is: an Agent, or a local Server, by its name.
    pub who: String,
    /// The process that came in as it, or was started as it.
    pub pid: u32,
}

#[derive(Debug, Default)]
struct State {
    /// Every process that was seen to belong to an Agent, for as long as it runs.
    known: HashMap<(u32, u64), Tie>,
    /// Process groups and sessions that one of them leads or led. Children stay in them when their parent goes.
    groups: HashMap<u32, Tie>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Kin(Mutex<State>);

impl Kin {
    /// A process of an Agent came in, or asks to.
    pub fn came(&self, process: &Seen, agent: &str) {
        self.belongs(process, format!("the agent \"{agent}\""));
    }

    /// A process of a local Server was started.
    pub fn serves(&self, process: &Seen, server: &str) {
        self.belongs(process, format!("the local server \"{server}\""));
    }

    fn belongs(&self, process: &Seen, who: String) {
        let tie = Tie { who, pid: process.pid };
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.known.insert(process.key(), tie);
    }

    /// Looks around: remembers what known processes started since, forgets what ended. Says whether any is left.
    pub fn look(&self, processes: &dyn Processes) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.known.is_empty() && state.groups.is_empty() {
            return false;
        }
        let all = processes.all();
        let alive: HashMap<u32, &Seen> = all.iter().map(|seen| (seen.pid, seen)).collect();
        state.known.retain(|(pid, started), _| {
            alive.get(pid).is_some_and(|seen| seen.started == *started)
        });
        let used: HashSet<u32> =
            all.iter().flat_map(|seen| [seen.group, seen.session]).flatten().collect();
        state.groups.retain(|group, _| used.contains(group));
        // Children of children: until nothing new is found.
        loop {
            let mut found = Vec::new();
            for seen in all.iter().filter(|seen| !state.known.contains_key(&seen.key())) {
                let parent =
                    alive.get(&seen.parent).filter(|parent| parent.started <= seen.started);
                let by_parent = parent.and_then(|parent| state.known.get(&parent.key()));
                if let Some(tie) = by_parent.or_else(|| state.by_group(seen)) {
                    found.push((seen.key(), tie.clone()));
                }
            }
            let leaders: Vec<(u32, Tie)> =
                state.known.iter().map(|((pid, _), tie)| (*pid, tie.clone())).collect();
            for (pid, tie) in leaders {
                if used.contains(&pid) {
                    state.groups.entry(pid).or_insert(tie);
                }
            }
            if found.is_empty() {
                return !state.known.is_empty();
            }
            state.known.extend(found);
        }
    }

    /// The Agent that a chain of processes belongs to, as far as was seen.
    fn tie(&self, chain: &[Seen]) -> Option<Tie> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chain
            .iter()
            .find_map(|seen| state.known.get(&seen.key()).or_else(|| state.by_group(seen)))
            .cloned()
    }

    fn any(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).known.is_empty()
    }

    /// The Agent that a process on a socket belongs to. `paired` are the programs of all Agents with their names.
    pub fn of(
        &self,
        processes: &dyn Processes,
        ours: &Ours,
        pid: Option<u32>,
        paired: &[(String, Program)],
    ) -> Kinship {
        self.look(processes);
        let chain = pid.map(|pid| chain(processes, pid)).unwrap_or_default();
        if chain.is_empty() {
            // Whoever hides where it comes from is not given the benefit of the doubt while there is one.
            let doubt = self.any() || !paired.is_empty();
            return if doubt { Kinship::Untold } else { Kinship::None };
        }
        if let Some(tie) = self.tie(&chain) {
            return Kinship::Of(tie);
        }
        for seen in chain.iter().filter(|seen| !ours.include(processes, seen.pid)) {
            if let Some(agent) = runs(processes, seen.pid, paired) {
                let who = format!("the agent \"{agent}\"");
                return Kinship::Of(Tie { who, pid: seen.pid });
            }
        }
        Kinship::None
    }
}

impl State {
    fn by_group(&self, seen: &Seen) -> Option<&Tie> {
        let group = seen.group.and_then(|group| self.groups.get(&group));
        group.or_else(|| seen.session.and_then(|session| self.groups.get(&session)))
    }
}

/// Whom a process belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kinship {
    /// Nobody that was seen.
    None,
    /// An Agent.
    Of(Tie),
    /// It cannot be told, because it is gone or hidden.
    Untold,
}

/// The Agent whose program a process runs, by where its files lie: what they hold now does not matter, for a program
/// that was updated is the Agent all the same. Code on a command line and options are part of the script's name.
fn runs(processes: &dyn Processes, pid: u32, paired: &[(String, Program)]) -> Option<String> {
    let path = processes.executable(pid)?;
    let path = path.to_str()?;
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    let mut command = None;
    let found = paired.iter().find(|(_, program)| {
        if program.executable.path != path {
            return false;
        }
        let Some(script) = &program.script else { return true };
        let command = command.get_or_insert_with(|| processes.command(pid));
        let folder = processes.folder(pid).unwrap_or_default();
        let file = script.path.split(" (with ").next().unwrap_or(&script.path);
        command.iter().skip(1).any(|word| {
            folder.join(word).canonicalize().is_ok_and(|path| path.to_str() == Some(file))
        })
    })?;
    Some(found.0.clone())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io;
    use std::path::PathBuf;

    use super::*;

    /// Processes that a test makes up: number, start, parent, group, session.
    #[derive(Default)]
    struct Played(Mutex<Vec<[u32; 5]>>);

    impl Played {
        fn with(rows: &[[u32; 5]]) -> Self {
            Self(Mutex::new(rows.to_vec()))
        }

        fn play(&self, rows: &[[u32; 5]]) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = rows.to_vec();
        }
    }

    fn seen([pid, started, parent, group, session]: [u32; 5]) -> Seen {
        let (group, session) = (Some(group), Some(session));
        Seen { pid, started: started.into(), parent, group, session, name: String::new() }
    }

    impl Processes for Played {
        fn seen(&self, pid: u32) -> Option<Seen> {
            self.all().into_iter().find(|seen| seen.pid == pid)
        }

        fn all(&self) -> Vec<Seen> {
            let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            rows.iter().copied().map(seen).collect()
        }

        fn executable(&self, _: u32) -> Option<PathBuf> {
            None
        }

        fn open_executable(&self, _: u32) -> io::Result<File> {
            Err(io::ErrorKind::NotFound.into())
        }

        fn command(&self, _: u32) -> Vec<String> {
            Vec::new()
        }

        fn folder(&self, _: u32) -> Option<PathBuf> {
            None
        }
    }

    const INIT: [u32; 5] = [1, 0, 0, 1, 1];
    const SHELL: [u32; 5] = [10, 5, 1, 10, 10];
    /// Started from the shell as a job of its own, as shells do.
    const AGENT: [u32; 5] = [20, 9, 10, 20, 10];

    fn ask(kin: &Kin, processes: &Played, pid: u32) -> bool {
        kin.of(processes, &Ours::find(), Some(pid), &[]) != Kinship::None
    }

    fn came() -> (Kin, Played) {
        let kin = Kin::default();
        kin.came(&seen(AGENT), "coder");
        (kin, Played::with(&[INIT, SHELL, AGENT]))
    }

    #[test]
    fn a_child_belongs_to_its_agent_and_the_shell_beside_it_does_not() {
        let (kin, processes) = came();
        processes.play(&[
            INIT,
            SHELL,
            AGENT,
            [30, 12, 20, 30, 10],
            [31, 13, 30, 30, 10],
            [40, 14, 10, 40, 10],
        ]);
        assert!(ask(&kin, &processes, 20) && ask(&kin, &processes, 31));
        assert!(!ask(&kin, &processes, 10) && !ask(&kin, &processes, 40));
    }

    #[test]
    fn a_child_that_was_seen_belongs_to_it_also_when_its_parents_are_gone() {
        let (kin, processes) = came();
        processes.play(&[INIT, SHELL, AGENT, [30, 12, 20, 30, 30], [31, 13, 30, 30, 30]]);
        kin.look(&processes);
        // The middle one ended, and init took its child; the agent ended too.
        processes.play(&[INIT, SHELL, [31, 13, 1, 30, 30], [32, 20, 31, 32, 30]]);
        assert!(ask(&kin, &processes, 31) && ask(&kin, &processes, 32));
    }

    #[test]
    fn a_child_never_seen_is_found_by_the_group_of_its_agent() {
        let (kin, processes) = came();
        kin.look(&processes);
        // Forked twice between two looks; it did not leave the group of the job.
        processes.play(&[INIT, SHELL, AGENT, [50, 15, 1, 20, 10]]);
        assert!(ask(&kin, &processes, 50));
        processes.play(&[INIT, SHELL, [50, 15, 1, 20, 10]]);
        assert!(ask(&kin, &processes, 50));
    }

    #[test]
    fn a_number_that_is_used_again_is_another_process() {
        let (kin, processes) = came();
        kin.look(&processes);
        processes.play(&[INIT, SHELL]);
        assert!(!kin.look(&processes), "nothing is left");
        processes.play(&[INIT, SHELL, [20, 99, 10, 20, 10]]);
        assert!(!ask(&kin, &processes, 20));
    }

    #[test]
    fn who_cannot_be_seen_is_only_trusted_while_there_is_no_agent() {
        let (kin, processes) = came();
        assert!(ask(&kin, &processes, 999));
        let nobody = Kin::default();
        assert!(!ask(&nobody, &processes, 999));
    }
}
