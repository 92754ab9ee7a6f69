//! Connections to the gateway: TCP, TLS, bind.

use super::settings::Settings;
use super::sieve::{Frame, LONGEST, Sieve};
use common::failure::Dependency;
use common::{Failure, Result};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use rusmpp::CommandStatus;
use rusmpp::pdus::{BindReceiver, BindTransceiver, BindTransmitter};
use rusmpp::types::COctetString;
use rusmpp::values::InterfaceVersion;
use rusmppc::error::Error;
use rusmppc::{Client, ConnectionBuilder, Event};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

/// A gateway that does not take the connection within this is away.
const CONNECT: Duration = Duration::from_secs(15);

/// What gateways listen on (IANA: `smpp`).
const PORT: u16 = 2775;

/// Where the gateway is.
pub struct Endpoint {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// What we ask for in a bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    Both,
    /// Texts out.
    Out,
    /// Texts and receipts in.
    In,
}

/// A bound connection.
pub struct Link {
    /// What asks and answers.
    pub client: Client,
    /// What happens to it.
    pub events: BoxStream<'static, Event>,
    /// What comes in.
    pub frames: mpsc::UnboundedReceiver<Frame>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Endpoint {
    /// As the settings name it; a fault says what is wrong with them.
    pub fn read(settings: &Settings) -> std::result::Result<Self, String> {
        let text = &settings.endpoint;
        let wanted = "smpp://host:port, or smpps://host:port with TLS";
        let fault = |why: String| format!("`endpoint`: {text:?}: {why}; it is {wanted}");
        let url = reqwest::Url::parse(text).map_err(|e| fault(e.to_string()))?;
        let host = url.host_str().ok_or_else(|| fault("no host".into()))?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let tls = match url.scheme() {
            "smpp" => None,
            "smpps" | "ssmpp" => {
                let name = ServerName::try_from(host.clone()).map_err(|e| fault(e.to_string()))?;
                Some((tls(settings.ca.as_deref())?, name))
            }
            other => return Err(fault(format!("{other} is not known"))),
        };
        let port = url.port().unwrap_or(PORT);
        Ok(Self { host, port, tls })
    }

    /// Connects and binds.
    pub async fn link(
        &self,
        settings: &Settings,
        password: &str,
        direction: Direction,
    ) -> Result<Link> {
        let stream = tokio::time::timeout(CONNECT, self.stream()).await;
        let late = |_| away(format!("the gateway took no connection within {CONNECT:?}"));
        let (sieve, frames) = Sieve::before(stream.map_err(late)??);
        let (client, events) = ConnectionBuilder::new()
            .max_command_length(LONGEST)
            .enquire_link_interval(Duration::from_secs(settings.enquire_s))
            .enquire_link_response_timeout(settings.patience())
            .response_timeout(settings.patience())
            .disable_interface_version_check()
            .connected(sieve);
        let events = events.boxed();
        let bound = bind(&client, settings, password, direction).await;
        bound.map_err(|e| {
            let remedy = "look at `system_id`, `password`, `system_type` and `bind`";
            away(format!(
                "the gateway did not bind us: {}; {remedy}",
                said(&e)
            ))
        })?;
        Ok(Link {
            client,
            events,
            frames,
        })
    }

    async fn stream(&self) -> Result<Box<dyn Stream>> {
        let (host, port) = (self.host.as_str(), self.port);
        let failed = |e| away(format!("cannot connect to {host}:{port}: {e}"));
        let tcp = TcpStream::connect((host, port)).await.map_err(failed)?;
        tcp.set_nodelay(true).map_err(failed)?;
        Ok(match &self.tls {
            None => Box::new(tcp),
            Some((tls, name)) => Box::new(tls.connect(name.clone(), tcp).await.map_err(failed)?),
        })
    }
}

/// By the certificates of the system, or those of a file alone.
fn tls(ca: Option<&Path>) -> std::result::Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    let found = match ca {
        None => rustls_native_certs::load_native_certs().certs,
        Some(file) => {
            let fault = |e| format!("`ca`: {}: {e}", file.display());
            let certificates = CertificateDer::pem_file_iter(file).map_err(fault)?;
            certificates
                .collect::<std::result::Result<_, _>>()
                .map_err(fault)?
        }
    };
    let (known, _) = roots.add_parsable_certificates(found);
    if known == 0 {
        return Err("`ca`: no certificate can be read there, so that no gateway is trusted".into());
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.map_err(|e| format!("TLS: {e}"))?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn bind(
    client: &Client,
    settings: &Settings,
    password: &str,
    direction: Direction,
) -> std::result::Result<(), Error> {
    // Checked when the settings were read; an empty field would be refused by the gateway.
    macro_rules! bind {
        ($kind:ident) => {
            $kind::builder()
                .system_id(COctetString::from_str(&settings.system_id).unwrap_or_default())
                .password(COctetString::from_str(password).unwrap_or_default())
                .system_type(COctetString::from_str(&settings.system_type).unwrap_or_default())
                .interface_version(InterfaceVersion::Smpp3_4)
                .address_range(COctetString::from_str(&settings.address_range).unwrap_or_default())
                .build()
        };
    }
    match direction {
        Direction::Both => client
            .bind_transceiver(bind!(BindTransceiver))
            .await
            .map(drop),
        Direction::Out => client
            .bind_transmitter(bind!(BindTransmitter))
            .await
            .map(drop),
        Direction::In => client.bind_receiver(bind!(BindReceiver)).await.map(drop),
    }
}

/// Not connected; tried again with growing pauses.
pub fn away(cause: impl std::fmt::Display) -> Failure {
    Failure::wait(Dependency::Gateway, cause)
}

/// What went wrong, without what a message holds.
pub fn said(error: &Error) -> String {
    match error {
        Error::UnexpectedResponse { response } => {
            let status = response.status();
            format!("it said {} ({status:?})", written(status))
        }
        Error::Decode(_) => "it sent what is not SMPP".into(),
        Error::EnquireLinkTimeout { timeout } => {
            format!("it did not answer whether it is there within {timeout:?}")
        }
        Error::ResponseTimeout { timeout, .. } => format!("it did not answer within {timeout:?}"),
        Error::ConnectionClosedByPeer | Error::ConnectionClosed => {
            "it closed the connection".into()
        }
        other => other.to_string(),
    }
}

/// A status as channel files write it.
pub fn written(status: CommandStatus) -> String {
    format!("{:#010x}", u32::from(status))
}
