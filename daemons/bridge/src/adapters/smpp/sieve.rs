//! Stands between the wire and the client library, which breaks a connection off when a message
//! has a small fault; the gateway then sends the same message again, for ever. So what comes in for
//! us is taken out and read by [`super::deliver`], and of an answer that the library could not read
//! only its header is passed on: command, status and number are all there.

use bytes::BytesMut;
use rusmpp::Command;
use rusmpp::decode::DecodeWithLength;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

/// Length, command, status and sequence number, four octets each (SMPP 3.4, section 3.2).
const HEADER: usize = 16;

/// Longest message: a payload parameter holds 64 KiB. More is not SMPP.
pub const LONGEST: usize = 128 * 1024;

/// `deliver_sm` (SMPP 3.4, section 5.1.2.1).
const DELIVER_SM: u32 = 0x0000_0005;

/// A `deliver_sm`.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its number, for the answer.
    pub sequence: u32,
    /// What follows the header.
    pub body: BytesMut,
}

/// A connection without what is meant for us.
pub struct Sieve<S> {
    inner: S,
    read: BytesMut,
    passed: BytesMut,
    taken: mpsc::UnboundedSender<Frame>,
}

/// What is to be done with what was read so far.
enum Next {
    /// More must be read.
    More,
    /// So many octets are a message for us.
    Ours(usize),
    /// So many octets are the library's.
    Theirs(usize),
    /// It is not SMPP; the library says so and ends.
    Rubbish,
}

impl<S> Sieve<S> {
    /// Before this connection; what is taken out comes from the receiver, which must refuse what is
    /// too much: if nothing were read meanwhile, answers to what we handed over would wait as well.
    pub fn before(inner: S) -> (Self, mpsc::UnboundedReceiver<Frame>) {
        let (taken, frames) = mpsc::unbounded_channel();
        let sieve = Self {
            inner,
            read: BytesMut::new(),
            passed: BytesMut::new(),
            taken,
        };
        (sieve, frames)
    }

    fn next(&self) -> Next {
        if self.read.len() < HEADER {
            return Next::More;
        }
        let length = usize::try_from(word(&self.read, 0)).unwrap_or(usize::MAX);
        match length {
            _ if !(HEADER..=LONGEST).contains(&length) => Next::Rubbish,
            _ if self.read.len() < length => Next::More,
            _ if word(&self.read, 4) == DELIVER_SM => Next::Ours(length),
            _ => Next::Theirs(length),
        }
    }

    /// Moves one message on; `false` when more must be read first.
    fn sift(&mut self) -> io::Result<bool> {
        match self.next() {
            Next::More => return Ok(false),
            Next::Rubbish => self.passed = self.read.split(),
            Next::Theirs(length) => self.passed = readable(self.read.split_to(length)),
            Next::Ours(length) => {
                let sequence = word(&self.read, 12);
                let body = self.read.split_to(length).split_off(HEADER);
                let sent = self.taken.send(Frame { sequence, body });
                sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            }
        }
        Ok(true)
    }
}

impl<S: AsyncRead + Unpin> Sieve<S> {
    /// Reads more; `false` at the end.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut chunk = [0; 4096];
        let mut buffer = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer))?;
        self.read.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(!buffer.filled().is_empty()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sieve<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        while me.passed.is_empty() {
            if me.sift()? {
                continue;
            }
            if !ready!(me.poll_more(cx))? {
                // What was half read is of no use to anybody.
                return Poll::Ready(Ok(()));
            }
        }
        let fits = me.passed.len().min(buffer.remaining());
        buffer.put_slice(&me.passed.split_to(fits));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sieve<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The message, or its header alone when the library would not read it to its end.
fn readable(message: BytesMut) -> BytesMut {
    let mut rest = BytesMut::from(&message[4..]);
    let length = rest.len();
    match Command::decode(&mut rest, length) {
        Ok((_, read)) if read == length => message,
        _ => {
            let mut header = BytesMut::with_capacity(HEADER);
            header.extend_from_slice(&(HEADER as u32).to_be_bytes());
            header.extend_from_slice(&message[4..HEADER]);
            header
        }
    }
}

/// Four octets of a header that is there.
fn word(message: &[u8], at: usize) -> u32 {
    let octets = message[at..at + 4].iter();
    octets.fold(0, |word, octet| word << 8 | u32::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    fn message(id: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + body.len()).unwrap();
        let words = [length, id, 0, sequence].map(u32::to_be_bytes);
        [&words.concat(), body].concat()
    }

    /// What is passed on, and what is taken out.
    async fn sifted(octets: &[u8]) -> (Vec<u8>, Vec<Frame>) {
        let (mut sieve, mut frames) = Sieve::before(octets);
        let (mut passed, mut taken) = (Vec::new(), Vec::new());
        let reading = async {
            sieve.read_to_end(&mut passed).await.unwrap();
            drop(sieve);
        };
        let taking = async {
            while let Some(frame) = frames.recv().await {
                taken.push(frame);
            }
        };
        tokio::join!(reading, taking);
        (passed, taken)
    }

    #[tokio::test]
    async fn what_is_for_us_is_taken_out_however_much_there_is() {
        let answer = message(0x8000_0004, 1, b"id\0");
        let mut octets = Vec::new();
        for sequence in 0..1000 {
            octets.extend(message(DELIVER_SM, sequence, b"rubbish"));
            octets.extend(&answer);
        }
        let (passed, taken) = sifted(&octets).await;
        assert_eq!(passed, answer.repeat(1000));
        let numbers: Vec<u32> = taken.iter().map(|f| f.sequence).collect();
        assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
        assert_eq!(&taken[7].body[..], b"rubbish");
    }

    #[tokio::test]
    async fn answers_with_faults_are_passed_on_as_headers() {
        for (body, whole) in [
            (&b"id\0"[..], true),
            (b"", true),
            // Not closed by a zero; letters beyond ASCII; a parameter that breaks off; too long.
            (b"id", false),
            (b"\xe9\0", false),
            (b"id\0\0\x1e\0\x09ab", false),
            (&[b'1'; 80], false),
        ] {
            let sent = message(0x8000_0004, 5, body);
            let header = message(0x8000_0004, 5, b"");
            let (passed, _) = sifted(&[sent.clone(), header.clone()].concat()).await;
            let first = if whole { sent } else { header.clone() };
            assert_eq!(passed, [first, header].concat(), "{body:x?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_smpp_is_passed_on_as_it_is() {
        let rubbish = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        assert_eq!(sifted(rubbish).await.0, rubbish);
        let half = &message(DELIVER_SM, 1, b"abc")[..17];
        assert_eq!(sifted(half).await, (vec![], vec![]));
    }

    proptest! {
        #[test]
        fn nothing_panics(
            id in prop_oneof![0u32..0x25, 0x8000_0000u32..0x8000_0025, any::<u32>()],
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let sent = message(id, 9, &body);
            let (passed, taken) = runtime.block_on(sifted(&sent));
            if id == DELIVER_SM {
                prop_assert_eq!((passed.len(), taken.len()), (0, 1));
            } else {
                prop_assert!(passed == sent || passed == message(id, 9, b""));
            }
        }
    }
}
