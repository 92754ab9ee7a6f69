//! From nothing to a stream that carries stanzas.

use super::books::{Books, Sent};
use super::element::Element;
use super::foreign::{failure, gone, told};
use super::settings::Account;
use super::tls;
use common::{Failure, Result};
use futures_util::{SinkExt, StreamExt};
use sasl::common::Credentials;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::BufStream;
use tokio::net::TcpStream;
use tokio_xmpp::Stanza;
use tokio_xmpp::connect::{AsyncReadAndWrite, DnsConfig};
use tokio_xmpp::parsers::bind::BindQuery;
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::parsers::ns;
use tokio_xmpp::parsers::presence::Presence;
use tokio_xmpp::parsers::sm;
use tokio_xmpp::xmlstream::{
    FallibleStreamElement, InitiatingStream, PendingFeaturesRecv, ReadError, StreamHeader,
    Timeouts, XmlStream, XmppStreamElement, initiate_stream,
};

/// Whatever lies below the XML.
pub type Io = Box<dyn AsyncReadAndWrite + Send>;

/// A stream that carries stanzas.
pub type Stream = XmlStream<Io, Element>;

/// Longest until a connection carries stanzas.
const LIMIT: Duration = Duration::from_secs(30);

/// A server that said nothing for `read_timeout` is asked, and gone when it then says nothing for
/// `response_timeout`. Firewalls forget silent connections after some minutes, the strictest of one.
const TIMEOUTS: Timeouts = Timeouts {
    read_timeout: Duration::from_secs(40),
    response_timeout: Duration::from_secs(20),
};

/// So long the server shall keep our stream for us, in seconds; it may do otherwise.
const RESUMABLE_S: u32 = 600;

/// Names our request for a resource.
const BIND: &str = "bind";

/// A stream, and what must be written first.
pub struct Opened {
    pub stream: Stream,
    pub first: Vec<Sent>,
}

/// Connects, logs in, and goes on with the stream of the books or begins another.
pub async fn open(account: &Account, books: &mut Books) -> Result<Opened> {
    let opened = tokio::time::timeout(LIMIT, async {
        let (mut stream, resumable) = log_in(account).await?;
        if !resumable {
            return Err(gone(
                "the server has no stream management (XEP-0198), so nobody would know what it \
                 took; switch it on there",
            ));
        }
        let first = match resume(&mut stream, books).await? {
            Some(again) => again,
            None => begin(&mut stream, account, books).await?,
        };
        Ok(Opened { stream, first })
    });
    let late = |_| Err(gone(format!("the server let nobody in within {LIMIT:?}")));
    opened.await.unwrap_or_else(late)
}

/// A stream of the account that is not bound to a resource yet, and whether it can be managed.
async fn log_in(account: &Account) -> Result<(Stream, bool)> {
    let domain = account.jid.domain().as_str();
    let stream = header(encrypted(account).await?, domain).await?;
    let (features, stream) = stream
        .recv_features()
        .await
        .map_err(|e| failure(e.into()))?;
    let node = account.jid.node().map(|n| n.as_str()).unwrap_or_default();
    let credentials = Credentials::default()
        .with_username(node)
        .with_password(&account.password);
    // Never as a guest (ANONYMOUS), whatever the server offers.
    let ways: BTreeSet<String> = features.sasl_mechanisms;
    let ways = ways.into_iter().filter(|way| way != "ANONYMOUS").collect();
    let stream: InitiatingStream<Io> = tokio_xmpp::client_login(stream, ways, credentials)
        .await
        .map_err(failure)?;
    let stream = stream
        .send_header(to(domain))
        .await
        .map_err(|e| failure(e.into()))?;
    let (features, stream) = stream
        .recv_features()
        .await
        .map_err(|e| failure(e.into()))?;
    Ok((stream, features.stream_management.is_some()))
}

/// A connection that nobody else reads, or one on this machine.
async fn encrypted(account: &Account) -> Result<Io> {
    let domain = account.jid.domain().as_str();
    let tcp = match &account.server {
        Some(server) => TcpStream::connect(server)
            .await
            .map_err(|e| failure(e.into()))?,
        None => DnsConfig::srv_default_client(domain)
            .resolve()
            .await
            .map_err(failure)?,
    };
    // Short stanzas, each waited for.
    let _ = tcp.set_nodelay(true);
    let Some(config) = &account.tls else {
        let peer = tcp.peer_addr().map_err(|e| failure(e.into()))?;
        return match peer.ip().is_loopback() {
            true => Ok(Box::new(BufStream::new(tcp))),
            false => Err(gone(
                "plain connections stay on this machine, and this one would not",
            )),
        };
    };
    let stream = header(BufStream::new(tcp), domain).await?;
    let features = stream.recv_features::<FallibleStreamElement>().await;
    let (features, stream) = features.map_err(|e| failure(e.into()))?;
    if !features.can_starttls() {
        return Err(gone(
            "the server offers no STARTTLS, and the password is not sent without",
        ));
    }
    tls::start(stream, domain, config).await
}

async fn header<T>(io: T, domain: &str) -> Result<PendingFeaturesRecv<T>>
where
    T: AsyncReadAndWrite,
{
    let begun = initiate_stream(io, ns::JABBER_CLIENT, to(domain), TIMEOUTS).await;
    begun.map_err(|e| failure(e.into()))
}

fn to(domain: &str) -> StreamHeader<'_> {
    StreamHeader {
        to: Some(Cow::Borrowed(domain)),
        from: None,
        id: None,
    }
}

/// Goes on with the stream of the books; what must be written again. `None`: it is over.
async fn resume(stream: &mut Stream, books: &mut Books) -> Result<Option<Vec<Sent>>> {
    let Some((previd, h)) = books.resume() else {
        return Ok(None);
    };
    let ask = sm::Nonza::Resume(sm::Resume { h, previd });
    write(stream, &XmppStreamElement::SM(ask)).await?;
    match read(stream).await? {
        Element::Known(known) => match *known {
            XmppStreamElement::SM(sm::Nonza::Resumed(resumed)) => {
                if let Ok(again) = books.resumed(resumed.h) {
                    return Ok(Some(again));
                }
                books.lost(None);
                Err(counted_wrong())
            }
            XmppStreamElement::SM(sm::Nonza::Failed(failed)) => {
                books.lost(failed.h);
                Ok(None)
            }
            _ => {
                books.lost(None);
                Err(unexpected())
            }
        },
        // A server that was restarted knows no count, and the library no refusal without one.
        Element::Odd { .. } => {
            books.lost(None);
            Ok(None)
        }
    }
}

/// A stream of its own, with nothing in it.
async fn begin(stream: &mut Stream, account: &Account, books: &mut Books) -> Result<Vec<Sent>> {
    let query = BindQuery::new(Some(account.resource.clone()));
    let ask = Stanza::Iq(Iq::from_set(BIND, query));
    write(stream, &XmppStreamElement::Stanza(ask)).await?;
    match known(stream).await? {
        XmppStreamElement::Stanza(Stanza::Iq(Iq::Result { id, .. })) if id == BIND => {}
        XmppStreamElement::Stanza(Stanza::Iq(Iq::Error { error, .. })) => {
            let condition = error.defined_condition;
            return Err(gone(format!(
                "the server gives us no resource ({condition:?})"
            )));
        }
        _ => return Err(unexpected()),
    }
    let ask = sm::Enable::new().with_resume().with_max(RESUMABLE_S);
    write(stream, &XmppStreamElement::SM(sm::Nonza::Enable(ask))).await?;
    match known(stream).await? {
        XmppStreamElement::SM(sm::Nonza::Enabled(enabled)) => {
            books.begin(enabled.id.filter(|_| enabled.resume));
        }
        _ => {
            return Err(gone(
                "the server offered stream management and does not do it",
            ));
        }
    }
    // From now on the server hands us what waits.
    Ok(vec![Sent::by_the_way(Presence::available().into())])
}

async fn write(stream: &mut Stream, element: &XmppStreamElement) -> Result {
    stream.send(element).await.map_err(|e| failure(e.into()))
}

async fn known(stream: &mut Stream) -> Result<XmppStreamElement> {
    match read(stream).await? {
        Element::Known(known) => Ok(*known),
        Element::Odd { .. } => Err(unexpected()),
    }
}

async fn read(stream: &mut Stream) -> Result<Element> {
    loop {
        match stream.next().await {
            Some(Ok(Element::Known(known))) => match *known {
                XmppStreamElement::StreamError(error) => return Err(told(&error.0)),
                known => return Ok(Element::Known(Box::new(known))),
            },
            Some(Ok(odd)) => return Ok(odd),
            Some(Err(ReadError::SoftTimeout)) => {}
            Some(Err(e)) => return Err(gone(e)),
            None => return Err(gone("the server closed the connection")),
        }
    }
}

/// The server's count cannot be ours.
pub fn counted_wrong() -> Failure {
    gone("the server says that it took more than it was given")
}

fn unexpected() -> Failure {
    gone("the server answers something else than it was asked")
}
