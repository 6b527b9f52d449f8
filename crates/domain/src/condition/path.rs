//! Absolute paths, compared by their components. It must never follow `..`: only the server knows where that leads.

use std::fmt;
use std::str::FromStr;

/// An absolute path in lexical form: no empty steps, no `.`, no `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsolutePath(Vec<String>);

/// The text is not a path that can be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not an absolute path that can be compared; write it like /home/me/notes, without \"..\""
)]
pub struct NotAPath(String);

impl AbsolutePath {
    /// Whether `other` is this path or below it.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl FromStr for AbsolutePath {
    type Err = NotAPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAPath(text.to_owned());
        let rest = text.strip_prefix('/').ok_or_else(wrong)?;
        // Two slashes can name another machine, and a backslash can be a separator: the server decides, so we cannot.
        if rest.starts_with('/') || text.chars().any(|sign| sign == '\\' || sign.is_control()) {
            return Err(wrong());
        }
        let steps = rest.split('/').filter(|step| !step.is_empty() && *step != ".");
        let steps: Vec<String> = steps.map(str::to_owned).collect();
        if steps.iter().any(|step| step == ".." || hides(step)) {
            return Err(wrong());
        }
        Ok(Self(steps))
    }
}

/// Whether a step could be another one for a server that decodes it.
fn hides(step: &str) -> bool {
    let step = step.to_ascii_lowercase();
    ["%2e", "%2f", "%5c", "%00"].iter().any(|code| step.contains(code))
}

impl fmt::Display for AbsolutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        self.0.iter().try_for_each(|step| write!(f, "/{step}"))
    }
}
