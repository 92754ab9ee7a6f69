use crate::code::{Value, Values, Var};
use crate::db::places::Place;
use crate::db::works::{self, Issued, NewPermit};
use crate::db::{herds, people};
use crate::document::{PermitAnimals, PermitPage, PermitPlace};
use crate::engine::{Deed, Done, Effected, Lapse, day, shown};
use crate::language::Language;
use crate::messages::{EmailOutput, Origin, Purpose};
use crate::{Failure, Result};

/// Issues a movement permit: a number without gaps, and the certificate to the office of the origin.
/// Everything that may refuse it or take time comes before the number, which others wait for.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let origin = deed.place;
    let origin = origin.ok_or_else(|| Failure::retry("a permit wants a mandatory place first"))?;
    let destination = match deed.place_of("destination").await? {
        Ok(destination) => destination,
        Err(refused) => return Ok(refused),
    };
    if destination.id == origin.id {
        let place = ("place", Var::from(shown(origin)));
        return Ok(Effected::Refused("same_place", vec![place]));
    }
    // Whoever signs has seen the animals, or answers for those who have.
    let sender = deed.asked.sender.id;
    if !people::answers_for(deed.tx, sender, origin.id).await? {
        let place = vec![("place", Var::from(origin.name()))];
        return Ok(Effected::Refused("outside_area", place));
    }
    let to = Receivers::of(deed, origin).await?;
    let way = Way {
        origin,
        destination: &destination,
    };
    let issued = issue(deed, &way).await?;
    let mut done = Done::default();
    done.lapses = Some(Lapse::Permit);
    done.made(crate::db::subjects::Sort::Permit, issued.number);
    done.say("permit", Var::from(issued.number));
    done.say("until", Var::from(day(issued.until)));
    done.say("origin", Var::from(shown(origin)));
    done.say("destination", Var::from(shown(&destination)));
    done.say("office", Var::from(to.offices.join(", ")));
    done.say("own_mail", Var::from(to.own.clone().unwrap_or_default()));
    done.mails = to.mails(deed, &page(deed, &way, &issued, &to));
    Ok(Effected::Done(done))
}

/// From where to where.
struct Way<'a> {
    origin: &'a Place,
    destination: &'a Place,
}

async fn issue(deed: &Deed<'_>, way: &Way<'_>) -> Result<Issued> {
    let new = NewPermit {
        identity: &text(deed, "owner_id"),
        origin: way.origin.id,
        destination: way.destination.id,
        by: deed.asked.sender.id,
        at: deed.asked.sent_at,
        days: i32::from(deed.settings.permit_days),
        fields: &deed.values.to_json(),
    };
    works::issue_permit(deed.tx, &new).await
}

/// Who gets the certificate.
struct Receivers {
    /// Names of the offices.
    offices: Vec<String>,
    /// Their addresses, or the sender's own where no office has one.
    addresses: Vec<String>,
    /// The sender's own address, where it is used.
    own: Option<String>,
    /// Name of the animals' owner; empty when nobody knows it.
    owner: String,
}

impl Receivers {
    async fn of(deed: &Deed<'_>, origin: &Place) -> Result<Self> {
        let found = match deed.trains() {
            true => Vec::new(),
            false => works::offices(deed.tx, origin.id).await?,
        };
        let (offices, addresses): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let mut addresses: Vec<String> = addresses.into_iter().flatten().collect();
        addresses.sort_unstable();
        addresses.dedup();
        // Whoever keeps animals here is printed by name; others have only shown their card.
        let card = text(deed, "owner_id");
        let owner = herds::owner_of_id(deed.tx, &card, None).await?;
        let owner = owner.map(|owner| owner.name).unwrap_or_default();
        let mut own = None;
        if addresses.is_empty() {
            let contacts = people::contacts(deed.tx, deed.asked.sender.id).await?;
            own = contacts.into_iter().find(|c| c.kind == "email");
            addresses.extend(own.iter().map(|c| c.address.clone()));
        }
        Ok(Self {
            offices,
            addresses,
            own: own.map(|c| c.address),
            owner,
        })
    }

    /// One mail for each address: an office in the country's language, the sender in their own.
    fn mails(&self, deed: &Deed<'_>, page: &PermitPage) -> Vec<EmailOutput> {
        let tag = match self.own {
            Some(_) => deed.asked.sender.language.as_str(),
            None => deed.settings.language.as_str(),
        };
        let language = Language::from_tag(tag).unwrap_or_default();
        let mut values = page.mail(language);
        values.insert("own".to_owned(), self.own.is_some().into());
        let mail = |to: &String| EmailOutput {
            to: to.clone(),
            template: "permit".to_owned(),
            language: language.tag().to_owned(),
            values: values.clone(),
            purpose: Purpose::Alert,
            thread: None,
            attachments: Vec::new(),
            documents: vec![page.document(language)],
            reply_token: None,
            origin: Origin::Generated,
        };
        self.addresses.iter().map(mail).collect()
    }
}

fn page(deed: &Deed<'_>, way: &Way<'_>, issued: &Issued, to: &Receivers) -> PermitPage {
    let place = |place: &Place| PermitPlace {
        code: place.code.clone().unwrap_or_default(),
        names: place.names.iter().rev().cloned().collect(),
    };
    let regency = || way.origin.names.iter().rev().nth(1).cloned();
    let office = to.offices.first().cloned().or_else(regency);
    PermitPage {
        number: issued.number,
        issued: issued.on,
        owner: to.owner.clone(),
        owner_id: text(deed, "owner_id"),
        owner_phone: text(deed, "owner_phone"),
        origin: place(way.origin),
        destination: place(way.destination),
        animals: animals(deed.values),
        officer: deed.asked.sender.name.clone(),
        office: office.unwrap_or_default(),
        gateway: deed.settings.sms_number.clone(),
        training: deed.trains(),
        seal: None,
    }
}

fn text(deed: &Deed<'_>, field: &str) -> String {
    let value = deed.values.get(field);
    value.map_or_else(String::new, |value| value.shown(Language::default()))
}

fn animals(values: &Values) -> Vec<PermitAnimals> {
    let turn = |turn: &Values| match (turn.get("species"), turn.get("number")) {
        (Some(Value::Code(kind)), Some(Value::Number(number))) => Some(PermitAnimals {
            number: *number,
            kind: kind.name.clone(),
        }),
        _ => None,
    };
    values.turns("animals").iter().filter_map(turn).collect()
}
