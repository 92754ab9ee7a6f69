use super::connect::written;
use super::*;
use crate::secrets::Secrets;
use bytes::BytesMut;
use common::channel::Piece;
use rusmpp::pdus::{BindTransceiverResp, SubmitSmResp};
use rusmpp::{Command, Pdu};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

/// The adapter of a channel with these settings, and where its secret lies.
fn made(settings: &str) -> Result<(Smpp, TempDir)> {
    let text = format!(
        "channel = \"sms\"\nabout = \"x\"\nadapter = \"smpp\"\naddress = \"phone\"\n\
         length = {{ split = \"joined\", pieces = 3 }}\n\
         signs.status = {{ \"0x00000058\" = \"slow\", \"0x0000000b\" = \"refused\", \
         \"0x00000004\" = \"away\" }}\n\
         [settings]\nsystem_id = \"us\"\npassword = \"p\"\n{settings}"
    );
    let channel = Arc::new(common::channel::read("sms.toml", &text).unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p"), "hush\n").unwrap();
    let secrets = Secrets(folder.path().to_owned());
    let channel = &channel;
    let smpp = Smpp::new(&Parts {
        channel,
        secrets: &secrets,
    })?;
    Ok((smpp, folder))
}

/// The adapter of a gateway on this machine that does this with its first connection.
async fn facing<F: Future<Output = ()> + Send + 'static>(
    gateway: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> Smpp {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        gateway(stream).await;
    });
    let endpoint = format!("endpoint = \"smpp://localhost:{port}\"\nanswer_s = 1\n");
    made(&endpoint).unwrap().0
}

/// Reads one message whole.
async fn message(stream: &mut TcpStream) -> Command {
    let length = stream.read_u32().await.unwrap();
    let mut rest = vec![0; usize::try_from(length).unwrap() - 4];
    stream.read_exact(&mut rest).await.unwrap();
    let length = rest.len();
    let mut rest = BytesMut::from(&rest[..]);
    rusmpp::decode::DecodeWithLength::decode(&mut rest, length)
        .unwrap()
        .0
}

async fn answers(stream: &mut TcpStream, asked: &Command, status: u32, pdu: impl Into<Pdu>) {
    use tokio_util::codec::Encoder;
    let status = CommandStatus::from(status);
    let answer = Command::new(status, asked.sequence_number(), pdu);
    let mut octets = BytesMut::new();
    let mut codec = rusmpp::tokio_codec::CommandCodec::new();
    codec.encode(&answer, &mut octets).unwrap();
    stream.write_all(&octets).await.unwrap();
}

async fn why_not(smpp: &Smpp) -> String {
    match smpp.links().await {
        Ok(_) => panic!("it was bound"),
        Err(e) => e.cause,
    }
}

#[test]
fn a_fault_of_the_settings_names_file_and_key() {
    for (settings, words) in [
        ("endpoint = \"http://127.0.0.1\"", "`endpoint`"),
        ("endpoint = \"127.0.0.1:2775\"", "`endpoint`"),
        ("endpoint = \"smpp:\"", "`endpoint`"),
        (
            "endpoint = \"smpps://127.0.0.1\"\nca = \"/nowhere/ca.pem\"",
            "`ca`",
        ),
        ("endpoint = \"smpp://127.0.0.1\"\nbind = \"both\"", "bind"),
        ("endpoint = \"smpp://127.0.0.1\"\ncolour = 1", "colour"),
        (
            "endpoint = \"smpp://127.0.0.1\"\nenquire_s = 0",
            "`enquire_s`",
        ),
    ] {
        let cause = made(settings).err().expect(settings).cause;
        assert!(
            cause.contains(words) && cause.contains("sms.toml"),
            "{cause}"
        );
    }
    made("endpoint = \"smpp://[::1]\"").unwrap();
    made("endpoint = \"smpp://gateway.example:2775\"").unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let smpp = facing(async |mut stream| {
        let asked = message(&mut stream).await;
        assert_eq!(asked.id(), CommandId::BindTransceiver);
        answers(&mut stream, &asked, 0x0e, BindTransceiverResp::default()).await;
    });
    let why = why_not(&smpp.await).await;
    assert!(why.contains("0x0000000e (EsmeRinvpaswd)"), "{why}");
    assert!(why.contains("`password`") && !why.contains("hush"), "{why}");
}

#[tokio::test]
async fn a_gateway_that_is_none_is_told() {
    let closes = facing(async |stream| drop(stream)).await;
    assert!(why_not(&closes).await.contains("it closed the connection"));
    let rubbish = facing(async |mut stream| {
        let answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        message(&mut stream).await;
    });
    let why = why_not(&rubbish.await).await;
    assert!(why.contains("closed the connection"), "{why}");
    let silent = facing(async |_stream| std::future::pending().await).await;
    assert!(why_not(&silent).await.contains("did not answer within 1s"));
    let nobody = made("endpoint = \"smpp://127.0.0.1:9\"").unwrap().0;
    let why = why_not(&nobody).await;
    assert!(why.contains("cannot connect to 127.0.0.1:9"), "{why}");
}

#[tokio::test]
async fn what_a_hand_over_comes_to() {
    let smpp = facing(async |mut stream| {
        let asked = message(&mut stream).await;
        answers(&mut stream, &asked, 0, BindTransceiverResp::default()).await;
        for status in [0, 0x58, 0x0b, 0xff, 0x0401] {
            let asked = message(&mut stream).await;
            answers(&mut stream, &asked, status, SubmitSmResp::default()).await;
        }
        // Never answered.
        message(&mut stream).await;
        // An answer without anything behind its header.
        let asked = message(&mut stream).await;
        let words = [16, 0x8000_0004, 0, asked.sequence_number()].map(u32::to_be_bytes);
        stream.write_all(&words.concat()).await.unwrap();
        // Closed instead of an answer.
        message(&mut stream).await;
    })
    .await;
    let piece = Piece {
        text: "a".into(),
        number: 1,
        of: 1,
    };
    let outgoing = Outgoing {
        id: Uuid::nil(),
        to: "+6281234567890",
        piece: &piece,
    };
    assert!(!smpp.ready());
    assert!(matches!(smpp.hand_over(&outgoing).await, Handed::Away(_)));
    let links = smpp.links().await.unwrap();
    smpp.put(Some(links[0].client.clone()));
    assert!(smpp.ready());
    let said = |status: u32| format!("the network said {}", written(status.into()));
    assert_eq!(smpp.hand_over(&outgoing).await, Handed::Sent(None));
    assert_eq!(smpp.hand_over(&outgoing).await, Handed::Slow(None));
    assert_eq!(smpp.hand_over(&outgoing).await, Handed::Refused(said(0x0b)));
    assert_eq!(smpp.hand_over(&outgoing).await, Handed::Later(said(0xff)));
    assert_eq!(smpp.hand_over(&outgoing).await, Handed::Later(said(0x401)));
    let silent = "it did not answer within 1s".to_owned();
    assert_eq!(smpp.hand_over(&outgoing).await, Handed::Unknown(silent));
    assert_eq!(smpp.hand_over(&outgoing).await, Handed::Sent(None));
    let closed = "it closed the connection".to_owned();
    assert_eq!(smpp.hand_over(&outgoing).await, Handed::Unknown(closed));
    assert!(!smpp.ready());
    assert!(matches!(smpp.hand_over(&outgoing).await, Handed::Away(_)));
}

#[tokio::test]
async fn a_gateway_that_knows_nothing_of_our_bind_is_left() {
    let smpp = facing(async |mut stream| {
        let asked = message(&mut stream).await;
        answers(&mut stream, &asked, 0, BindTransceiverResp::default()).await;
        let asked = message(&mut stream).await;
        answers(&mut stream, &asked, 4, SubmitSmResp::default()).await;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
    })
    .await;
    let links = smpp.links().await.unwrap();
    smpp.put(Some(links[0].client.clone()));
    let piece = Piece {
        text: "a".into(),
        number: 1,
        of: 1,
    };
    let outgoing = Outgoing {
        id: Uuid::nil(),
        to: "+6281234567890",
        piece: &piece,
    };
    assert!(matches!(smpp.hand_over(&outgoing).await, Handed::Away(_)));
    assert!(!smpp.ready());
}
