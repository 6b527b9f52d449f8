//! What a Call costs the budgets of the Grants that decide it. It must never count what it cannot read, nor let a Call go
//! that a budget has no room for.

use prokura_domain::budget::Measure;
use prokura_domain::call::Why;
use prokura_domain::pointer::Found;
use prokura_domain::{Budget, Charge, Decimal, Grant, Json};

use crate::condition::number;
use crate::decide::{Denial, Denied, Facts};

/// What the Call takes from each budget.
pub(crate) fn charges(
    decisive: &[&Grant],
    arguments: &Json,
    facts: &Facts,
) -> Result<Vec<Charge>, Denied> {
    let budgets = decisive.iter().filter_map(|grant| Some((*grant, grant.budget.as_ref()?)));
    budgets.map(|(grant, budget)| charge(grant, budget, arguments, facts)).collect()
}

fn charge(
    grant: &Grant,
    budget: &Budget,
    arguments: &Json,
    facts: &Facts,
) -> Result<Charge, Denied> {
    let amount = amount(&budget.measure, arguments).map_err(|why| {
        let target = grant.target.words();
        let text = format!("The budget {budget} of a grant for {target} cannot be counted: {why}.");
        Denied { denial: Denial::Unevaluable, why: vec![Why::new(grant.id.as_str(), text)] }
    })?;
    let used = facts.used.iter().find(|(id, _)| *id == grant.id);
    let used = used.map_or_else(Decimal::zero, |(_, used)| used.clone());
    if !budget.fits(&used, &amount) {
        return Err(used_up(grant));
    }
    Ok(Charge { grant: grant.id.clone(), budget: budget.clone(), amount })
}

fn amount(measure: &Measure, arguments: &Json) -> Result<Decimal, &'static str> {
    let pointer = match measure {
        Measure::Calls => return Ok(Decimal::from(1)),
        Measure::Sum(pointer) => pointer,
    };
    let amount = match pointer.find(arguments) {
        Found::Value(value) => number(value)?,
        Found::Nothing | Found::Astray => return Err("the call has nothing there"),
    };
    if amount.is_negative() {
        return Err("the number there is negative");
    }
    if !amount.is_countable() {
        return Err("the number there is out of all measure");
    }
    Ok(amount)
}

/// The refusal of a Call that does not fit into the budget of `grant` any more.
#[must_use]
pub fn used_up(grant: &Grant) -> Denied {
    let budget = grant.budget.as_ref().map(ToString::to_string).unwrap_or_default();
    let target = grant.target.words();
    let text =
        format!("The budget {budget} of a grant for {target} has too little left for this call.");
    Denied { denial: Denial::Budget, why: vec![Why::new(grant.id.as_str(), text)] }
}
