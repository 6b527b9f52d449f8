//! Exact decimal numbers as JSON writes them, whatever their size. It must never round.

use std::cmp::Ordering;
use std::fmt;

use crate::json::Json;

/// Exponents beyond this are not numbers anybody means; they are not read.
const LARGEST_EXPONENT: i64 = 1_000_000_000_000;
/// How many digits a sum may have. Numbers further apart than that are not added.
const LONGEST_SUM: i64 = 1_000;

/// A decimal number: `digits × 10^exponent`, without zeros at either end of the digits; zero has none.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// Zero.
    #[must_use]
    pub fn zero() -> Self {
        Self { negative: false, digits: Vec::new(), exponent: 0 }
    }

    /// Reads a JSON number. `None` where it is none, or its exponent is beyond all measure.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let Ok(Json::Number(text)) = Json::read(text.as_bytes()) else { return None };
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
        if digits.iter().all(|digit| *digit == 0) {
            return Some(Self::zero());
        }
        let exponent: i64 = exponent.parse().ok()?;
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        Self::trimmed(negative, digits, exponent)
    }

    fn trimmed(negative: bool, mut digits: Vec<u8>, mut exponent: i64) -> Option<Self> {
        while digits.last() == Some(&0) {
            digits.pop();
            exponent = exponent.checked_add(1)?;
        }
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..leading);
        if digits.is_empty() {
            return Some(Self::zero());
        }
        (exponent.abs() <= LARGEST_EXPONENT).then_some(Self { negative, digits, exponent })
    }

    /// Whether it is less than zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether it has no fraction.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    /// Whether sums of any number of such numbers can be told exactly.
    #[must_use]
    pub fn is_countable(&self) -> bool {
        self.is_zero() || (self.exponent >= -100 && self.top() <= 300)
    }

    /// The power of ten just above the first digit.
    fn top(&self) -> i64 {
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        self.exponent.saturating_add(length)
    }

    fn size_cmp(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Without zeros at the ends, digits of one magnitude compare like words.
            (false, false) => {
                self.top().cmp(&other.top()).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }

    /// The digits from the power `low` up to below `high`, the smallest first.
    fn spread(&self, low: i64, high: i64) -> Vec<u8> {
        let mut digits = self.digits.iter().rev();
        (low..high)
            .map(
                |power| if power < self.exponent { 0 } else { digits.next().copied().unwrap_or(0) },
            )
            .collect()
    }

    /// Both as digits over the same powers, and the lowest of these. `None` where they are too far apart.
    fn side_by_side(&self, other: &Self) -> Option<(Vec<u8>, Vec<u8>, i64)> {
        let span = |one: &Self| (!one.is_zero()).then(|| (one.exponent, one.top()));
        let spans = [span(self), span(other)];
        let low = spans.iter().flatten().map(|(low, _)| *low).min().unwrap_or(0);
        let high = spans.iter().flatten().map(|(_, high)| *high).max().unwrap_or(0);
        if high.saturating_sub(low) > LONGEST_SUM {
            return None;
        }
        Some((self.spread(low, high), other.spread(low, high), low))
    }

    /// The exact sum of two numbers that are not negative. `None` where one is, or the sum has more digits than anybody
    /// means.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Option<Self> {
        if self.negative || other.negative {
            return None;
        }
        let (one, two, low) = self.side_by_side(other)?;
        let mut carry = 0;
        let mut sum: Vec<u8> = Vec::with_capacity(one.len() + 1);
        for (one, two) in one.into_iter().zip(two) {
            let digit = one + two + carry;
            sum.push(digit % 10);
            carry = digit / 10;
        }
        sum.push(carry);
        sum.reverse();
        Self::trimmed(false, sum, low)
    }

    /// What is left of it after `other` is taken away; nothing where that is more. For numbers that are not negative.
    #[must_use]
    pub fn less(&self, other: &Self) -> Option<Self> {
        if self.negative || other.negative {
            return None;
        }
        if self.size_cmp(other) != Ordering::Greater {
            return Some(Self::zero());
        }
        let (one, two, low) = self.side_by_side(other)?;
        let mut borrowed = 0;
        let mut rest: Vec<u8> = Vec::with_capacity(one.len());
        for (one, two) in one.into_iter().zip(two) {
            let taken = two + borrowed;
            borrowed = u8::from(one < taken);
            rest.push(one + 10 * borrowed - taken);
        }
        rest.reverse();
        Self::trimmed(false, rest, low)
    }
}

impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Self::read(&value.to_string()).unwrap_or_else(Self::zero)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.size_cmp(other),
            (true, true) => other.size_cmp(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    /// The shortest JSON number: plain where that is short, else with an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        let digits: String = self.digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let sign = if self.negative { "-" } else { "" };
        let top = self.top();
        if (0..=30).contains(&self.exponent) && top <= 40 {
            let zeros = "0".repeat(usize::try_from(self.exponent).unwrap_or(0));
            return write!(f, "{sign}{digits}{zeros}");
        }
        if self.exponent < 0 && (-20..=40).contains(&top) {
            let before = usize::try_from(top.max(0)).unwrap_or(0);
            let zeros = "0".repeat(usize::try_from((-top).max(0)).unwrap_or(0));
            let (whole, fraction) = digits.split_at(before.min(digits.len()));
            let whole = if whole.is_empty() { "0" } else { whole };
            return write!(f, "{sign}{whole}.{zeros}{fraction}");
        }
        write!(f, "{sign}{digits}e{}", self.exponent)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
