//! Who may widen: a command over the control socket that gives an Agent more is refused to every process of an Agent.
//! Denying, revoking, pausing and looking stay open to all. What it sees, it sees from the system; where it cannot
//! see, it refuses.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use prokura_api::request::Reach;
use prokura_api::{Api, Failure, FailureCode, Request};
use prokura_domain::Program;

use crate::kin::{Kin, Kinship};
use crate::process::{self, Processes};
use crate::program::{Digests, Ours};

/// How often the processes of Agents are looked at while there are any.
const LOOK: Duration = Duration::from_secs(1);

/// See the module.
pub(crate) struct Guard {
    processes: Box<dyn Processes>,
    ours: Ours,
    digests: Digests,
    kin: Kin,
    watching: AtomicBool,
    own: Weak<Guard>,
}

impl Guard {
    pub fn new() -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            processes: process::of_this_machine(),
            ours: Ours::find(),
            digests: Digests::default(),
            kin: Kin::default(),
            watching: AtomicBool::new(false),
            own: Weak::clone(own),
        })
    }

    pub fn processes(&self) -> &dyn Processes {
        &*self.processes
    }

    pub fn ours(&self) -> &Ours {
        &self.ours
    }

    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    pub fn kin(&self) -> &Kin {
        &self.kin
    }

    /// Looks at the processes of Agents from time to time, until the last one has ended.
    pub fn watch(&self) {
        if self.watching.swap(true, Ordering::SeqCst) {
            return;
        }
        let own = Weak::clone(&self.own);
        std::thread::spawn(move || {
            while let Some(guard) = own.upgrade() {
                if !guard.kin.look(&*guard.processes) {
                    guard.watching.store(false, Ordering::SeqCst);
                    return;
                }
                drop(guard);
                std::thread::sleep(LOOK);
            }
        });
    }

    /// A process of a local Server was started by the Host itself.
    pub fn came_from_here(&self, pid: u32, server: &str) {
        if let Some(seen) = self.processes.seen(pid) {
            self.kin.serves(&seen, server);
            self.watch();
        }
    }

    /// Whom a process on the control socket belongs to, now.
    pub async fn kinship(&self, pid: Option<u32>, api: &Api) -> Kinship {
        let Ok(paired) = api.paired_programs() else { return Kinship::Untold };
        let Some(guard) = self.own.upgrade() else { return Kinship::Untold };
        tokio::task::spawn_blocking(move || guard.relation(pid, &paired))
            .await
            .unwrap_or(Kinship::Untold)
    }

    fn relation(&self, pid: Option<u32>, paired: &[(String, Program)]) -> Kinship {
        self.kin.of(&*self.processes, &self.ours, pid, paired)
    }

    /// Whether this wish may come from a process with these relations, at the beginning of its conversation and now.
    pub async fn check(
        &self,
        api: &Api,
        request: &Request,
        pid: Option<u32>,
        at_first: &Kinship,
    ) -> Result<(), Failure> {
        let widens = match request.reach() {
            Reach::Looks | Reach::Narrows => false,
            Reach::Widens => true,
            Reach::OfGrants(grants) => grants.iter().any(|grant| api.revoking_widens(grant)),
        };
        if !widens {
            return Ok(());
        }
        let relation = match at_first {
            Kinship::None => self.kinship(pid, api).await,
            known @ (Kinship::Of(_) | Kinship::Untold) => known.clone(),
        };
        let why = match relation {
            Kinship::None => return Ok(()),
            Kinship::Of(tie) => format!(
                "This command comes from a process of {} (process {}), which may not widen what agents may do.",
                tie.who, tie.pid
            ),
            Kinship::Untold => "Prokura cannot see which process this command comes from, so it does not let it widen anything.".to_owned(),
        };
        api.refused(request, &why).await;
        Err(Failure::new(
            FailureCode::Refused,
            why,
            "Do it in Prokura's window, or in a terminal that no agent started. Denying, revoking and pausing work from anywhere.",
        ))
    }
}
