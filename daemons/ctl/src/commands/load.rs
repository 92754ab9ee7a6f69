//! `kentongan load`

use crate::context::{Context, patient};
use crate::exit::{Exit, Fault, Result};
use crate::out::{Look, Out, note};
use clap::Args;
use common::db::{Db, Tx};
use common::load::{self, LoadError, LoadFault, LoadOptions, LoadReport};
use common::people::By;
use serde_json::json;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// Load places, lists, people, groups, infrastructure or programmes from CSV files
///
/// A file is checked whole: every fault is named with its line and column, and nothing is loaded
/// unless all of it is right. The same file again changes nothing. Running daemons take it up at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kentongan load people people.csv --dry-run       every fault, and what would change
  kentongan load people people.csv
  kentongan load places --shipped                  all lists and places that come with the program
  kentongan load places new-villages.csv.gz --retire
  kentongan load groups groups.csv                 what groups may do beyond the user type
  kentongan load infrastructure offices.csv        offices, laboratories, abattoirs, their mail and staff
  kentongan load programs programs.csv             campaigns of vaccination, surveillance and control
  kentongan load people --demo                     invented people, to try things out
  pg_dump_of_people | kentongan load people -")]
pub struct Load {
    /// What the file holds
    what: What,
    /// The CSV file, plain or gzipped; - reads the standard input
    #[arg(required_unless_present_any = ["shipped", "demo"])]
    file: Option<PathBuf>,
    /// What comes with the program and is not loaded yet: all lists, and with `places` these too
    #[arg(long, conflicts_with_all = ["file", "demo"])]
    shipped: bool,
    /// Invented people and example places; never where real people send messages
    #[arg(long, conflicts_with = "file")]
    demo: bool,
    /// Check and say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Retire the codes that the file no longer names
    #[arg(long)]
    retire: bool,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Places.
    #[value(help = "system,code,parent,level,name[,lat,lon][,same_as]")]
    Places,
    /// Code lists, or their entries.
    #[value(
        help = "list,code,id,en[,synonyms][,parent][,source]; or the lists themselves: key,short,id,en[,parent]"
    )]
    Lists,
    /// People.
    #[value(
        help = "name,language,user_type[,home][,areas][,phone][,email][,contacts][,permissions][,groups][,state]"
    )]
    People,
    /// Permissions.
    #[value(help = "code,id,en[,default]")]
    Permissions,
    /// Infrastructure.
    #[value(help = "code,type,name,place[,lat,lon][,emails][,staff]")]
    Infrastructure,
    /// Programmes.
    #[value(help = "number,kind,id,en[,disease][,from][,until]")]
    Programs,
    /// Groups.
    #[value(help = "code,id,en,permissions")]
    Groups,
    /// User types.
    #[value(help = "code,id,en,receives,permissions[,synonyms][,source]")]
    UserTypes,
}

impl Load {
    /// People from a file, as `kentongan people import` asks for them.
    pub fn people(file: PathBuf, dry_run: bool) -> Self {
        Self {
            what: What::People,
            file: Some(file),
            shipped: false,
            demo: false,
            dry_run,
            retire: false,
        }
    }

    pub async fn run(self, context: &Context) -> Result {
        let settings = context.settings()?;
        let db = Db::open(&patient(&settings.database), "ctl")?;
        let options = LoadOptions {
            retire_vanished: self.retire,
            systems: settings.engine.place_systems.clone(),
            by: By::named(crate::record::who()),
            numbering: settings.engine.numbering(),
        };
        let mut conn = db.connect().await?;
        let tx = conn.begin().await?;
        let done = Box::pin(self.load(&tx, &options)).await;
        let reports = match done {
            Ok(reports) => reports,
            Err(LoadError::Database(failure)) => return Err(failure.into()),
            Err(LoadError::Faults(faults)) => return self.refused(context.out, &faults),
        };
        if self.dry_run {
            drop(tx);
        } else {
            tx.commit().await?;
        }
        self.said(context.out, &reports)
    }

    async fn load(
        &self,
        tx: &Tx<'_>,
        options: &LoadOptions,
    ) -> std::result::Result<Vec<(String, LoadReport)>, LoadError> {
        if self.shipped {
            let all = load::shipped(tx)
                .await
                .map_err(|e| named(e.file, e.error))?;
            return Ok(all
                .into_iter()
                .map(|(file, r)| (file.to_owned(), r))
                .collect());
        }
        if self.demo {
            let report = load::demo_people(tx)
                .await
                .map_err(|e| named(e.file, e.error))?;
            return Ok(vec![("invented people".into(), report)]);
        }
        let source = self.open().map_err(|e| {
            let what = format!("{}: {e}", self.name());
            LoadError::Database(common::Failure::quarantine(what))
        })?;
        let report = match self.what {
            What::Places => load::places(tx, source, options).await?,
            What::Lists => load::lists(tx, source, options).await?,
            What::People => load::people(tx, source, options).await?,
            What::Permissions => load::permissions(tx, source).await?,
            What::Infrastructure => load::infrastructure(tx, source, options).await?,
            What::Programs => load::programs(tx, source, options).await?,
            What::Groups => load::groups(tx, source).await?,
            What::UserTypes => load::user_types(tx, source).await?,
        };
        Ok(vec![(self.name(), report)])
    }

    fn open(&self) -> std::io::Result<Box<dyn Read>> {
        match &self.file {
            Some(file) if file.as_os_str() != "-" => Ok(Box::new(File::open(file)?)),
            _ => Ok(Box::new(std::io::stdin())),
        }
    }

    fn name(&self) -> String {
        self.file
            .as_ref()
            .map_or("-".into(), |f| f.display().to_string())
    }

    fn refused(&self, out: Out, faults: &[LoadFault]) -> Result {
        if out.json {
            out.document(&json!({ "file": self.name(), "faults": faults }))?;
            return Ok(Exit::Failed);
        }
        for fault in faults {
            note(format!("{}: {fault}", self.name()));
        }
        let count = faults.len();
        let faults = if count == 1 { "fault" } else { "faults" };
        Err(Fault::new(format!("{count} {faults}; nothing was loaded")))
    }

    fn said(&self, out: Out, reports: &[(String, LoadReport)]) -> Result {
        if out.json {
            let told = reports
                .iter()
                .map(|(file, r)| json!({ "file": file, "report": r }));
            let told: Vec<_> = told.collect();
            out.document(&json!({ "dry_run": self.dry_run, "files": told }))?;
            return Ok(Exit::Done);
        }
        if reports.is_empty() {
            out.line("nothing to do: all of it was loaded before")?;
        }
        for (file, r) in reports {
            let (added, changed, same) = (r.added, r.changed, r.unchanged);
            out.line(format!(
                "{file}: {added} new, {changed} changed, {same} as they were"
            ))?;
            if !r.vanished.is_empty() {
                let count = r.vanished.len();
                let fate = match r.retired {
                    0 => "kept; --retire retires them".to_owned(),
                    n => format!("{n} retired"),
                };
                let said = format!("  {count} known codes are not in the file: {fate}");
                out.line(out.look(Look::Yellow, said))?;
            }
        }
        if self.dry_run {
            note("A dry run: nothing was changed.");
        }
        Ok(Exit::Done)
    }
}

/// A shipped file's fault, with the file.
fn named(file: &str, error: LoadError) -> LoadError {
    match error {
        LoadError::Database(failure) => LoadError::Database(failure.while_doing(file)),
        faults => faults,
    }
}
