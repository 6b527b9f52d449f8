//! The master key and what is derived from it. Nothing here leaves the crate but signatures and the public key.

use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use prokura_domain::port::Binding;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Names a key without telling it.
pub(crate) type KeyId = [u8; 8];

/// The keys of an open Vault.
pub(crate) struct Keys {
    master: Zeroizing<[u8; 32]>,
    id: KeyId,
    signing: SigningKey,
}

impl Keys {
    pub(crate) fn new(master: Zeroizing<[u8; 32]>) -> Self {
        let mut id = KeyId::default();
        derive(&master, &[b"prokura-key-id-v1"], &mut id);
        let mut seed = Zeroizing::new([0u8; 32]);
        derive(&master, &[b"prokura-signing-v1"], seed.as_mut_slice());
        let signing = SigningKey::from_bytes(&seed);
        Self { master, id, signing }
    }

    /// For a backup, which holds it sealed.
    pub(crate) fn master(&self) -> &Zeroizing<[u8; 32]> {
        &self.master
    }

    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    /// The sealing key of one purpose, and of one (account, resource, issuer) where they exist.
    pub(crate) fn sealing(
        &self,
        purpose: &str,
        bound_to: Option<&Binding<'_>>,
    ) -> Zeroizing<[u8; 32]> {
        let mut info = Vec::new();
        framed(&mut info, b"prokura-seal-key-v1");
        framed(&mut info, purpose.as_bytes());
        framed_binding(&mut info, bound_to);
        let mut key = Zeroizing::new([0u8; 32]);
        derive(&self.master, &[&info], key.as_mut_slice());
        key
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
}

fn derive(master: &[u8; 32], info: &[&[u8]], out: &mut [u8]) {
    let hkdf = Hkdf::<Sha256>::new(None, master);
    // It can fail only where more than 255 × 32 bytes are asked for; every `out` here has 8 or 32.
    let _ = hkdf.expand_multi_info(info, out);
}

/// Appends the length of `part` and `part`, so that no two lists of parts read the same.
pub(crate) fn framed(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u64).to_be_bytes());
    out.extend_from_slice(part);
}

pub(crate) fn framed_binding(out: &mut Vec<u8>, bound_to: Option<&Binding<'_>>) {
    match bound_to {
        None => out.push(0),
        Some(binding) => {
            out.push(1);
            framed(out, binding.account.as_bytes());
            framed(out, binding.resource.as_bytes());
            framed(out, binding.issuer.as_bytes());
        }
    }
}
