use super::*;
use crate::adapters::xmpp::settings::Word;
use proptest::prelude::*;

const NOW: &str = "2026-11-20T10:00:00Z";

fn hear_by(rule: &Subscriptions, guard: &Guard, xml: &str) -> Heard {
    let element: Element = xml
        .replacen(' ', " xmlns='jabber:client' ", 1)
        .parse()
        .expect("XML");
    let stanza = match element.name() {
        "message" => Stanza::Message(element.try_into().expect("a message")),
        "presence" => Stanza::Presence(element.try_into().expect("a presence")),
        _ => Stanza::Iq(element.try_into().expect("an iq")),
    };
    let account = BareJid::new("kentongan@dinas.example").unwrap();
    let rules = Rules {
        account: &account,
        subscriptions: rule,
        guard,
    };
    heard(stanza, &rules, NOW.parse().unwrap())
}

fn hear(xml: &str) -> Heard {
    hear_by(&Subscriptions::default(), &Guard::default(), xml)
}

fn text(xml: &str) -> Arrived {
    match hear(xml) {
        Heard::Text(arrived, _) => arrived,
        other => panic!("{xml}: {other:?}"),
    }
}

fn answers(heard: Heard) -> Vec<String> {
    match heard {
        Heard::Answers(all) => all.into_iter().map(written).collect(),
        other => panic!("{other:?}"),
    }
}

fn written(stanza: Stanza) -> String {
    let element = match stanza {
        Stanza::Message(m) => Element::from(m),
        Stanza::Presence(p) => Element::from(p),
        Stanza::Iq(iq) => Element::from(iq),
    };
    String::from(&element)
}

#[test]
fn a_text_comes_from_a_bare_address_in_any_language() {
    for (attributes, body, want) in [
        ("type='chat'", "<body>U MC SP 4</body>", "U MC SP 4"),
        ("", "<body>U</body>", "U"),
        ("type='normal' xml:lang='de'", "<body>U</body>", "U"),
        ("type='chat'", "<body xml:lang='ar'>نعم</body>", "نعم"),
        (
            "type='chat'",
            "<body> </body><body xml:lang='fr'>U</body>",
            "U",
        ),
        (
            "type='chat'",
            "<body xml:lang='en'>en</body><body xml:lang='id'>id</body>",
            "id",
        ),
        (
            "type='chat'",
            "<subject>x</subject><body>a\nb 😀</body>",
            "a\nb 😀",
        ),
    ] {
        let xml = format!("<message from='Ani@Dinas.Example/Phone' {attributes}>{body}</message>");
        let arrived = text(&xml);
        assert_eq!(
            (arrived.from.as_str(), arrived.text.as_str()),
            ("ani@dinas.example", want)
        );
        assert_eq!(arrived.sent_at.to_string(), NOW);
    }
}

#[test]
fn what_nobody_wrote_is_nothing() {
    for xml in [
        "<message from='a@b' type='groupchat'><body>x</body></message>",
        "<message from='a@b' type='headline'><body>x</body></message>",
        "<message from='a@b' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
        "<message from='a@b' type='chat'><body/></message>",
        "<message from='a@b' type='chat'><body>  \n</body></message>",
        "<message from='a@b'><subject>x</subject></message>",
        "<message type='chat'><body>x</body></message>",
        "<message from='kentongan@dinas.example/other' type='chat'><body>x</body></message>",
        "<message from='room@b'><body>x</body><x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x></message>",
        "<message from='a@b' type='error'><body>x</body></message>",
        "<message from='a@b'><received xmlns='urn:xmpp:receipts'/></message>",
        "<presence from='a@b/c'/>",
        "<presence from='kentongan@dinas.example' type='subscribe'/>",
        "<iq type='result' id='1'/>",
    ] {
        assert!(matches!(hear(xml), Heard::Nothing), "{xml}");
    }
}

#[test]
fn what_waited_tells_when_it_was_sent() {
    for (delays, want) in [
        (
            "<delay xmlns='urn:xmpp:delay' stamp='2026-11-19T03:00:00Z'/>",
            "2026-11-19T03:00:00Z",
        ),
        (
            "<delay xmlns='urn:xmpp:delay' stamp='2026-11-19T10:00:00+07:00'/>",
            "2026-11-19T03:00:00Z",
        ),
        (
            "<delay xmlns='urn:xmpp:delay' stamp='2026-11-19T03:00:00Z'/>\
             <delay xmlns='urn:xmpp:delay' stamp='2026-11-18T03:00:00Z'/>",
            "2026-11-18T03:00:00Z",
        ),
        (
            "<delay xmlns='urn:xmpp:delay' stamp='2036-11-19T03:00:00Z'/>",
            NOW,
        ),
        ("<delay xmlns='urn:xmpp:delay' stamp='yesterday'/>", NOW),
        ("<delay xmlns='urn:xmpp:delay'/>", NOW),
    ] {
        let arrived = text(&format!(
            "<message from='a@b'><body>x</body>{delays}</message>"
        ));
        assert_eq!(arrived.sent_at.to_string(), want, "{delays}");
    }
}

#[test]
fn a_message_sent_again_is_the_same_one() {
    let id = |attributes: &str, text_: &str, more: &str| {
        text(&format!(
            "<message from='a@b' {attributes}><body>{text_}</body>{more}</message>"
        ))
        .id
    };
    let sid =
        |by: &str, id: &str| format!("<stanza-id xmlns='urn:xmpp:sid:0' by='{by}' id='{id}'/>");
    let (ours, theirs) = (sid("kentongan@dinas.example", "s1"), sid("a@b", "s1"));
    let origin = "<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>";
    assert_eq!(id("", "x", ""), None, "the port makes one");
    assert_eq!(
        id("id='1'", "x", ""),
        id("id='1'", "x", &theirs),
        "anybody may write that"
    );
    assert_eq!(id("id='1'", "x", &ours), id("id='2'", "x", &ours));
    assert_ne!(
        id("id='1'", "x", ""),
        id("id='1'", "y", ""),
        "some programs begin at 1 again"
    );
    assert_eq!(
        id("id='1'", "x", &format!("{origin}{ours}")),
        id(
            "id='1'",
            "x",
            &format!("{}{origin}", sid("kentongan@dinas.example", "s2"))
        ),
        "the sender's program sent it again, and our server numbered it anew"
    );
    let all = [
        id("id='s1'", "x", ""),
        id("", "x", &ours),
        id("", "x", origin),
    ];
    assert!(all[0] != all[1] && all[1] != all[2] && all.iter().all(Option::is_some));
}

#[test]
fn a_sender_who_asks_is_thanked_and_others_are_not() {
    let asks = |id: &str| {
        format!(
            "<message from='a@b/c' type='chat' {id}><body>x</body><request xmlns='urn:xmpp:receipts'/></message>"
        )
    };
    let thanked = |guard: &Guard, xml: &str| match hear_by(&Subscriptions::default(), guard, xml) {
        Heard::Text(_, thanks) => thanks.map(|t| written(Stanza::Message(*t))),
        other => panic!("{other:?}"),
    };
    let thanks = thanked(&Guard::default(), &asks("id='m1'")).unwrap();
    assert!(
        thanks.contains("to=\"a@b/c\"") || thanks.contains("to='a@b/c'"),
        "{thanks}"
    );
    assert!(thanks.contains("received"), "{thanks}");
    assert_eq!(
        thanked(&Guard::default(), &asks("")),
        None,
        "nothing to name"
    );
    assert_eq!(
        thanked(
            &Guard::default(),
            "<message from='a@b' id='1'><body>x</body></message>"
        ),
        None
    );
    let denied = Guard {
        deny: vec!["a@b".into()],
        ..Guard::default()
    };
    assert_eq!(thanked(&denied, &asks("id='m1'")), None);
}

#[test]
fn receipts_and_errors_name_our_message() {
    for (xml, want) in [
        (
            "<message from='a@b/c' id='9'><received xmlns='urn:xmpp:receipts' id='m1'/></message>",
            ("received", None),
        ),
        (
            "<message from='a@b' type='error' id='m1'><body>x</body><error type='cancel'>\
             <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>who?</text>\
             <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
            ("item-not-found", Some("item-not-found")),
        ),
        (
            "<message from='a@b' type='error' id='m1'><error type='wait'><odd xmlns='urn:x'/></error></message>",
            ("undefined-condition", Some("undefined-condition")),
        ),
    ] {
        let Heard::Receipt(receipt) = hear(xml) else {
            panic!("{xml}");
        };
        assert_eq!(receipt.provider_id, "m1");
        assert_eq!((receipt.state.as_str(), receipt.reason.as_deref()), want);
    }
}

#[test]
fn who_asks_to_see_us_is_let_in_by_the_rule_and_asked_back() {
    let ask = "<presence from='ani@dinas.example/x' type='subscribe'/>";
    let by = |rule: Subscriptions| answers(hear_by(&rule, &Guard::default(), ask)).join("");
    let both = |said: String| {
        said.contains("subscribed") && said.matches("ani@dinas.example").count() == 2
    };
    assert!(both(by(Subscriptions::Word(Word::All))));
    assert!(both(by(Subscriptions::Domains(vec![
        "dinas.example".into()
    ]))));
    for rule in [
        Subscriptions::Word(Word::None),
        Subscriptions::Domains(vec!["other.example".into()]),
    ] {
        let said = by(rule);
        assert!(
            said.contains("unsubscribed") && !said.contains("'subscribe'"),
            "{said}"
        );
    }
}

#[test]
fn every_question_is_answered() {
    let said = |xml: &str| answers(hear(xml)).join("");
    let ping = said("<iq from='b' type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>");
    assert!(ping.contains("result") && ping.contains("q"), "{ping}");
    let about = said(
        "<iq from='a@b/c' type='get' id='q'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    );
    assert!(about.contains("urn:xmpp:receipts"), "{about}");
    for kind in ["get", "set"] {
        let no = said(&format!(
            "<iq from='a@b/c' type='{kind}' id='q'><x xmlns='urn:x'/></iq>"
        ));
        assert!(
            no.contains("service-unavailable") && no.contains("a@b/c"),
            "{no}"
        );
    }
}

proptest! {
    #[test]
    fn nothing_that_people_write_panics(body in "\\PC{0,80}", stamp in "\\PC{0,20}", id in "\\PC{0,20}") {
        let escape = |s: &str| s.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;");
        let (body, stamp, id) = (escape(&body), escape(&stamp), escape(&id));
        let xml = format!(
            "<message xmlns='jabber:client' from='a@b' id='{id}'><body>{body}</body>\
             <delay xmlns='urn:xmpp:delay' stamp='{stamp}'/></message>"
        );
        if let Ok(element) = xml.parse::<Element>()
            && let Ok(message) = Message::try_from(element)
        {
            let account = BareJid::new("k@x").unwrap();
            let (subscriptions, guard) = (Subscriptions::default(), Guard::default());
            let rules = Rules { account: &account, subscriptions: &subscriptions, guard: &guard };
            let _ = heard(Stanza::Message(message), &rules, Timestamp::UNIX_EPOCH);
        }
    }
}
