//! A strict RFC 8259 reader. Stricter than the RFC in two points: duplicate members and great depth are refused.

use std::collections::HashSet;

use super::Json;

/// How deep values may nest.
pub const MAX_DEPTH: usize = 128;

/// What is wrong with a JSON text, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not JSON.
    #[error("not JSON: {expected} expected at byte {at}")]
    Syntax {
        /// What would have been right.
        expected: &'static str,
        /// The byte offset.
        at: usize,
    },
    /// A member name occurs twice in one object.
    #[error("the member \"{name}\" occurs twice (byte {at}); send it once")]
    Duplicate {
        /// The member.
        name: String,
        /// The byte offset after the second name.
        at: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels (byte {at})")]
    TooDeep {
        /// The byte offset.
        at: usize,
    },
}

pub(super) fn read(text: &[u8]) -> Result<Json, Fault> {
    let mut reader = Reader { text, at: 0 };
    reader.blanks();
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at == text.len() { Ok(value) } else { reader.fault("the end") }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn fault<T>(&self, expected: &'static str) -> Result<T, Fault> {
        Err(Fault::Syntax { expected, at: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        if hit {
            self.at += 1;
        }
        hit
    }

    fn word(&mut self, word: &'static str, value: Json) -> Result<Json, Fault> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(value)
        } else {
            self.fault(word)
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::TooDeep { at: self.at });
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::String),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.fault("a value"),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            self.blanks();
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            if !self.take(b',') {
                return self.fault("\",\" or \"]\"");
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, Fault> {
        self.at += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut names = Names::default();
        self.blanks();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return self.fault("a member name");
            }
            let name = self.string()?;
            if names.seen(&members, &name) {
                return Err(Fault::Duplicate { name, at: self.at });
            }
            self.blanks();
            if !self.take(b':') {
                return self.fault("\":\"");
            }
            self.blanks();
            let value = self.value(depth + 1)?;
            members.push((name, value));
            self.blanks();
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            if !self.take(b',') {
                return self.fault("\",\" or \"}\"");
            }
        }
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at > start
    }

    fn number(&mut self) -> Result<Json, Fault> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && !self.digits() {
            return self.fault("a digit");
        }
        if self.take(b'.') && !self.digits() {
            return self.fault("a digit");
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if !self.digits() {
                return self.fault("a digit");
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        Ok(Json::Number(String::from_utf8_lossy(text).into_owned()))
    }

    fn string(&mut self) -> Result<String, Fault> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            let run = self.text.get(start..self.at).unwrap_or_default();
            match std::str::from_utf8(run) {
                Ok(run) => out.push_str(run),
                Err(error) => {
                    return Err(Fault::Syntax {
                        expected: "UTF-8",
                        at: start + error.valid_up_to(),
                    });
                }
            }
            if self.take(b'"') {
                return Ok(out);
            }
            if !self.take(b'\\') {
                return self.fault("the end of a string");
            }
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let Some(byte) = self.peek() else { return self.fault("an escape") };
        self.at += 1;
        match byte {
            b'"' => Ok('"'),
            b'\\' => Ok('\\'),
            b'/' => Ok('/'),
            b'b' => Ok('\u{8}'),
            b'f' => Ok('\u{c}'),
            b'n' => Ok('\n'),
            b'r' => Ok('\r'),
            b't' => Ok('\t'),
            b'u' => self.unicode(),
            _ => self.fault("an escape"),
        }
    }

    fn unit(&mut self) -> Result<u32, Fault> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        let text = std::str::from_utf8(digits).unwrap_or_default();
        if text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.at += 4;
            Ok(u32::from_str_radix(text, 16).unwrap_or_default())
        } else {
            self.fault("four hexadecimal digits")
        }
    }

    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.unit()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            if !(self.take(b'\\') && self.take(b'u')) {
                return self.fault("the second half of a surrogate pair");
            }
            let second = self.unit()?;
            if !(0xdc00..0xe000).contains(&second) {
                return self.fault("the second half of a surrogate pair");
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        match char::from_u32(code) {
            Some(character) => Ok(character),
            None => self.fault("a Unicode scalar value"),
        }
    }
}

/// Member names seen so far: compared one by one while few, hashed once many.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn seen(&mut self, members: &[(String, Json)], name: &str) -> bool {
        if members.len() < 16 {
            return members.iter().any(|(key, _)| key == name);
        }
        if self.0.is_empty() {
            self.0.extend(members.iter().map(|(key, _)| key.clone()));
        }
        !self.0.insert(name.to_owned())
    }
}
