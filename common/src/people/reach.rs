//! People whom no address reaches: their coordinators are told, once.

use crate::Result;
use crate::db::Tx;
use crate::db::people::{self, Kinds, Recipient, reach};

/// Most people who are told of in one round; a change that shuts out thousands is told in several.
const AT_ONCE: i64 = 500;

/// Somebody whom nothing reaches, and whoever is to be told.
#[derive(Debug, Clone)]
pub struct Unreached {
    /// Who.
    pub person: i64,
    /// As shown to others.
    pub name: String,
    /// Coordinators whose area covers their home, else their first area; may be none.
    pub told: Vec<Recipient>,
}

/// Those who could be reached when this was asked last and cannot be now. Each is told of once,
/// until they can be reached again: commit it with what tells of them. `coordinators` says who those
/// are: nobody is, where it names no kind of people. Of several daemons one finds them.
pub async fn newly_unreachable(tx: &Tx<'_>, coordinators: Kinds<'_>) -> Result<Vec<Unreached>> {
    if !reach::alone(tx).await? {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for lost in reach::newly_lost(tx, AT_ONCE).await? {
        // Not the engine's copies: they must not be filled from here.
        let told = match lost.place {
            // No kind at all would be everybody who answers for the place.
            Some(place) if !coordinators.is_empty() => {
                people::covering(tx, place, coordinators).await?
            }
            _ => Vec::new(),
        };
        all.push(Unreached {
            person: lost.person,
            name: lost.name,
            told,
        });
    }
    Ok(all)
}
