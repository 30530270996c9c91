//! The two sides of a space: how keys of the front and of the back are told apart and ordered.
//!
//! What a scan over many groups need not see can lie on the back, and is still in its group. The rules stand in
//! [`crate::Metadata`]; engines and callers make and compare keys here.

use std::cmp::Ordering;

/// The bit of a key's first byte that is set on the back.
pub const BACK_BIT: u8 = 0x80;

/// A range of keys, its end not in it; to the end of the space where there is none.
pub type KeyRange = (Vec<u8>, Option<Vec<u8>>);

/// Whether a key is one of the back.
pub fn is_back(key: &[u8]) -> bool {
    key.first().is_some_and(|first| first & BACK_BIT != 0)
}

/// The key of the back with the place of `key`, which is not empty.
pub fn to_back(mut key: Vec<u8>) -> Vec<u8> {
    key.iter_mut().take(1).for_each(|first| *first |= BACK_BIT);
    key
}

/// The key of the front with the place of `key`.
pub fn to_front(mut key: Vec<u8>) -> Vec<u8> {
    key.iter_mut().take(1).for_each(|first| *first &= !BACK_BIT);
    key
}

/// Whether `key` belongs to `group`: it starts so, or would if it were on the group's side.
pub fn is_in_group(group: &[u8], key: &[u8]) -> bool {
    match (group.split_first(), key.split_first()) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((of_group, group)), Some((of_key, key))) => {
            (of_group ^ of_key) & !BACK_BIT == 0 && key.starts_with(group)
        }
    }
}

/// The order of the keys of both sides together: by their places, and the front first of two with the same.
pub fn order(left: &[u8], right: &[u8]) -> Ordering {
    let place = |key: &[u8]| key.first().map(|first| first & !BACK_BIT);
    let rest = |key: &[u8]| -> usize { key.len().min(1) };
    place(left)
        .cmp(&place(right))
        .then_with(|| left[rest(left)..].cmp(&right[rest(right)..]))
        .then_with(|| is_back(left).cmp(&is_back(right)))
}

/// The range of the front and the range of the back whose places lie in `from..to`. Both ends are keys of the front; a
/// `to` that is none is the end of the space.
pub fn ranges(from: &[u8], to: Option<&[u8]>) -> [KeyRange; 2] {
    let to = to.filter(|to| !is_back(to));
    let back = |key: &[u8]| if key.is_empty() { vec![BACK_BIT] } else { to_back(key.to_vec()) };
    let end_of_front = to.map_or_else(|| vec![BACK_BIT], <[u8]>::to_vec);
    [(from.to_vec(), Some(end_of_front)), (back(from), to.map(back))]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop};
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::{is_back, is_in_group, order, ranges, to_back, to_front};

    proptest! {
        #[test]
        fn a_place_is_in_both_ranges_or_in_none(
            key in prop::collection::vec(0u8..4, 1..4),
            from in prop::collection::vec(0u8..4, 0..4),
            to in prop::option::of(prop::collection::vec(0u8..4, 0..4)),
        ) {
            let wanted = key >= from && to.as_ref().is_none_or(|to| key < *to);
            let within = |key: &[u8], side: usize| {
                let (from, to) = &ranges(&from, to.as_deref())[side];
                key >= from.as_slice() && to.as_ref().is_none_or(|to| key < to.as_slice())
            };
            let back = to_back(key.clone());
            prop_assert!(is_back(&back) && !is_back(&key));
            prop_assert_eq!((within(&key, 0), within(&back, 0)), (wanted, false));
            prop_assert_eq!((within(&key, 1), within(&back, 1)), (false, wanted));
        }

        #[test]
        fn both_sides_sort_by_place(
            left in prop::collection::vec(any::<u8>(), 0..4),
            right in prop::collection::vec(any::<u8>(), 0..4),
        ) {
            let place = |key: &Vec<u8>| (to_front(key.clone()), is_back(key));
            prop_assert_eq!(order(&left, &right), place(&left).cmp(&place(&right)));
        }
    }

    #[test]
    fn a_group_has_two_sides() {
        let cases: [(&[u8], &[u8], bool); 8] = [
            (b"ok/", b"ok/", true),
            (b"ok/", b"ok/a", true),
            (b"ok/", b"\xefk/a", true),
            (b"\xefk/", b"ok/a", true),
            (b"ok/", b"pk/a", false),
            (b"ok/", b"ok", false),
            (b"", b"\xefk", true),
            (b"o", b"", false),
        ];
        for (group, key, wanted) in cases {
            assert_eq!(is_in_group(group, key), wanted, "{group:?} {key:?}");
        }
    }
}
