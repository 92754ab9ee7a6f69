//! Values that have the right type and still cannot work.

use super::{Database, Engine, Frame, Mail, Retention, Settings};

/// Longest time limit of a job, in seconds: a lease of SQS ends for good after twelve hours,
/// however often it is renewed, and some of it must be left for putting the message back.
const LONGEST_JOB_S: u64 = 10 * 3600;

/// Finds the first value that cannot work; the text names its key and what would do.
pub(super) fn values(settings: &Settings) -> Result<(), String> {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    need(
        "prefix",
        (1..=40).contains(&settings.prefix.len()) && settings.prefix.chars().all(letters),
        "1 to 40 letters, digits, `-` or `_`: it begins the names of queues",
    )?;
    database(&settings.database)?;
    frame(&settings.frame)?;
    engine(&settings.engine)?;
    retention(&settings.retention)?;
    mail(&settings.mail)
}

fn database(database: &Database) -> Result<(), String> {
    need("database.pool_size", database.pool_size >= 1, "at least 1")?;
    need(
        "database.statement_timeout_s",
        database.statement_timeout_s >= 1,
        "at least 1: without a limit one statement could hold a message for ever",
    )?;
    need(
        "database.connect_timeout_s",
        database.connect_timeout_s >= 1,
        "at least 1: with 0 the database always counts as away",
    )
}

fn frame(frame: &Frame) -> Result<(), String> {
    need("frame.hands", frame.hands >= 1, "at least 1")?;
    need("frame.batch", frame.batch >= 1, "at least 1")?;
    need("frame.pollers", frame.pollers >= 1, "at least 1")?;
    need(
        "frame.lease_s",
        (1..=43_200).contains(&frame.lease_s),
        "1 to 43200: SQS allows no longer one",
    )?;
    need(
        "frame.poll_s",
        (1..=20).contains(&frame.poll_s),
        "1 to 20: SQS waits no longer",
    )?;
    need(
        "frame.job_limit_s",
        (1..=LONGEST_JOB_S).contains(&frame.job_limit_s),
        "1 to 36000: no message can be held longer than twelve hours",
    )?;
    need(
        "frame.retry_base_s",
        frame.retry_base_s > 0.0 && frame.retry_base_s.is_finite(),
        "more than 0",
    )?;
    need(
        "frame.retry_most_s",
        frame.retry_most_s >= frame.retry_base_s && frame.retry_most_s <= 43_200.0,
        "between `frame.retry_base_s` and 43200",
    )?;
    need(
        "frame.max_receives",
        (1..=1000).contains(&frame.max_receives),
        "1 to 1000: more than SQS counts is never reached",
    )?;
    need("frame.max_crashes", frame.max_crashes >= 1, "at least 1")
}

fn engine(engine: &Engine) -> Result<(), String> {
    need(
        "engine.language",
        ["id", "en"].contains(&engine.language.as_str()),
        "\"id\" or \"en\"",
    )?;
    need("engine.max_parts", engine.max_parts >= 1, "at least 1")?;
    need(
        "engine.permit_days",
        (1..=366).contains(&engine.permit_days),
        "1 to 366",
    )?;
    need(
        "engine.registration_hours",
        (1..=720).contains(&engine.registration_hours),
        "1 to 720: whoever is registered must find time to send the PIN",
    )?;
    let digits = engine.country_code.bytes().all(|b| b.is_ascii_digit());
    need(
        "engine.country_code",
        digits && (1..=3).contains(&engine.country_code.len()),
        "1 to 3 digits without `+`, such as \"62\"",
    )?;
    need(
        "engine.mobile_prefix",
        engine.mobile_prefix.bytes().all(|b| b.is_ascii_digit())
            && !engine.mobile_prefix.starts_with('0'),
        "digits without the 0 in front, such as \"8\"",
    )?;
    need(
        "engine.place_systems",
        !engine.place_systems.is_empty(),
        "at least one: without it no place is ever found",
    )
}

/// Less than a month, and what people ask about is gone before they ask.
fn retention(retention: &Retention) -> Result<(), String> {
    for (key, days) in [
        ("retention.message_days", retention.message_days),
        ("retention.mail_days", retention.mail_days),
        ("retention.blob_days", retention.blob_days),
        ("retention.workbook_days", retention.workbook_days),
        ("retention.change_days", retention.change_days),
    ] {
        let wanted = "0 (for ever) or at least 30: people ask what became of last month's messages";
        need(key, days == 0 || days >= 30, wanted)?;
    }
    Ok(())
}

fn mail(mail: &Mail) -> Result<(), String> {
    let domain =
        |text: &str| text.contains('.') && !text.contains(|c: char| c.is_whitespace() || c == '@');
    let address = |text: &str| {
        let parts = text.rsplit_once('@');
        parts.is_some_and(|(local, host)| !local.is_empty() && domain(host))
            && !text.contains(|c: char| c.is_whitespace() || c == '<' || c == '>')
    };
    need(
        "mail.domain",
        domain(&mail.domain),
        "a domain such as \"kentongan.example.id\"",
    )?;
    need(
        "mail.from",
        address(&mail.from),
        "a bare address: name@domain",
    )?;
    need(
        "mail.own_addresses",
        mail.own_addresses.iter().all(|a| address(a)),
        "bare addresses: name@domain",
    )?;
    need("mail.max_bytes", mail.max_bytes >= 1024, "at least 1024")?;
    need("mail.max_commands", mail.max_commands >= 1, "at least 1")?;
    need("mail.confirm_hours", mail.confirm_hours >= 1, "at least 1")
}

fn need(key: &str, fine: bool, wanted: &str) -> Result<(), String> {
    if fine {
        return Ok(());
    }
    Err(format!("key `{key}` cannot work; it wants {wanted}"))
}
