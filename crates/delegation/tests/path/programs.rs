//! Programs of a machine that is played.

use async_trait::async_trait;
use prokura_delegation::Programs;
use prokura_domain::{Launch, Plan, Running, ServerId};

/// A machine on which every program is found, and nothing ever runs.
pub struct EveryProgram;

#[async_trait]
impl Programs for EveryProgram {
    fn plan(&self, launch: &Launch) -> Result<Plan, String> {
        let program = format!("/bin/{}", launch.command);
        let file = program.clone();
        let confiner = launch.confinement.is_some().then(|| "/bin/bwrap".to_owned());
        Ok(Plan { launch: launch.clone(), program, file, confiner })
    }

    fn running(&self, _: &ServerId) -> Running {
        Running::Stopped
    }

    async fn stop(&self, _: &ServerId, _: &str) {}

    fn said(&self, _: &ServerId) -> String {
        String::new()
    }

    fn forget(&self, _: &ServerId) {}
}
