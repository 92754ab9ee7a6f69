//! A connection whose program writes whatever it likes.

use super::{PASSWORD, Prosody};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Somebody logged in.
pub struct Raw {
    stream: TcpStream,
}

const HEAD: &str = "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' \
     xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

impl Raw {
    /// Logs somebody in.
    pub async fn online(prosody: &Prosody, name: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", prosody.port)).await;
        let mut raw = Self {
            stream: stream.expect("the server answers"),
        };
        raw.ask(HEAD, "</stream:features>").await;
        let plain = STANDARD.encode(format!("\0{name}\0{PASSWORD}"));
        let auth = format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>"
        );
        raw.ask(&auth, "<success").await;
        raw.ask(HEAD, "</stream:features>").await;
        let bind = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";
        raw.ask(bind, "</iq>").await;
        raw
    }

    /// Writes this.
    pub async fn write(&mut self, xml: &str) {
        let written = self.stream.write_all(xml.as_bytes()).await;
        written.expect("the server takes it");
    }

    /// Waits until these words come.
    pub async fn until(&mut self, words: &str) {
        let mut said = String::new();
        let mut buffer = [0; 4096];
        while !said.contains(words) {
            let read = self.stream.read(&mut buffer).await.expect("it can be read");
            assert!(read > 0, "the server closed after: {said}");
            said.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }

    async fn ask(&mut self, xml: &str, words: &str) {
        self.write(xml).await;
        self.until(words).await;
    }
}
