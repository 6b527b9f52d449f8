//! The master key in a keyring: read, or made for a folder that was never sealed. It must never make one where a key is
//! missing, nor take one that is not the folder's own.

use prokura_domain::clock::Entropy;
use zeroize::Zeroizing;

use super::KeyringPlace;
use crate::error::VaultError;
use crate::keyring::KeyringFault;
use crate::keys::Keys;
use crate::marker::{Kind, Marker};
use crate::trouble::Trouble;

/// Reads the master key, or makes it for a folder that was never sealed.
pub(super) fn attempt(place: &KeyringPlace, entropy: &dyn Entropy) -> Result<Keys, KeyringFault> {
    let damaged = |fault: VaultError| KeyringFault(Trouble::Damaged, fault.to_string());
    let marker = Marker::read(&place.dir).map_err(damaged)?;
    let stored = place.keyring.read(&place.entry)?;
    let master = match (stored, &marker) {
        (Some(bytes), _) => master_from(&bytes)?,
        (None, Some(_)) => {
            let text = format!(
                "the key of this data folder is missing from the keyring (entry \"{}\"); restore the keyring from a \
                 backup. Nothing stored can be opened without it",
                place.entry
            );
            return Err(KeyringFault(Trouble::Missing, text));
        }
        (None, None) => make(place, entropy)?,
    };
    let keys = Keys::new(master);
    match marker {
        Some(marker) if marker.key_id != keys.id() => {
            let text = format!(
                "the keyring holds another key than the one this data folder was sealed with (entry \"{}\"); restore \
                 the keyring that belongs to it",
                place.entry
            );
            Err(KeyringFault(Trouble::Replaced, text))
        }
        Some(_) => Ok(keys),
        None => Marker { kind: Kind::Keyring, key_id: keys.id(), kdf: None }
            .write(&place.dir)
            .map(|()| keys)
            .map_err(damaged),
    }
}

fn make(place: &KeyringPlace, entropy: &dyn Entropy) -> Result<Zeroizing<[u8; 32]>, KeyringFault> {
    let mut master = Zeroizing::new([0u8; 32]);
    entropy.fill(master.as_mut_slice());
    place.keyring.write(&place.entry, master.as_slice())?;
    // Nothing is sealed with a key that is not known to be kept.
    let kept = place.keyring.read(&place.entry)?;
    match kept {
        Some(kept) if kept.as_slice() == master.as_slice() => Ok(master),
        _ => Err(KeyringFault(
            Trouble::NoKeyring,
            "the keyring did not keep the new key; try another keyring, or start with a key file"
                .to_owned(),
        )),
    }
}

fn master_from(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyringFault> {
    <[u8; 32]>::try_from(bytes).map(Zeroizing::new).map_err(|_| {
        let text = format!(
            "the keyring's entry holds {} bytes instead of 32; restore the keyring from a backup",
            bytes.len()
        );
        KeyringFault(Trouble::Damaged, text)
    })
}
