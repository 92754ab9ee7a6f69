//! The columns of a workbook: a code's fields in the order of its format, or those that a kind
//! declares; and the version by which an outdated template is known.

use super::kind::{Kind, KindColumn, Store};
use super::{Book, Sheet, Value};
use crate::code::kind::{Kind as Type, Rules};
use crate::code::spec::Field;
use crate::code::{Codes, Reader, Spec};
use crate::language::{Both, Language};
use crate::phone::Numbering;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// One column.
pub struct Column {
    /// Name of the field.
    pub name: String,
    /// What stands above it.
    pub label: Both,
    /// A sentence for whoever fills it in.
    pub help: Option<Both>,
    /// Its type.
    pub kind: Type,
    /// What its values must keep to.
    pub rules: Rules,
    /// Must be filled in.
    pub mandatory: bool,
    /// Several values with commas between them.
    pub many: bool,
    /// Belongs to the code's group.
    pub grouped: bool,
    /// The only values, where they are no list.
    pub choices: Vec<String>,
    /// A value, for the template's example.
    pub example: String,
    /// The code's field.
    pub field: Option<Arc<Field>>,
    /// How telephone numbers are written here, of which a spreadsheet eats the 0.
    pub numbering: Numbering,
}

/// The columns of one kind of workbook, for one code where it has one.
pub struct Form {
    /// The kind.
    pub kind: &'static Kind,
    /// The code of its rows.
    pub spec: Option<Arc<Spec>>,
    /// In order.
    pub columns: Vec<Column>,
    /// Changes when a template made before would no longer do.
    pub version: String,
}

/// Why there is no form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoForm {
    /// The kind takes any code and none was named.
    WhichCode,
    /// There is no such code, it stores nothing, or it is sent one by one.
    NoCode(String),
    /// This reader may not send it.
    NotAllowed(String),
}

/// What a template says about itself on a sheet that nobody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Name of the kind.
    pub kind: String,
    /// The code, where there is one.
    pub code: Option<String>,
    /// The version of its columns.
    pub version: String,
    /// The sheet with the rows.
    pub sheet: String,
}

/// Effects of codes that are no rows: their answer hands out a PIN, or they are about the sender's own telephone
/// or last message. The answer to a workbook says how many rows were stored, and no PIN.
const ONE_BY_ONE: [&str; 6] = [
    "register_person",
    "confirm_person",
    "change_number",
    "confirm_owner",
    "acknowledge",
    "withdraw",
];

/// Registers an owner; without this field only by a PIN.
const OWNER_WITHOUT_PIN: (&str, &str) = ("register_owner", "identification");

/// The sheet that carries the mark.
pub const MARK_SHEET: &str = "_kentongan";
/// The sheet that carries the pick lists.
pub const LISTS_SHEET: &str = "_lists";

impl Form {
    /// The form of a kind, for a code where the kind wants one, as this person may use it.
    pub fn new(
        kind: &'static Kind,
        code: Option<&str>,
        codes: &Codes,
        reader: &Reader<'_>,
    ) -> Result<Self, NoForm> {
        let (spec, columns) = match &kind.store {
            Store::People => (None, kind.columns.iter().map(|c| own(c, codes)).collect()),
            Store::Code(_) | Store::AnyCode => {
                let code = kind.code(code).ok_or(NoForm::WhichCode)?;
                let spec = codes.spec(&code).filter(|s| has_rows(s));
                let spec = spec.ok_or(NoForm::NoCode(code))?;
                (Some(Arc::clone(spec)), of_spec(spec, codes.numbering()))
            }
        };
        let permission = kind
            .permission
            .as_ref()
            .or(spec.as_ref().map(|s| &s.permission));
        if permission.is_some_and(|p| !(reader.may)(p)) {
            let name = spec.map_or_else(|| kind.kind.clone(), |s| s.code.clone());
            return Err(NoForm::NotAllowed(name));
        }
        let version = version(&columns);
        Ok(Self {
            kind,
            spec,
            columns,
            version,
        })
    }

    /// The code of its rows, empty where they have none.
    pub fn code(&self) -> &str {
        self.spec.as_ref().map_or("", |s| s.code.as_str())
    }

    /// What it is called.
    pub fn title(&self, language: Language) -> String {
        match (&self.kind.store, &self.spec) {
            (Store::AnyCode, Some(spec)) => format!("{} {}", spec.code, spec.name.get(language)),
            _ => self.kind.name.get(language).to_owned(),
        }
    }

    /// Whether a row that fills in only columns of the group goes on with the message above it:
    /// only where something else of each message must be filled in, else every row is one.
    pub fn continues(&self) -> bool {
        let grouped = self.columns.iter().any(|c| c.grouped);
        grouped && self.columns.iter().any(|c| c.mandatory && !c.grouped)
    }
}

impl Mark {
    /// The mark of a book; `None` for one that was not made from a template.
    pub fn of(book: &Book) -> Option<Self> {
        let sheet = book.sheets.iter().find(|s| s.name == MARK_SHEET)?;
        let text = |row| match sheet.cells.get(&(row, 1)) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        Some(Self {
            kind: text(0)?,
            code: text(1),
            version: text(2)?,
            sheet: text(3)?,
        })
    }

    /// The sheet of the rows: the one that the mark names, else the first that people see and that
    /// holds something.
    pub fn data<'a>(mark: Option<&Self>, book: &'a Book) -> Option<&'a Sheet> {
        let named = mark.and_then(|m| book.sheets.iter().find(|s| s.name == m.sheet));
        let seen = |s: &&Sheet| !s.hidden && !s.cells.is_empty();
        named.or_else(|| book.sheets.iter().find(seen))
    }
}

/// Whether messages of this code may be the rows of a workbook.
pub(super) fn has_rows(spec: &Spec) -> bool {
    let effect = spec.effect.as_deref();
    spec.stores() && effect.is_none_or(|effect| !ONE_BY_ONE.contains(&effect))
}

fn of_spec(spec: &Spec, numbering: &Numbering) -> Vec<Column> {
    let needed = |name: &str| {
        let (effect, field) = OWNER_WITHOUT_PIN;
        spec.effect.as_deref() == Some(effect) && name == field
    };
    let grouped = |name: &str| {
        spec.format.parts.iter().any(|part| match part {
            crate::code::format::Part::Group(slots) => slots.iter().any(|s| s.field == name),
            crate::code::format::Part::Slot(_) => false,
        })
    };
    let column = |slot: &crate::code::format::Slot| {
        // Loading the code file proved that every slot has its field.
        let field = spec.field(&slot.field)?;
        Some(Column {
            name: slot.field.clone(),
            label: field.label.clone(),
            help: None,
            kind: field.kind.clone(),
            rules: field.rules.clone(),
            mandatory: slot.mandatory || needed(&slot.field),
            many: slot.list,
            grouped: grouped(&slot.field),
            choices: Vec::new(),
            example: String::new(),
            field: Some(Arc::clone(field)),
            numbering: numbering.clone(),
        })
    };
    spec.format.slots().filter_map(column).collect()
}

fn own(column: &KindColumn, codes: &Codes) -> Column {
    let kind = Type::named(&column.type_, codes.lexicon(), &codes.numbering().country);
    Column {
        name: column.name.clone(),
        label: column.label.clone(),
        help: column.help.clone(),
        // An installation without this list takes any word; what it means is checked later.
        kind: kind.unwrap_or(Type::Text),
        rules: Rules::default(),
        mandatory: column.required,
        many: false,
        grouped: false,
        choices: column.choices.clone(),
        example: column.example.clone(),
        field: None,
        numbering: codes.numbering().clone(),
    }
}

/// Names, types and duties of all columns; not the entries of lists, which change every week and
/// are checked anyway.
fn version(columns: &[Column]) -> String {
    let mut hash = Sha256::new();
    for c in columns {
        let lists: Vec<&str> = c.kind.lists().iter().map(|l| l.key.as_str()).collect();
        let line = format!(
            "{} {} {} {} {} {}\n",
            c.name,
            type_name(&c.kind),
            lists.join("/"),
            c.mandatory,
            c.many,
            c.grouped
        );
        hash.update(line);
    }
    hash.finalize()
        .iter()
        .take(4)
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// A name that stays when types are added.
fn type_name(kind: &Type) -> &'static str {
    match kind {
        Type::List(_) => "list",
        Type::ListName(_) => "list_name",
        Type::Place => "place",
        Type::Case => "case",
        Type::Number => "number",
        Type::Decimal => "decimal",
        Type::Date => "date",
        Type::Phone(_) => "phone",
        Type::Owner => "owner",
        Type::Animal => "animal",
        Type::Name => "name",
        _ => "text",
    }
}
