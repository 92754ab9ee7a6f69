use super::{ConfigError, Settings};
use std::path::Path;

const ONE_BOX: &str = include_str!("../../../deploy/config/one-box.toml");
const AWS: &str = include_str!("../../../deploy/config/aws.toml");
const SUPERVISION: &str = include_str!("../../../systemd/kentongan-.service.d/20-supervision.conf");

fn parse(text: &str) -> Result<Settings, String> {
    Settings::parse(text, std::iter::empty())
}

/// The fault of a sample in which `old` became `new`.
fn fault(old: &str, new: &str) -> String {
    assert!(ONE_BOX.contains(old), "the sample has no {old:?}");
    parse(&ONE_BOX.replacen(old, new, 1)).expect_err("should be refused")
}

/// The sample with these variables set.
fn with(variables: &[(&str, &str)]) -> Result<Settings, String> {
    let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    Settings::parse(ONE_BOX, variables.iter().map(owned))
}

#[test]
fn the_defaults_that_the_samples_name_are_the_programs() {
    for sample in [ONE_BOX, AWS] {
        let spelled: Vec<&str> = sample.lines().map(uncommented).collect();
        assert_ne!(spelled.join("\n"), sample.trim_end(), "no default is named");
        let (short, long) = (parse(sample).unwrap(), parse(&spelled.join("\n")).unwrap());
        assert_eq!(format!("{short:#?}"), format!("{long:#?}"));
    }
}

/// `#key = value` without its mark; prose (`# text`) stays.
fn uncommented(line: &str) -> &str {
    line.strip_prefix('#')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
        .unwrap_or(line)
}

#[test]
fn the_samples_explain_every_key() {
    let sections = "database queue blob mail transport engine retention frame log metrics secrets";
    for sample in [ONE_BOX, AWS] {
        for section in sections.split(' ') {
            let head = format!("[{section}]\n");
            let text = sample.split_once(&head).expect(section).1;
            let text = text.split("\n[").next().unwrap();
            for key in known_keys(sample, section) {
                assert!(
                    text.contains(&format!("{key} = ")),
                    "[{section}] does not explain `{key}`"
                );
            }
        }
    }
}

/// The keys that a section may have, as the refusal of a wrong one tells them.
fn known_keys(sample: &str, section: &str) -> Vec<String> {
    let head = format!("[{section}]\n");
    let wrong = sample.replacen(&head, &format!("{head}zzzzzzzzzzzzzzzzzzzz = 1\n"), 1);
    let fault = parse(&wrong).unwrap_err();
    assert!(
        fault.starts_with(&format!("key `{section}.zzzzzzzzzzzzzzzzzzzz` is unknown")),
        "{fault}"
    );
    match fault.split_once("known here: ") {
        Some((_, names)) => names.split(", ").map(str::to_owned).collect(),
        None => Vec::new(),
    }
}

#[test]
fn an_unknown_key_is_named_with_its_neighbour() {
    let fault = fault("#hands = 64", "hnads = 64");
    assert_eq!(fault, "key `frame.hnads` is unknown; did you mean `hands`?");
}

#[test]
fn an_unknown_section_is_named() {
    let fault = parse(&format!("{ONE_BOX}\n[databse]\n")).unwrap_err();
    assert_eq!(fault, "key `databse` is unknown; did you mean `database`?");
}

#[test]
fn an_unknown_key_beside_a_kind_is_named() {
    let fault = fault("tls = \"none\"", "tls = \"none\"\nhsot = \"x\"");
    assert_eq!(
        fault,
        "key `transport.hsot` is unknown; did you mean `host`?"
    );
}

#[test]
fn a_missing_key_is_named() {
    for (line, key) in [
        ("url = \"host", "database.url"),
        ("kind = \"postgres\"", "queue.kind"),
        ("folder = \"/var", "blob.folder"),
        ("from = ", "mail.from"),
        ("token_keys_file = ", "secrets.token_keys_file"),
    ] {
        let without: Vec<&str> = ONE_BOX.lines().filter(|l| !l.starts_with(line)).collect();
        let fault = parse(&without.join("\n")).unwrap_err();
        assert!(
            fault.starts_with(&format!("key `{key}` is missing")),
            "{key}: {fault}"
        );
    }
}

#[test]
fn a_missing_section_is_named() {
    let fault = fault("[secrets]", "[metrics.more]");
    assert!(fault.contains("`metrics.more` is unknown"), "{fault}");
    let without = ONE_BOX.split_once("[secrets]").unwrap().0;
    let fault = parse(without).unwrap_err();
    assert!(fault.starts_with("key `secrets` is missing"), "{fault}");
}

#[test]
fn a_wrong_type_is_named_in_words() {
    let number = fault("#hands = 64", "hands = \"many\"");
    assert_eq!(
        number,
        "key `frame.hands`: this is the text \"many\"; it wants a whole number, 0 or more, without \
         quotes"
    );
    let text = fault("domain = \"kentongan.example.id\"", "domain = 5");
    assert_eq!(
        text,
        "key `mail.domain`: this is the number `5`; it wants a text in quotes"
    );
    let list = fault("own_addresses = [", "own_addresses = \"a@b.id\" #");
    assert_eq!(
        list,
        "key `mail.own_addresses`: this is the text \"a@b.id\"; it wants a list in brackets"
    );
    let negative = fault("#hands = 64", "hands = -1");
    assert!(negative.starts_with("key `frame.hands`: this is the number `-1`; it wants a whole"));
    let decimal = fault("#retry_base_s = 2.0", "retry_base_s = [2]");
    assert!(
        decimal.starts_with("key `frame.retry_base_s`: this is"),
        "{decimal}"
    );
}

#[test]
fn a_wrong_choice_names_the_choices() {
    let kind = fault("kind = \"postgres\"", "kind = \"kafka\"");
    assert_eq!(
        kind,
        "key `queue.kind`: `kafka` is none of `postgres`, `sqs`"
    );
    let tls = fault("tls = \"none\"", "tls = \"maybe\"");
    assert!(
        tls.ends_with("`maybe` is none of `none`, `starttls`, `tls`"),
        "{tls}"
    );
}

#[test]
fn a_broken_file_is_shown_with_its_line() {
    let fault = fault("[queue]", "[queue");
    assert!(
        fault.contains("[queue\n") && fault.contains("line "),
        "{fault}"
    );
}

#[test]
fn values_that_cannot_work_are_refused() {
    for (old, new, key) in [
        ("#prefix = \"kentongan\"", "prefix = \"a b\"", "prefix"),
        ("#pool_size = 8", "pool_size = 0", "database.pool_size"),
        (
            "#statement_timeout_s = 30",
            "statement_timeout_s = 0",
            "database.statement_timeout_s",
        ),
        (
            "#connect_timeout_s = 5",
            "connect_timeout_s = 0",
            "database.connect_timeout_s",
        ),
        ("#hands = 64", "hands = 0", "frame.hands"),
        ("#pollers = 4", "pollers = 0", "frame.pollers"),
        ("#poll_s = 20", "poll_s = 21", "frame.poll_s"),
        ("#lease_s = 60", "lease_s = 0", "frame.lease_s"),
        (
            "#job_limit_s = 600",
            "job_limit_s = 43200",
            "frame.job_limit_s",
        ),
        (
            "#retry_base_s = 2.0",
            "retry_base_s = nan",
            "frame.retry_base_s",
        ),
        (
            "#retry_most_s = 900.0",
            "retry_most_s = 1.0",
            "frame.retry_most_s",
        ),
        ("#language = \"id\"", "language = \"jv\"", "engine.language"),
        (
            "#country_code = \"62\"",
            "country_code = \"+62\"",
            "engine.country_code",
        ),
        (
            "#mobile_prefix = \"8\"",
            "mobile_prefix = \"08\"",
            "engine.mobile_prefix",
        ),
        (
            "#place_systems = [\"kemendagri\"]",
            "place_systems = []",
            "engine.place_systems",
        ),
        ("from = \"lapor@", "from = \"Kentongan <lapor@", "mail.from"),
        (
            "own_addresses = [\"",
            "own_addresses = [\"nobody\", \"",
            "mail.own_addresses",
        ),
    ] {
        let fault = fault(old, new);
        assert!(
            fault.starts_with(&format!("key `{key}` cannot work; it wants ")),
            "{new}: {fault}"
        );
    }
}

#[test]
fn variables_replace_keys() {
    let settings = with(&[
        ("KENTONGAN_DATABASE__URL", "host=elsewhere user=x"),
        ("KENTONGAN_FRAME__HANDS", "3"),
        ("KENTONGAN_METRICS__LISTEN", "{ mailer = \"127.0.0.1:1\" }"),
        ("KENTONGAN_ENGINE__COUNTRY_CODE", "\"670\""),
        ("KENTONGAN_SETTINGS", "/not/one/of/them"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!(settings.database.url, "host=elsewhere user=x");
    assert_eq!(settings.frame.hands, 3);
    assert_eq!(settings.metrics.unwrap().listen.len(), 1);
    assert_eq!(settings.engine.country_code, "670");
}

#[test]
fn a_variable_can_make_a_section() {
    let without = ONE_BOX.split_once("[secrets]").unwrap().0;
    let variable = ("KENTONGAN_SECRETS__TOKEN_KEYS_FILE", "/run/keys");
    let variable = (variable.0.to_owned(), variable.1.to_owned());
    let settings = Settings::parse(without, std::iter::once(variable)).unwrap();
    assert_eq!(settings.secrets.token_keys_file, Path::new("/run/keys"));
}

#[test]
fn a_faulty_variable_is_named() {
    for (name, value) in [
        ("KENTONGAN_ENGINE__COUNTRY_CODE", "62"),
        ("KENTONGAN_FRAME__HNADS", "1"),
        ("KENTONGAN_FRAME__HANDS", "0"),
        ("KENTONGAN_PREFIX__X", "1"),
    ] {
        let fault = with(&[(name, value)]).map(drop).expect_err(name);
        assert!(fault.contains(&format!("variable {name}")), "{fault}");
    }
}

#[test]
fn the_file_is_named() {
    let file = Path::new("/no/such/kentongan.toml");
    let fault: ConfigError = Settings::read(file).unwrap_err();
    assert!(
        fault
            .to_string()
            .starts_with("settings /no/such/kentongan.toml: ")
    );
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    #[expect(dead_code, reason = "only its name and type matter here")]
    rate: u32,
}

#[test]
fn a_daemons_own_section_names_its_keys() {
    let settings = with(&[("KENTONGAN_MAILER__RTAE", "5")]).unwrap();
    let fault = settings
        .section::<Own>("mailer", &settings.mailer)
        .unwrap_err();
    assert!(
        fault
            .to_string()
            .contains("key `mailer.rtae` is unknown; did you mean `rate`?")
    );
    let fault = settings
        .section::<Own>("processor", &settings.processor)
        .unwrap_err();
    assert!(
        fault
            .to_string()
            .contains("key `processor.rate` is missing")
    );
}

#[test]
fn systemd_waits_longer_than_the_daemons_do() {
    let second = |key: &str| -> u64 {
        let line = SUPERVISION.lines().find_map(|l| l.strip_prefix(key));
        line.expect(key).parse().expect("seconds")
    };
    let frame = parse(ONE_BOX).unwrap().frame;
    assert!(second("TimeoutStopSec=") > frame.stop_budget_s + 10);
    assert!(second("WatchdogSec=") > 3 * frame.poll_s);
}
