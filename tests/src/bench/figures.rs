//! The figures and how they are shown.

use serde::Serialize;
use std::fmt::Write;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: String,
    /// What is aimed at, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aim: Option<String>,
}

/// All figures of a run with where they were taken.
#[derive(Debug, Default, Serialize)]
pub struct Figures {
    /// The machine and the versions, as name and value.
    pub machine: Vec<(String, String)>,
    /// In the order in which they were taken.
    pub figures: Vec<Figure>,
}

impl Figures {
    /// Notes a figure.
    pub fn add(&mut self, what: impl Into<String>, value: f64, unit: &str, aim: &str) {
        self.figures.push(Figure {
            what: what.into(),
            value,
            unit: unit.into(),
            aim: (!aim.is_empty()).then(|| aim.into()),
        });
    }

    /// As a table for people.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let wide = self.machine.iter().map(|(name, _)| name.len()).max();
        for (name, value) in &self.machine {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:wide$}  {value}", wide = wide.unwrap_or(0));
        }
        out.push('\n');
        let wide = self.figures.iter().map(|f| f.what.len()).max().unwrap_or(0);
        for figure in &self.figures {
            let value = shown(figure.value);
            let aim = figure.aim.as_deref().map(|a| format!("aim: {a}"));
            let line = format!(
                "{:wide$}  {value:>10} {:12} {}",
                figure.what,
                figure.unit,
                aim.unwrap_or_default()
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out
    }
}

/// Three digits that count.
fn shown(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The value below which this share (0 to 1) of the values lies.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = (share * last as f64).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_value_unit_and_aim() {
        let mut figures = Figures::default();
        figures.machine.push(("cores".into(), "2".into()));
        figures.add("texts", 1234.56, "per second", "1500");
        figures.add("wait", 0.123, "ms", "");
        let table = figures.table();
        assert!(table.starts_with("cores  2\n\n"), "{table}");
        assert!(
            table.contains("texts        1235 per second   aim: 1500\n"),
            "{table}"
        );
        assert!(table.ends_with("0.12 ms\n"), "{table}");
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut values, 0.0), 1.0);
        assert_eq!(quantile(&mut values, 0.99), 99.0);
        assert_eq!(quantile(&mut values, 1.0), 100.0);
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}
