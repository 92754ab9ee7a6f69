//! What the AWS side of the three seams shares: one HTTP client, region, credentials, time limits,
//! and the one function that turns an AWS error into a [`Failure`](crate::Failure).
//!
//! Credentials come from the SDK's usual chain: environment, profile (keys, assumed roles), web
//! identity, the container's and the machine's role. They are fetched ahead of their expiry. Not in
//! it, to keep the program small: SSO logins and `credential_process`.

mod failure;

pub use failure::{code, failure, refused_entry};

use crate::config;
use aws_config::meta::region::RegionProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::SharedHttpClient;
use aws_smithy_http_client::{Builder, tls};
use std::sync::OnceLock;
use std::time::Duration;

/// One attempt of a call that carries little and waits for nothing. A healthy region answers
/// within a tenth of a second; ten seconds outlast a lost packet or two.
pub const ATTEMPT: Duration = Duration::from_secs(10);

/// A connection that is not up by then is tried again.
const CONNECT: Duration = Duration::from_secs(3);

/// Attempts inside one call. Two: one lost answer is healed on the spot, an outage is seen by the
/// frame, which stops receiving, and not hidden in here.
const ATTEMPTS: u32 = 2;

/// Slowest line on which a large body is waited for, in bytes a second: a 2G link of a district.
const SLOWEST: u64 = 16 * 1024;

/// Region that an emulator is told when nobody names one. It does not care.
const EMULATOR_REGION: &str = "us-east-1";

/// What all AWS clients of a daemon share: connections and trusted certificates. Make one where
/// the homes are opened and hand it on; the one-box home never uses it, and until then it holds
/// nothing. Bound to the runtime that first uses it.
#[derive(Debug, Default)]
pub struct Sdk {
    https: OnceLock<SharedHttpClient>,
}

impl Sdk {
    /// Nothing is opened or read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Settings for the clients of one service. Fast: reads files and the environment, and asks
    /// the machine's metadata service only where no region is named anywhere. Credentials are
    /// fetched by the first call.
    pub async fn config(&self, place: &config::Aws) -> SdkConfig {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http(place))
            .timeout_config(timeouts(ATTEMPT))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        if let Some(region) = &place.region {
            loader = loader.region(Region::new(region.clone()));
        } else if place.endpoint.is_some() {
            let usual = RegionProviderChain::first_try(
                aws_config::environment::region::EnvironmentVariableRegionProvider::new(),
            );
            loader = loader.region(usual.or_else(Region::new(EMULATOR_REGION)));
        }
        if let Some(endpoint) = &place.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        loader.load().await
    }

    /// The shared client; for an endpoint without TLS one that reads no certificates.
    fn http(&self, place: &config::Aws) -> SharedHttpClient {
        if place
            .endpoint
            .as_ref()
            .is_some_and(|e| e.starts_with("http://"))
        {
            return Builder::new().build_http();
        }
        let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        self.https
            .get_or_init(|| Builder::new().tls_provider(ring).build_https())
            .clone()
    }
}

/// Time limits for calls whose attempts may take `attempt`. The whole call is bounded as well: an
/// attempt for each try and a pause between them.
pub fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(attempt * ATTEMPTS + Duration::from_secs(2))
        .build()
}

/// How long an attempt may take that carries a body of `bytes`: never less than [`ATTEMPT`].
pub fn patience(bytes: u64) -> Duration {
    ATTEMPT + Duration::from_secs(bytes / SLOWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn settings_name_the_place() {
        let place = config::Aws {
            endpoint: Some("http://127.0.0.1:1".into()),
            region: Some("ap-southeast-3".into()),
        };
        let config = Sdk::new().config(&place).await;
        assert_eq!(config.region().map(AsRef::as_ref), Some("ap-southeast-3"));
        assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:1"));
    }

    #[tokio::test]
    async fn an_emulator_needs_no_region() {
        let place = config::Aws {
            endpoint: Some("http://127.0.0.1:1".into()),
            region: None,
        };
        let config = Sdk::new().config(&place).await;
        assert!(config.region().is_some());
    }

    #[tokio::test]
    async fn clients_of_one_sdk_share_their_connections() {
        let sdk = Sdk::new();
        let place = config::Aws {
            endpoint: None,
            region: Some("ap-southeast-3".into()),
        };
        let began = std::time::Instant::now();
        let one = sdk.config(&place).await;
        let _client = aws_sdk_sqs::Client::new(&one);
        // Start to ready is under 300 ms in a release build; reading the trusted certificates is
        // the largest part of it on AWS.
        assert!(began.elapsed() < Duration::from_secs(2));
        assert!(sdk.https.get().is_some());
    }

    #[test]
    fn a_large_body_gets_more_time() {
        assert_eq!(patience(0), ATTEMPT);
        assert!(patience(8 << 20) > Duration::from_secs(500));
    }
}
