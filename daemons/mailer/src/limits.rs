//! How much may be sent: what the settings say, and what the provider says where they name nothing.

use crate::allowance::Allowance;
use crate::config::Mailer;
use common::db::quota::Limits;
use common::transport::{Quota, Transport};
use tracing::{info, warn};

/// What the settings alone say.
pub fn without_provider(settings: &Mailer) -> Limits {
    limits(settings, None)
}

/// Puts what the settings and the provider say now into force. When the provider cannot be asked,
/// what was in force stays so; false then: ask again soon.
pub async fn refresh(settings: &Mailer, transport: &dyn Transport, allowance: &Allowance) -> bool {
    let told = match (settings.rate_per_s, settings.per_day) {
        (Some(_), Some(_)) => Ok(None),
        _ => transport.quota().await,
    };
    let told = match told {
        Ok(told) => told,
        Err(e) => {
            warn!(error = %e, "Cannot ask how much may be sent; what was known holds");
            return false;
        }
    };
    let limits = limits(settings, told);
    if limits != allowance.limits() {
        let (rate_per_s, per_day) = (limits.per_second, limits.per_day);
        info!(rate_per_s, per_day, "Sending within limits (0: none)");
        allowance.set(limits);
    }
    true
}

fn limits(settings: &Mailer, told: Option<Quota>) -> Limits {
    Limits {
        per_second: settings
            .rate_per_s
            .unwrap_or(told.map_or(0.0, |q| q.per_second)),
        // A quota is a whole number that is far below 2^53.
        per_day: settings
            .per_day
            .unwrap_or(told.map_or(0, |q| q.per_day as u64)),
    }
}
