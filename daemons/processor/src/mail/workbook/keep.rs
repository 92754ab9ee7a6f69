//! What the mail's transaction writes about a workbook: its rows, who is told, what is answered.

use super::{Entries, Ready, Said, Work, people, trial};
use crate::handlers::alerts;
use crate::mail::judge::{Case, why};
use crate::mail::opened::Read;
use crate::mail::outgoing;
use common::code::Value;
use common::db::intake::{self, Taken};
use common::db::mails::Decided;
use common::db::people::Person;
use common::db::workbooks::{self, Outcome};
use common::engine::Alert;
use common::language::Language;
use common::load::LoadError;
use common::mail::Purpose;
use common::messages::EmailInput;
use common::outbox::Outbox;
use common::people::By;
use common::workbook::form::Form;
use common::workbook::rows::Message;
use common::workbook::words;
use common::{Failure, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most characters of an unproven mail's subject that are shown to the person whose name it bears.
const SUBJECT_SHOWN: usize = 60;

/// Most answers of rows that one mail lists.
const ANSWERS: usize = 200;

impl Case<'_> {
    /// Decides a mail with a workbook; `None` for one without.
    pub(in crate::mail) async fn workbook(
        &self,
        (person, read): (&Person, &Read),
        work: &Work,
        out: &mut Outbox,
    ) -> Result<Option<Decided<'static>>> {
        let decided = match work {
            Work::None => return Ok(None),
            Work::Unopened => self.hold_workbook(person, read, out).await?,
            Work::Said(said) => self.say((person, read), said, 0, out).await?,
            Work::Store(ready) => self.store((person, read), ready, out).await?,
        };
        Ok(Some(decided))
    }

    async fn store(
        &self,
        (person, read): (&Person, &Read),
        ready: &Ready,
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        if !self.note(person, &ready.said, ready.entries.len()).await? {
            // Somebody handed the same file in at the same moment: looked at again, it is known.
            return Err(again("the same workbook was stored meanwhile"));
        }
        let mut answers = Vec::new();
        match &ready.entries {
            Entries::Messages(messages) => {
                answers = self.messages(person, (&ready.form, messages), out).await?;
            }
            Entries::People(table) => {
                let by = By::message(person.id, self.mail.msg.envelope.id);
                let options = people::options(&self.judge.engine, &self.judge.systems, by);
                match people::store(table, &options, self.tx).await {
                    Ok(true) => {}
                    Ok(false) | Err(LoadError::Faults(_)) => {
                        return Err(again("people changed while a workbook was looked at"));
                    }
                    Err(LoadError::Database(failure)) => return Err(failure),
                }
            }
        }
        let mut said = ready.said.clone();
        // A laboratory's rows have a report of their own.
        if ready.form.kind.tell.is_none() && !answers.is_empty() {
            said.values["unlisted"] = json!(answers.len().saturating_sub(ANSWERS));
            answers.truncate(ANSWERS);
            said.values["answers"] = Json::Array(answers);
        }
        self.answer_workbook((person, read), &said, out).await
    }

    /// Every row as a message, with whatever it sets off; what each was answered.
    async fn messages(
        &self,
        person: &Person,
        (form, messages): (&Form, &[Message]),
        out: &mut Outbox,
    ) -> Result<Vec<Json>> {
        let (engine, order) = (&self.judge.engine, self.order(person));
        let tried = trial::answers(engine, self.tx, &order, (form, messages)).await?;
        if tried.iter().any(|t| t.fault.is_some()) {
            return Err(again(
                "rows changed their meaning while a workbook was looked at",
            ));
        }
        let mut answers = Vec::with_capacity(messages.len());
        for ((line, message), tried) in (0_i16..).zip(messages).zip(tried) {
            let answer = tried.answer;
            let row = message.rows.first().map_or(0, |row| row + 1);
            answers.push(json!({ "row": row, "answer": answer.text }));
            let taken = Taken {
                id: order.id,
                line,
                trace: order.trace,
                channel: "email",
                address: order.address,
                person: Some(person.id),
                text: &message.text,
                channel_id: None,
                sent_at: order.received_at,
                received_at: order.received_at,
                outcome: answer.outcome,
                code: answer.code.as_deref(),
                answer: Some(&answer.text),
                answer_id: None,
                training: answer.training,
            };
            intake::insert(self.tx, &taken).await?;
            alerts::mail_all(&answer.mails, out);
            alerts::send(&answer.alerts, &self.judge.wording, out);
        }
        self.tell(person, (form, messages), out).await?;
        Ok(answers)
    }

    /// Whoever sent a case's samples in is told of its results.
    async fn tell(
        &self,
        person: &Person,
        (form, messages): (&Form, &[Message]),
        out: &mut Outbox,
    ) -> Result {
        // Results of training are nobody's business outside.
        if form.kind.tell.is_none() || self.judge.engine.trains(person) {
            return Ok(());
        }
        let codes = self.judge.engine.codes();
        let may = |permission: &str| person.may(permission);
        let (language, kind) = (Language::default(), person.user_type.as_str());
        let reader = common::code::Reader {
            language,
            kind,
            may: &may,
        };
        let read = messages
            .iter()
            .filter_map(|m| m.understood(form, &codes, &reader).ok());
        let mut cases: BTreeMap<i64, Vec<common::code::Values>> = BTreeMap::new();
        for values in read {
            if let Some(case) = values.case() {
                cases.entry(case).or_default().push(values);
            }
        }
        let ids: Vec<i64> = cases.keys().copied().collect();
        for officer in workbooks::officers(self.tx, &ids).await? {
            if officer.person == person.id {
                continue;
            }
            let language = Language::from_tag(&officer.language).unwrap_or_default();
            let usable = officer
                .contacts
                .iter()
                .filter_map(|c| Some((c, c.channel.clone()?)));
            let Some((contact, channel)) = usable.clone().next() else {
                continue;
            };
            let results = results(&cases[&officer.case_id], language);
            let values = [
                ("case", officer.case_id.into()),
                ("sender", person.name.as_str().into()),
                ("results", results.into()),
            ];
            let text = words::tell(&form.kind.kind, language, &values);
            let mail = self.mail.msg.envelope.id;
            let alert = Alert::told((mail, officer.case_id), officer.person, channel, text)
                .at(&contact.address, language);
            alerts::send(&[alert], &self.judge.wording, out);
        }
        Ok(())
    }

    async fn say(
        &self,
        (person, read): (&Person, &Read),
        said: &Said,
        rows: usize,
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        self.note(person, said, rows).await?;
        self.answer_workbook((person, read), said, out).await
    }

    async fn note(&self, person: &Person, said: &Said, rows: usize) -> Result<bool> {
        let files = said.attachments.iter();
        let blobs: Vec<&str> = files.map(|file| file.blob.as_str()).collect();
        let outcome = Outcome {
            blobs: &blobs,
            mail: self.mail.msg.envelope.id,
            person: person.id,
            kind: &said.kind,
            code: &said.code,
            digest: said.digest.as_deref(),
            state: said.state,
            reason: said.reason,
            rows,
            faults: said.faults,
            received_at: self.mail.received_at,
        };
        workbooks::insert(self.tx, &outcome).await
    }

    async fn answer_workbook(
        &self,
        (person, read): (&Person, &Read),
        said: &Said,
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let (heading, values) = (Some(&read.letter.heading), said.values.clone());
        let mut mail =
            outgoing::answer(said.mail, self.address(), &person.language, heading, values);
        mail.attachments.clone_from(&said.attachments);
        Ok(Decided {
            outcome: outcome(said.state),
            reason: said.reason,
            person: Some(person.id),
            answer_id: self.send(&mail, true, out).await?,
            proven: true,
            ..Decided::default()
        })
    }

    /// Nobody vouches for the sender: the workbook stays unopened, and the registered person is
    /// asked.
    async fn hold_workbook(
        &self,
        person: &Person,
        read: &Read,
        out: &mut Outbox,
    ) -> Result<Decided<'static>> {
        let (judge, msg) = (self.judge, self.mail.msg);
        let hours = i64::from(judge.settings.confirm_hours);
        let until = out.now().checked_add(SignedDuration::from_hours(hours));
        let until = until.unwrap_or(Timestamp::MAX);
        let id = msg.envelope.id;
        let from = (&msg.recipients[..], msg.sender.as_deref());
        workbooks::hold(self.tx, (id, person.id), from, self.mail.received_at).await?;
        let token = judge.signer.sign(Purpose::Confirm, id.as_bytes(), until);
        let subject = read.letter.heading.subject.chars().take(SUBJECT_SHOWN);
        let about = json!({
            "received": outgoing::time(self.mail.received_at, &judge.zone),
            "subject": subject.collect::<String>(),
            "lapses": outgoing::time(until, &judge.zone),
        });
        let mut mail = outgoing::confirm(person, self.address(), &about, token);
        mail.template = "workbook_confirm".into();
        Ok(Decided {
            outcome: "held",
            reason: Some(why(&read.proof)),
            person: Some(person.id),
            answer_id: self.send(&mail, false, out).await?,
            held_until: Some(until),
            ..Decided::default()
        })
    }

    /// A confirmed mail that brought a workbook is handled anew, as one whose sender is proven;
    /// false when it brought none.
    pub(in crate::mail) async fn release_workbook(
        &self,
        mail: Uuid,
        out: &mut Outbox,
    ) -> Result<bool> {
        let Some(held) = workbooks::release(self.tx, mail).await? else {
            return Ok(false);
        };
        out.send(&EmailInput {
            blob: held.blob,
            recipients: held.recipients,
            sender: held.sender,
            received_at: held.received_at,
            verdicts: None,
            client_ip: None,
            client_name: None,
            confirmed: Some(mail),
        });
        Ok(true)
    }
}

/// Looked at again, it comes out as things are now.
fn again(cause: &str) -> Failure {
    Failure::retry_after(std::time::Duration::from_secs(1), cause)
}

/// The mail's outcome, as it is stored and counted.
fn outcome(state: &str) -> &'static str {
    match state {
        "stored" => "workbook_stored",
        "partly" => "workbook_partly",
        "faulty" => "workbook_faulty",
        "again" => "workbook_again",
        "template" => "template",
        _ => "workbook_refused",
    }
}

/// Results of one case in words: `uji apung positif (koksidiosis)`, the same ones counted.
fn results(rows: &[common::code::Values], language: Language) -> String {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for values in rows {
        let shown = |field| values.get(field).map(|v: &Value| v.shown(language));
        let mut text = [shown("test"), shown("result")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        if let Some(disease) = shown("disease") {
            text = format!("{text} ({disease})");
        }
        match counted.iter_mut().find(|c| c.0 == text) {
            Some((_, count)) => *count += 1,
            None => counted.push((text, 1)),
        }
    }
    let line = |(text, count): &(String, usize)| match count {
        1 => text.clone(),
        n => format!("{n}x {text}"),
    };
    counted.iter().map(line).collect::<Vec<_>>().join(", ")
}
