//! A budget: how much may go through a Grant within a sliding period. It must never round, and what is counted is
//! counted once, by whoever writes the intent.

use std::fmt;
use std::str::FromStr;

use crate::decimal::Decimal;
use crate::id::GrantId;
use crate::json::Json;
use crate::pointer::Pointer;

/// The longest period: a leap year.
const LONGEST: i64 = 366 * 86_400;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// Every Call counts one.
    Calls,
    /// Every Call counts the number this pointer leads to in its arguments.
    Sum(Pointer),
}

/// How much may go through a Grant within any period of this length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// What is counted.
    pub measure: Measure,
    /// How much at most.
    pub limit: Decimal,
    /// The length of the period in seconds.
    pub seconds: i64,
}

/// What one Call takes from the budget of one Grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The Grant.
    pub grant: GrantId,
    /// Its budget.
    pub budget: Budget,
    /// How much; not negative.
    pub amount: Decimal,
}

/// The text is not a budget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a budget; write N/PERIOD for calls, such as 20/1h, or sum(POINTER)<=N/PERIOD for amounts, such as \
     sum(/amount)<=500/1d; a period is a number of s, m, h or d, at most 366d"
)]
pub struct NotABudget(String);

impl Budget {
    /// Whether `amount` still fits beside what was `used` within the period.
    #[must_use]
    pub fn fits(&self, used: &Decimal, amount: &Decimal) -> bool {
        !amount.is_negative()
            && amount.is_countable()
            && used.plus(amount).is_some_and(|sum| sum <= self.limit)
    }

    /// What is left beside what was `used`.
    #[must_use]
    pub fn left(&self, used: &Decimal) -> Decimal {
        self.limit.less(used).unwrap_or_else(Decimal::zero)
    }

    /// The stored form: `{"limit":…,"seconds":…}`, with `"sum":POINTER` where amounts are counted.
    #[must_use]
    pub fn to_json_text(&self) -> String {
        let mut json = Json::object([
            ("limit", Json::Number(self.limit.to_string())),
            ("seconds", Json::from(self.seconds)),
        ]);
        if let Measure::Sum(pointer) = &self.measure {
            json.set("sum", Json::text(pointer.as_str()));
        }
        json.to_text()
    }

    /// Reads the stored form.
    #[must_use]
    pub fn from_json_text(text: &str) -> Option<Self> {
        let json = Json::read(text.as_bytes()).ok()?;
        let number = |name: &str| match json.member(name) {
            Some(Json::Number(number)) => Some(number.clone()),
            _ => None,
        };
        let measure = match json.member("sum") {
            Some(pointer) => Measure::Sum(pointer.as_str()?.parse().ok()?),
            None => Measure::Calls,
        };
        let limit = Decimal::read(&number("limit")?)?;
        let seconds = number("seconds")?.parse().ok()?;
        Self { measure, limit, seconds }.sound()
    }

    /// Itself, where it can be counted at all.
    fn sound(self) -> Option<Self> {
        let countable = self.limit.is_countable();
        let positive = !self.limit.is_negative() && !self.limit.is_zero();
        let whole = self.limit.is_whole() || self.measure != Measure::Calls;
        let timed = (1..=LONGEST).contains(&self.seconds);
        (countable && positive && whole && timed).then_some(self)
    }
}

/// `15m` in seconds; a unit alone is one of it.
fn period(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let (number, _) = text.split_at_checked(text.len() - 1)?;
    let number = number.trim();
    let number = if number.is_empty() { 1 } else { digits(number)?.parse::<i64>().ok()? };
    number.checked_mul(unit)
}

fn digits(text: &str) -> Option<&str> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

fn read(text: &str) -> Option<Budget> {
    let (amount, time) = text.rsplit_once('/')?;
    let amount = amount.trim();
    let (measure, limit) = match amount.split_at_checked(4) {
        Some((head, rest)) if head.eq_ignore_ascii_case("sum(") => {
            let (rest, limit) = rest.rsplit_once("<=")?;
            let pointer = rest.trim_end().strip_suffix(')')?;
            (Measure::Sum(pointer.parse().ok()?), Decimal::read(limit.trim())?)
        }
        _ => (Measure::Calls, Decimal::read(digits(amount)?)?),
    };
    Budget { measure, limit, seconds: period(time.trim())? }.sound()
}

impl FromStr for Budget {
    type Err = NotABudget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text.trim()).ok_or_else(|| NotABudget(text.to_owned()))
    }
}

impl fmt::Display for Budget {
    /// The text form; it reads back as the same budget.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.measure {
            Measure::Calls => write!(f, "{}", self.limit)?,
            Measure::Sum(pointer) => write!(f, "sum({pointer})<={}", self.limit)?,
        }
        let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
        let (size, unit) =
            units.into_iter().find(|(size, _)| self.seconds % size == 0).unwrap_or((1, 's'));
        write!(f, "/{}{unit}", self.seconds / size)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_budget_is_read_shown_and_kept() {
        for (text, shown) in [
            ("20/1h", "20/1h"),
            ("20/h", "20/1h"),
            (" 200 / 24h ", "200/1d"),
            ("1/90s", "1/90s"),
            ("3/90m", "3/90m"),
            ("sum(/amount)<=500/1d", "sum(/amount)<=500/1d"),
            ("SUM(/amount) <= 500.50 / d", "sum(/amount)<=500.5/1d"),
            ("sum(/a~1b/<=)/0)<=1e30/7d", "sum(/a~1b/<=)/0)<=1000000000000000000000000000000/7d"),
            ("sum()<=5/1h", "sum()<=5/1h"),
        ] {
            let budget: Budget = text.parse().unwrap();
            assert_eq!(budget.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(budget.clone()), "{text}");
            assert_eq!(Budget::from_json_text(&budget.to_json_text()), Some(budget), "{text}");
        }
    }

    #[test]
    fn what_is_no_budget_says_what_to_write() {
        for text in [
            "",
            "20",
            "20/",
            "0/1h",
            "-1/1h",
            "1.5/1h",
            "20/1w",
            "20/0h",
            "20/400d",
            "20/99999999999999999999d",
            "+1/1h",
            "sum(amount)<=5/1d",
            "sum(/amount)<5/1d",
            "sum(/amount)<=0/1d",
            "sum(/amount)<=-5/1d",
            "sum(/amount)<=1e5000/1d",
            "many/1h",
            "é/1h",
        ] {
            let fault = text.parse::<Budget>().unwrap_err().to_string();
            assert!(fault.contains("such as 20/1h"), "{text}: {fault}");
        }
    }

    #[test]
    fn the_last_of_it_fits_and_nothing_more() {
        let budget: Budget = "sum(/amount)<=0.3/1d".parse().unwrap();
        let number = |text: &str| Decimal::read(text).unwrap();
        assert!(budget.fits(&number("0.1"), &number("0.2")));
        assert!(!budget.fits(&number("0.1"), &number("0.20000000000000000000001")));
        assert!(budget.fits(&number("0.3"), &number("0")));
        assert!(!budget.fits(&number("0"), &number("-1")), "a negative one gives nothing back");
        assert!(!budget.fits(&number("0"), &number("1e-101")), "not countable");
        assert_eq!(budget.left(&number("0.1")), number("0.2"));
        assert_eq!(budget.left(&number("7")), Decimal::zero());
    }
}
