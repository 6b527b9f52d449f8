//! Server-sent events, cut at their boundaries without changing a byte (WHATWG HTML §9.2).

/// Cuts a byte stream into whole events. Memory is bounded by `limit`.
#[derive(Debug)]
pub struct Splitter {
    held: Vec<u8>,
    /// Where the last line that is not whole yet begins; what is before it holds no boundary.
    line: usize,
    limit: usize,
}

/// One event grew beyond the limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("one event is larger than {0} bytes")]
pub struct TooLarge(pub usize);

impl Splitter {
    /// A splitter that holds at most `limit` bytes of one event.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { held: Vec::new(), line: 0, limit }
    }

    /// Takes the next bytes and gives back every event that is now whole, its terminator included.
    ///
    /// # Errors
    /// [`TooLarge`] when an unfinished event passes the limit.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLarge> {
        self.held.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = boundary(&self.held, self.line) {
            let rest = self.held.split_off(end);
            events.push(std::mem::replace(&mut self.held, rest));
            self.line = 0;
        }
        self.line = last_line(&self.held);
        if self.held.len() > self.limit { Err(TooLarge(self.limit)) } else { Ok(events) }
    }

    /// What is left when the stream ends: an event that was not ended, or nothing. It has to be looked at like any other.
    #[must_use]
    pub fn rest(self) -> Vec<u8> {
        self.held
    }
}

/// The end of the first blank line at or after `from`, where a line begins. A line ends with CRLF, LF or CR, mixed as
/// the sender likes: whoever cut them otherwise would see other events than the Agent does.
fn boundary(bytes: &[u8], from: usize) -> Option<usize> {
    let mut line = from;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        let ends = match byte {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
            b'\r' | b'\n' => 1,
            _ => 0,
        };
        if ends > 0 && at == line {
            // A CR at the very end may be half of a CRLF: the next byte decides.
            let half = *byte == b'\r' && at + 1 == bytes.len();
            return if half { None } else { Some(at + ends) };
        }
        at += ends.max(1);
        if ends > 0 {
            line = at;
        }
    }
    None
}

/// Where the last line begins. A CR at the very end may be half of a CRLF: its line is looked at again.
fn last_line(bytes: &[u8]) -> usize {
    let whole = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    whole.iter().rposition(|byte| matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1)
}

/// The lines of an event, without a byte order mark before the first.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.strip_prefix('\u{feff}')
        .unwrap_or(text)
        .split(['\n', '\r'])
        .filter(|line| !line.is_empty())
}

/// The `data` of an event: its data lines joined by a line feed; `None` where it has none.
#[must_use]
pub fn data(event: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(event).ok()?;
    let mut found = Vec::new();
    for line in lines(text) {
        if let Some(value) = line.strip_prefix("data:") {
            found.push(value.strip_prefix(' ').unwrap_or(value));
        } else if line == "data" {
            found.push("");
        }
    }
    if found.is_empty() { None } else { Some(found.join("\n")) }
}

/// The event with its data replaced; every other field keeps its bytes.
#[must_use]
pub fn with_data(event: &[u8], data: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(event);
    let mut out = String::new();
    let mut written = false;
    for line in lines(&text) {
        if line.starts_with("data:") || line == "data" {
            if !written {
                for part in data.split('\n') {
                    out.push_str("data: ");
                    out.push_str(part);
                    out.push('\n');
                }
                written = true;
            }
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.push('\n');
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_wherever_the_bytes_are_cut() {
        let stream = b"id: 1\ndata: a\n\n: note\r\n\r\ndata: b\ndata: c\n\n".as_slice();
        for size in 1..stream.len() {
            let mut splitter = Splitter::new(1000);
            let mut events = Vec::new();
            for chunk in stream.chunks(size) {
                events.extend(splitter.push(chunk).unwrap_or_default());
            }
            assert_eq!(events.concat(), stream, "cut every {size} bytes");
            assert_eq!(events.len(), 3, "cut every {size} bytes");
        }
    }

    #[test]
    fn line_endings_may_be_mixed_and_hide_nothing() {
        for (stream, count) in [
            ("data: a\n\r\ndata: b\r\n\ndata: c\r\r\n", 3),
            ("data: a\r\rdata: b\n\n", 2),
            ("data: a\r\n\r\ndata: b\n\r", 2),
        ] {
            for size in 1..stream.len() {
                let mut splitter = Splitter::new(1000);
                let mut events = Vec::new();
                for chunk in stream.as_bytes().chunks(size) {
                    events.extend(splitter.push(chunk).unwrap_or_default());
                }
                events.push(splitter.rest());
                assert_eq!(events.concat(), stream.as_bytes(), "{stream:?} cut every {size}");
                let found = events.iter().filter(|event| data(event).is_some()).count();
                assert_eq!(found, count, "{stream:?} cut every {size}");
            }
        }
    }

    #[test]
    fn replaced_data_leaves_nothing_of_the_old_whatever_ends_the_lines() {
        for event in
            ["event: m\rdata: old\r\r", "\u{feff}data: old\n\n", "data: old\r\ndata:old\r\n\r\n"]
        {
            let new = with_data(event.as_bytes(), "new");
            assert!(!String::from_utf8_lossy(&new).contains("old"), "{event:?}");
            assert_eq!(data(&new).as_deref(), Some("new"), "{event:?}");
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut splitter = Splitter::new(10);
        assert_eq!(splitter.push(b"data: 0123456789"), Err(TooLarge(10)));
    }

    #[test]
    fn data_lines_are_joined_and_can_be_replaced() {
        let event = b"id: 7\ndata: a\ndata: b\n\n";
        assert_eq!(data(event).as_deref(), Some("a\nb"));
        assert_eq!(with_data(event, "{}"), b"id: 7\ndata: {}\n\n");
        assert_eq!(data(b": comment\n\n"), None);
    }
}
