//! Bundles: Guardrails that an organisation signed and the person requires. They stand beside the person's own and can be
//! changed by nobody but who holds the key. What is kept is the signed text itself, and it is checked at every start: one that
//! cannot be checked denies everything.

use std::sync::PoisonError;

use prokura_domain::{Digest, Guardrail, GuardrailId, GuardrailOrigin, Timestamp};
use prokura_policy::{Bundle, BundleFault};
use prokura_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::{Delegation, DelegationError};

/// The setting that holds all required bundles.
const SETTING: &str = "bundles";

/// Why a bundle was not taken or released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleTrouble {
    /// It is not what it should be.
    #[error(transparent)]
    Fault(#[from] BundleFault),
    /// No required bundle has a key that fits.
    #[error("it is not signed by the key of any bundle that is required here")]
    Stranger,
    /// One of this name is required with another key.
    #[error("the bundle \"{0}\" is required here with another key")]
    OtherKey(String),
    /// A newer one was taken before.
    #[error(
        "the bundle \"{name}\" was taken with sequence {held} before, and this is sequence {offered}"
    )]
    Older {
        /// Which.
        name: String,
        /// What was taken.
        held: u64,
        /// What is offered.
        offered: u64,
    },
    /// Another text under the same sequence.
    #[error("the bundle \"{0}\" was taken with this sequence before, and with another text")]
    Twice(String),
    /// There is no such bundle.
    #[error("no bundle \"{0}\" is required here")]
    Unknown(String),
}

/// What is kept of a bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    name: String,
    key: String,
    sequence: u64,
    envelope: String,
    taken_at: i64,
}

/// A bundle that is required.
#[derive(Debug, Clone)]
pub struct HeldBundle {
    /// Its name.
    pub name: String,
    /// The key it has to be signed with, in hexadecimal digits.
    pub key: String,
    /// Its sequence when it was taken.
    pub sequence: u64,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// What it says, or why that cannot be told; then everything is denied.
    pub bundle: Result<Bundle, BundleFault>,
}

impl From<Kept> for HeldBundle {
    fn from(kept: Kept) -> Self {
        let bundle = Bundle::open(&kept.envelope, &kept.key).and_then(|bundle| {
            let same = bundle.name == kept.name && bundle.sequence == kept.sequence;
            if same { Ok(bundle) } else { Err(BundleFault::Signature) }
        });
        let taken_at = Timestamp(kept.taken_at);
        Self { name: kept.name, key: kept.key, sequence: kept.sequence, taken_at, bundle }
    }
}

fn kept(store: &Store) -> Result<Result<Vec<Kept>, BundleFault>, StoreError> {
    let text = store.setting(SETTING)?;
    let read = text.as_deref().map(serde_json::from_str::<Vec<Kept>>);
    Ok(match read {
        None => Ok(Vec::new()),
        Some(Ok(all)) => Ok(all),
        Some(Err(fault)) => Err(BundleFault::Form(fault.to_string())),
    })
}

/// The Guardrails of required bundles. What cannot be checked is there as one that cannot be read, and that denies everything.
pub(crate) fn guardrails(store: &Store) -> Result<Vec<Guardrail>, StoreError> {
    let one = |bundle: &str, name: &str, text: &str, at: Timestamp| {
        let id = Digest::of(&[b"prokura-bundled-v1", bundle.as_bytes(), &[0], name.as_bytes()]);
        let id: String = id.to_string().chars().take(24).collect();
        Guardrail {
            id: GuardrailId::from_text(&format!("gdr_{id}")),
            name: format!("{bundle}/{name}"),
            text: text.to_owned(),
            enabled: true,
            origin: GuardrailOrigin::Bundle { bundle: bundle.to_owned() },
            added_at: at,
            changed_at: at,
        }
    };
    let all = match kept(store)? {
        Ok(all) => all,
        Err(_) => return Ok(vec![one("bundles", "that cannot be read", "", Timestamp(0))]),
    };
    let mut made = Vec::new();
    for held in all.into_iter().map(HeldBundle::from) {
        match &held.bundle {
            Ok(bundle) => made.extend(
                bundle
                    .guardrails
                    .iter()
                    .map(|(name, text)| one(&held.name, name, text, held.taken_at)),
            ),
            Err(_) => made.push(one(&held.name, "that cannot be checked", "", held.taken_at)),
        }
    }
    Ok(made)
}

impl Delegation {
    /// The bundles that are required.
    ///
    /// # Errors
    /// [`BundleTrouble`] when what was kept of them cannot be read; store faults.
    pub fn bundles(&self) -> Result<Vec<HeldBundle>, DelegationError> {
        let all = kept(self.store())?.map_err(BundleTrouble::Fault)?;
        Ok(all.into_iter().map(HeldBundle::from).collect())
    }

    /// What a bundle says that could be taken: one that is required already in a newer form, or with `key` a new one. `true`: it
    /// is the one that is held.
    ///
    /// # Errors
    /// [`BundleTrouble`]; store faults.
    pub fn look_at_bundle(
        &self,
        envelope: &str,
        key: Option<&str>,
    ) -> Result<(HeldBundle, bool), DelegationError> {
        Ok(self.checked(envelope, key)?.map(|(kept, same)| (kept.into(), same))?)
    }

    fn checked(
        &self,
        envelope: &str,
        key: Option<&str>,
    ) -> Result<Result<(Kept, bool), BundleTrouble>, DelegationError> {
        let all = kept(self.store())?.map_err(BundleTrouble::Fault)?;
        Ok(check(&all, envelope, key, self.now()))
    }

    /// Requires a bundle, or takes a newer form of one that is: its Guardrails hold from now on.
    ///
    /// # Errors
    /// [`BundleTrouble`]; then what was required before stays so. Store and log faults.
    pub async fn take_bundle(
        &self,
        envelope: &str,
        key: Option<&str>,
    ) -> Result<HeldBundle, DelegationError> {
        let (new, same) = self.checked(envelope, key)??;
        let held: HeldBundle = new.clone().into();
        if same {
            return Ok(held);
        }
        let all = kept(self.store())?.map_err(BundleTrouble::Fault)?;
        let before = all.iter().find(|known| known.name == new.name).map(told);
        let setting = format!("bundle/{}", new.name);
        let was = before.unwrap_or_else(|| "none".to_owned());
        self.note_setting(&setting, &was, &told(&new), None).await?;
        // Another one may have been taken while this was recorded: what is older then is not taken any more.
        let _alone = self.0.pinning.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = kept(self.store())?.map_err(BundleTrouble::Fault)?;
        let (new, _) = check(&all, envelope, key, self.now())?;
        all.retain(|known| known.name != new.name);
        all.push(new);
        self.keep_bundles(&all)?;
        Ok(held)
    }

    /// Requires a bundle no longer; its Guardrails end.
    ///
    /// # Errors
    /// [`BundleTrouble::Unknown`]; store and log faults.
    pub async fn release_bundle(&self, name: &str) -> Result<(), DelegationError> {
        let all = kept(self.store())?.map_err(BundleTrouble::Fault)?;
        let found = all.iter().find(|known| known.name == name);
        let found = found.ok_or_else(|| BundleTrouble::Unknown(name.to_owned()))?;
        self.note_setting(&format!("bundle/{name}"), &told(found), "none", None).await?;
        let _alone = self.0.pinning.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = kept(self.store())?.map_err(BundleTrouble::Fault)?;
        all.retain(|known| known.name != name);
        self.keep_bundles(&all)
    }

    fn keep_bundles(&self, all: &[Kept]) -> Result<(), DelegationError> {
        let text = serde_json::to_string(all).map_err(|fault| BundleFault::Form(fault.to_string()));
        self.store().put_setting(SETTING, &text.map_err(BundleTrouble::Fault)?)?;
        self.guardrails_changed()
    }
}

/// For the log.
fn told(kept: &Kept) -> String {
    format!("sequence {} signed by {}", kept.sequence, kept.key)
}

/// Whether it may be taken, beside those that are required.
fn check(
    all: &[Kept],
    envelope: &str,
    key: Option<&str>,
    now: Timestamp,
) -> Result<(Kept, bool), BundleTrouble> {
    let envelope = envelope.trim();
    let (bundle, key) = match key.map(|key| key.trim().to_ascii_lowercase()) {
        Some(key) => (Bundle::open(envelope, &key)?, key),
        None => {
            let opened = |held: &Kept| match Bundle::open(envelope, &held.key) {
                Ok(bundle) if bundle.name == held.name => Some(Ok((bundle, held.key.clone()))),
                Ok(_) | Err(BundleFault::Signature | BundleFault::Key) => None,
                Err(fault @ (BundleFault::Form(_) | BundleFault::Guardrail { .. })) => {
                    Some(Err(fault))
                }
            };
            all.iter().find_map(opened).ok_or(BundleTrouble::Stranger)??
        }
    };
    let mut same = false;
    if let Some(held) = all.iter().find(|held| held.name == bundle.name) {
        if held.key != key {
            return Err(BundleTrouble::OtherKey(bundle.name));
        }
        let older = bundle.sequence < held.sequence;
        if older {
            let (held, offered) = (held.sequence, bundle.sequence);
            return Err(BundleTrouble::Older { name: bundle.name, held, offered });
        }
        if bundle.sequence == held.sequence {
            // What was broken here is mended by the very same text.
            match Bundle::open(&held.envelope, &held.key) {
                Ok(known) if known == bundle => same = true,
                Ok(_) => return Err(BundleTrouble::Twice(bundle.name)),
                Err(_) => {}
            }
        }
    }
    let (name, sequence) = (bundle.name, bundle.sequence);
    Ok((Kept { name, key, sequence, envelope: envelope.to_owned(), taken_at: now.0 }, same))
}
