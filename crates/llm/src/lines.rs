use bytes::{Bytes, BytesMut};

use crate::LlmError;

/// Cuts a stream of bytes, however it is split, into lines.
#[derive(Debug)]
pub(crate) struct Lines {
    buffer: BytesMut,
    /// So many bytes of the buffer are known to hold no line end.
    searched: usize,
    limit: usize,
}

impl Lines {
    /// Lines of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), searched: 0, limit }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line without its end (`\n` or `\r\n`), if all of it is there.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, LlmError> {
        let end = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n').map(|at| self.searched + at);
        let length = end.unwrap_or(self.buffer.len());
        if length > self.limit {
            return Err(LlmError::TooLarge { what: "piece", limit: self.limit });
        }
        let Some(end) = end else {
            self.searched = length;
            return Ok(None);
        };
        self.searched = 0;
        let mut line = self.buffer.split_to(end + 1);
        let ended_by = if line.ends_with(b"\r\n") { 2 } else { 1 };
        line.truncate(line.len() - ended_by);
        Ok(Some(line.freeze()))
    }

    /// What follows the last line end, without the first half of another.
    pub(crate) fn rest(&mut self) -> Bytes {
        self.searched = 0;
        let mut rest = self.buffer.split();
        if rest.ends_with(b"\r") {
            rest.truncate(rest.len() - 1);
        }
        rest.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_end_may_be_split() {
        let mut lines = Lines::new(9);
        for byte in b"a\r\n\nbc" {
            lines.push(&[*byte]);
        }
        assert_eq!(lines.next().unwrap().as_deref(), Some(&b"a"[..]));
        assert_eq!(lines.next().unwrap().as_deref(), Some(&b""[..]));
        assert_eq!(lines.next().unwrap(), None);
        assert_eq!(lines.rest().as_ref(), b"bc");
    }

    #[test]
    fn a_line_is_too_large_before_it_ends() {
        let mut lines = Lines::new(3);
        lines.push(b"abc");
        assert_eq!(lines.next().unwrap(), None);
        lines.push(b"d");
        assert!(matches!(lines.next(), Err(LlmError::TooLarge { limit: 3, .. })));
    }
}
