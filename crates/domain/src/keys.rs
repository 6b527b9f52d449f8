//! A combination of keys that counts everywhere on the desktop. It must never be one that a person types by accident.

use std::fmt;
use std::str::FromStr;

/// Why it is no such combination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no combination of keys; use two or more of Ctrl, Alt, Shift and Super, and a letter, a digit or F1 to F24, such as Ctrl+Alt+P"
)]
pub struct KeysFault(String);

/// At least two modifiers, or one and a function key, and one other key. The text form reads `Ctrl+Alt+Shift+Super+P`, in this
/// order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys(String);

const MODIFIERS: [&str; 4] = ["Ctrl", "Alt", "Shift", "Super"];

impl Keys {
    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Keys {
    type Err = KeysFault;

    fn from_str(text: &str) -> Result<Self, KeysFault> {
        let fault = || KeysFault(text.chars().take(60).collect());
        let mut held = [false; MODIFIERS.len()];
        let mut key = None;
        for part in text.split('+').map(str::trim) {
            let modifier = MODIFIERS.iter().position(|one| one.eq_ignore_ascii_case(part));
            match (modifier.and_then(|at| held.get_mut(at)), key_named(part)) {
                (Some(held), _) if !*held => *held = true,
                (None, Some(found)) if key.is_none() => key = Some(found),
                _ => return Err(fault()),
            }
        }
        let key = key.ok_or_else(fault)?;
        let count = held.iter().filter(|held| **held).count();
        let function = key.len() > 1;
        // With Ctrl and Alt a function key changes the console on Linux, and never arrives.
        let console = function && held.starts_with(&[true, true]);
        if console || count < if function { 1 } else { 2 } {
            return Err(fault());
        }
        let names = MODIFIERS.iter().zip(held).filter(|(_, held)| *held).map(|(name, _)| *name);
        let parts: Vec<&str> = names.chain([key.as_str()]).collect();
        Ok(Self(parts.join("+")))
    }
}

/// A letter, a digit, or a function key.
fn key_named(part: &str) -> Option<String> {
    let upper = part.to_ascii_uppercase();
    let one = upper.len() == 1 && upper.chars().all(|sign| sign.is_ascii_alphanumeric());
    let number = upper.strip_prefix('F').filter(|rest| !rest.starts_with('0'));
    let function =
        number.and_then(|rest| rest.parse::<u8>().ok()).is_some_and(|n| (1..=24).contains(&n));
    (one || function).then_some(upper)
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_combination_reads_in_any_order_and_is_written_in_one() {
        for (text, written) in [
            ("Ctrl+Alt+P", "Ctrl+Alt+P"),
            ("alt + ctrl+p", "Ctrl+Alt+P"),
            ("Super+Shift+F12", "Shift+Super+F12"),
            ("ctrl+f1", "Ctrl+F1"),
            ("Shift+Ctrl+9", "Ctrl+Shift+9"),
        ] {
            assert_eq!(text.parse::<Keys>().map(|keys| keys.to_string()), Ok(written.to_owned()));
        }
    }

    #[test]
    fn what_is_typed_by_accident_or_is_no_key_is_refused() {
        for text in [
            "",
            "P",
            "Ctrl+C",
            "Shift+P",
            "F5",
            "Ctrl+Alt",
            "Ctrl+Ctrl+P",
            "Ctrl+Alt+P+Q",
            "Ctrl+Alt+F9",
            "Ctrl+Shift+F25",
            "Ctrl+Alt+F0",
            "Ctrl+Alt+F01",
            "Ctrl+Alt+ü",
            "Ctrl+Alt+Delete",
            "+",
            "Ctrl++P",
        ] {
            assert!(text.parse::<Keys>().is_err(), "{text}");
        }
    }
}
