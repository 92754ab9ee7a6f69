//! What a server may send, read with bounds.
//!
//! Anybody on the network can make our server pass a stanza on to us, and what is nested 30,000 deep
//! ends a process that builds a tree of it by recursion. A stanza that cannot be read is passed over
//! as a whole; the connection goes on.

use tokio_xmpp::parsers::ns;
use tokio_xmpp::xmlstream::{FallibleStreamElement, XmppStreamElement};
use xso::error::{Error, FromEventsError};
use xso::exports::rxml::{AttrMap, Event, QName};
use xso::{Context, FromEventsBuilder, FromXml};

/// Deeper is nothing that people's programs write: formatted text in forwarded messages has ten.
const DEEPEST: usize = 50;

/// One element of the stream.
#[derive(Debug)]
pub enum Element {
    /// It can be read.
    Known(Box<XmppStreamElement>),
    /// It cannot. Stanzas are counted all the same (XEP-0198, section 4).
    Odd {
        /// It was a message, a presence or an iq.
        stanza: bool,
    },
}

/// Makes one of what the parser sees.
pub struct Builder {
    /// Gone when it cannot be read.
    inner: Option<Box<<FallibleStreamElement as FromXml>::Builder>>,
    depth: usize,
    stanza: bool,
}

impl FromXml for Element {
    type Builder = Builder;

    fn from_events(
        name: QName,
        attributes: AttrMap,
        context: &Context<'_>,
    ) -> Result<Builder, FromEventsError> {
        let stanza =
            name.0 == ns::JABBER_CLIENT && ["message", "presence", "iq"].contains(&name.1.as_str());
        let inner = FallibleStreamElement::from_events(name, attributes, context);
        Ok(Builder {
            inner: inner.ok().map(Box::new),
            depth: 0,
            stanza,
        })
    }
}

impl FromEventsBuilder for Builder {
    type Output = Element;

    fn feed(&mut self, event: Event, context: &Context<'_>) -> Result<Option<Element>, Error> {
        let ends = self.ends(&event);
        if self.depth > DEEPEST {
            self.inner = None;
        }
        let stanza = self.stanza;
        let read = self.inner.as_mut().map(|inner| inner.feed(event, context));
        match read {
            Some(Ok(Some(FallibleStreamElement::Ok(element)))) => {
                return Ok(Some(Element::Known(Box::new(element))));
            }
            Some(Ok(None)) => {}
            _ => self.inner = None,
        }
        Ok(ends.then_some(Element::Odd { stanza }))
    }
}

impl Builder {
    /// Whether the element ends here.
    fn ends(&mut self, event: &Event) -> bool {
        match event {
            Event::StartElement(..) => self.depth += 1,
            Event::EndElement(_) if self.depth == 0 => return true,
            Event::EndElement(_) => self.depth -= 1,
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use tokio::io::{AsyncWriteExt, BufStream};
    use tokio_xmpp::Stanza;
    use tokio_xmpp::xmlstream::{StreamHeader, Timeouts, XmlStream, initiate_stream};

    const HEAD: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' id='1' \
         xmlns:stream='http://etherx.jabber.org/streams' version='1.0' xml:lang='en'>\
         <stream:features/>";

    /// What is read of this, until it ends.
    async fn all(xml: String) -> Vec<Element> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        theirs.write_all(HEAD.as_bytes()).await.unwrap();
        theirs.write_all(xml.as_bytes()).await.unwrap();
        theirs.write_all(b"</stream:stream>").await.unwrap();
        let (io, header) = (BufStream::new(ours), StreamHeader::default());
        let stream = initiate_stream(io, ns::JABBER_CLIENT, header, Timeouts::tight());
        let features = stream.await.unwrap().recv_features().await;
        let (_, mut stream): (_, XmlStream<_, Element>) = features.unwrap();
        let mut all = Vec::new();
        while let Some(Ok(element)) = stream.next().await {
            all.push(element);
        }
        all
    }

    fn is_message(element: &Element) -> bool {
        let Element::Known(known) = element else {
            return false;
        };
        matches!(**known, XmppStreamElement::Stanza(Stanza::Message(_)))
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_passed_over() {
        let good = "<message from='a@b'><body>x</body></message>";
        let deep = format!(
            "<message>{}{}</message>",
            "<x>".repeat(30_000),
            "</x>".repeat(30_000)
        );
        for (odd, stanza) in [
            (deep.as_str(), true),
            ("<message type='weird'><body>x</body></message>", true),
            ("<message from='@@'><body>x</body></message>", true),
            ("<iq type='get' id='1'/>", true),
            ("<presence type='weird'><a><b/></a></presence>", true),
            (
                "<strange xmlns='urn:x'><message xmlns='jabber:client'/></strange>",
                false,
            ),
        ] {
            let read = all(format!("{good}{odd}{good}")).await;
            let short: String = odd.chars().take(40).collect();
            assert_eq!(read.len(), 3, "{short}");
            assert!(is_message(&read[0]) && is_message(&read[2]), "{short}");
            let said = matches!(read[1], Element::Odd { stanza: s } if s == stanza);
            assert!(said, "{short}");
        }
    }

    #[tokio::test]
    async fn what_people_nest_is_read() {
        let nested = format!(
            "<message>{}{}</message>",
            "<x>".repeat(40),
            "</x>".repeat(40)
        );
        assert!(is_message(&all(nested).await[0]));
    }
}
