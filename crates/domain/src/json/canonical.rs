//! Says of a text, without reading it into values, that it is its own canonical form. It must never say so of a text
//! that is not; of one that is but has unusual names or escapes it may stay silent.

use super::MAX_DEPTH;

/// Whether `text` is certainly what [`super::Json::to_canonical`] makes of it.
pub(super) fn is_plainly(text: &str) -> bool {
    let mut walk = Walk { text: text.as_bytes(), at: 0 };
    walk.value(0).is_some() && walk.at == text.len()
}

struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

/// `None` says: not certain.
type Sure<T = ()> = Option<T>;

impl<'a> Walk<'a> {
    fn peek(&self) -> Sure<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    fn word(&mut self, word: &str) -> Sure {
        let hit = self.text.get(self.at..)?.starts_with(word.as_bytes());
        self.at += word.len();
        hit.then_some(())
    }

    fn value(&mut self, depth: usize) -> Sure {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    fn array(&mut self, depth: usize) -> Sure {
        self.at += 1;
        if self.take(b']') {
            return Some(());
        }
        loop {
            self.value(depth + 1)?;
            if self.take(b']') {
                return Some(());
            }
            self.take(b',').then_some(())?;
        }
    }

    /// Names have to ascend, which also says that none comes twice.
    fn object(&mut self, depth: usize) -> Sure {
        self.at += 1;
        if self.take(b'}') {
            return Some(());
        }
        let mut before: Option<&[u8]> = None;
        loop {
            let name = self.name()?;
            if before.is_some_and(|before| before >= name) {
                return None;
            }
            before = Some(name);
            self.take(b':').then_some(())?;
            self.value(depth + 1)?;
            if self.take(b'}') {
                return Some(());
            }
            self.take(b',').then_some(())?;
        }
    }

    /// A name of plain ASCII: there bytes have the order of UTF-16 code units.
    fn name(&mut self) -> Sure<&'a [u8]> {
        self.take(b'"').then_some(())?;
        let rest = self.text.get(self.at..)?;
        let length = rest
            .iter()
            .position(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'))?;
        self.at += length;
        self.take(b'"').then_some(())?;
        rest.get(..length)
    }

    fn digits(&mut self) -> Sure {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Numbers keep the text they were written with, so any is canonical.
    fn number(&mut self) -> Sure {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Some(())
    }

    fn string(&mut self) -> Sure {
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..)?;
            let run = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
            self.at += run + 1;
            match rest.get(run)? {
                b'"' => return Some(()),
                // The escapes that have two characters; those of six are rare.
                b'\\' => {
                    matches!(self.peek()?, b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't')
                        .then_some(())?;
                    self.at += 1;
                }
                _ => return None,
            }
        }
    }
}
