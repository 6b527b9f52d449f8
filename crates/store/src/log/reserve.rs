//! What an intent takes with it: room in budgets, and its place in the flows of its Agent.

use prokura_domain::clock::Timestamp;
use prokura_domain::flow::Reservation;
use rusqlite::Transaction;

use crate::error::StoreError;
use crate::{budget, flow};

/// Takes what a record needs beside its place; `Some` says what cannot be had, and then nothing was taken.
pub(super) fn reserve(
    db: &Transaction<'_>,
    reservation: &Reservation,
    now: Timestamp,
) -> rusqlite::Result<Option<StoreError>> {
    let flow = reservation.flow.as_ref();
    if let Some(step) = flow
        && flow::crosses(db, step, now)?
    {
        return Ok(Some(StoreError::FlowsTogether));
    }
    if let Some(grant) = budget::reserve(db, &reservation.charges, now)? {
        return Ok(Some(StoreError::BudgetUsedUp(grant)));
    }
    flow.map_or(Ok(()), |step| flow::note(db, step, now))?;
    Ok(None)
}
