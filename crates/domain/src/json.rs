//! The one JSON model of governed messages: what was read is what is written. Numbers keep their text, members keep
//! their order, a duplicate member is refused. It must never normalise a value.

mod canonical;
mod read;
mod write;

pub use read::{Fault, MAX_DEPTH};

/// A JSON value that loses nothing: numbers are kept as their text whatever their size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; members in the order they were written, names unique.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one JSON text.
    ///
    /// # Errors
    /// [`Fault`] says what is wrong and at which byte: not JSON, a duplicate member, or deeper than [`MAX_DEPTH`].
    pub fn read(text: &[u8]) -> Result<Self, Fault> {
        read::read(text)
    }

    /// A string value.
    pub fn text(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// An object from its members.
    pub fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The member `name` of an object.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    /// The member `name` of an object, to change it.
    pub fn member_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Object(members) => {
                members.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    /// Sets the member `name` of an object, in place where it exists, else last. Other values are left alone.
    pub fn set(&mut self, name: &str, value: Self) {
        if let Some(slot) = self.member_mut(name) {
            *slot = value;
        } else if let Self::Object(members) = self {
            members.push((name.to_owned(), value));
        }
    }

    /// Takes the member `name` out of an object.
    pub fn remove(&mut self, name: &str) -> Option<Self> {
        match self {
            Self::Object(members) => {
                let index = members.iter().position(|(key, _)| key == name)?;
                Some(members.remove(index).1)
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    /// The value at an RFC 6901 pointer.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| {
            let token = token.replace("~1", "/").replace("~0", "~");
            match value {
                Self::Array(items) => items.get(token.parse::<usize>().ok()?),
                Self::Object(_) => value.member(&token),
                Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => None,
            }
        })
    }

    /// The text of a string value.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The items of an array.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// The members of an object.
    #[must_use]
    pub fn members(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    /// The value as JSON text, members in their order.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        write::plain(self, &mut out);
        out
    }

    /// The value in RFC 8785 form, except that numbers keep the text they were written with
    /// (`docs/decisions/0002-canonical-numbers.md`): members sorted by UTF-16 code units, no white space.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        let mut out = String::new();
        write::canonical(self, &mut out);
        out
    }

    /// Whether `text` is its own canonical form: reading it and [`Self::to_canonical`] give it back.
    #[must_use]
    pub fn is_canonical(text: &str) -> bool {
        canonical::is_plainly(text)
            || Self::read(text.as_bytes()).is_ok_and(|value| value.to_canonical() == text)
    }

    /// One step of an RFC 6901 pointer, escaped.
    #[must_use]
    pub fn pointer_step(name: &str) -> String {
        name.replace('~', "~0").replace('/', "~1")
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Number(value.to_string())
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Self {
        Self::Number(value.to_string())
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests;
