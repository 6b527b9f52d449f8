//! Lines in, lines out: one JSON-RPC message on each, no line break inside (ST-14).

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

/// The longest line; the entrance refuses what is larger than the Agent's own limit with an answer, this only bounds memory.
const LONGEST: usize = 20 * 1024 * 1024;

/// Cuts a stream into lines. Safe to be dropped and asked again between lines.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    read: R,
    held: BytesMut,
    /// How much of `held` is known to have no line break.
    looked: usize,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub fn new(read: R) -> Self {
        Self { read, held: BytesMut::with_capacity(8 * 1024), looked: 0 }
    }

    /// The next line that holds something; `None` at the end, or where a line is longer than anything carried.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            let fresh = self.held.get(self.looked..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let line = self.held.split_to(self.looked + at + 1).freeze();
                self.looked = 0;
                if let Some(line) = trimmed(&line) {
                    return Some(line);
                }
                continue;
            }
            self.looked = self.held.len();
            if self.held.len() > LONGEST {
                return None;
            }
            match self.read.read_buf(&mut self.held).await {
                Ok(0) | Err(_) => {
                    let rest = self.held.split().freeze();
                    self.looked = 0;
                    return trimmed(&rest);
                }
                Ok(_) => {}
            }
        }
    }
}

/// A line without the white space around it; nothing where that is all.
fn trimmed(line: &Bytes) -> Option<Bytes> {
    let inner = line.trim_ascii();
    (!inner.is_empty()).then(|| line.slice_ref(inner))
}

/// Writes messages as lines until nobody sends any more or the other end is gone.
pub(crate) async fn write<W: AsyncWrite + Unpin>(mut write: W, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(message) = queue.recv().await {
        let mut line = flat(message);
        line.extend_from_slice(b"\n");
        if write.write_all(&line).await.is_err() {
            return;
        }
        if queue.is_empty() && write.flush().await.is_err() {
            return;
        }
    }
    let _ = write.shutdown().await;
}

/// A message on one line. JSON holds no line breaks inside strings, so each can become a space.
fn flat(message: Bytes) -> BytesMut {
    let mut line = BytesMut::from(message);
    line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn lines_are_cut_wherever_the_bytes_are_cut() {
        let text = b"{\"a\":1}\r\n\n  \n{\"b\":2}\n{\"c\":3}";
        for cut in 1..text.len() {
            let (first, rest) = text.split_at(cut);
            let mut reader = Reader::new(first.chain(rest));
            let mut lines = Vec::new();
            while let Some(line) = reader.next().await {
                lines.push(line);
            }
            assert_eq!(lines, ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"], "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn a_message_over_many_lines_is_written_on_one() {
        let (send, queue) = mpsc::channel(4);
        send.send(Bytes::from_static(b"{\r\n \"a\": 1\n}")).await.unwrap();
        drop(send);
        let mut out = Vec::new();
        write(&mut out, queue).await;
        assert_eq!(String::from_utf8(out).unwrap(), "{   \"a\": 1 }\n");
    }
}
