use crate::code::{Value, Var};
use crate::db::subjects::Sort;
use crate::db::works;
use crate::engine::{Deed, Done, Effected};
use crate::{Failure, Result};

/// So far outside the borders of its district a point is still believed, in kilometres: borders on maps
/// are drawn roughly, and offices of towns stand beyond them.
const NEAR_KM: f64 = 5.0;

/// Sets where an infrastructure stands. A point far from its district is kept and said so: the borders
/// may be wrong as well. Training moves nothing: there is one map for all.
pub(super) async fn run(deed: &Deed<'_>) -> Result<Effected> {
    let site = deed.found.site();
    let (Some(site), Some(lat), Some(lon)) =
        (site, degrees(deed, "latitude"), degrees(deed, "longitude"))
    else {
        return Err(Failure::retry(
            "set_point wants an infrastructure, and `latitude` and `longitude` of type coordinate",
        ));
    };
    if deed.trains() {
        let mut done = Done::default();
        done.say("far", Var::from(0));
        return Ok(Effected::Done(done));
    }
    let before = works::as_is(deed.tx, site.id).await?;
    let outside = works::set_point(deed.tx, site.id, (lat, lon)).await?;
    let far = outside.filter(|km| *km > NEAR_KM).unwrap_or_default();
    let mut done = Done::default();
    done.changed(Sort::Infrastructure, site.id, before);
    // A distance on this earth fits.
    done.say("far", Var::from(far.round() as i64));
    Ok(Effected::Done(done))
}

fn degrees(deed: &Deed<'_>, field: &str) -> Option<f64> {
    match deed.values.get(field) {
        Some(Value::Decimal(degrees)) => Some(*degrees),
        _ => None,
    }
}
