//! Signatures of our own (RFC 7515): what proves a client by its key, and what binds a token to one. The arithmetic is
//! that of the TLS library, in constant time; nothing is verified here, because nobody else's signature decides anything.
//! A private key must never leave this module except to be sealed.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use prokura_domain::Digest;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The smallest RSA key that is accepted, in bytes of its modulus (RFC 7518 §3.3).
const LEAST_RSA: usize = 256;

/// How a key signs (RFC 7518 §3.1, RFC 8037, RFC 9864).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "ES384")]
    Es384,
    #[serde(rename = "EdDSA")]
    EdDsa,
    #[serde(rename = "PS256")]
    Ps256,
    #[serde(rename = "RS256")]
    Rs256,
}

impl Algorithm {
    const ALL: [Self; 5] = [Self::Es256, Self::Es384, Self::EdDsa, Self::Ps256, Self::Rs256];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// A key as it is sealed.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct StoredKey {
    #[zeroize(skip)]
    algorithm: Algorithm,
    kid: Option<String>,
    /// DER in base64: PKCS #8, PKCS #1 or SEC 1.
    der: String,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

/// A key that signs.
pub(crate) struct SigningKey {
    algorithm: Algorithm,
    kid: Option<String>,
    pair: Pair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Why a key cannot be used.
pub(crate) const UNUSABLE: &str = "it is no private key that can be used; give an unencrypted PEM file with a P-256, P-384, Ed25519 or RSA key of at least 2048 bits";

impl StoredKey {
    /// Reads a key that the person has. The algorithm follows from the key; RSA signs RS256 unless `wished` says PS256.
    pub(crate) fn from_pem(
        pem: &str,
        wished: Option<&str>,
        kid: Option<String>,
    ) -> Result<Self, &'static str> {
        let read = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| UNUSABLE)?;
        let der = STANDARD.encode(read.secret_der());
        let mut wanted = Algorithm::ALL.to_vec();
        // The weaker padding is what servers expect of an RSA key unless they say otherwise.
        wanted.rotate_right(1);
        if let Some(word) = wished {
            let algorithm = Algorithm::from_text(word)
                .ok_or("the algorithm is one of ES256, ES384, EdDSA, PS256 and RS256")?;
            wanted.retain(|known| *known == algorithm);
        }
        wanted
            .into_iter()
            .map(|algorithm| Self { algorithm, kid: kid.clone(), der: der.clone() })
            .find(|stored| stored.open().is_ok())
            .ok_or(if wished.is_some() { "the key does not fit the algorithm" } else { UNUSABLE })
    }

    /// A new P-256 key. Its randomness is that of the TLS library, which takes none from outside.
    pub(crate) fn generate() -> Result<Self, &'static str> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| "no key could be made")?;
        let der = pair.to_pkcs8v1().map_err(|_| "no key could be made")?;
        let mut stored =
            Self { algorithm: Algorithm::Es256, kid: None, der: STANDARD.encode(der.as_ref()) };
        stored.kid = stored.open()?.thumbprint();
        Ok(stored)
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn to_text(&self) -> Option<Zeroizing<String>> {
        serde_json::to_string(self).ok().map(Zeroizing::new)
    }

    /// The key, ready to sign.
    pub(crate) fn open(&self) -> Result<SigningKey, &'static str> {
        let der = Zeroizing::new(STANDARD.decode(&self.der).map_err(|_| UNUSABLE)?);
        let ec = |algorithm| EcdsaKeyPair::from_private_key_der(algorithm, &der).map(Pair::Ec);
        let rsa = |encoding| {
            RsaKeyPair::from_pkcs8(&der)
                .or_else(|_| RsaKeyPair::from_der(&der))
                .map(|pair| Pair::Rsa(pair, encoding))
        };
        let pair = match self.algorithm {
            Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(&der).map(Pair::Ed),
            Algorithm::Ps256 => rsa(&RSA_PSS_SHA256),
            Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256),
        };
        let pair = pair.map_err(|_| UNUSABLE)?;
        if matches!(&pair, Pair::Rsa(pair, _) if pair.public_modulus_len() < LEAST_RSA) {
            return Err(UNUSABLE);
        }
        Ok(SigningKey { algorithm: self.algorithm, kid: self.kid.clone(), pair })
    }
}

impl SigningKey {
    /// A signed JWT of type `typ`. With `with_key` its header carries the public key, else the key's id where it has one.
    pub(crate) fn jwt(&self, typ: &str, with_key: bool, claims: &Value) -> Option<String> {
        let mut header = json!({ "typ": typ, "alg": self.algorithm.as_str() });
        if let Some(members) = header.as_object_mut() {
            if with_key {
                members.insert("jwk".to_owned(), self.public()?);
            } else if let Some(kid) = &self.kid {
                members.insert("kid".to_owned(), kid.clone().into());
            }
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.sign(signed.as_bytes())?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ec(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Pair::Ed(pair) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }

    /// The public key as a JWK with its required members only (RFC 7517); `None` for RSA, which is only imported.
    pub(crate) fn public(&self) -> Option<Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..)?.split_at_checked(point.len() / 2)?;
                let curve = if self.algorithm == Algorithm::Es384 { "P-384" } else { "P-256" };
                Some(json!({ "crv": curve, "kty": "EC", "x": text(x), "y": text(y) }))
            }
            Pair::Ed(pair) => {
                let x = text(pair.public_key().as_ref());
                Some(json!({ "crv": "Ed25519", "kty": "OKP", "x": x }))
            }
            Pair::Rsa(..) => None,
        }
    }

    /// The public key as it is registered by hand: with id, algorithm and use.
    pub(crate) fn to_register(&self) -> Option<Value> {
        let mut key = self.public()?;
        let members = key.as_object_mut()?;
        members.insert("use".to_owned(), "sig".into());
        members.insert("alg".to_owned(), self.algorithm.as_str().into());
        if let Some(kid) = &self.kid {
            members.insert("kid".to_owned(), kid.clone().into());
        }
        Some(key)
    }

    /// The key's thumbprint (RFC 7638): its members are written in the order that is hashed.
    pub(crate) fn thumbprint(&self) -> Option<String> {
        let key = self.public()?.to_string();
        Some(URL_SAFE_NO_PAD.encode(Digest::of(&[key.as_bytes()]).0))
    }
}

#[cfg(test)]
mod tests;
