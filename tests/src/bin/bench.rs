//! Measures speed and memory of the shipped programs on this machine: `make bench`.
//!
//! `bench [--quick] [--json] [start] [texts] [latency] [mails] [engine] [sqs] [herds]`
//!
//! Names choose what is measured; without one, everything is. `--quick` takes under a minute, `--json`
//! prints the figures for programs, `--statements` says what the database spent its time on (which
//! costs some speed). What it does on the way is said on stderr.

use kentongan_tests::bench::figures::Figures;
use kentongan_tests::bench::stage::Stage;
use kentongan_tests::bench::{Size, engine, herds, machine, officers, resting, sqs, texts};
use std::process::ExitCode;

const OPTIONS: [&str; 3] = ["--quick", "--json", "--statements"];
const NAMES: [&str; 7] = [
    "start", "texts", "latency", "mails", "engine", "sqs", "herds",
];

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]
#[tokio::main]
async fn main() -> ExitCode {
    let (options, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let unknown = |a: &&String| !OPTIONS.contains(&a.as_str()) && !NAMES.contains(&a.as_str());
    if let Some(wrong) = options.iter().chain(&names).find(unknown) {
        eprintln!(
            "bench: {wrong} is unknown; use {}, {}",
            OPTIONS.join(", "),
            NAMES.join(", ")
        );
        return ExitCode::from(64);
    }
    let given = |option: &str| options.iter().any(|o| o == option);
    let size = if given("--quick") {
        Size::QUICK
    } else {
        Size::FULL
    };
    let figures = measure(&size, &names, given("--statements")).await;
    if given("--json") {
        let json = serde_json::to_string_pretty(&figures);
        println!("{}", json.unwrap_or_default());
    } else {
        println!("{}", figures.table());
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "a program for the terminal")]
async fn measure(size: &Size, names: &[String], statements: bool) -> Figures {
    let mut figures = Figures {
        machine: machine::facts(),
        ..Figures::default()
    };
    eprintln!(
        "bench: making a database with lists, places and {} officers",
        size.officers
    );
    let mut stage = Stage::build().await;
    if statements {
        stage.note_statements().await;
    }
    officers::hire(&stage, size.officers).await;
    let version = stage.texts("SHOW server_version").await.join("");
    figures.machine.push((
        "PostgreSQL".into(),
        format!("{version}, fsync and synchronous_commit on"),
    ));
    for name in NAMES {
        if !names.is_empty() && !names.iter().any(|n| n == name) {
            continue;
        }
        eprintln!("bench: {name}");
        match name {
            "start" => resting::start(&stage, &mut figures).await,
            "texts" => texts::speed(&stage, size, &mut figures).await,
            "latency" => texts::latency(&stage, size, &mut figures).await,
            "mails" => resting::mails(&stage, size, &mut figures).await,
            "engine" => engine::cost(&stage, &mut figures).await,
            "herds" => herds::cost(&stage, size, &mut figures).await,
            _ => sqs::calls(&stage, size, &mut figures).await,
        }
    }
    if statements {
        for line in stage.statements().await {
            eprintln!("{line}");
        }
    }
    figures.machine.push(("load after".into(), machine::load()));
    figures
}
