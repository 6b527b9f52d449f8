//! The approval passphrase: what is kept of it is Argon2id over it with a salt of its own, sealed like everything else, so
//! that a thief of the file can neither guess at it nor put another one in its place. It must never keep the passphrase.

use prokura_domain::Json;
use prokura_domain::level::Passphrase;
use prokura_domain::port::{Passphrases, SealContext, SealFault, Sealer as _};
use subtle::ConstantTimeEq as _;

use crate::file::stretch;
use crate::marker::Kdf;
use crate::vault::{Vault, fresh_kdf};

/// The purpose, row and field that it is sealed for.
fn context<'a>(generation: u64) -> SealContext<'a> {
    SealContext {
        purpose: "approval",
        row: "approval",
        field: "passphrase",
        generation,
        bound_to: None,
    }
}

impl Passphrases for Vault {
    fn keep(&self, passphrase: &Passphrase, generation: u64) -> Result<Vec<u8>, SealFault> {
        let kdf = fresh_kdf(self.entropy());
        let key = stretch(passphrase.expose(), &kdf).map_err(|_| SealFault::DoesNotOpen)?;
        let number = |number: u32| Json::from(u64::from(number));
        let kept = Json::object([
            ("salt", Json::text(hex(&kdf.salt))),
            ("memory_kib", number(kdf.memory_kib)),
            ("passes", number(kdf.passes)),
            ("argon2id", Json::text(hex(&*key))),
        ]);
        self.seal(&context(generation), kept.to_text().as_bytes())
    }

    fn fits(
        &self,
        passphrase: &Passphrase,
        kept: &[u8],
        generation: u64,
    ) -> Result<bool, SealFault> {
        let plain = self.open(&context(generation), kept)?;
        let (kdf, wanted) = read(&plain).ok_or(SealFault::DoesNotOpen)?;
        let key = stretch(passphrase.expose(), &kdf).map_err(|_| SealFault::DoesNotOpen)?;
        Ok(key.as_slice().ct_eq(&wanted).into())
    }
}

fn read(plain: &[u8]) -> Option<(Kdf, [u8; 32])> {
    let kept = Json::read(plain).ok()?;
    let number = |name: &str| kept.member(name)?.to_text().parse::<u32>().ok();
    let salt = unhex::<16>(kept.member("salt")?.as_str()?)?;
    let kdf = Kdf { salt, memory_kib: number("memory_kib")?, passes: number("passes")? };
    Some((kdf, unhex::<32>(kept.member("argon2id")?.as_str()?)?))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes: Option<Vec<u8>> = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use super::*;
    use crate::KeySource;

    struct Bytes(std::sync::atomic::AtomicU8);

    impl prokura_domain::Entropy for Bytes {
        fn fill(&self, out: &mut [u8]) {
            out.fill_with(|| self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    #[test]
    fn only_the_passphrase_fits_and_nothing_older_or_elsewhere_does() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        std::fs::write(&key, (0u8..32).collect::<Vec<u8>>()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let entropy = Arc::new(Bytes(1.into()));
        let vault = Vault::open(KeySource::KeyFile(key), dir.path(), entropy).unwrap();
        let say = |text: &str| Passphrase::new(text.to_owned());
        let first = vault.keep(&say("correct horse"), 1).unwrap();
        let again = vault.keep(&say("correct horse"), 1).unwrap();
        assert_ne!(first, again, "each has its own salt");
        assert_eq!(vault.fits(&say("correct horse"), &first, 1), Ok(true));
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert_eq!(vault.fits(&say(wrong), &first, 1), Ok(false), "{wrong:?}");
        }
        let mut changed = first.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(vault.fits(&say("correct horse"), &changed, 1), Err(SealFault::DoesNotOpen));
        let older = vault.fits(&say("correct horse"), &first, 2);
        assert_eq!(older, Err(SealFault::DoesNotOpen), "an older one was put back");
        assert!(!first.windows(7).any(|part| part == b"correct"), "it lies there in clear");
    }
}
