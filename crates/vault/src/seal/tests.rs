//! A sealed value opens where it was sealed, and nowhere else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use prokura_domain::port::Binding;
use proptest::prelude::*;

use super::*;

/// Counts up, so that every fill differs.
struct Counting(std::sync::atomic::AtomicU8);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

fn keys(byte: u8) -> Keys {
    Keys::new(Zeroizing::new([byte; 32]))
}

fn entropy() -> Counting {
    Counting(std::sync::atomic::AtomicU8::new(1))
}

fn context<'a>() -> SealContext<'a> {
    SealContext {
        purpose: "tokens",
        row: "acc_1",
        field: "refresh",
        generation: 3,
        bound_to: Some(Binding {
            account: "acc_1",
            resource: "https://a/mcp",
            issuer: "https://i",
        }),
    }
}

#[test]
fn a_value_opens_where_it_was_sealed() {
    let sealed = seal(&keys(1), &entropy(), &context(), b"token").unwrap();
    assert_eq!(open(&keys(1), &context(), &sealed).unwrap().as_slice(), b"token");
    assert!(!sealed.windows(5).any(|window| window == b"token"));
}

#[test]
fn the_same_value_is_never_sealed_the_same_twice() {
    let entropy = entropy();
    let first = seal(&keys(1), &entropy, &context(), b"token").unwrap();
    let second = seal(&keys(1), &entropy, &context(), b"token").unwrap();
    assert_ne!(first, second);
}

/// DESIGN §6: a value moved to another row, field or server, or an older one put back, does not open.
#[test]
fn a_value_that_was_moved_does_not_open() {
    let home = context();
    let bound = home.bound_to.clone().unwrap();
    let moved = [
        SealContext { purpose: "client", ..home.clone() },
        SealContext { row: "acc_2", ..home.clone() },
        SealContext { field: "access", ..home.clone() },
        SealContext { generation: 2, ..home.clone() },
        SealContext { generation: 4, ..home.clone() },
        SealContext { bound_to: None, ..home.clone() },
        SealContext {
            bound_to: Some(Binding { account: "acc_2", ..bound.clone() }),
            ..home.clone()
        },
        SealContext {
            bound_to: Some(Binding { resource: "https://b/mcp", ..bound.clone() }),
            ..home.clone()
        },
        SealContext {
            bound_to: Some(Binding { issuer: "https://j", ..bound.clone() }),
            ..home.clone()
        },
        // The same letters, cut at another place.
        SealContext { row: "acc_1r", field: "efresh", ..home.clone() },
        SealContext {
            bound_to: Some(Binding {
                account: "acc_1h",
                resource: "ttps://a/mcp",
                issuer: "https://i",
            }),
            ..home.clone()
        },
    ];
    let sealed = seal(&keys(1), &entropy(), &home, b"token").unwrap();
    for other in moved {
        let opened = open(&keys(1), &other, &sealed);
        assert_eq!(opened.unwrap_err(), SealFault::DoesNotOpen, "{other:?}");
    }
}

#[test]
fn every_part_of_the_context_counts_alone_in_the_associated_data() {
    // The key differs too for purpose and binding; this makes sure that the data itself would be enough.
    let home = context();
    let id = keys(1).id();
    let aad = associated(id, &home);
    assert_ne!(aad, associated(id, &SealContext { purpose: "client", ..home.clone() }));
    assert_ne!(aad, associated(id, &SealContext { bound_to: None, ..home.clone() }));
    assert_ne!(aad, associated([0; 8], &home));
    assert_ne!(keys(1).sealing("tokens", home.bound_to.as_ref()), keys(1).sealing("tokens", None));
    assert_ne!(keys(1).sealing("tokens", None), keys(1).sealing("client", None));
}

#[test]
fn another_master_key_opens_nothing() {
    let sealed = seal(&keys(1), &entropy(), &context(), b"token").unwrap();
    assert_eq!(open(&keys(2), &context(), &sealed).unwrap_err(), SealFault::DoesNotOpen);
}

#[test]
fn a_flipped_bit_or_a_cut_end_does_not_open() {
    let sealed = seal(&keys(1), &entropy(), &context(), b"token").unwrap();
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[at] ^= 1 << bit;
            assert!(open(&keys(1), &context(), &changed).is_err(), "byte {at} bit {bit}");
        }
        assert!(open(&keys(1), &context(), &sealed[..at]).is_err(), "cut at {at}");
    }
}

fn named() -> impl Strategy<Value = (String, String, String, u64, Option<[String; 3]>)> {
    let word = "[ab]{0,2}";
    let triple = (word, word, word).prop_map(|(a, b, c)| [a, b, c]);
    (word, word, word, 0..3u64, proptest::option::of(triple))
}

fn as_context(of: &(String, String, String, u64, Option<[String; 3]>)) -> SealContext<'_> {
    SealContext {
        purpose: &of.0,
        row: &of.1,
        field: &of.2,
        generation: of.3,
        bound_to: of.4.as_ref().map(|[account, resource, issuer]| Binding {
            account,
            resource,
            issuer,
        }),
    }
}

proptest! {
    #[test]
    fn a_value_opens_only_under_its_own_context(home in named(), other in named(), plain: Vec<u8>) {
        let keys = keys(7);
        let sealed = seal(&keys, &entropy(), &as_context(&home), &plain).unwrap();
        let opened = open(&keys, &as_context(&other), &sealed);
        prop_assert_eq!(opened.is_ok(), home == other);
    }
}
