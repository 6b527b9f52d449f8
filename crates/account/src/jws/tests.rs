//! Every kind of key, with what verifies it.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};

use super::*;

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn verifies(jwt: &str, with: &'static dyn VerificationAlgorithm, key: &[u8]) -> bool {
    let (signed, signature) = jwt.rsplit_once('.').expect("a JWT");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    UnparsedPublicKey::new(with, key).verify(signed.as_bytes(), &signature).is_ok()
}

fn head(jwt: &str) -> Value {
    let part = jwt.split('.').next().expect("a header");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[test]
fn every_kind_of_key_signs_what_its_public_key_verifies() {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let rsa_der: Pkcs8V1Der<'_> = rsa.as_der().expect("DER");
    let ed = Ed25519KeyPair::generate().expect("a key");
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
    let (p256_der, p384_der) = (p256.to_pkcs8v1().expect("DER"), p384.to_pkcs8v1().expect("DER"));
    let ed_der = ed.to_pkcs8().expect("DER");
    type Row<'a> =
        (&'a [u8], Option<&'a str>, &'a str, &'static dyn VerificationAlgorithm, &'a [u8]);
    let table: [Row<'_>; 5] = [
        (p256_der.as_ref(), None, "ES256", &ECDSA_P256_SHA256_FIXED, p256.public_key().as_ref()),
        (p384_der.as_ref(), None, "ES384", &ECDSA_P384_SHA384_FIXED, p384.public_key().as_ref()),
        (ed_der.as_ref(), None, "EdDSA", &ED25519, ed.public_key().as_ref()),
        (rsa_der.as_ref(), None, "RS256", &RSA_PKCS1_2048_8192_SHA256, rsa.public_key().as_ref()),
        (
            rsa_der.as_ref(),
            Some("PS256"),
            "PS256",
            &RSA_PSS_2048_8192_SHA256,
            rsa.public_key().as_ref(),
        ),
    ];
    for (der, wished, algorithm, with, public) in table {
        let kid = Some("k-1".to_owned());
        let stored = StoredKey::from_pem(&pem("PRIVATE KEY", der), wished, kid).expect(algorithm);
        let text = stored.to_text().expect("text");
        let key = StoredKey::from_text(&text).expect("what was kept").open().expect("a key");
        let jwt = key.jwt("JWT", false, &json!({ "iss": "me" })).expect("a JWT");
        assert!(verifies(&jwt, with, public), "{algorithm}");
        assert_eq!(head(&jwt), json!({ "typ": "JWT", "alg": algorithm, "kid": "k-1" }));
        let mut broken = jwt.clone();
        broken.insert(broken.find('.').expect("a dot"), 'A');
        assert!(!verifies(&broken, with, public), "{algorithm}");
    }
}

#[test]
fn what_is_no_private_key_or_does_not_fit_is_refused() {
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let good = pem("PRIVATE KEY", p256.to_pkcs8v1().expect("DER").as_ref());
    for (text, wished) in [
        ("", None),
        ("no key at all", None),
        (pem("CERTIFICATE", b"x").as_str(), None),
        (pem("ENCRYPTED PRIVATE KEY", b"x").as_str(), None),
        (pem("PRIVATE KEY", b"x").as_str(), None),
        (good.as_str(), Some("RS256")),
        (good.as_str(), Some("ES384")),
        (good.as_str(), Some("HS256")),
        (good.as_str(), Some("none")),
    ] {
        assert!(StoredKey::from_pem(text, wished, None).is_err(), "{text} {wished:?}");
    }
}

#[test]
fn a_public_key_shows_nothing_private_and_has_its_thumbprint() {
    let key = StoredKey::generate().expect("a key").open().expect("a key");
    let public = key.public().expect("a JWK");
    let members: Vec<&str> =
        public.as_object().expect("members").keys().map(String::as_str).collect();
    assert_eq!(members, ["crv", "kty", "x", "y"]);
    assert_eq!(key.to_register().expect("a JWK")["kid"], json!(key.thumbprint()));
    let jwt = key.jwt("dpop+jwt", true, &json!({})).expect("a JWT");
    assert_eq!(head(&jwt)["jwk"], public);
    assert!(format!("{key:?}").len() < 60, "{key:?}");
}
