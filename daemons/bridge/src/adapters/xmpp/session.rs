//! A stream while it lives: reads, writes, and keeps the books.

use super::books::{Books, Sent};
use super::dial::{Opened, Stream, counted_wrong};
use super::element::Element;
use super::foreign::{failure, gone, told};
use super::read::{Heard, Rules, heard};
use super::{Job, away};
use crate::port::Port;
use common::{Failure, Result, Verdict};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_xmpp::Stanza;
use tokio_xmpp::parsers::presence::{Presence, Type};
use tokio_xmpp::parsers::sm;
use tokio_xmpp::xmlstream::{ReadError, XmppStreamElement};
use tracing::{debug, info, warn};

/// So many stanzas are taken in at a time; then the server waits.
const AT_ONCE: usize = 32;

/// A server that acknowledges nothing for so long is gone, whatever its connection says.
const PATIENCE: Duration = Duration::from_secs(15);

/// Longest for a stream to end in order, less than the whole stop may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// Carries stanzas until told to stop, or until the connection breaks.
pub async fn live(
    opened: Opened,
    (inbox, books): (&mut mpsc::Receiver<Job>, &mut Books),
    (port, rules): (&Port, &Rules<'_>),
    stop: &CancellationToken,
) -> Result {
    let mut session = Session {
        stream: opened.stream,
        books,
        owed: None,
        read_at: Instant::now(),
    };
    let mut taking = FuturesOrdered::new();
    let ended = async {
        for sent in opened.first {
            session.put(sent).await?;
        }
        session.flush().await?;
        info!(channel = port.name(), "Connected");
        session
            .turn((inbox, &mut taking), (port, rules), stop)
            .await
    };
    let ended = ended.await;
    session.drain(&mut taking, &ended).await;
    match ended {
        Ok(()) => session.end(inbox).await,
        Err(Ended::Unreadable(e)) => {
            let (channel, passed_over) = (port.name(), session.books.stumble());
            warn!(channel, error = %e, passed_over, "Begins again");
            // At once: whoever sent it may not keep us away with it.
            Ok(())
        }
        Err(Ended::Broken(e) | Ended::Refused(e)) => Err(e),
    }
}

/// Why it ended without being told to.
enum Ended {
    Broken(Failure),
    /// By something in the stream that the parser cannot get over.
    Unreadable(Failure),
    /// By us, since something could not be taken in: the server must keep it and all that follows.
    Refused(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure)
    }
}

/// Stanzas that are being taken in; each brings what it wants said afterwards.
type Taking<'a> = FuturesOrdered<BoxFuture<'a, Result<Vec<Stanza>>>>;

struct Session<'a> {
    stream: Stream,
    books: &'a mut Books,
    /// The server asked what we have handled when so many had come.
    owed: Option<u32>,
    /// When we listened last.
    read_at: Instant,
}

impl Session<'_> {
    async fn turn<'p>(
        &mut self,
        (inbox, taking): (&mut mpsc::Receiver<Job>, &mut Taking<'p>),
        (port, rules): (&'p Port, &Rules<'_>),
        stop: &CancellationToken,
    ) -> std::result::Result<(), Ended> {
        let mut look = interval(Duration::from_secs(1));
        loop {
            let listens = taking.len() < AT_ONCE;
            if listens {
                self.read_at = Instant::now();
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(taken) = taking.next(), if !taking.is_empty() => {
                    self.taken(taken.map_err(Ended::Refused)?).await?;
                }
                element = self.stream.next(), if listens => {
                    if let Some(stanza) = self.element(element, taking.len()).await? {
                        taking.push_back(take(stanza, port, rules));
                    }
                }
                Some(job) = inbox.recv() => self.write(job, inbox).await?,
                _ = look.tick() => self.look()?,
            }
        }
    }

    /// What is half taken in is taken in: the server gives the rest again.
    async fn drain(&mut self, taking: &mut Taking<'_>, ended: &std::result::Result<(), Ended>) {
        if matches!(ended, Err(Ended::Refused(_))) {
            // The counter cannot pass over what was refused.
            return;
        }
        while let Some(Ok(answers)) = taking.next().await {
            self.books.handle();
            for answer in answers {
                let answer = Sent::by_the_way(answer);
                match ended {
                    // An end in order follows, which says when this is not written.
                    Ok(()) => drop(self.put(answer).await),
                    // Written when the stream is resumed: the server has not counted it.
                    Err(_) => self.books.sent(answer),
                }
            }
        }
    }

    /// One stanza was taken in, the oldest.
    async fn taken(&mut self, answers: Vec<Stanza>) -> Result {
        self.books.handle();
        let any = !answers.is_empty();
        for answer in answers {
            self.put(Sent::by_the_way(answer)).await?;
        }
        if any {
            self.request().await?;
        }
        match self.owed {
            // Everything that had come when it was asked.
            Some(owed) if self.books.handled() == owed => self.acknowledge().await,
            _ if any => self.flush().await,
            _ => Ok(()),
        }
    }

    /// A stanza that came, if it was one.
    async fn element(
        &mut self,
        element: Option<std::result::Result<Element, ReadError>>,
        waiting: usize,
    ) -> std::result::Result<Option<Option<Stanza>>, Ended> {
        let known = match element {
            Some(Ok(Element::Known(known))) => *known,
            Some(Ok(Element::Odd { stanza })) => {
                debug!("Passed over a stanza that cannot be read");
                return Ok(stanza.then_some(None));
            }
            Some(Err(ReadError::SoftTimeout)) => {
                self.request().await?;
                self.flush().await?;
                return Ok(None);
            }
            Some(Err(ReadError::HardError(e))) => return Err(broke(e)),
            Some(Err(e)) => return Err(gone(e).into()),
            None => return Err(gone("the server closed the connection").into()),
        };
        match known {
            XmppStreamElement::Stanza(stanza) => return Ok(Some(Some(stanza))),
            XmppStreamElement::SM(sm::Nonza::Ack(ack)) => {
                self.books
                    .acknowledged(ack.h)
                    .map_err(|_| counted_wrong())?;
            }
            XmppStreamElement::SM(sm::Nonza::Req(_)) => {
                let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
                self.owed = Some(self.books.handled().wrapping_add(waiting));
                if waiting == 0 {
                    self.acknowledge().await?;
                }
            }
            XmppStreamElement::StreamError(error) => return Err(told(&error.0).into()),
            _ => {}
        }
        Ok(None)
    }

    /// Writes what waits, and asks how far the server came.
    async fn write(&mut self, job: Job, inbox: &mut mpsc::Receiver<Job>) -> Result {
        let mut next = Some(job);
        while let Some(job) = next {
            if !job.outcome.is_closed() {
                self.put(Sent::awaited(job.stanza, job.id, job.outcome))
                    .await?;
            }
            next = inbox.try_recv().ok();
        }
        self.request().await?;
        self.flush().await
    }

    /// A connection may be there and carry nothing. While we do not listen we cannot know.
    fn look(&self) -> Result {
        let waits = |at: Instant| at.elapsed() > PATIENCE && self.read_at.elapsed() < PATIENCE;
        match self.books.oldest() {
            Some(at) if waits(at) => Err(gone(format!(
                "the server has acknowledged nothing for {PATIENCE:?}"
            ))),
            _ => Ok(()),
        }
    }

    /// Once it is in the books, it may have been sent.
    async fn put(&mut self, sent: Sent) -> Result {
        let fed = timeout(PATIENCE, self.stream.feed(&sent.stanza)).await;
        let at = Instant::now();
        self.books.sent(Sent { at, ..sent });
        written(fed)
    }

    async fn request(&mut self) -> Result {
        let ask = XmppStreamElement::SM(sm::Nonza::Req(sm::R));
        written(timeout(PATIENCE, self.stream.feed(&ask)).await)
    }

    async fn acknowledge(&mut self) -> Result {
        self.owed = None;
        let h = self.books.handled();
        let ack = XmppStreamElement::SM(sm::Nonza::Ack(sm::A { h }));
        written(timeout(PATIENCE, self.stream.send(&ack)).await)
    }

    async fn flush(&mut self) -> Result {
        // Which type it is flushed for makes no difference.
        let flushed = SinkExt::<&XmppStreamElement>::flush(&mut self.stream);
        written(timeout(PATIENCE, flushed).await)
    }

    /// Ends the stream in order: the server keeps for the next what we have not handled.
    async fn end(&mut self, inbox: &mut mpsc::Receiver<Job>) -> Result {
        while let Ok(job) = inbox.try_recv() {
            let _ = job.outcome.send(away());
        }
        let ended = timeout(FAREWELL, async {
            self.put(Sent::by_the_way(Presence::new(Type::Unavailable).into()))
                .await?;
            self.request().await?;
            self.acknowledge().await?;
            while self.books.oldest().is_some() {
                let element = self.stream.next().await;
                match element {
                    Some(Ok(Element::Known(known))) => {
                        if let XmppStreamElement::SM(sm::Nonza::Ack(ack)) = *known {
                            self.books
                                .acknowledged(ack.h)
                                .map_err(|_| counted_wrong())?;
                        }
                    }
                    Some(Ok(Element::Odd { .. })) => {}
                    _ => break,
                }
            }
            let closed = SinkExt::<&XmppStreamElement>::close(&mut self.stream).await;
            closed.map_err(|e| failure(e.into()))
        });
        let ended = ended.await;
        self.books.lost(None);
        ended.unwrap_or_else(|_| Err(gone("the server did not let us go in order")))
    }
}

/// Takes in one stanza; what to say once it is taken.
fn take<'a>(
    stanza: Option<Stanza>,
    port: &'a Port,
    rules: &Rules<'_>,
) -> BoxFuture<'a, Result<Vec<Stanza>>> {
    let heard = stanza.map_or(Heard::Nothing, |s| heard(s, rules, Timestamp::now()));
    Box::pin(async move {
        let (taken, thanks) = match heard {
            Heard::Text(arrived, thanks) => (port.text(arrived).await, thanks),
            Heard::Receipt(receipt) => (port.receipt(receipt).await, None),
            Heard::Answers(answers) => return Ok(answers),
            Heard::Nothing => return Ok(Vec::new()),
        };
        match taken {
            Ok(()) => Ok(thanks.into_iter().map(|t| Stanza::Message(*t)).collect()),
            // It would come again for ever.
            Err(e) if e.verdict == Verdict::Quarantine => {
                warn!(channel = port.name(), error = %e, "Passed over what nothing can take");
                Ok(Vec::new())
            }
            Err(e) => Err(e.while_doing("the server must keep what comes in")),
        }
    })
}

fn written(done: std::result::Result<io::Result<()>, tokio::time::error::Elapsed>) -> Result {
    match done {
        Ok(done) => done.map_err(|e| failure(e.into())),
        Err(_) => Err(gone(format!(
            "the server has taken nothing for {PATIENCE:?}"
        ))),
    }
}

/// The library reports an end of the connection between two elements as invalid data, too.
fn broke(error: io::Error) -> Ended {
    let unreadable =
        error.kind() == io::ErrorKind::InvalidData && !error.to_string().contains("eof");
    match unreadable {
        true => Ended::Unreadable(gone("the server sends what cannot be read")),
        false => Ended::Broken(failure(error.into())),
    }
}
