//! What is biologically possible: pure rules over what was reported of an animal, from
//! `common/animals/breeding.csv`. A species that is not in it has no rules.

mod begun;

use crate::code::spec::Event;
use crate::db::herds::Animal;
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use std::sync::OnceLock;

/// Young of one litter, and twins, are reported with dates so many days apart at most.
pub(super) const LITTER: i32 = 3;

/// An examination cannot feel a pregnancy that is younger: a palpation of a cow is sure from the
/// second month on.
const UNFELT: i32 = 45;

/// Months of a pregnancy are estimates: so many days either way.
const MONTH_SLACK: i32 = 31;

/// What is usual for a species; days.
#[derive(Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) struct Species {
    species: String,
    /// From conception to birth.
    pub gestation: i32,
    /// How far from that a birth may lie.
    tolerance: i32,
    /// Age from which females are served.
    pub mature: i32,
    /// Age from which they give birth.
    first_birth: i32,
}

/// One event of an animal's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub event: Event,
    /// The day; of a birth that of the birth.
    pub on: Date,
    /// Months of pregnancy that an examination found.
    pub month: i64,
}

/// Why a birth is not possible: the event that stands against it (`None`: her own birth), its day,
/// and the first day on which it would be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooSoon {
    pub event: Option<Event>,
    pub on: Date,
    pub from: Date,
}

/// Where a birth that is possible comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The latest insemination that it may come from.
    pub insemination: Option<Date>,
    /// Nothing was reported of this pregnancy.
    pub unknown: bool,
    /// What was reported since the birth before, and can be of another pregnancy only: too long ago, or later
    /// than the birth. Where nothing else is known of this one.
    pub unfit: Vec<Told>,
}

/// What is usual for a species, by its code.
pub(super) fn of(species: &str) -> Option<&'static Species> {
    static ALL: OnceLock<Vec<Species>> = OnceLock::new();
    let read = || {
        let file = include_bytes!("../../../animals/breeding.csv");
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_reader(&file[..]);
        let rows: Result<_, _> = reader.deserialize().collect();
        // A shipped file; a test reads it.
        rows.expect("the shipped table is valid")
    };
    ALL.get_or_init(read).iter().find(|s| s.species == species)
}

impl Species {
    /// The most months that a pregnancy can last.
    pub fn most_months(&self) -> i64 {
        i64::from((self.gestation + self.tolerance) / 30)
    }

    /// The shortest that one is carried and lives.
    pub fn shortest(&self) -> i32 {
        self.gestation - self.tolerance
    }

    fn longest(&self) -> i32 {
        self.gestation + self.tolerance
    }

    /// Whether `dam` can have given birth on `birth`, as far as anybody was told.
    pub fn birth(&self, dam: &Animal, told: &[Told], birth: Date) -> Result<Origin, TooSoon> {
        if let Some(born) = dam.born_on
            && birth < days(born, self.first_birth)
        {
            let from = days(born, self.first_birth);
            return Err(too_soon(None, born, from));
        }
        for one in told {
            if let Some(from) = self.not_before(one, told, birth) {
                return Err(too_soon(Some(one.event), one.on, from));
            }
        }
        let began = told
            .iter()
            .filter(|one| is_end(one) && !same_litter(one, birth));
        let began = began.map(|one| one.on).filter(|on| *on <= birth).max();
        let hints: Vec<(&Told, Date)> = told
            .iter()
            .filter(|one| began.is_none_or(|began| one.on > began))
            .filter(|one| (days(birth, -self.longest())..=birth).contains(&one.on))
            .filter_map(|one| Some((one, days(conceived(one)?, self.shortest()))))
            .collect();
        let fitting = hints.iter().filter(|(_, from)| *from <= birth);
        let inseminations = fitting
            .clone()
            .filter(|(one, _)| one.event == Event::Insemination);
        let insemination = inseminations.map(|(one, _)| one.on).max();
        match hints.iter().max_by_key(|(one, _)| one.on) {
            Some((latest, from)) if fitting.count() == 0 => {
                Err(too_soon(Some(latest.event), latest.on, *from))
            }
            latest => Ok(Origin {
                insemination,
                unknown: latest.is_none(),
                unfit: match latest {
                    None => unfit(told, began),
                    Some(_) => Vec::new(),
                },
            }),
        }
    }

    /// The first day on which she can give birth after this event, when that is after `birth`.
    fn not_before(&self, one: &Told, told: &[Told], birth: Date) -> Option<Date> {
        let from = match one.event {
            Event::Birth if same_litter(one, birth) => return None,
            // Reported late: she gave birth again since.
            Event::Birth if one.on > birth => {
                let fits = days(birth, self.shortest()) <= one.on;
                return (!fits).then(|| days(one.on, self.shortest()));
            }
            _ if one.on > birth => return None,
            Event::Birth | Event::Loss => days(one.on, self.shortest()),
            Event::Pregnancy if one.month == 0 => {
                let later = |t: &Told| t.event == Event::Pregnancy && t.month > 0 && t.on >= one.on;
                if told.iter().any(later) {
                    return None;
                }
                days(one.on, self.shortest() - UNFELT)
            }
            _ => return None,
        };
        (birth < from).then_some(from)
    }

    /// The day of the examination that found her pregnant, when nothing ended that since.
    pub fn pregnant(&self, told: &[Told], today: Date) -> Option<Date> {
        let found = told.iter().filter(|one| one.event == Event::Pregnancy);
        let found = found.max_by_key(|one| one.on).filter(|one| one.month > 0)?;
        let ended = told.iter().any(|one| is_end(one) && one.on >= found.on);
        let over = days(conceived(found)?, self.longest() + 2 * MONTH_SLACK) < today;
        (!ended && !over).then_some(found.on)
    }

    /// When she is expected to give birth, after an examination today; from the insemination where
    /// that fits.
    pub fn due(&self, told: &[Told], month: i64, today: Date) -> Date {
        let about = days(today, -months(month));
        let fits = |one: &&Told| {
            one.event == Event::Insemination
                && (days(about, -MONTH_SLACK)..=days(about, MONTH_SLACK)).contains(&one.on)
        };
        let from = told.iter().filter(fits).map(|one| one.on).max();
        days(from.unwrap_or(about), self.gestation)
    }
}

/// The latest event of one sort on or after a day, and after the last birth or loss.
pub(super) fn latest(told: &[Told], event: Event, since: Date) -> Option<Date> {
    let ended = told
        .iter()
        .filter(|one| is_end(one))
        .map(|one| one.on)
        .max();
    let fits = |one: &&Told| one.event == event && one.on >= since;
    let all = told.iter().filter(fits).map(|one| one.on);
    all.filter(|on| ended.is_none_or(|ended| *on > ended)).max()
}

/// A day so many days later.
pub(super) fn days(from: Date, count: i32) -> Date {
    let span: Span = count.days();
    from.saturating_add(span)
}

/// The earliest day of conception that an event speaks for.
fn conceived(one: &Told) -> Option<Date> {
    match one.event {
        Event::Insemination => Some(one.on),
        Event::Pregnancy if one.month > 0 => Some(days(one.on, -months(one.month) - MONTH_SLACK)),
        _ => None,
    }
}

/// The latest insemination and the latest finding of a pregnancy after the last birth or loss.
fn unfit(told: &[Told], began: Option<Date>) -> Vec<Told> {
    let last = |event| {
        let hints = told.iter().filter(|one| one.event == event);
        let hints = hints.filter(|one| conceived(one).is_some());
        let since = hints.filter(|one| began.is_none_or(|began| one.on > began));
        since.max_by_key(|one| one.on).copied()
    };
    let all = [Event::Insemination, Event::Pregnancy].into_iter();
    all.filter_map(last).collect()
}

/// Whether an event ends a pregnancy.
fn is_end(one: &Told) -> bool {
    matches!(one.event, Event::Birth | Event::Loss)
}

fn same_litter(one: &Told, birth: Date) -> bool {
    let near = days(birth, -LITTER)..=days(birth, LITTER);
    one.event == Event::Birth && near.contains(&one.on)
}

/// Months of pregnancy in days; nobody carries for more than two years.
fn months(count: i64) -> i32 {
    i32::try_from(count.clamp(0, 24) * 304 / 10).unwrap_or_default()
}

fn too_soon(event: Option<Event>, on: Date, from: Date) -> TooSoon {
    TooSoon { event, on, from }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn cow(born_on: Option<Date>) -> Animal {
        Animal {
            id: 1,
            owner: 1,
            code: "A1".into(),
            kind: "SPBA".into(),
            species: "SP".into(),
            sex: "B".into(),
            born_on,
            past: Vec::new(),
            gone_on: None,
        }
    }

    fn told(event: Event, on: Date) -> Told {
        Told {
            event,
            on,
            month: 0,
        }
    }

    fn found(month: i64, on: Date) -> Told {
        Told {
            event: Event::Pregnancy,
            on,
            month,
        }
    }

    fn birth(told: &[Told], on: Date) -> Result<Origin, TooSoon> {
        of("SP").unwrap().birth(&cow(None), told, on)
    }

    #[test]
    fn the_table_can_be_read_and_is_plausible() {
        for species in ["SP", "KR", "KB", "DB", "BB", "KD"] {
            let s = of(species).unwrap_or_else(|| panic!("{species}"));
            assert!(s.tolerance * 5 < s.gestation, "{species}");
            assert!(s.mature < s.first_birth, "{species}");
        }
        assert_eq!(of("SP").unwrap().gestation, 283);
        assert_eq!(of("SP").unwrap().most_months(), 10);
        assert_eq!(of("BB").unwrap().most_months(), 4);
        assert_eq!(of("AY"), None);
    }

    #[test]
    fn a_birth_follows_its_insemination_by_a_gestation() {
        let ib = told(Event::Insemination, date(2026, 1, 1));
        let good = birth(&[ib], date(2026, 10, 11)).unwrap();
        assert_eq!(
            (good.insemination, good.unknown),
            (Some(date(2026, 1, 1)), false)
        );
        let soon = birth(&[ib], date(2026, 7, 1)).unwrap_err();
        assert_eq!(
            (soon.event, soon.on),
            (Some(Event::Insemination), date(2026, 1, 1))
        );
        assert_eq!(soon.from, date(2026, 9, 11), "253 days");
        assert!(birth(&[ib], date(2026, 9, 11)).is_ok());
        assert!(birth(&[ib], date(2026, 9, 10)).is_err());
        // She was served again, but the first one took.
        let again = told(Event::Insemination, date(2026, 8, 1));
        assert_eq!(birth(&[again, ib], date(2026, 10, 11)), Ok(good));
    }

    #[test]
    fn not_every_pregnancy_is_reported() {
        let unknown = |unfit| {
            Ok(Origin {
                insemination: None,
                unknown: true,
                unfit,
            })
        };
        assert_eq!(birth(&[], date(2026, 7, 1)), unknown(vec![]));
        // Long over: it did not take, and a bull came by since.
        let old = told(Event::Insemination, date(2024, 1, 1));
        assert_eq!(birth(&[old], date(2026, 7, 1)), unknown(vec![old]));
        // Served again already: that is not where the calf comes from.
        let later = told(Event::Insemination, date(2026, 8, 1));
        let both = birth(&[later, found(1, date(2026, 9, 1))], date(2026, 7, 1));
        assert_eq!(both.unwrap().unfit.len(), 2);
        let empty = birth(&[found(0, date(2026, 9, 1))], date(2026, 7, 1));
        assert_eq!(empty, unknown(vec![]), "found empty after it");
    }

    #[test]
    fn an_examination_speaks_for_a_birth_that_the_insemination_does_not_fit() {
        let ib = told(Event::Insemination, date(2026, 5, 1));
        assert!(birth(&[ib], date(2026, 7, 1)).is_err());
        let pkb = found(8, date(2026, 6, 20));
        let good = birth(&[ib, pkb], date(2026, 7, 1)).unwrap();
        assert_eq!(
            good,
            Origin {
                insemination: None,
                unknown: false,
                unfit: vec![],
            }
        );
        let early = birth(&[found(3, date(2026, 6, 20))], date(2026, 7, 1)).unwrap_err();
        assert_eq!(early.event, Some(Event::Pregnancy));
    }

    #[test]
    fn nobody_calves_twice_within_a_gestation_but_twins_are_one_birth() {
        let calved = told(Event::Birth, date(2026, 1, 10));
        assert!(birth(&[calved], date(2026, 1, 11)).is_ok(), "a twin");
        let soon = birth(&[calved], date(2026, 6, 1)).unwrap_err();
        assert_eq!(
            (soon.event, soon.on),
            (Some(Event::Birth), date(2026, 1, 10))
        );
        assert!(birth(&[calved], date(2026, 12, 1)).is_ok());
        assert!(
            birth(&[calved], date(2025, 8, 1)).is_err(),
            "reported late, too near"
        );
        assert!(birth(&[calved], date(2025, 1, 1)).is_ok(), "reported late");
        let lost = told(Event::Loss, date(2026, 1, 10));
        assert!(birth(&[lost], date(2026, 6, 1)).is_err());
    }

    #[test]
    fn found_empty_stands_against_a_birth_soon_after_until_found_pregnant() {
        let empty = found(0, date(2026, 3, 1));
        assert!(birth(&[empty], date(2026, 7, 1)).is_err());
        assert!(
            birth(&[empty], date(2026, 10, 1)).is_ok(),
            "too young to be felt then"
        );
        let pkb = found(7, date(2026, 6, 10));
        assert!(birth(&[empty, pkb], date(2026, 7, 20)).is_ok());
    }

    #[test]
    fn a_dam_has_an_age() {
        let young = cow(Some(date(2026, 1, 1)));
        let soon = of("SP").unwrap().birth(&young, &[], date(2026, 9, 1));
        let from = date(2027, 1, 1);
        assert_eq!(
            soon,
            Err(TooSoon {
                event: None,
                on: date(2026, 1, 1),
                from
            })
        );
        assert!(of("SP").unwrap().birth(&young, &[], from).is_ok());
    }

    #[test]
    fn she_is_pregnant_until_something_ends_that() {
        let cattle = of("SP").unwrap();
        let today = date(2026, 6, 1);
        let pkb = found(3, date(2026, 5, 1));
        assert_eq!(cattle.pregnant(&[pkb], today), Some(pkb.on));
        assert_eq!(
            cattle.pregnant(&[pkb, found(0, date(2026, 5, 20))], today),
            None
        );
        assert_eq!(
            cattle.pregnant(&[pkb, told(Event::Loss, date(2026, 5, 9))], today),
            None
        );
        assert_eq!(cattle.pregnant(&[pkb], date(2027, 6, 1)), None, "long over");
    }

    #[test]
    fn the_birth_is_expected_a_gestation_after_the_insemination_that_fits() {
        let cattle = of("SP").unwrap();
        let today = date(2026, 6, 1);
        let fits = told(Event::Insemination, date(2026, 3, 5));
        let not = told(Event::Insemination, date(2026, 5, 25));
        assert_eq!(cattle.due(&[fits, not], 3, today), days(fits.on, 283));
        assert_eq!(cattle.due(&[not], 3, today), days(today, 283 - 91));
        assert_eq!(
            latest(&[fits, not], Event::Insemination, date(2026, 1, 1)),
            Some(not.on)
        );
        let calved = told(Event::Birth, date(2026, 5, 1));
        assert_eq!(
            latest(&[fits, calved], Event::Insemination, date(2026, 1, 1)),
            None
        );
    }
}
