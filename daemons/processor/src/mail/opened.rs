//! The slow part: fetching the raw mail, reading it, finding out who sent it.

use crate::config::Config;
use common::blob::{Blobs, Found};
use common::config::Mail;
use common::handler::Incoming;
use common::mail::proof::{self, Client, Dns};
use common::mail::{self, Heading, Keys, Letter, Limits, Proof, Refusal, Verdict, Verdicts};
use common::messages::{EmailInput, ReceiptVerdicts, VerdictStatus};
use common::{Failure, Result};
use std::sync::Arc;
use std::time::Duration;

/// A larger attachment is let go of once it was read and workbooks were looked at: only a delivery
/// report's parts are looked at later, and they are small.
const LARGEST_KEPT: usize = 64 * 1024;

/// A mail that was fetched and read as far as it can be.
pub enum Opened {
    /// It cannot be used.
    Refused(Unusable),
    /// It was read.
    Letter(Box<Read>),
}

impl Opened {
    /// What stands above the mail, where it could be read.
    pub fn heading(&self) -> Option<&Heading> {
        match self {
            Self::Refused(unusable) => unusable.heading.as_deref(),
            Self::Letter(read) => Some(&read.letter.heading),
        }
    }

    /// Lets go of large attachments once everybody has looked at them.
    pub fn let_go(&mut self) {
        if let Self::Letter(read) = self {
            let files = read.letter.files.iter_mut();
            for file in files.filter(|f| f.content.len() > LARGEST_KEPT) {
                file.content = Vec::new();
            }
        }
    }

    /// The keys of a mail that could be read.
    pub fn keys(&self) -> Option<&Keys> {
        match self {
            Self::Refused(..) => None,
            Self::Letter(read) => Some(&read.keys),
        }
    }
}

/// A mail that cannot be read.
pub struct Unusable {
    /// What stands above it, where that could be read.
    pub heading: Option<Box<Heading>>,
    /// Why it cannot be used.
    pub refusal: Refusal,
    /// Whether the author is who the heading says; false also where only our own check could tell.
    pub proven: bool,
}

/// A letter with what was found out about it.
pub struct Read {
    /// What it says.
    pub letter: Letter,
    /// Who sent it.
    pub proof: Proof,
    /// Was it here before?
    pub keys: Keys,
}

/// What opens mails.
pub struct Opener {
    /// Where the raw mails lie.
    pub blobs: Arc<dyn Blobs>,
    /// Name servers, for mails that nobody checked before us.
    pub dns: Dns,
    /// What we accept.
    pub settings: Mail,
    /// The processor's own settings.
    pub config: Config,
}

impl Opener {
    /// Fetches, reads and proves one mail. Leaves nothing behind.
    pub async fn open(&self, msg: &Incoming<EmailInput>) -> Result<Opened> {
        let limit = self.settings.max_bytes;
        let raw = match self.blobs.get(&msg.blob, limit).await? {
            Found::Bytes(raw) => raw,
            // The notice may overtake the object; when it never comes, the reason says what to do.
            Found::Absent => {
                let cause = "the raw mail is not in the blob store: look at its retention and \
                             at the prefix that the receipt rule writes to";
                return Err(Failure::retry(cause));
            }
            Found::TooLarge { size } => {
                let [size, limit] = [size, limit].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
                return Ok(Opened::Refused(Unusable {
                    heading: None,
                    refusal: Refusal::TooLarge { found: size, limit },
                    proven: false,
                }));
            }
        };
        let bytes = usize::try_from(limit).unwrap_or(usize::MAX);
        let limits = Limits {
            bytes,
            ..Limits::default()
        };
        let letter = match mail::read(&raw, &limits) {
            Ok(letter) => letter,
            Err(refused) => {
                let told = self.told(msg, &refused.heading);
                return Ok(Opened::Refused(Unusable {
                    heading: Some(refused.heading),
                    refusal: refused.refusal,
                    proven: matches!(told, Some(Proof::Proven { .. })),
                }));
            }
        };
        let proof = self.proof(msg, &letter, &raw).await?;
        let keys = Keys::of(&letter);
        Ok(Opened::Letter(Box::new(Read {
            letter,
            proof,
            keys,
        })))
    }

    /// By the receipt, else by our mail server, else by our own check.
    async fn proof(
        &self,
        msg: &Incoming<EmailInput>,
        letter: &Letter,
        raw: &[u8],
    ) -> Result<Proof> {
        let heading = &letter.heading;
        if let Some(found) = self.told(msg, heading) {
            return Ok(found);
        }
        let client = self.client(msg);
        let asked = proof::by_dns(raw, heading, client.as_ref(), &self.dns);
        let limit = Duration::from_secs(self.config.proof_limit_s);
        match tokio::time::timeout(limit, asked)
            .await
            .unwrap_or(Proof::Later)
        {
            Proof::Later if msg.receives < self.config.proof_tries => Err(Failure::retry(
                "the name servers did not answer about a mail's sender",
            )),
            found => Ok(found),
        }
    }

    /// What the receipt or our mail server found out.
    fn told(&self, msg: &EmailInput, heading: &Heading) -> Option<Proof> {
        match &msg.verdicts {
            Some(receipt) => {
                let sender = msg.sender.as_deref();
                Some(proof::by_verdicts(heading, sender, &verdicts(receipt)))
            }
            None => proof::by_results(heading, &self.settings.trusted_servers),
        }
    }

    fn client(&self, msg: &EmailInput) -> Option<Client> {
        Some(Client {
            ip: msg.client_ip?,
            helo: msg.client_name.clone().unwrap_or_default(),
            sender: msg.sender.clone()?,
            host: self.settings.domain.clone(),
        })
    }
}

/// The receipt's verdicts as the proof reads them.
pub fn verdicts(receipt: &ReceiptVerdicts) -> Verdicts {
    let one = |status| match status {
        VerdictStatus::Pass => Verdict::Pass,
        VerdictStatus::Fail => Verdict::Fail,
        VerdictStatus::Gray => Verdict::Gray,
        VerdictStatus::Failed => Verdict::ProcessingFailed,
        VerdictStatus::Absent => Verdict::Unknown,
    };
    Verdicts {
        spam: one(receipt.spam),
        virus: one(receipt.virus),
        spf: one(receipt.spf),
        dkim: one(receipt.dkim),
        dmarc: one(receipt.dmarc),
        dmarc_policy: None,
    }
}
