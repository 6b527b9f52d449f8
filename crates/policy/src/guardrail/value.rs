//! Arguments as Cedar sees them. What Cedar cannot hold (a fraction, null, a number past 64 bits) stands there as an opaque
//! value: it is there, it equals nothing a rule can write, and whatever reads it as something fails
//! (`docs/decisions/0013-values-cedar-cannot-hold.md`). It must never leave such a value out.

use cedar_policy::{EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use prokura_domain::{Decimal, Json};

/// The type of what Cedar cannot hold. No rule can name it: the schema does not have it.
const OPAQUE: &str = "Opaque";

/// A value for a context. `None`: the program's own words are no Cedar, which cannot be.
pub(crate) fn value(json: &Json) -> Option<RestrictedExpression> {
    Some(match json {
        Json::Null => opaque("null")?,
        Json::Bool(value) => RestrictedExpression::new_bool(*value),
        Json::String(text) => RestrictedExpression::new_string(text.clone()),
        Json::Number(text) => number(text)?,
        Json::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(value).collect();
            RestrictedExpression::new_set(items?)
        }
        Json::Object(members) => {
            let members: Option<Vec<_>> =
                members.iter().map(|(name, member)| Some((name.clone(), value(member)?))).collect();
            RestrictedExpression::new_record(members?).ok()?
        }
    })
}

/// Numbers are what they are worth: 5e2 and 500.0 are 500.
fn number(text: &str) -> Option<RestrictedExpression> {
    let worth = Decimal::read(text).map(|worth| worth.to_string());
    let whole = worth.as_deref().and_then(|worth| worth.parse::<i64>().ok());
    match whole {
        Some(whole) => Some(RestrictedExpression::new_long(whole)),
        None => opaque(worth.as_deref().unwrap_or(text)),
    }
}

fn opaque(what: &str) -> Option<RestrictedExpression> {
    Some(RestrictedExpression::new_entity_uid(uid(OPAQUE, what)?))
}

/// The identity of an entity.
pub(crate) fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    let kind: EntityTypeName = kind.parse().ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}
