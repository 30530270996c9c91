//! Lists that are cut into pages.

/// Where in a list a page is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pages {
    /// The page, from 1.
    pub(crate) page: usize,
    /// How many there are, at least 1.
    pub(crate) pages: usize,
    /// How many items they have together.
    pub(crate) found: usize,
}

/// The items of page `wanted`, or of the nearest that there is.
pub(crate) fn cut<T>(items: Vec<T>, wanted: usize, per_page: usize) -> (Vec<T>, Pages) {
    let found = items.len();
    let pages = found.div_ceil(per_page).max(1);
    let page = wanted.clamp(1, pages);
    let items = items.into_iter().skip((page - 1) * per_page).take(per_page).collect();
    (items, Pages { page, pages, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_every_item_once() {
        for (found, wanted, items, page, pages) in
            [(0, 0, 0..0, 1, 1), (5, 1, 0..3, 1, 2), (5, 2, 3..5, 2, 2), (5, 9, 3..5, 2, 2), (6, 2, 3..6, 2, 2)]
        {
            let (cut, at) = cut((0..found).collect::<Vec<_>>(), wanted, 3);
            assert_eq!((cut, at), (items.collect(), Pages { page, pages, found }), "{found} {wanted}");
        }
    }
}
