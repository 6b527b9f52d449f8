//! What an Agent is given to keep and show again: sealed, and tied to that Agent, one Server and one Account. Changed,
//! or shown by somebody else, it does not open (SB-08).

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use prokura_delegation::{Refusal, RefusalCode};
use prokura_domain::port::{SealContext, SealFault, Sealer};

/// The longest sealed text that is looked at.
const LIMIT: usize = 16 * 1024;

/// Seals for Agents.
#[derive(Clone)]
pub(crate) struct Seal(Arc<dyn Sealer>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    pub fn with(sealer: Arc<dyn Sealer>) -> Self {
        Self(sealer)
    }

    /// Seals `text` as something of this `kind`, for whom `bound` names.
    pub fn seal(&self, kind: &str, bound: &[&str], text: &str) -> Result<String, Refusal> {
        let row = row(bound);
        let sealed = self.0.seal(&context(kind, &row), text.as_bytes()).map_err(refusal)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what was sealed for the same; `None` where it was not.
    pub fn open(
        &self,
        kind: &str,
        bound: &[&str],
        sealed: &str,
    ) -> Result<Option<String>, Refusal> {
        if sealed.len() > LIMIT {
            return Ok(None);
        }
        let Ok(bytes) = BASE64_URL_SAFE_NO_PAD.decode(sealed) else { return Ok(None) };
        match self.0.open(&context(kind, &row(bound)), &bytes) {
            Ok(plain) => Ok(String::from_utf8(plain.to_vec()).ok()),
            Err(SealFault::DoesNotOpen) => Ok(None),
            Err(locked) => Err(refusal(locked)),
        }
    }
}

fn row(bound: &[&str]) -> String {
    bound.join("/")
}

fn context<'a>(kind: &'a str, row: &'a str) -> SealContext<'a> {
    SealContext { purpose: "gateway", row, field: kind, generation: 0, bound_to: None }
}

fn refusal(fault: SealFault) -> Refusal {
    Refusal::new(RefusalCode::VaultLocked, format!("{fault}."))
}
