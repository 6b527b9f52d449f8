//! Server-sent events, cut at their boundaries without changing a byte (WHATWG HTML §9.2).

/// Cuts a byte stream into whole events. Memory is bounded by `limit`.
#[derive(Debug)]
pub struct Splitter {
    held: Vec<u8>,
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
        Self { held: Vec::new(), limit }
    }

    /// Takes the next bytes and gives back every event that is now whole, its terminator included.
    ///
    /// # Errors
    /// [`TooLarge`] when an unfinished event passes the limit.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLarge> {
        let searched = self.held.len().saturating_sub(3);
        self.held.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut from = searched;
        while let Some(end) = boundary(&self.held, from) {
            let rest = self.held.split_off(end);
            events.push(std::mem::replace(&mut self.held, rest));
            from = 0;
        }
        if self.held.len() > self.limit { Err(TooLarge(self.limit)) } else { Ok(events) }
    }

    /// What is left when the stream ends: an unfinished event, or nothing.
    #[must_use]
    pub fn rest(self) -> Vec<u8> {
        self.held
    }
}

/// The end of the first blank line at or after `from`.
fn boundary(bytes: &[u8], from: usize) -> Option<usize> {
    let tail = bytes.get(from..)?;
    let ends: [&[u8]; 3] = [b"\r\n\r\n", b"\n\n", b"\r\r"];
    ends.iter()
        .filter_map(|end| {
            tail.windows(end.len())
                .position(|window| window == *end)
                .map(|at| from + at + end.len())
        })
        .min()
}

/// The `data` of an event: its data lines joined by a line feed; `None` where it has none.
#[must_use]
pub fn data(event: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(event).ok()?;
    let mut lines = Vec::new();
    for line in text.split(['\n', '\r']) {
        if let Some(value) = line.strip_prefix("data:") {
            lines.push(value.strip_prefix(' ').unwrap_or(value));
        } else if line == "data" {
            lines.push("");
        }
    }
    if lines.is_empty() { None } else { Some(lines.join("\n")) }
}

/// The event with its data replaced; every other field keeps its bytes.
#[must_use]
pub fn with_data(event: &[u8], data: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(event);
    let mut out = String::new();
    let mut written = false;
    for line in text.lines().filter(|line| !line.is_empty()) {
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
