use super::*;

const SMALL: &str = r#"
channel = "sms"
about = "A modem"
adapter = "sms_spool"
address = "phone"
length = { split = "joined", pieces = 3 }
guard = { shortest = 7, deny = ["+62811000"] }
[signs]
status = { "0x58" = "slow" }
receipt = { DELIVRD = "delivered" }
"#;

fn faults(more: &str) -> String {
    let faults = read("sms.toml", &format!("{SMALL}\n{more}")).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    told.join("; ")
}

#[test]
fn every_shipped_file_is_sound_and_proven() {
    let all = of_installation(None).unwrap();
    assert!(!all.is_empty());
    for channel in all.values() {
        assert!(channel.cases.len() >= 4, "{}", channel.channel);
    }
}

#[test]
fn cases_prove_a_file() {
    let cases = r#"
[[case]]
from = "3636"
denied = true
[[case]]
from = "TELKOMSEL"
denied = true
[[case]]
from = "+6281100012"
denied = true
[[case]]
from = "+6281234567890"
denied = false
[[case]]
status = "0x58"
means = "slow"
[[case]]
status = "0x99"
means = "later"
[[case]]
receipt = "delivrd"
means = "delivered"
[[case]]
text = "a"
times = 161
pieces = 2
"#;
    let channel = read("sms.toml", &format!("{SMALL}\n{cases}")).unwrap();
    assert_eq!(
        (channel.cases.len(), channel.queue().as_str()),
        (8, "text-output-sms")
    );
}

#[test]
fn a_fault_names_file_and_key_or_case() {
    let told = faults("[[case]]\nstatus = \"0x58\"\nmeans = \"sent\"");
    assert!(
        told.contains("channel file sms.toml: status \"0x58\" is Slow"),
        "{told}"
    );
    assert!(faults("[pace]\nper_s = -1").contains("`pace.per_s`"));
    assert!(faults("[speed]\nshare = 2").contains("`speed.share`"));
    assert!(faults("[worth]\nlimit_s = 0").contains("`worth.limit_s`"));
    assert!(faults("[wrth]\nlimit_s = 0").contains("wrth"));
    let other = read("other.toml", SMALL).unwrap_err();
    assert!(other[0].fault.contains("channel's name"), "{other:?}");
}

#[test]
fn an_own_folder_adds_and_replaces() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sms.toml"), SMALL).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "no channel").unwrap();
    let all = of_installation(Some(folder.path())).unwrap();
    assert_eq!(all["sms"].about, "A modem");
    std::fs::write(folder.path().join("sms.toml"), "channel = 1").unwrap();
    let told = of_installation(Some(folder.path())).unwrap_err().cause;
    assert!(told.contains("channel file sms.toml"), "{told}");
}

#[test]
fn what_is_said_too_often_is_stopped() {
    let guard = Guard {
        repeats: 3,
        answers: 10,
        ..Guard::default()
    };
    assert_eq!(guard.stops(2, 9), None);
    assert_eq!(guard.stops(3, 3), Some(Stopped::Repeated));
    assert_eq!(guard.stops(0, 10), Some(Stopped::Loop));
}

#[test]
fn an_exchange_is_read_as_its_adapter_reads_it() {
    let shipped = shipped();
    let told = |file: &str, case: &str| {
        let text = format!("{}\n[[case]]\n{case}", shipped[file]);
        let faults = read(file, &text).unwrap_err();
        faults
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    };
    let twilio = |case| told("twilio.toml", case);
    let sent = twilio("http = 201\nbody = \"{}\"\nreads = { means = \"refused\" }");
    assert!(sent.contains("body.means is \"sent\""), "{sent}");
    let none = twilio("http = 201\nbody = \"{}\"\nreads = { id = \"1\" }");
    assert!(none.contains("body.id is nowhere"), "{none}");
    let text = "body = \"From=1&Body=a&MessageSid=2\"\nreads.texts = [{ text = \"b\" }]";
    assert!(
        twilio(text).contains("body.texts[0].text is \"a\""),
        "{}",
        twilio(text)
    );
    assert!(told("telegram.toml", "body = \"x\"\nreads = {}").contains("no JSON"));
    assert!(told("whatsapp.toml", "body = \"{}\"\nreads = {}").contains("no entry"));
    assert!(told("sms.toml", "body = \"{}\"\nreads = {}").contains("reads none"));
}

#[test]
fn settings_of_an_adapter_are_proven_with_the_file() {
    let file = shipped()["whatsapp.toml"].replace("app_secret", "app_sekret");
    let told = read("whatsapp.toml", &file).unwrap_err()[0].to_string();
    assert!(
        told.contains("channel file whatsapp.toml: [settings]: "),
        "{told}"
    );
    assert!(told.contains("app_sekret"), "{told}");
}
