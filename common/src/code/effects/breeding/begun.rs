//! Since when an animal can be pregnant at most, as far as anybody was told.

use super::{MONTH_SLACK, Species, Told, UNFELT, conceived, days, is_end, months};
use crate::code::spec::Event;
use jiff::civil::Date;

/// So many days back a loss may lie that is reported today: somebody examined her because of it.
const LATE: i32 = 7;

/// Abortions are told by the third of the gestation in which they happen.
const TRIMESTERS: i32 = 3;

/// The first part of a gestation in which nobody sees that a pregnancy was lost: a tenth.
const UNSEEN: i32 = 10;

impl Species {
    /// What stands against a pregnancy of so many months that was found today: she was inseminated, gave
    /// birth, lost what she carried or was found empty too short a time ago.
    pub fn against_pregnancy(&self, told: &[Told], month: i64, today: Date) -> Option<Told> {
        if month == 0 {
            return None;
        }
        let begun = days(today, MONTH_SLACK - months(month));
        let told = until(told, today);
        if let Some(other) = self.against(&told, begun, today) {
            return other;
        }
        empty(&told).filter(|empty| begun < days(empty.on, -UNFELT))
    }

    /// What stands against an abortion in this trimester that is reported today: the same, or that she
    /// was found empty and nothing has made her pregnant since.
    pub fn against_loss(&self, told: &[Told], trimester: i64, today: Date) -> Option<Told> {
        let thirds = i32::try_from(trimester.clamp(1, 3) - 1).unwrap_or_default();
        let carried = self.gestation * thirds / TRIMESTERS - MONTH_SLACK;
        let begun = days(today, -carried.max(self.gestation / UNSEEN));
        let told = until(told, today);
        let empty = empty(&told);
        match self.against(&told, begun, today) {
            // She was pregnant: found empty in these days, she was because of the loss.
            Some(None) => empty
                .filter(|empty| empty.on < days(today, -LATE))
                .filter(|empty| begun < days(empty.on, -UNFELT)),
            Some(against) => against,
            None => empty.filter(|empty| today < days(empty.on, UNFELT)),
        }
    }

    /// What stands against a conception on this day or before: `Some(None)` when something speaks for it,
    /// `None` when neither.
    fn against(&self, told: &[Told], begun: Date, today: Date) -> Option<Option<Told>> {
        let ended = told.iter().filter(|one| is_end(one)).max_by_key(|e| e.on);
        if let Some(ended) = ended.filter(|ended| begun < ended.on) {
            return Some(Some(*ended));
        }
        let since = ended.map_or(days(today, -self.longest() - MONTH_SLACK), |end| end.on);
        let since = told.iter().filter(|one| one.on > since);
        let hints: Vec<(&Told, Date)> = since
            .filter_map(|one| Some((one, conceived(one)?)))
            .collect();
        if hints.iter().any(|(_, from)| *from <= begun) {
            return Some(None);
        }
        let served = hints.into_iter().map(|(one, _)| one);
        let served = served.filter(|one| one.event == Event::Insemination);
        served.max_by_key(|one| one.on).map(|one| Some(*one))
    }
}

/// Without what was sent later and arrived before.
fn until(told: &[Told], today: Date) -> Vec<Told> {
    let told = told.iter().filter(|one| one.on <= today);
    told.copied().collect()
}

/// The last examination, when it found her empty; of one day the one that is told first, which is the later.
fn empty(told: &[Told]) -> Option<Told> {
    let found = told.iter().rev().filter(|t| t.event == Event::Pregnancy);
    let last = found.max_by_key(|one| one.on).copied();
    last.filter(|one| one.month == 0)
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 20);

    fn told(event: Event, ago: i32, month: i64) -> Told {
        let on = days(TODAY, -ago);
        Told { event, on, month }
    }

    fn pregnancy(told: &[Told], month: i64) -> Option<Event> {
        let against = of("SP").unwrap().against_pregnancy(told, month, TODAY);
        against.map(|one| one.event)
    }

    fn loss(told: &[Told], trimester: i64) -> Option<Event> {
        let against = of("SP").unwrap().against_loss(told, trimester, TODAY);
        against.map(|one| one.event)
    }

    #[test]
    fn nobody_is_three_months_pregnant_on_the_day_of_the_insemination() {
        let ib = |ago| told(Event::Insemination, ago, 0);
        assert_eq!(pregnancy(&[ib(0)], 3), Some(Event::Insemination));
        assert_eq!(pregnancy(&[ib(0)], 0), None, "not pregnant, and served");
        assert_eq!(pregnancy(&[ib(95)], 3), None);
        assert_eq!(pregnancy(&[ib(62)], 3), None, "months are estimates");
        assert_eq!(pregnancy(&[ib(50)], 3), Some(Event::Insemination));
        assert_eq!(pregnancy(&[ib(20), ib(95)], 3), None, "the first one took");
        assert_eq!(pregnancy(&[ib(240)], 3), None, "a bull came by since");
        assert_eq!(pregnancy(&[], 3), None, "not everything is reported");
    }

    #[test]
    fn a_pregnancy_begins_after_the_last_one_ended_and_is_felt() {
        let calved = told(Event::Birth, 60, 0);
        assert_eq!(pregnancy(&[calved], 5), Some(Event::Birth));
        assert_eq!(pregnancy(&[calved], 2), None);
        let empty = told(Event::Pregnancy, 10, 0);
        assert_eq!(pregnancy(&[empty], 5), Some(Event::Pregnancy));
        assert_eq!(pregnancy(&[empty], 2), None, "too young to be felt then");
        let found = told(Event::Pregnancy, 5, 4);
        assert_eq!(pregnancy(&[found, empty], 5), None, "examined again since");
    }

    #[test]
    fn only_who_was_pregnant_aborts() {
        let ib = |ago| told(Event::Insemination, ago, 0);
        let pkb = |ago, month| told(Event::Pregnancy, ago, month);
        assert_eq!(loss(&[ib(0)], 1), Some(Event::Insemination));
        assert_eq!(loss(&[ib(40)], 1), None);
        assert_eq!(loss(&[ib(40)], 3), Some(Event::Insemination));
        assert_eq!(loss(&[pkb(20, 5), ib(10)], 3), None);
        assert_eq!(loss(&[pkb(0, 0)], 1), Some(Event::Pregnancy));
        assert_eq!(loss(&[pkb(50, 0)], 1), None, "served by a bull since");
        assert_eq!(loss(&[pkb(3, 0), ib(120)], 2), None, "examined after it");
        assert_eq!(loss(&[pkb(15, 0), ib(120)], 2), Some(Event::Pregnancy));
        assert_eq!(loss(&[told(Event::Loss, 20, 0)], 2), Some(Event::Loss));
        assert_eq!(loss(&[], 2), None);
    }
}
