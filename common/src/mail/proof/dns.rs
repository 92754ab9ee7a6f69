//! Proof by our own check: DKIM, SPF and DMARC with mail-auth.

use super::super::Heading;
use super::{Author, How, Proof, Why, align, author};
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::dmarc::Dmarc;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::spf::Spf;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, DnsError, DnssecStatus, Error, MX,
    MessageAuthenticator, Parameters, RecordSet, ResolverCache, SpfOutput, SpfResult, Txt,
};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Signatures that are looked at in one mail, those of the author's own domain first: each costs a
/// question to a name server that the sender chose.
const MOST_SIGNATURES: usize = 5;
/// Answers that are remembered; the oldest make room.
const MOST_ANSWERS: usize = 2_000;

/// The host that handed a mail to our mail server, if it told us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub ip: IpAddr,
    /// What it called itself.
    pub helo: String,
    /// The envelope's sender; empty for the null return path.
    pub sender: String,
    /// Our mail server's name.
    pub host: String,
}

/// Answers of name servers, remembered for as long as they are good.
pub struct Dns {
    authenticator: MessageAuthenticator,
    txt: Answers<Box<str>, Txt>,
    mx: Answers<Box<str>, RecordSet<MX>>,
    ipv4: Answers<Box<str>, RecordSet<Ipv4Addr>>,
    ipv6: Answers<Box<str>, RecordSet<Ipv6Addr>>,
    ptr: Answers<IpAddr, RecordSet<Box<str>>>,
}

impl Dns {
    /// Asks the name servers of this machine (`/etc/resolv.conf`).
    ///
    /// # Errors
    /// What is wrong with that file, in words.
    pub fn system() -> Result<Self, String> {
        let authenticator = MessageAuthenticator::new_system_conf().map_err(|e| e.to_string())?;
        Ok(Self::with(authenticator, false))
    }

    /// Knows these TXT records and nothing else, and asks nobody: for tests and closed networks.
    ///
    /// # Errors
    /// Which record cannot be read.
    pub fn fixed(records: &[(&str, &str)]) -> Result<Self, String> {
        let (config, options) = (ResolverConfig::default(), ResolverOpts::default());
        let authenticator =
            MessageAuthenticator::new(config, options).map_err(|e| e.to_string())?;
        let dns = Self::with(authenticator, true);
        for (name, record) in records {
            let bytes = record.as_bytes();
            let txt = if *record == UNREACHABLE {
                Txt::Error(Error::Dns(DnsError::Resolver("no answer".to_owned())))
            } else if name.contains("._domainkey.") {
                DomainKey::parse(bytes).into()
            } else if name.starts_with("_dmarc.") {
                Dmarc::parse(bytes).into()
            } else {
                Spf::parse(bytes).into()
            };
            if matches!(&txt, Txt::Error(_)) && *record != UNREACHABLE {
                return Err(format!("the TXT record of {name} cannot be read"));
            }
            dns.txt.keep(full(name), txt, None);
        }
        Ok(dns)
    }

    fn with(authenticator: MessageAuthenticator, fixed: bool) -> Self {
        let nothing = || fixed.then(|| Txt::Error(not_found()));
        Self {
            authenticator,
            txt: Answers::new(nothing()),
            mx: Answers::new(fixed.then(empty)),
            ipv4: Answers::new(fixed.then(empty)),
            ipv6: Answers::new(fixed.then(empty)),
            ptr: Answers::new(fixed.then(empty)),
        }
    }

    fn parameters<P>(&self, params: P) -> All<'_, P> {
        Parameters {
            params,
            cache_txt: Some(&self.txt),
            cache_mx: Some(&self.mx),
            cache_ptr: Some(&self.ptr),
            cache_ipv4: Some(&self.ipv4),
            cache_ipv6: Some(&self.ipv6),
        }
    }
}

/// A record for [`Dns::fixed`] that stands for a name server that does not answer.
pub const UNREACHABLE: &str = "unreachable";

type All<'x, P> = Parameters<
    'x,
    P,
    Answers<Box<str>, Txt>,
    Answers<Box<str>, RecordSet<MX>>,
    Answers<Box<str>, RecordSet<Ipv4Addr>>,
    Answers<Box<str>, RecordSet<Ipv6Addr>>,
    Answers<IpAddr, RecordSet<Box<str>>>,
>;

/// Proof by DKIM and, when the client is known, SPF, judged by the author's DMARC policy; without
/// a policy by alignment as [`super::is_aligned`] has it. Asks name servers: call it outside of
/// any transaction and with a time limit.
pub async fn by_dns(raw: &[u8], heading: &Heading, client: Option<&Client>, dns: &Dns) -> Proof {
    let author = match author(heading) {
        Ok(author) => author,
        Err(why) => return Proof::Unproven(why),
    };
    let start = raw
        .iter()
        .position(|b| !b.is_ascii_whitespace())
        .unwrap_or(raw.len());
    let Some(mut message) = AuthenticatedMessage::parse(&raw[start..]) else {
        return Proof::Unproven(Why::NoAuthor);
    };
    let ours = |domain: &str| align::is_aligned(domain, &author.domain);
    message.dkim_headers.sort_by_key(|h| !ours(&h.header.d));
    message.dkim_headers.truncate(MOST_SIGNATURES);
    let signatures = dns
        .authenticator
        .verify_dkim(dns.parameters(&message))
        .await;
    let signatures: Vec<_> = signatures.into_iter().filter(is_whole).collect();
    let sender = spf(client, dns).await;
    let mail_from = client
        .and_then(|c| c.sender.rsplit_once('@'))
        .map_or("", |(_, d)| d);
    let asked = DmarcParameters::new(&message, &signatures, mail_from, &sender);
    let dmarc = dns.authenticator.verify_dmarc(dns.parameters(asked)).await;
    if dmarc.dmarc_record().is_some() {
        return by_policy(&author, &dmarc.result());
    }
    match dmarc.result() {
        DmarcResult::TempError(_) => Proof::Later,
        _ => by_alignment(&author, &signatures, &sender, mail_from),
    }
}

fn by_policy(author: &Author, result: &DmarcResult) -> Proof {
    match result {
        DmarcResult::Pass => Proof::proven(author, How::Dmarc),
        DmarcResult::TempError(_) => Proof::Later,
        _ => Proof::Unproven(Why::DmarcFailed),
    }
}

fn by_alignment(
    author: &Author,
    signatures: &[DkimOutput<'_>],
    sender: &SpfOutput,
    mail_from: &str,
) -> Proof {
    let aligned = |o: &&DkimOutput<'_>| {
        o.signature()
            .is_some_and(|s| align::is_aligned(&s.d, &author.domain))
    };
    let own: Vec<_> = signatures.iter().filter(aligned).collect();
    if own.iter().any(|o| *o.result() == DkimResult::Pass) {
        return Proof::proven(author, How::Dkim);
    }
    let sent_from = align::is_aligned(mail_from, &author.domain);
    if sent_from && sender.result() == SpfResult::Pass {
        return Proof::proven(author, How::Spf);
    }
    let unsure = own
        .iter()
        .any(|o| matches!(o.result(), DkimResult::TempError(_)))
        || sent_from && sender.result() == SpfResult::TempError;
    if unsure {
        Proof::Later
    } else {
        Proof::Unproven(Why::NothingAligned)
    }
}

/// A signature over a part of the body (`l=`), without the `From` line, or for a third party
/// proves nothing about what is read.
fn is_whole(output: &DkimOutput<'_>) -> bool {
    output.signature().is_some_and(|s| {
        s.l == 0 && s.atps.is_none() && s.h.iter().any(|h| h.eq_ignore_ascii_case("from"))
    })
}

async fn spf(client: Option<&Client>, dns: &Dns) -> SpfOutput {
    let Some(client) = client.filter(|c| !c.sender.is_empty()) else {
        return SpfOutput::default();
    };
    let Client {
        ip,
        helo,
        sender,
        host,
    } = client;
    let asked = SpfParameters::verify_mail_from(*ip, helo, host, sender);
    dns.authenticator.verify_spf(dns.parameters(asked)).await
}

fn not_found() -> Error {
    Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain))
}

fn empty<T>() -> RecordSet<T> {
    RecordSet {
        rrset: Arc::from(Vec::new()),
        dnssec_status: DnssecStatus::default(),
    }
}

/// As the resolver asks: in lower case, with the dot of the root.
fn full(name: &str) -> Box<str> {
    format!("{}.", name.trim_end_matches('.').to_ascii_lowercase()).into_boxed_str()
}

/// Answers by name, each until its time is over; `otherwise` is what is answered for every other
/// name when nobody is to be asked.
struct Answers<K, V> {
    known: Mutex<HashMap<K, Answer<V>>>,
    otherwise: Option<V>,
}

struct Answer<V> {
    value: V,
    until: Option<Instant>,
}

impl<K: Hash + Eq + Clone, V: Clone> Answers<K, V> {
    fn new(otherwise: Option<V>) -> Self {
        Self {
            known: Mutex::new(HashMap::new()),
            otherwise,
        }
    }

    fn keep(&self, key: K, value: V, until: Option<Instant>) {
        let mut known = self.lock();
        if known.len() >= MOST_ANSWERS {
            let now = Instant::now();
            known.retain(|_, answer| answer.is_good(now));
        }
        if known.len() >= MOST_ANSWERS {
            let soonest = known
                .iter()
                .min_by_key(|(_, a)| a.until)
                .map(|(key, _)| key.clone());
            soonest.and_then(|key| known.remove(&key));
        }
        known.insert(key, Answer { value, until });
    }

    /// Nothing that is done under the lock can leave it half done.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Answer<V>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Answer<V> {
    fn is_good(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

impl<K: Hash + Eq + Clone, V: Clone> ResolverCache<K, V> for Answers<K, V> {
    fn get<Q>(&self, name: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now = Instant::now();
        let known = self.lock();
        let found = known.get(name).filter(|answer| answer.is_good(now));
        found
            .map(|answer| answer.value.clone())
            .or_else(|| self.otherwise.clone())
    }

    fn remove<Q>(&self, name: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.lock().remove(name).map(|answer| answer.value)
    }

    fn insert(&self, key: K, value: V, valid_until: Instant) {
        self.keep(key, value, Some(valid_until));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Limits, read};
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use mail_auth::common::crypto::Ed25519Key;
    use mail_auth::common::headers::HeaderWriter;
    use mail_auth::dkim::DkimSigner;

    struct Domain {
        key: Vec<u8>,
        record: String,
    }

    impl Domain {
        fn new() -> Self {
            let key = Ed25519Key::generate_pkcs8().expect("a key");
            let public = Ed25519Key::from_pkcs8_der(&key)
                .expect("the key")
                .public_key();
            Self {
                key,
                record: format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(public)),
            }
        }

        fn sign(&self, domain: &str, mail: &str, length: bool) -> String {
            let key = Ed25519Key::from_pkcs8_der(&self.key).expect("the key");
            let signer = DkimSigner::from_key(key).domain(domain).selector("s");
            let signer = signer.headers(["From", "Subject"]).body_length(length);
            format!(
                "{}{mail}",
                signer.sign(mail.as_bytes()).expect("signed").to_header()
            )
        }
    }

    const MAIL: &str = "From: Budi <budi@dinas.example>\r\nSubject: x\r\n\r\nU MC SP 4\r\n";

    async fn prove(raw: &str, records: &[(&str, &str)], sender: Option<&str>) -> Proof {
        let heading = read(raw.as_bytes(), &Limits::default())
            .expect("readable")
            .heading;
        let client = sender.map(|sender| Client {
            ip: "192.0.2.7".parse().expect("an address"),
            helo: "out.dinas.example".to_owned(),
            sender: sender.to_owned(),
            host: "mx.kita.example".to_owned(),
        });
        let dns = Dns::fixed(records).expect("records");
        by_dns(raw.as_bytes(), &heading, client.as_ref(), &dns).await
    }

    fn proven(how: How) -> Proof {
        Proof::Proven {
            address: "budi@dinas.example".to_owned(),
            how,
        }
    }

    const POLICY: (&str, &str) = ("_dmarc.dinas.example", "v=DMARC1; p=reject");

    #[tokio::test]
    async fn a_signature_of_the_authors_domain_proves() {
        let domain = Domain::new();
        let key = ("s._domainkey.dinas.example", domain.record.as_str());
        let raw = domain.sign("dinas.example", MAIL, false);
        assert_eq!(prove(&raw, &[key, POLICY], None).await, proven(How::Dmarc));
        assert_eq!(prove(&raw, &[key], None).await, proven(How::Dkim));
        let below = ("s._domainkey.mail.dinas.example", domain.record.as_str());
        let raw = domain.sign("mail.dinas.example", MAIL, false);
        assert_eq!(
            prove(&raw, &[below, POLICY], None).await,
            proven(How::Dmarc)
        );
        let strict = (POLICY.0, "v=DMARC1; p=reject; adkim=s");
        assert_eq!(
            prove(&raw, &[below, strict], None).await,
            Proof::Unproven(Why::DmarcFailed)
        );
    }

    /// M25.
    #[tokio::test]
    async fn other_signatures_and_changed_mails_do_not_prove() {
        let domain = Domain::new();
        let key = ("s._domainkey.dinas.example", domain.record.as_str());
        let evil = ("s._domainkey.evil.example", domain.record.as_str());
        let nothing = Proof::Unproven(Why::NothingAligned);
        let failed = Proof::Unproven(Why::DmarcFailed);
        let raw = domain.sign("evil.example", MAIL, false);
        assert_eq!(prove(&raw, &[evil], None).await, nothing);
        assert_eq!(prove(&raw, &[evil, POLICY], None).await, failed);
        let raw = domain
            .sign("dinas.example", MAIL, false)
            .replace("SP 4", "SP 40");
        assert_eq!(prove(&raw, &[key], None).await, nothing);
        let raw = domain.sign("dinas.example", MAIL, true) + "H\r\n";
        assert_eq!(prove(&raw, &[key, POLICY], None).await, failed);
        let raw = domain.sign("dinas.example", MAIL, false);
        assert_eq!(prove(&raw, &[], None).await, nothing);
        assert_eq!(prove(MAIL, &[key, POLICY], None).await, failed);
        let two = MAIL.replace("Subject", "From: siti@dinas.example\r\nSubject");
        let raw = domain.sign("dinas.example", &two, false);
        assert_eq!(
            prove(&raw, &[key], None).await,
            Proof::Unproven(Why::SeveralAuthors)
        );
    }

    #[tokio::test]
    async fn the_senders_host_proves_when_it_is_known() {
        let spf = ("dinas.example", "v=spf1 ip4:192.0.2.0/24 -all");
        let from = Some("bounce@dinas.example");
        assert_eq!(prove(MAIL, &[spf, POLICY], from).await, proven(How::Dmarc));
        assert_eq!(prove(MAIL, &[spf], from).await, proven(How::Spf));
        let nothing = Proof::Unproven(Why::NothingAligned);
        assert_eq!(prove(MAIL, &[spf], Some("")).await, nothing);
        assert_eq!(prove(MAIL, &[spf], Some("b@evil.example")).await, nothing);
        let other = ("dinas.example", "v=spf1 ip4:198.51.100.0/24 -all");
        assert_eq!(prove(MAIL, &[other], from).await, nothing);
    }

    #[tokio::test]
    async fn a_name_server_that_does_not_answer_is_asked_later() {
        let domain = Domain::new();
        let raw = domain.sign("dinas.example", MAIL, false);
        let key = ("s._domainkey.dinas.example", UNREACHABLE);
        assert_eq!(prove(&raw, &[key], None).await, Proof::Later);
        assert_eq!(prove(&raw, &[key, POLICY], None).await, Proof::Later);
        let good = ("s._domainkey.dinas.example", domain.record.as_str());
        assert_eq!(
            prove(&raw, &[good, (POLICY.0, UNREACHABLE)], None).await,
            Proof::Later
        );
        // A stranger's dead name server keeps nobody waiting.
        let raw = domain.sign("evil.example", MAIL, false);
        let evil = ("s._domainkey.evil.example", UNREACHABLE);
        let found = prove(&raw, &[evil], None).await;
        assert_eq!(found, Proof::Unproven(Why::NothingAligned));
    }

    #[test]
    fn answers_are_forgotten_and_bad_records_named() {
        let answers: Answers<u32, u32> = Answers::new(None);
        let past = Instant::now();
        answers.insert(1, 1, past);
        assert_eq!(answers.get(&1), None);
        for key in 0..=u32::try_from(MOST_ANSWERS).expect("small") {
            answers.keep(key, key, None);
        }
        assert!(answers.lock().len() <= MOST_ANSWERS);
        assert!(Dns::fixed(&[("_dmarc.x.example", "v=spf1 -all")]).is_err());
    }
}
