//! Mails as people, robots and forgers write them, handed in the way of the home: by the true
//! `kentongan submit mail` on one box, as an object in S3 and a notice of SES on AWS. What became
//! of them is read from the database, what was answered from the maildir.

use super::settings::BLOB_PREFIX;
use super::{Place, World, daemon, until};
use common::envelope::derived_id;
use common::mail::{self, Limits};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use uuid::Uuid;

/// Where mails for us go.
pub const OURS: &str = "lapor@kentongan.example";

/// A mail to be handed in.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The envelope's sender; empty for a null return path.
    pub sender: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Header fields, the topmost first.
    pub fields: Vec<(String, String)>,
    /// What stands below the header.
    pub body: Vec<u8>,
    /// Whether the author's domain vouches for it.
    pub proven: bool,
    /// `spamVerdict` and `virusVerdict` of the receipt.
    pub harm: [&'static str; 2],
    /// Whether SES's notice travels in one of SNS.
    pub in_sns: bool,
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// `answered`, `held`, ...
    pub outcome: String,
    /// Why, where there is something to say; else empty.
    pub reason: String,
    /// The envelope of the mail that answers it.
    pub answer: Option<Uuid>,
    /// Whether it is a known person's.
    pub known: bool,
    /// What is odd about it; else empty.
    pub flagged: String,
}

/// How a run of `kentongan` ended.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its exit code; -1 when it was killed.
    pub code: i32,
    /// What it said on stdout.
    pub out: String,
    /// What it said on stderr.
    pub err: String,
}

impl Mail {
    /// A proven mail from this address, with an id of its own and nothing in it yet.
    pub fn from(address: &str) -> Self {
        let id = format!("<{}@example.org>", Uuid::now_v7().simple());
        let field = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let fields = [
            ("From", address),
            ("To", OURS),
            ("Date", "Fri, 20 Nov 2026 08:14:07 +0700"),
            ("Message-ID", id.as_str()),
        ];
        Self {
            sender: address.into(),
            to: vec![OURS.into()],
            fields: fields.map(field).into(),
            body: Vec::new(),
            proven: true,
            harm: ["PASS", "PASS"],
            in_sns: true,
        }
    }

    /// With this field instead of all others of its name.
    pub fn field(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Without this field.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self
    }

    /// With this subject.
    pub fn subject(self, subject: &str) -> Self {
        self.field("Subject", subject)
    }

    /// With this body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// With this body of this kind, encoded so.
    pub fn of(self, kind: &str, encoding: &str, body: impl AsRef<[u8]>) -> Self {
        self.field("MIME-Version", "1.0")
            .field("Content-Type", kind)
            .field("Content-Transfer-Encoding", encoding)
            .body(body)
    }

    /// Nobody vouches for its author.
    pub fn unproven(mut self) -> Self {
        self.proven = false;
        self
    }

    /// Told by SES without SNS around it.
    pub fn in_notice_alone(mut self) -> Self {
        self.in_sns = false;
        self
    }

    /// With this envelope's sender.
    pub fn sender(mut self, sender: &str) -> Self {
        self.sender = sender.into();
        self
    }

    /// To these addresses of ours.
    pub fn to(mut self, to: &[&str]) -> Self {
        self.to = to.iter().map(|a| (*a).to_owned()).collect();
        self
    }

    /// An answer to a mail of ours, as mail programs make one: in its thread, quoting it.
    pub fn answers(self, letter: &mail::Letter, own_words: &str) -> Self {
        let heading = &letter.heading;
        let bare = heading.message_id.clone().unwrap_or_default();
        let ids = heading.references.iter().chain([&bare]);
        let ids: Vec<String> = ids.map(|id| format!("<{id}>")).collect();
        let quoted: String = letter.text.lines().map(|l| format!("> {l}\r\n")).collect();
        self.field("In-Reply-To", format!("<{bare}>"))
            .field("References", ids.join("\r\n "))
            .subject(&format!("Re: {}", heading.subject))
            .body(format!(
                "{own_words}\r\n\r\nOn Fri, Nov 20, 2026 at 8:14 AM {OURS} wrote:\r\n{quoted}"
            ))
    }

    /// The bytes as the sender's server hands them over.
    pub fn raw(&self) -> Vec<u8> {
        let fields = self.fields.iter().map(|(n, v)| format!("{n}: {v}\r\n"));
        let head: String = fields.collect();
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }

    fn author_domain(&self) -> &str {
        let from = self
            .fields
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case("From"));
        let address = from.map_or("", |(_, value)| value.as_str());
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        domain.trim_end_matches('>')
    }

    /// With what our own mail server writes above it.
    fn received(&self) -> Vec<u8> {
        checked(self.proven, self.author_domain(), &self.raw())
    }
}

/// A raw mail with our mail server's findings above it, below the mbox line if there is one.
pub fn checked(proven: bool, domain: &str, raw: &[u8]) -> Vec<u8> {
    let result = if proven { "pass" } else { "fail" };
    let line = format!(
        "Authentication-Results: mail.kentongan.example;\r\n dmarc={result} (p=none) header.from={domain}\r\n"
    );
    let mbox = match raw.starts_with(b"From ") {
        true => raw.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1),
        false => 0,
    };
    [&raw[..mbox], line.as_bytes(), &raw[mbox..]].concat()
}

/// A notice of SES that a mail lies in a bucket, as its S3 action sends it.
pub fn receipt(mail: &Mail, bucket: &str, key: &str) -> Value {
    let verdict = |status: &str| json!({ "status": status });
    let dmarc = if mail.proven { "PASS" } else { "FAIL" };
    let now = Timestamp::now().to_string();
    json!({
        "notificationType": "Received",
        "mail": {
            "timestamp": now, "source": mail.sender,
            "messageId": key.rsplit('/').next(), "destination": mail.to,
        },
        "receipt": {
            "timestamp": now, "recipients": mail.to,
            "processingTimeMillis": 406,
            "spamVerdict": verdict(mail.harm[0]), "virusVerdict": verdict(mail.harm[1]),
            "spfVerdict": verdict("GRAY"), "dkimVerdict": verdict("GRAY"),
            "dmarcVerdict": verdict(dmarc),
            "action": { "type": "S3", "topicArn": TOPIC, "bucketName": bucket, "objectKey": key },
        },
    })
}

const TOPIC: &str = "arn:aws:sns:ap-southeast-3:012345678912:mail";

/// A notice in the letter of SNS.
pub fn in_sns(notice: &Value) -> Value {
    json!({
        "Type": "Notification", "MessageId": Uuid::now_v7(), "TopicArn": TOPIC,
        "Message": notice.to_string(), "Timestamp": "2026-11-20T01:14:10.000Z",
    })
}

impl World {
    /// Hands a mail in as this home does; the id that it has from then on.
    pub async fn post(&self, mail: &Mail) -> Uuid {
        match self.place {
            Place::OneBox => self.post_raw(mail, &mail.received()).await,
            Place::Aws => self.post_raw(mail, &mail.raw()).await,
        }
    }

    /// Hands in these bytes and not the mail's own, which only says what goes with them.
    pub async fn post_raw(&self, mail: &Mail, raw: &[u8]) -> Uuid {
        match self.place {
            Place::OneBox => {
                let told = self.submit(mail, raw).await;
                assert_eq!(told.code, 0, "{told:?}");
                told.out.trim().parse().expect("an id")
            }
            Place::Aws => self.receive(mail, raw).await,
        }
    }

    /// Hands in bytes that are perhaps no mail, for which nobody vouches.
    pub async fn post_bytes(&self, raw: &[u8]) -> Uuid {
        let mail = Mail::from("somebody@example.org").unproven();
        match self.place {
            Place::OneBox => {
                self.post_raw(&mail, &checked(false, "example.org", raw))
                    .await
            }
            Place::Aws => self.post_raw(&mail, raw).await,
        }
    }

    /// `kentongan submit mail`, as the mail server's pipe calls it.
    pub async fn submit(&self, mail: &Mail, raw: &[u8]) -> Told {
        let sender = format!("<{}>", mail.sender);
        let mut args = vec!["submit", "mail", "--verbose", "--from", &sender, "--to"];
        args.extend(mail.to.iter().map(String::as_str));
        self.ctl(&args, raw).await
    }

    /// Puts a mail into the bucket and tells it as SES does.
    async fn receive(&self, mail: &Mail, raw: &[u8]) -> Uuid {
        let key = format!("in/{}", Uuid::now_v7().simple());
        self.blobs.put(&key, raw).await.expect("the object is kept");
        self.announce(mail, &key).await
    }

    /// Tells as SES does that a mail lies under this key.
    pub async fn announce(&self, mail: &Mail, key: &str) -> Uuid {
        let (bucket, key) = (&self.settings.prefix, format!("{BLOB_PREFIX}{key}"));
        let notice = receipt(mail, bucket, &key);
        let body = if mail.in_sns { in_sns(&notice) } else { notice };
        self.put_raw("email-input", &body.to_string()).await;
        derived_id(&[b"mail", format!("{bucket}/{key}").as_bytes()])
    }

    /// A command line of the true `kentongan` with this world's settings.
    pub fn ctl_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(daemon::program("processor").with_file_name("kentongan"));
        command
            .arg("--config")
            .arg(self.settings_file())
            .args(args)
            .envs(crate::servers::ministack::variables())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `kentongan` with these arguments and this standard input.
    pub async fn ctl(&self, args: &[&str], input: &[u8]) -> Told {
        let (mut command, input) = (self.ctl_command(args), input.to_vec());
        let run = move || {
            let mut child = command.spawn().expect("kentongan starts");
            let mut stdin = child.stdin.take().expect("stdin was asked for");
            // It may have ended before it read everything.
            let _ = stdin.write_all(&input);
            drop(stdin);
            child.wait_with_output().expect("it ends")
        };
        // On a thread of its own: the proxy before AWS runs on this one.
        let output = tokio::task::spawn_blocking(run).await.expect("no panic");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Told {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Waits until a mail is decided, and says how.
    pub async fn fate(&self, id: Uuid) -> Fate {
        let sql = format!(
            "SELECT outcome, coalesce(reason, ''), answer_id, person IS NOT NULL,
                    coalesce(flagged, '') FROM mail WHERE id = '{id}' AND outcome <> 'begun'"
        );
        let mut rows = Vec::new();
        until(&format!("the mail {id} to be decided"), async || {
            rows = self.rows(&sql).await;
            !rows.is_empty()
        })
        .await;
        let row = &rows[0];
        Fate {
            outcome: row.get(0),
            reason: row.get(1),
            answer: row.get(2),
            known: row.get(3),
            flagged: row.get(4),
        }
    }

    /// Hands a mail in and waits for its fate.
    pub async fn fate_of(&self, mail: &Mail) -> Fate {
        let id = self.post(mail).await;
        self.fate(id).await
    }

    /// Waits until a mail of ours went out, and reads it as its receiver does.
    pub async fn letter(&self, id: Uuid) -> mail::Letter {
        let sql = format!("SELECT provider_id FROM delivery WHERE id = '{id}' AND state = 'sent'");
        let mut names = Vec::new();
        until(&format!("the mail {id} to be sent"), async || {
            names = self.texts(&sql).await;
            !names.is_empty()
        })
        .await;
        let file = self.maildir().join("new").join(&names[0]);
        read(&std::fs::read(file).expect("a maildir names its mails as it tells"))
    }

    /// Hands a mail in, waits for its answer, and reads that.
    pub async fn answer(&self, mail: &Mail) -> mail::Letter {
        let fate = self.fate_of(mail).await;
        let id = fate.answer.unwrap_or_else(|| panic!("no answer: {fate:?}"));
        self.letter(id).await
    }

    /// Every mail that went out so far, as its receiver reads it.
    pub fn letters(&self) -> Vec<mail::Letter> {
        let all = self.mails();
        all.iter().map(|l| read(l.raw.as_bytes())).collect()
    }

    /// Waits until nothing is under way any more: no mail undecided, none unsent.
    pub async fn until_quiet(&self) {
        for queue in ["email-input", "email-output", "mail-events"] {
            self.until_empty(queue).await;
        }
    }
}

/// What SES's stand-in offers besides what the daemons use of it.
impl World {
    /// Has SES send in our name, to anybody.
    pub async fn verify_sender(&self) {
        let domain = json!({ "EmailIdentity": self.settings.mail.domain });
        self.ses("POST", "/v2/email/identities", &domain).await;
    }

    /// What SES was given under this id of its own.
    pub async fn sent_by_ses(&self, id: &str) -> Option<Value> {
        let told = self
            .ses("GET", "/_ministack/ses/messages", &Value::Null)
            .await;
        let mut accounts = told["messages"].as_object()?.values();
        accounts.find_map(|mails| {
            let mut mails = mails.as_array()?.iter();
            mails.find(|mail| mail["MessageId"] == id).cloned()
        })
    }

    async fn ses(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=test/20261120/us-east-1/ses/aws4_request, SignedHeaders=host, Signature=x\r\n\r\n{body}",
            body.len()
        );
        let port = super::ministack().port;
        let answer = tokio::task::spawn_blocking(move || -> std::io::Result<String> {
            let mut link = std::net::TcpStream::connect(("127.0.0.1", port))?;
            link.write_all(request.as_bytes())?;
            let mut answer = String::new();
            link.read_to_string(&mut answer)?;
            Ok(answer)
        });
        let answer = answer.await.expect("no panic").expect("SES answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        let json = answer.split_once("\r\n\r\n").map_or("", |(_, json)| json);
        serde_json::from_str(json).unwrap_or_else(|e| panic!("{path}: {e}: {answer}"))
    }
}

fn read(raw: &[u8]) -> mail::Letter {
    mail::read(raw, &Limits::default()).expect("our own mails can be read")
}
