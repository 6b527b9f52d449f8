//! Numbers that floats get wrong, and a comparison with whole numbers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

fn number(text: &str) -> Decimal {
    Decimal::read(text).unwrap()
}

#[test]
fn numbers_are_compared_exactly_whatever_their_size() {
    let nines = "9".repeat(400);
    let googol = format!("1{}", "0".repeat(400));
    let ascending = [
        "-1e400",
        "-9007199254740993",
        "-9007199254740992",
        "-0.1",
        "0",
        "5e-324",
        "4.9406564584124654417656879286822137236505980e-324",
        "0.1",
        "0.1000000000000000000000000001",
        "9007199254740992",
        "9007199254740993",
        nines.as_str(),
        googol.as_str(),
        "1e401",
        "1e999999999",
    ];
    let mut sorted = ascending.to_vec();
    // 5e-324 and the smallest float differ; the float is the smaller one.
    sorted.swap(5, 6);
    for pair in sorted.windows(2) {
        assert!(number(pair[0]) < number(pair[1]), "{} < {}", pair[0], pair[1]);
    }
}

#[test]
fn one_number_has_many_spellings() {
    for (one, other) in [
        ("1", "1.000"),
        ("1", "10e-1"),
        ("100", "1E+2"),
        ("-0", "0.0e9"),
        ("0", "0e99999999999999999999999999"),
        ("1e400", &format!("1{}", "0".repeat(400))),
    ] {
        assert_eq!(number(one), number(other), "{one} and {other}");
    }
}

#[test]
fn what_is_no_number_is_not_read() {
    for text in
        ["", "+1", "01", ".5", "1.", "0x10", "NaN", "1e99999999999999999999", "\"1\"", "1 2"]
    {
        assert_eq!(Decimal::read(text), None, "{text}");
    }
}

#[test]
fn a_number_is_shown_as_json_reads_it() {
    for (text, shown) in [
        ("500", "500"),
        ("500.50", "500.5"),
        ("-0.001", "-0.001"),
        ("1e3", "1000"),
        ("12e400", "12e400"),
        ("1.5e-100", "15e-101"),
        ("0.0", "0"),
    ] {
        assert_eq!(number(text).to_string(), shown);
        assert_eq!(number(shown), number(text));
    }
}

#[test]
fn sums_are_exact_and_never_of_negatives() {
    assert_eq!(number("0.1").plus(&number("0.2")), Some(number("0.3")));
    assert_eq!(number("1e300").plus(&number("1")).unwrap().to_string().len(), 301 + 2);
    assert_eq!(number("999.99").plus(&number("0.01")), Some(number("1000")));
    assert_eq!(number("-1").plus(&number("2")), None);
    assert_eq!(number("1e2000").plus(&number("1")), None, "too far apart");
    assert_eq!(number("5").less(&number("4.99")), Some(number("0.01")));
    assert_eq!(number("5").less(&number("6")), Some(Decimal::zero()));
}

proptest! {
    #[test]
    fn it_agrees_with_whole_numbers(one in any::<i64>(), other in any::<i64>(), scale in 0u32..9) {
        let text = |value: i64| format!("{value}e-{scale}");
        let (left, right) = (number(&text(one)), number(&text(other)));
        prop_assert_eq!(left.cmp(&right), one.cmp(&other));
        let (one, other) = (one.unsigned_abs(), other.unsigned_abs());
        let text = |value: u128| number(&format!("{value}e-{scale}"));
        let (left, right) = (text(one.into()), text(other.into()));
        let sum = u128::from(one) + u128::from(other);
        prop_assert_eq!(left.plus(&right), Some(text(sum)));
        prop_assert_eq!(left.less(&right), Some(text(one.saturating_sub(other).into())));
        prop_assert_eq!(number(&left.to_string()), left);
    }
}
