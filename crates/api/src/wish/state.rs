//! How things stand: the gateway, the vault, the pause.

use crate::failure::Failure;
use crate::view::StateView;
use crate::{Api, Request};

impl Api {
    /// How things stand.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn state(&self) -> Result<StateView, Failure> {
        let (vault_open, vault) = self.0.surroundings.vault();
        let now = self.0.delegation.moment();
        let open = self.store().questions(true)?;
        let pending = open
            .iter()
            .filter(|question| {
                question.state == prokura_domain::QuestionState::Pending
                    && now < question.expires_at
            })
            .count();
        Ok(StateView {
            http: self.0.surroundings.http(),
            paused: self.0.delegation.paused(),
            pending: u32::try_from(pending).unwrap_or(u32::MAX),
            vault,
            vault_open,
            data: self.0.surroundings.data(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// Pauses all agents.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be remembered or recorded; they are paused all the same.
    pub async fn pause(&self) -> Result<StateView, Failure> {
        self.0.delegation.pause().await?;
        self.state().await
    }

    /// Ends the pause.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be recorded; then they stay paused.
    pub async fn resume(&self) -> Result<StateView, Failure> {
        self.0.delegation.resume().await?;
        self.state().await
    }

    /// Records that a wish was refused to whom it came from.
    pub async fn refused(&self, request: &Request, why: &str) {
        self.0.delegation.note_wish_refused(&request.word(), why).await;
    }
}
