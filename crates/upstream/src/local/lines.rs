//! Lines of a pipe, whole and bounded.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// What comes next from a pipe.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A line without its end.
    Line(Vec<u8>),
    /// A line that is longer than what is held.
    TooLong,
    /// The other end was closed.
    End,
}

/// Reads one line of at most `most` bytes.
pub(super) async fn next(reader: &mut (impl AsyncBufRead + Unpin), most: usize) -> Next {
    let mut line = Vec::new();
    loop {
        let Ok(held) = reader.fill_buf().await else { return Next::End };
        if held.is_empty() {
            return if line.is_empty() { Next::End } else { Next::Line(line) };
        }
        let end = held.iter().position(|byte| *byte == b'\n');
        let part = held.get(..end.unwrap_or(held.len())).unwrap_or_default();
        if line.len() + part.len() > most {
            return Next::TooLong;
        }
        line.extend_from_slice(part);
        let used = end.map_or(part.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Next::Line(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_ends_with_its_end_or_with_the_pipe_and_never_grows_without_bound() {
        let mut reader = tokio::io::BufReader::with_capacity(2, &b"abc\r\n\nlast"[..]);
        for expected in ["abc", "", "last"] {
            assert_eq!(next(&mut reader, 8).await, Next::Line(expected.into()));
        }
        assert_eq!(next(&mut reader, 8).await, Next::End);
        let mut reader = tokio::io::BufReader::with_capacity(2, &b"123456789\n"[..]);
        assert_eq!(next(&mut reader, 8).await, Next::TooLong);
    }
}
