//! Lines and mails off a connection, answers onto it.

use super::data::{Received, Room, Unstuffed};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::{Instant, timeout, timeout_at};

/// Longest command line. RFC 5321, 4.5.3.1.4, wants 512; XFORWARD and addresses in UTF-8 take more.
const LINE: usize = 4096;

/// A line that goes on beyond this is nobody's command.
const ENOUGH: usize = 1 << 20;

/// The whole mail must be here by then (RFC 5321, 4.5.3.2.5, gives three minutes to each block).
const MAIL: Duration = Duration::from_secs(600);

/// A client that does not read our answers.
const ANSWER: Duration = Duration::from_secs(60);

/// One connection.
pub struct Wire<S> {
    stream: BufReader<S>,
}

/// What came instead of a command, or one.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line with its end.
    Line(Vec<u8>),
    /// More than a command may be; it was read to its end and forgotten.
    TooLong,
    /// An end of line without CR. Servers that take it for one let mails be smuggled (RFC 5321,
    /// 2.3.8): nothing behind it is believed.
    BareLf,
    /// The client is gone.
    Gone,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream: BufReader::with_capacity(32 * 1024, stream),
        }
    }

    /// The next line. May be dropped only when the connection is given up.
    pub async fn line(&mut self) -> io::Result<Heard> {
        let mut line = Vec::new();
        let mut length = 0;
        let mut last = 0;
        loop {
            let chunk = self.stream.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(Heard::Gone);
            }
            let end = chunk.iter().position(|b| *b == b'\n').map(|at| at + 1);
            let taken = &chunk[..end.unwrap_or(chunk.len())];
            length += taken.len();
            if length <= LINE {
                line.extend_from_slice(taken);
            }
            let before = match taken {
                [.., before, _] => *before,
                _ => last,
            };
            last = taken[taken.len() - 1];
            let count = taken.len();
            self.stream.consume(count);
            match end {
                Some(_) if before != b'\r' => return Ok(Heard::BareLf),
                Some(_) if length > LINE => return Ok(Heard::TooLong),
                Some(_) => return Ok(Heard::Line(line)),
                None if length > ENOUGH => return Ok(Heard::Gone),
                None => {}
            }
        }
    }

    /// A mail up to its lone dot, of at most so many bytes; to its end also when it is not taken.
    pub async fn mail(&mut self, most: u64, room: &Room) -> io::Result<Received> {
        let until = Instant::now() + MAIL;
        let mut mail = Unstuffed::new(most, room);
        loop {
            let chunk = timeout_at(until, self.stream.fill_buf()).await??;
            if chunk.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (taken, ended) = mail.feed(chunk);
            self.stream.consume(taken);
            if ended {
                return Ok(mail.received());
            }
        }
    }

    /// Answers one line, or several joined by CRLF.
    pub async fn say(&mut self, answer: &str) -> io::Result<()> {
        let line = format!("{answer}\r\n");
        let stream = self.stream.get_mut();
        timeout(ANSWER, async {
            stream.write_all(line.as_bytes()).await?;
            stream.flush().await
        })
        .await?
    }
}
