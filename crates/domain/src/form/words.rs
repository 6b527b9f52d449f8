//! What is told of a field besides the Server's own words.

use super::{Field, Format, Input};

/// Parts of words by which a field for a secret gives itself away. A form must never ask for one.
const SECRETS: [&str; 26] = [
    "password",
    "passwort",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "secretkey",
    "credential",
    "cvv",
    "cvc",
    "cardnumber",
    "creditcard",
    "iban",
    "seedphrase",
    "mnemonic",
    "recoverycode",
    "onetimecode",
    "otp",
    "totp",
    "2fa",
    "mfa",
];
/// Whole words of the same kind.
const SHORT: [&str; 6] = ["pin", "key", "ssn", "pass", "pat", "tan"];

impl Field {
    /// What it is called: its title, else its name.
    #[must_use]
    pub fn called(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }

    /// Whether it looks as if it asked for a password, a key or the like.
    #[must_use]
    pub fn wants_secret(&self) -> bool {
        if !matches!(self.input, Input::Text { .. } | Input::Number { .. }) {
            return false;
        }
        let told = [Some(&self.name), self.title.as_ref(), self.description.as_ref()];
        told.into_iter().flatten().any(|text| names_secret(text))
    }

    /// What it takes, in a few words; `None` where anything will do.
    #[must_use]
    pub fn rule(&self) -> Option<String> {
        match &self.input {
            Input::Text { format, min, max, pattern } => {
                let kind = format.map(|format| match format {
                    Format::Email => "an e-mail address",
                    Format::Uri => "an address such as https://example.com/page",
                    Format::Date => "a day, written 2026-11-30",
                    Format::DateTime => "a moment, written 2026-11-30T18:00:00Z",
                });
                let pattern = pattern.as_ref().map(|_| "in a form the server gave".to_owned());
                joined([kind.map(str::to_owned), between(*min, *max, "characters"), pattern])
            }
            Input::Number { whole, min, max } => {
                let kind = if *whole { "a whole number" } else { "a number" };
                let bounds = match (min, max) {
                    (Some(min), Some(max)) => Some(format!("{min} to {max}")),
                    (Some(min), None) => Some(format!("{min} or more")),
                    (None, Some(max)) => Some(format!("{max} or less")),
                    (None, None) => None,
                };
                joined([Some(kind.to_owned()), bounds, None])
            }
            Input::Many { min, max, .. } => between(*min, *max, "of these"),
            Input::Switch | Input::One(_) => None,
        }
    }
}

fn joined(parts: [Option<String>; 3]) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn between(min: Option<u64>, max: Option<u64>, what: &str) -> Option<String> {
    match (min.filter(|min| *min > 0), max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max} {what}")),
        (Some(min), None) => Some(format!("{min} or more {what}")),
        (None, Some(max)) => Some(format!("at most {max} {what}")),
        (None, None) => None,
    }
}

/// Words are looked at without what stands between their parts: `api_key`, `API key` and `apiKey` are the same.
fn names_secret(text: &str) -> bool {
    let words = words(text);
    let whole: String = words.concat();
    SECRETS.iter().any(|secret| whole.contains(secret))
        || words.iter().any(|word| SHORT.contains(&word.as_str()))
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut low = false;
    for sign in text.chars() {
        if !sign.is_alphanumeric() || (low && sign.is_uppercase()) {
            words.push(String::new());
        }
        low = sign.is_lowercase();
        if let (true, Some(word)) = (sign.is_alphanumeric(), words.last_mut()) {
            word.extend(sign.to_lowercase());
        }
    }
    words
}
