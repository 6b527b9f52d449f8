//! Bundles of guardrails that an organisation signed.

use prokura_delegation::HeldBundle;

use super::guardrails::fault;
use super::shown;
use crate::Api;
use crate::failure::Failure;
use crate::fault::sentence;
use crate::view::{BundleView, BundledView};

impl Api {
    /// The bundles that are required.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read, or what was kept of them.
    pub async fn bundles(&self) -> Result<Vec<BundleView>, Failure> {
        let all = self.0.delegation.bundles()?;
        all.into_iter().map(|held| self.bundle_view(held, true)).collect()
    }

    /// What one says, without taking it.
    ///
    /// # Errors
    /// [`Failure`] where it could not be taken.
    pub async fn bundle_look(
        &self,
        text: String,
        key: Option<String>,
    ) -> Result<BundleView, Failure> {
        let (held, same) = self.0.delegation.look_at_bundle(&text, key.as_deref())?;
        self.bundle_view(held, same)
    }

    /// Requires one, or takes a newer form of one that is required.
    ///
    /// # Errors
    /// [`Failure`] where it cannot be taken; then nothing was changed.
    pub async fn bundle_take(
        &self,
        text: String,
        key: Option<String>,
    ) -> Result<BundleView, Failure> {
        let held = self.0.delegation.take_bundle(&text, key.as_deref()).await?;
        self.bundle_view(held, true)
    }

    /// Requires one no longer.
    ///
    /// # Errors
    /// [`Failure`] when there is no such bundle.
    pub async fn bundle_release(&self, name: String) -> Result<Vec<BundleView>, Failure> {
        self.0.delegation.release_bundle(&name).await?;
        self.bundles().await
    }

    fn bundle_view(&self, bundle: HeldBundle, taken: bool) -> Result<BundleView, Failure> {
        let known = self.0.delegation.bundles()?;
        let held = known.iter().find(|known| known.name == bundle.name);
        let (issued_at, why, texts) = match bundle.bundle {
            Ok(bundle) => (Some(shown(bundle.issued_at)), None, bundle.guardrails),
            Err(fault) => (None, Some(sentence(&fault.to_string())), Vec::new()),
        };
        let mut guardrails = Vec::new();
        for (name, text) in texts {
            let faults = self.0.delegation.check_guardrail(&text)?;
            let faults = faults.into_iter().map(fault).collect();
            guardrails.push(BundledView { name, text, faults });
        }
        Ok(BundleView {
            name: bundle.name,
            key: bundle.key,
            sequence: bundle.sequence,
            issued_at,
            taken_at: taken.then(|| shown(bundle.taken_at)),
            held: held.map(|held| held.sequence),
            fault: why,
            guardrails,
        })
    }
}
