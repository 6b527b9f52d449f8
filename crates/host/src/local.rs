//! Local Servers: which way a message goes out, what becomes of their processes, and that none of these processes may
//! widen what Agents may do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use prokura_account::AccountBook;
use prokura_delegation::{Delegation, Programs, Reply, Upstream, UpstreamFault};
use prokura_domain::{AccountId, Entropy, Incident, ServerId};
use prokura_policy::Permit;
use prokura_store::{Store, masked};
use prokura_upstream::HttpUpstream;
use prokura_upstream::local::{Launched, Launches, LocalParts, LocalUpstream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::guard::Guard;
use crate::surroundings::{StoreDirectory, own_program};

/// The folder for what local Servers write to standard error.
const JOURNALS: &str = "servers";

/// The two ways out. Which one is taken is decided by what the Server is, never by a message.
pub(crate) struct Ways {
    pub http: HttpUpstream,
    pub local: LocalUpstream,
}

#[async_trait]
impl Upstream for Ways {
    async fn send(&self, permit: Permit) -> Result<Reply, UpstreamFault> {
        match self.local.serves(permit.server(), permit.account()) {
            true => self.local.send(permit).await,
            false => self.http.send(permit).await,
        }
    }
}

/// What happens to processes, in order.
pub(crate) type Incidents = mpsc::UnboundedReceiver<(ServerId, Incident)>;

/// The way out to programs of this machine, and what is heard of them.
pub(crate) fn way(
    folder: &Path,
    (store, accounts): (&Store, &AccountBook),
    entropy: &Arc<dyn Entropy>,
    guard: &Arc<Guard>,
) -> (LocalUpstream, Incidents) {
    let (sender, incidents) = mpsc::unbounded_channel();
    let (guard, names) = (Arc::clone(guard), store.clone());
    let told = move |server: &ServerId, incident: Incident| {
        if let Incident::Started { pid, .. } = &incident {
            // At once, before the program has done anything.
            let name = names.server(server).ok().flatten().map(|server| server.name);
            guard.came_from_here(*pid, &name.unwrap_or_default());
        }
        // Nobody listening: the Host is gone, and these processes go with it.
        let _ = sender.send((server.clone(), incident));
    };
    let local = LocalUpstream::new(LocalParts {
        launches: Arc::new(StoreDirectory(store.clone())),
        accounts: accounts.clone(),
        entropy: Arc::clone(entropy),
        keeper: keeper(),
        journals: folder.join(JOURNALS),
        mask: masked,
        told: Arc::new(told),
    });
    (local, incidents)
}

/// Where the system can do it, a process of ours stands between: it ends the others when the Host is gone.
fn keeper() -> Vec<PathBuf> {
    match cfg!(unix) {
        true => vec![own_program(), "keep".into()],
        false => Vec::new(),
    }
}

/// Records what happens, and stops everything in the end.
pub(crate) async fn attend(
    delegation: Delegation,
    local: LocalUpstream,
    mut incidents: Incidents,
    stop: CancellationToken,
) {
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => break,
            next = incidents.recv() => next,
        };
        let Some((server, incident)) = next else { return };
        delegation.note_incident(&server, &incident).await;
    }
    local.close().await;
    while let Ok((server, incident)) = incidents.try_recv() {
        delegation.note_incident(&server, &incident).await;
    }
}

/// The programs as the path knows them.
pub(crate) fn programs(local: &LocalUpstream) -> Arc<dyn Programs> {
    Arc::new(local.clone())
}

impl Launches for StoreDirectory {
    fn launched(&self, server: &ServerId, account: &AccountId) -> Option<Launched> {
        let account = self.0.account(account).ok().flatten()?;
        let server = self.0.server(server).ok().flatten()?;
        let approved = self.0.approved_plan(&server.id).ok()?;
        let launch = server.launch?;
        (account.server == server.id).then_some(Launched { name: server.name, launch, approved })
    }
}
