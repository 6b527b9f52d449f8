//! Sealing: XChaCha20-Poly1305 under a key per purpose and binding, tied to the place the value belongs to.
//! A sealed value is `version ‖ key id ‖ nonce ‖ ciphertext`.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use prokura_domain::clock::Entropy;
use prokura_domain::port::{SealContext, SealFault};
use zeroize::Zeroizing;

use crate::keys::{KeyId, Keys, framed, framed_binding};

const VERSION: u8 = 1;
const NONCE: usize = 24;

pub(crate) fn seal(
    keys: &Keys,
    entropy: &dyn Entropy,
    context: &SealContext<'_>,
    plain: &[u8],
) -> Result<Vec<u8>, SealFault> {
    let mut nonce = [0u8; NONCE];
    entropy.fill(&mut nonce);
    let aad = associated(keys.id(), context);
    let sealed = cipher(keys, context)
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
        .map_err(|_| SealFault::DoesNotOpen)?;
    let mut out = Vec::with_capacity(1 + 8 + NONCE + sealed.len());
    out.push(VERSION);
    out.extend_from_slice(&keys.id());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(out)
}

pub(crate) fn open(
    keys: &Keys,
    context: &SealContext<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealFault> {
    let (key_id, nonce, ciphertext) = parts(sealed).ok_or(SealFault::DoesNotOpen)?;
    if key_id != keys.id() {
        return Err(SealFault::DoesNotOpen);
    }
    let aad = associated(key_id, context);
    cipher(keys, context)
        .decrypt(&XNonce::from(nonce), Payload { msg: ciphertext, aad: &aad })
        .map(Zeroizing::new)
        .map_err(|_| SealFault::DoesNotOpen)
}

fn parts(sealed: &[u8]) -> Option<(KeyId, [u8; NONCE], &[u8])> {
    let (version, rest) = sealed.split_first()?;
    let (key_id, rest) = rest.split_first_chunk::<8>()?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>()?;
    (*version == VERSION).then_some((*key_id, *nonce, ciphertext))
}

fn cipher(keys: &Keys, context: &SealContext<'_>) -> XChaCha20Poly1305 {
    let key = keys.sealing(context.purpose, context.bound_to.as_ref());
    XChaCha20Poly1305::new(&Key::from(*key))
}

/// Format version, key id, purpose, row, field, generation and the triple, each framed by its length.
fn associated(key_id: KeyId, context: &SealContext<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    framed(&mut out, b"prokura-seal");
    out.push(VERSION);
    framed(&mut out, &key_id);
    framed(&mut out, context.purpose.as_bytes());
    framed(&mut out, context.row.as_bytes());
    framed(&mut out, context.field.as_bytes());
    framed(&mut out, &context.generation.to_be_bytes());
    framed_binding(&mut out, context.bound_to.as_ref());
    out
}

#[cfg(test)]
mod tests;
