//! Checkpoints: an Ed25519 signature over a place in the chain.

use ed25519_dalek::{Signature, VerifyingKey};
use prokura_domain::digest::Digest;

/// What is signed: a tag, the log, the record's number and its hash.
pub(super) fn message(log_id: &str, seq: i64, hash: Digest) -> Vec<u8> {
    let mut out = b"prokura-checkpoint-v1".to_vec();
    out.extend_from_slice(&(log_id.len() as u64).to_be_bytes());
    out.extend_from_slice(log_id.as_bytes());
    out.extend_from_slice(&seq.to_be_bytes());
    out.extend_from_slice(&hash.0);
    out
}

/// Whether `key` signed that place.
pub(super) fn is_signed(
    key: &[u8; 32],
    log_id: &str,
    seq: i64,
    hash: Digest,
    signature: &[u8; 64],
) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| {
        key.verify_strict(&message(log_id, seq, hash), &Signature::from_bytes(signature)).is_ok()
    })
}
