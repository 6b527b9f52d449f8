//! What was taken from the budgets of Grants. It is written with the intent of a Call, in one transaction, so that no
//! number of Calls at once can take more than there is.

use prokura_domain::budget::{Budget, Charge, Measure};
use prokura_domain::clock::Timestamp;
use prokura_domain::decimal::Decimal;
use prokura_domain::id::GrantId;
use rusqlite::{Connection, params};

use crate::error::StoreError;
use crate::row::word;
use crate::store::Store;

pub(crate) const SCHEMA_3: &str = r#"
CREATE TABLE budget_use(
    "grant" TEXT NOT NULL,
    at INTEGER NOT NULL,
    amount TEXT NOT NULL
) STRICT;
CREATE INDEX budget_use_grant_at ON budget_use("grant", at);
"#;

impl Store {
    /// What was taken from the budget of a Grant within the period that ends at `now`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn budget_used(
        &self,
        grant: &GrantId,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decimal, StoreError> {
        self.read(|db| used(db, grant, budget, moment(db, grant, now)?))
    }
}

/// The present moment, but never before the last use: a clock that was set back gives nothing back.
fn moment(db: &Connection, grant: &GrantId, now: Timestamp) -> rusqlite::Result<Timestamp> {
    let last: Option<i64> = db
        .prepare_cached(r#"SELECT max(at) FROM budget_use WHERE "grant" = ?"#)?
        .query_row([grant.as_str()], |row| row.get(0))?;
    Ok(Timestamp(last.map_or(now.0, |last| last.max(now.0))))
}

/// What lies at or before this moment is out of the period.
fn horizon(budget: &Budget, now: Timestamp) -> i64 {
    now.plus_seconds(-budget.seconds).0
}

fn used(
    db: &Connection,
    grant: &GrantId,
    budget: &Budget,
    now: Timestamp,
) -> rusqlite::Result<Decimal> {
    let within = params![grant.as_str(), horizon(budget, now)];
    match &budget.measure {
        Measure::Calls => db
            .prepare_cached(r#"SELECT count(*) FROM budget_use WHERE "grant" = ? AND at > ?"#)?
            .query_row(within, |row| row.get::<_, i64>(0))
            .map(|count| Decimal::from(count.unsigned_abs())),
        Measure::Sum(_) => {
            let mut select =
                db.prepare_cached(r#"SELECT amount FROM budget_use WHERE "grant" = ? AND at > ?"#)?;
            let mut rows = select.query(within)?;
            let mut sum = Decimal::zero();
            while let Some(row) = rows.next()? {
                sum = word(row, "amount", |text| sum.plus(&Decimal::read(text)?))?;
            }
            Ok(sum)
        }
    }
}

/// Takes all of `charges`, or nothing where one does not fit; then it says whose budget that is.
pub(crate) fn reserve(
    db: &Connection,
    charges: &[Charge],
    now: Timestamp,
) -> rusqlite::Result<Option<GrantId>> {
    for Charge { grant, budget, amount } in charges {
        let now = moment(db, grant, now)?;
        if !budget.fits(&used(db, grant, budget, now)?, amount) {
            return Ok(Some(grant.clone()));
        }
    }
    for Charge { grant, budget, amount } in charges {
        let now = moment(db, grant, now)?;
        // What is out of the period counts no more. The newest use stays in any case: it is the one written here.
        db.prepare_cached(r#"DELETE FROM budget_use WHERE "grant" = ? AND at <= ?"#)?
            .execute(params![grant.as_str(), horizon(budget, now)])?;
        db.prepare_cached(r#"INSERT INTO budget_use("grant", at, amount) VALUES (?, ?, ?)"#)?
            .execute(params![grant.as_str(), now.0, amount.to_string()])?;
    }
    Ok(None)
}
