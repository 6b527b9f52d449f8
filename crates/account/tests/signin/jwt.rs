//! Signed tokens, from both sides: what a platform writes, and what an authorization server checks.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use prokura_domain::Digest;
use serde_json::{Value, json};

/// Header and claims of a JWT.
pub fn read(jwt: &str) -> (Value, Value) {
    let parts: Vec<Vec<u8>> =
        jwt.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    assert_eq!(parts.len(), 3, "{jwt}");
    (serde_json::from_slice(&parts[0]).unwrap(), serde_json::from_slice(&parts[1]).unwrap())
}

/// Whether the owner of a P-256 key, as a JWK, signed it.
pub fn is_signed_by(jwt: &str, key: &Value) -> bool {
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .is_ok()
}

/// The thumbprint of a P-256 key (RFC 7638).
pub fn thumbprint(key: &Value) -> String {
    let (x, y) = (&key["x"], &key["y"]);
    let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{x},"y":{y}}}"#);
    hash(&text)
}

/// SHA-256 in base64url.
pub fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of(&[text.as_bytes()]).0)
}

/// A token that nobody here verifies.
pub fn made(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({ "alg": "ES256" })), part(claims))
}

/// A new P-256 key: as PEM, and its public part.
pub fn key() -> (String, Value) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = STANDARD.encode(pair.to_pkcs8v1().unwrap().as_ref());
    let point = pair.public_key().as_ref();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let public = json!({ "x": text(&point[1..33]), "y": text(&point[33..]) });
    let label = ["PRIVATE", "KEY"].join(" ");
    (format!("-----BEGIN {label}-----\n{der}\n-----END {label}-----\n"), public)
}
