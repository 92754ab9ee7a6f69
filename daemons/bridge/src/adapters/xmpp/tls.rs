//! STARTTLS (RFC 6120, section 5), with certificates of the system and of the channel file.

use super::dial::Io;
use super::foreign::{failure, gone};
use common::Result;
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio::io::BufStream;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_xmpp::parsers::starttls::{Nonza, Request};
use tokio_xmpp::xmlstream::{FallibleStreamElement, XmppStream, XmppStreamElement};

/// Whom we believe: the system's authorities, and those of a file.
pub fn config(ca: Option<&Path>) -> std::result::Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    // What of the system cannot be read is missing, as it is for everybody here.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca {
        let fault = |e: String| format!("{}: {e}", file.display());
        let certificates = CertificateDer::pem_file_iter(file).map_err(|e| fault(e.to_string()))?;
        let before = roots.len();
        for certificate in certificates {
            let certificate = certificate.map_err(|e| fault(e.to_string()))?;
            roots.add(certificate).map_err(|e| fault(e.to_string()))?;
        }
        if roots.len() == before {
            return Err(fault("holds no certificate".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|e| e.to_string())?;
    Ok(Arc::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
}

/// Makes a plain stream, whose features offered it, an encrypted one. The server must prove that it
/// is `domain`, whatever its address.
pub async fn start(
    mut plain: XmppStream<BufStream<TcpStream>>,
    domain: &str,
    config: &Arc<ClientConfig>,
) -> Result<Io> {
    let request = XmppStreamElement::Starttls(Nonza::Request(Request));
    plain.send(&request).await.map_err(|e| failure(e.into()))?;
    match plain.next().await {
        Some(Ok(FallibleStreamElement::Ok(XmppStreamElement::Starttls(Nonza::Proceed(_))))) => {}
        _ => return Err(gone("the server offered STARTTLS and does not do it")),
    }
    // What came in plain after the go-ahead is dropped with the buffer: it may be anybody's.
    let tcp = plain.into_inner().into_inner();
    let name = ServerName::try_from(domain.to_owned()).map_err(gone)?;
    let connecting = TlsConnector::from(config.clone()).connect(name, tcp);
    let tls = connecting.await.map_err(|e| gone(format!("TLS: {e}")))?;
    Ok(Box::new(BufStream::new(tls)))
}
