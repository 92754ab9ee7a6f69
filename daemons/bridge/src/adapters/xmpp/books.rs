//! What the server took of us, and we of the server: the counters of stream management (XEP-0198).
//! They outlive a connection, so that the next one can go on where it broke.

use crate::adapter::Handed;
use std::collections::VecDeque;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_xmpp::Stanza;
use tokio_xmpp::parsers::sm::StreamId;

/// So often reading may break off at the same stanza; then it is passed over. Once may be the
/// connection's own fault.
const STUMBLES: u8 = 2;

/// The counters of one stream.
#[derive(Default)]
pub struct Books {
    /// Names the stream when it is resumed.
    stream: Option<StreamId>,
    /// What was written and is not acknowledged, in order.
    sent: VecDeque<Sent>,
    /// So many of ours the server has handled.
    acked: u32,
    /// So many of the server's we have handled.
    handled: u32,
    /// Where reading broke off last, and how often.
    stumbled: (u32, u8),
}

/// Something written.
pub struct Sent {
    pub stanza: Stanza,
    /// For whoever waits: the message's id, and whom to tell.
    pub awaited: Option<(String, oneshot::Sender<Handed>)>,
    /// When it was written last.
    pub at: Instant,
}

impl Sent {
    /// A message of a text.
    pub fn awaited(stanza: Stanza, id: String, outcome: oneshot::Sender<Handed>) -> Self {
        Self {
            stanza,
            awaited: Some((id, outcome)),
            at: Instant::now(),
        }
    }

    /// Something that nobody waits for.
    pub fn by_the_way(stanza: Stanza) -> Self {
        Self {
            stanza,
            awaited: None,
            at: Instant::now(),
        }
    }

    /// Whoever waited may have given up; what became of it is recorded as unknown then, and whether
    /// it goes again is decided elsewhere.
    pub fn is_wanted(&self) -> bool {
        self.awaited.as_ref().is_none_or(|(_, o)| !o.is_closed())
    }

    fn tell(self, handed: impl FnOnce(String) -> Handed) {
        if let Some((id, outcome)) = self.awaited {
            // Whoever waited may have given up.
            let _ = outcome.send(handed(id));
        }
    }
}

impl Books {
    /// A stream begins. Absent: it cannot be resumed.
    pub fn begin(&mut self, stream: Option<StreamId>) {
        self.lost(None);
        self.stream = stream;
    }

    /// What to resume with: the stream and what we have handled.
    pub fn resume(&self) -> Option<(StreamId, u32)> {
        self.stream.clone().map(|id| (id, self.handled))
    }

    /// The stream goes on, and the server has handled so many; the others, to be written again.
    pub fn resumed(&mut self, h: u32) -> Result<Vec<Sent>, TooMany> {
        self.acknowledged(h)?;
        Ok(self.sent.drain(..).filter(Sent::is_wanted).collect())
    }

    /// The stream is over. The server may say how many it has handled; the others it has not.
    pub fn lost(&mut self, h: Option<u32>) {
        let known = h.is_some_and(|h| self.acknowledged(h).is_ok());
        for sent in self.sent.drain(..) {
            sent.tell(|_| match known {
                true => Handed::Later("the connection ended before the server took it".into()),
                false => {
                    Handed::Unknown("the connection ended before the server said it has it".into())
                }
            });
        }
        (self.acked, self.handled, self.stumbled) = (0, 0, (0, 0));
        self.stream = None;
    }

    /// Something is written now.
    pub fn sent(&mut self, sent: Sent) {
        self.sent.push_back(sent);
    }

    /// The server has handled so many in all.
    pub fn acknowledged(&mut self, h: u32) -> Result<(), TooMany> {
        // Counters begin at 0 again after 2^32 - 1.
        let more = usize::try_from(h.wrapping_sub(self.acked)).unwrap_or(usize::MAX);
        if more > self.sent.len() {
            return Err(TooMany);
        }
        for sent in self.sent.drain(..more) {
            sent.tell(|id| Handed::Sent(Some(id)));
        }
        self.acked = h;
        Ok(())
    }

    /// We have handled one more; so many in all.
    pub fn handle(&mut self) -> u32 {
        self.handled = self.handled.wrapping_add(1);
        self.handled
    }

    /// So many we have handled.
    pub fn handled(&self) -> u32 {
        self.handled
    }

    /// Nothing that could be read came after what we have handled. True when it was so often
    /// enough: it is counted as handled now.
    pub fn stumble(&mut self) -> bool {
        let (at, times) = self.stumbled;
        let times = if at == self.handled { times + 1 } else { 1 };
        self.stumbled = (self.handled, times);
        if times < STUMBLES {
            return false;
        }
        self.handle();
        self.stumbled = (0, 0);
        true
    }

    /// Since when the oldest waits for its acknowledgement.
    pub fn oldest(&self) -> Option<Instant> {
        self.sent.front().map(|sent| sent.at)
    }
}

/// The server says that it has handled more than was sent.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_xmpp::parsers::presence::Presence;

    type Told = oneshot::Receiver<Handed>;

    fn send(books: &mut Books, id: &str) -> Told {
        let (outcome, told) = oneshot::channel();
        let stanza = Presence::available().into();
        books.sent(Sent::awaited(stanza, id.into(), outcome));
        told
    }

    fn sent(id: &str) -> Result<Handed, oneshot::error::TryRecvError> {
        Ok(Handed::Sent(Some(id.into())))
    }

    #[test]
    fn what_is_acknowledged_is_sent_in_order() {
        let mut books = Books::default();
        let mut told: Vec<Told> = ["a", "b", "c"].map(|id| send(&mut books, id)).into();
        books.acknowledged(2).unwrap();
        assert_eq!(
            (told[0].try_recv(), told[1].try_recv()),
            (sent("a"), sent("b"))
        );
        assert!(told[2].try_recv().is_err(), "not yet");
        assert_eq!(books.acknowledged(4), Err(TooMany));
        assert_eq!(books.acknowledged(1), Err(TooMany), "it cannot go back");
        books.acknowledged(3).unwrap();
        assert!(books.oldest().is_none());
    }

    #[test]
    fn counters_begin_anew_after_their_last() {
        let mut books = Books {
            acked: u32::MAX,
            handled: u32::MAX,
            ..Books::default()
        };
        let mut told = send(&mut books, "a");
        books.acknowledged(0).unwrap();
        assert_eq!(told.try_recv(), sent("a"));
        assert_eq!(books.handle(), 0);
    }

    #[test]
    fn a_resumed_stream_tells_what_to_write_again() {
        let mut books = Books::default();
        books.begin(Some(StreamId("s".into())));
        books.handle();
        let mut told: Vec<Told> = ["a", "b"].map(|id| send(&mut books, id)).into();
        drop(send(&mut books, "given up"));
        books.sent(Sent::by_the_way(Presence::available().into()));
        assert_eq!(books.resume(), Some((StreamId("s".into()), 1)));
        let again = books.resumed(1).unwrap();
        assert_eq!(told[0].try_recv(), sent("a"));
        let ids: Vec<_> = again
            .iter()
            .map(|s| s.awaited.as_ref().map(|(id, _)| id.as_str()))
            .collect();
        assert_eq!(ids, [Some("b"), None]);
    }

    #[test]
    fn a_lost_stream_is_certain_only_when_the_server_counted() {
        for (h, want) in [(Some(1), "later"), (None, "unknown"), (Some(9), "unknown")] {
            let mut books = Books::default();
            books.begin(Some(StreamId("s".into())));
            let mut told: Vec<Told> = ["a", "b"].map(|id| send(&mut books, id)).into();
            books.lost(h);
            if h == Some(1) {
                assert_eq!(told[0].try_recv(), sent("a"));
            }
            let got = match told[1].try_recv().unwrap() {
                Handed::Later(_) => "later",
                Handed::Unknown(_) => "unknown",
                other => panic!("{other:?}"),
            };
            assert_eq!(got, want);
            assert!(books.resume().is_none() && books.handled() == 0);
        }
    }

    #[test]
    fn what_breaks_the_connection_again_and_again_is_passed_over() {
        let mut books = Books::default();
        books.handle();
        assert!(!books.stumble());
        books.handle();
        assert!(!books.stumble(), "another one");
        assert!(books.stumble());
        assert_eq!(books.handled(), 3);
        assert!(!books.stumble(), "the next has its own tries");
    }
}
