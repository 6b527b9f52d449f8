//! A stream that is sealed as it is written: Argon2id over a passphrase, then XChaCha20-Poly1305 in pieces of 64 KiB by the
//! STREAM construction, so that a piece that was changed, moved or left out, and an end that was cut, are found.
//! `magic ‖ salt ‖ memory ‖ passes ‖ nonce`, then the pieces; the head belongs to every piece.

use std::io::{self, Read, Write};

use aead_stream::{DecryptorBE32, EncryptorBE32, Nonce, StreamBE32};
use chacha20poly1305::aead::{KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305};
use zeroize::Zeroizing;

use crate::file::stretch;
use crate::marker::Kdf;

const MAGIC: &[u8; 17] = b"prokura-backup-1\n";
const SALT: usize = 16;
const NONCE: usize = 19;
const HEAD: usize = MAGIC.len() + SALT + 4 + 4 + NONCE;
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;
/// A file that asks for more than this is not ours: it would only use up the machine.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 16;

type Prefix = Nonce<XChaCha20Poly1305, StreamBE32<XChaCha20Poly1305>>;

fn cipher(passphrase: &str, kdf: &Kdf) -> io::Result<XChaCha20Poly1305> {
    let key = stretch(passphrase, kdf).map_err(io::Error::other)?;
    Ok(XChaCha20Poly1305::new(&Key::from(*key)))
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Seals what is written to it. Without [`Sealing::finish`] what came out does not open.
pub(super) struct Sealing<W> {
    out: W,
    head: Vec<u8>,
    stream: EncryptorBE32<XChaCha20Poly1305>,
    held: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealing<W> {
    pub fn begin(mut out: W, passphrase: &str, kdf: &Kdf, nonce: [u8; NONCE]) -> io::Result<Self> {
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&kdf.salt);
        head.extend_from_slice(&kdf.memory_kib.to_be_bytes());
        head.extend_from_slice(&kdf.passes.to_be_bytes());
        head.extend_from_slice(&nonce);
        out.write_all(&head)?;
        let prefix = Prefix::from(nonce);
        let stream = EncryptorBE32::from_aead(cipher(passphrase, kdf)?, &prefix);
        Ok(Self { out, head, stream, held: Zeroizing::new(Vec::with_capacity(PIECE)) })
    }

    /// Writes the last piece.
    pub fn finish(mut self) -> io::Result<W> {
        let last = Payload { msg: &self.held, aad: &self.head };
        let sealed = self.stream.encrypt_last(last).map_err(|_| bad("it could not be sealed"))?;
        self.out.write_all(&sealed)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece waits until more comes: the last one has to be sealed as such.
        if self.held.len() == PIECE {
            let piece = Payload { msg: &self.held, aad: &self.head };
            let sealed = self.stream.encrypt_next(piece);
            self.out.write_all(&sealed.map_err(|_| bad("it could not be sealed"))?)?;
            self.held.clear();
        }
        let taken = bytes.len().min(PIECE - self.held.len());
        self.held.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Opens what was sealed.
pub(super) struct Opening<R> {
    from: R,
    head: Vec<u8>,
    /// `None` after the last piece.
    stream: Option<DecryptorBE32<XChaCha20Poly1305>>,
    /// The byte that tells whether a piece is the last.
    ahead: Option<u8>,
    open: Zeroizing<Vec<u8>>,
    at: usize,
    /// Whether any piece opened: until then it can be the passphrase.
    pub opened: bool,
}

impl<R: Read> Opening<R> {
    pub fn begin(mut from: R, passphrase: &str) -> io::Result<Self> {
        let mut head = vec![0u8; HEAD];
        from.read_exact(&mut head).map_err(|_| bad("it is too short"))?;
        let parts = || {
            let rest = head.strip_prefix(MAGIC)?;
            let (salt, rest) = rest.split_first_chunk::<SALT>()?;
            let (memory, rest) = rest.split_first_chunk::<4>()?;
            let (passes, nonce) = rest.split_first_chunk::<4>()?;
            let (memory_kib, passes) = (u32::from_be_bytes(*memory), u32::from_be_bytes(*passes));
            let nonce: [u8; NONCE] = nonce.try_into().ok()?;
            let fine = memory_kib <= MOST_MEMORY_KIB && passes <= MOST_PASSES;
            fine.then_some((Kdf { salt: *salt, memory_kib, passes }, nonce))
        };
        let (kdf, nonce) = parts().ok_or_else(|| bad("it does not begin as one"))?;
        let prefix = Prefix::from(nonce);
        let stream = Some(DecryptorBE32::from_aead(cipher(passphrase, &kdf)?, &prefix));
        let open = Zeroizing::new(Vec::new());
        Ok(Self { from, head, stream, ahead: None, open, at: 0, opened: false })
    }

    fn next_piece(&mut self) -> io::Result<()> {
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        let mut sealed: Vec<u8> = self.ahead.take().into_iter().collect();
        let wanted = (PIECE + TAG + 1 - sealed.len()) as u64;
        self.from.by_ref().take(wanted).read_to_end(&mut sealed)?;
        let more = sealed.len() > PIECE + TAG;
        if more {
            self.ahead = sealed.pop();
        }
        let piece = Payload { msg: &sealed, aad: &self.head };
        let torn = |_| bad("a piece of it does not open");
        let open = match more {
            true => {
                let open = stream.decrypt_next(piece).map_err(torn)?;
                self.stream = Some(stream);
                open
            }
            false => stream.decrypt_last(piece).map_err(torn)?,
        };
        (self.open, self.at, self.opened) = (Zeroizing::new(open), 0, true);
        Ok(())
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.open.len() && self.stream.is_some() {
            self.next_piece()?;
        }
        let rest = self.open.get(self.at..).unwrap_or_default();
        let taken = rest.len().min(into.len());
        if let (Some(to), Some(part)) = (into.get_mut(..taken), rest.get(..taken)) {
            to.copy_from_slice(part);
        }
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let kdf = Kdf { salt: [3; 16], memory_kib: 64, passes: 1 };
        let mut sealing = Sealing::begin(Vec::new(), "word", &kdf, [9; NONCE]).unwrap();
        sealing.write_all(plain).unwrap();
        sealing.finish().unwrap()
    }

    fn opened(sealed: &[u8], passphrase: &str) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Opening::begin(sealed, passphrase)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_length_comes_back() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 17] {
            let plain: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            assert_eq!(opened(&sealed(&plain), "word").unwrap(), plain, "{length}");
        }
    }

    #[test]
    fn what_was_changed_moved_or_cut_does_not_open() {
        let whole = sealed(&vec![5u8; 2 * PIECE + 9]);
        assert!(opened(&whole, "other").is_err());
        for at in (0..whole.len()).step_by(977).chain([whole.len() - 1]) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(opened(&changed, "word").is_err(), "byte {at}");
        }
        let (first, second) = (HEAD, HEAD + PIECE + TAG);
        for cut in [second, second + PIECE + TAG, whole.len() - 1, first] {
            assert!(opened(&whole[..cut], "word").is_err(), "cut at {cut}");
        }
        let mut moved = whole[..first].to_vec();
        moved.extend_from_slice(&whole[second..second + PIECE + TAG]);
        moved.extend_from_slice(&whole[first..second]);
        moved.extend_from_slice(&whole[second + PIECE + TAG..]);
        assert!(opened(&moved, "word").is_err(), "pieces in another order");
        let mut longer = whole.clone();
        longer.push(0);
        assert!(opened(&longer, "word").is_err(), "something behind its end");
    }

    #[test]
    fn a_head_that_would_use_up_the_machine_is_refused() {
        let mut greedy = sealed(b"x");
        greedy[MAGIC.len() + SALT..][..4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(opened(&greedy, "word").unwrap_err().to_string().contains("begin"));
    }
}
