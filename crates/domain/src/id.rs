//! Opaque identifiers: a prefix that says what is named, then 80 unpredictable bits in base 32.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Entropy;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// `bits` in lower-case base 32 (RFC 4648 alphabet, no padding).
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut buffer, mut held) = (0u32, 0u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            let index = (buffer >> held) & 31;
            text.push(char::from(ALPHABET.get(index as usize).copied().unwrap_or(b'a')));
        }
        buffer &= (1 << held) - 1;
    }
    if held > 0 {
        let index = (buffer << (5 - held)) & 31;
        text.push(char::from(ALPHABET.get(index as usize).copied().unwrap_or(b'a')));
    }
    text
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new identifier that nobody can guess.
            #[must_use]
            pub fn new(entropy: &dyn Entropy) -> Self {
                let mut bytes = [0u8; 10];
                entropy.fill(&mut bytes);
                Self(format!(concat!($prefix, "_{}"), base32(&bytes)))
            }

            /// An identifier read back from storage or typed by a person; it is not checked to exist.
            #[must_use]
            pub fn from_text(text: &str) -> Self {
                Self(text.to_owned())
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

/// What the identifier of every Guardrail starts with.
pub const GUARDRAIL_PREFIX: &str = "gdr_";

ids! {
    /// Names a Server.
    ServerId = "srv";
    /// Names an Account.
    AccountId = "acc";
    /// Names an Agent.
    AgentId = "agt";
    /// Names a Grant.
    GrantId = "grt";
    /// Names a Guardrail.
    GuardrailId = "gdr";
    /// Names a Question.
    QuestionId = "qst";
    /// Names a Call.
    CallId = "cal";
    /// Names a pairing of a program with an Agent.
    PairingId = "par";
    /// Names a sign-in of an Agent.
    SignInId = "sgn";
}
