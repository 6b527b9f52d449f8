//! The two fakes behind step-up: passphrases that cost no time, and a system that says whether the person is there.

use std::sync::Mutex;

use async_trait::async_trait;
use prokura_domain::Passphrase;
use prokura_domain::port::{Passphrases, Presence, PresenceFault, SealFault};
use tokio::sync::Notify;

/// Passphrases that cost no time to check.
#[derive(Default)]
pub struct PlainPassphrases(pub Mutex<usize>);

impl Passphrases for PlainPassphrases {
    fn keep(&self, passphrase: &Passphrase, generation: u64) -> Result<Vec<u8>, SealFault> {
        Ok(format!("{generation} {}", passphrase.expose()).into_bytes())
    }

    fn fits(
        &self,
        passphrase: &Passphrase,
        kept: &[u8],
        generation: u64,
    ) -> Result<bool, SealFault> {
        *self.0.lock().unwrap() += 1;
        Ok(kept == format!("{generation} {}", passphrase.expose()).as_bytes())
    }
}

/// The system: says of each time it is asked whether the person is there.
#[derive(Default)]
pub struct Doorman {
    pub unable: Mutex<Option<String>>,
    pub confirms: Mutex<bool>,
    pub holds: Mutex<bool>,
    pub asked: Mutex<usize>,
    pub came: Notify,
    pub release: Notify,
}

#[async_trait]
impl Presence for Doorman {
    async fn able(&self) -> Result<(), PresenceFault> {
        let unable = self.unable.lock().unwrap().clone();
        unable.map_or(Ok(()), |why| Err(PresenceFault::Unable(why)))
    }

    async fn prove(&self) -> Result<(), PresenceFault> {
        self.able().await?;
        *self.asked.lock().unwrap() += 1;
        self.came.notify_one();
        let holds = *self.holds.lock().unwrap();
        if holds {
            self.release.notified().await;
        }
        let confirms = *self.confirms.lock().unwrap();
        confirms.then_some(()).ok_or(PresenceFault::NotConfirmed)
    }
}
