//! ministack, the stand-in for SQS, S3 and SES. Installed by pip into the project's own virtual
//! environment: `python3 -m venv .venv && .venv/bin/pip install -r tests/requirements.txt`.

use super::{Leash, free_port, wait_until};
use aws_config::SdkConfig;
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use common::{aws::Sdk, config};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

/// A running ministack. Queues and buckets of tests are told apart by their names.
pub struct Ministack {
    server: Leash,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

impl Ministack {
    /// The one that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Ministack> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One of its own, for tests that stop it.
    pub fn start() -> Self {
        let program = program();
        // A port that was free may be taken before the server has it.
        for _ in 0..3 {
            let port = free_port();
            let server = launch(&program, port);
            if wait_until(Duration::from_secs(20), || is_ready(port)) {
                return Self { server, port };
            }
        }
        panic!(
            "ministack ({}) did not start in three tries",
            program.display()
        );
    }

    /// `http://127.0.0.1:<port>`
    pub fn endpoint(&self) -> String {
        endpoint(self.port)
    }

    /// Kills it; [`Ministack::start_again`] brings it back. All it held is lost.
    pub fn kill(&self) {
        self.server.signal("KILL");
        wait_until(Duration::from_secs(5), || !is_ready(self.port));
    }

    /// Starts it on the same port, empty.
    pub fn start_again(&mut self) {
        self.server = launch(&program(), self.port);
        let ready = wait_until(Duration::from_secs(20), || is_ready(self.port));
        assert!(ready, "ministack came back");
    }
}

/// `http://127.0.0.1:<port>`
pub fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Settings for AWS clients that speak to this port: ministack's own or a proxy's before it.
pub async fn sdk_config(port: u16) -> SdkConfig {
    let place = config::Aws {
        endpoint: Some(endpoint(port)),
        region: Some("us-east-1".into()),
    };
    let keys = Credentials::new("test", "test", None, None, "test");
    let config = Sdk::new().config(&place).await.into_builder();
    config
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .build()
}

/// Variables with which a daemon's usual credential chain finds keys that ministack takes.
pub fn variables() -> [(&'static str, &'static str); 3] {
    [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
    ]
}

fn launch(program: &Path, port: u16) -> Leash {
    let vars = [
        ("BIND_HOST", "127.0.0.1".to_owned()),
        ("GATEWAY_PORT", port.to_string()),
        ("SFTP_ENABLED", "0".to_owned()),
        ("IOT_MTLS_ENABLED", "0".to_owned()),
        ("LOG_LEVEL", "ERROR".to_owned()),
    ];
    Leash::start(
        "KILL",
        &[program.display().to_string()],
        &vars,
        Stdio::null(),
    )
}

fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("KENTONGAN_MINISTACK") {
        return named.into();
    }
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/ministack");
    let hint = "python3 -m venv .venv && .venv/bin/pip install -r tests/requirements.txt";
    assert!(
        own.exists(),
        "ministack is missing. Install it: {hint}; or name it in KENTONGAN_MINISTACK"
    );
    own
}

fn is_ready(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        let request =
            "GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        socket.write_all(request.as_bytes())?;
        let mut answer = [0; 12];
        socket.read_exact(&mut answer)?;
        Ok(&answer == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_goes_away_and_comes_back_empty_on_the_same_port() {
        let mut own = Ministack::start();
        let client = aws_sdk_sqs::Client::new(&sdk_config(own.port).await);
        client
            .create_queue()
            .queue_name("q")
            .send()
            .await
            .expect("made");
        own.kill();
        assert!(!is_ready(own.port));
        own.start_again();
        let client = aws_sdk_sqs::Client::new(&sdk_config(own.port).await);
        let queues = client.list_queues().send().await.expect("a list");
        assert!(queues.queue_urls().is_empty());
    }
}
