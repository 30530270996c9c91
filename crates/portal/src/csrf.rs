//! That a form was filled in on a page of ours.
//!
//! A browser sends its cookies with a form of any site, so a cookie alone proves nothing. Each form of ours carries a
//! token that is worked out from a cookie which no page can read (`HttpOnly`); another site can make the browser send the
//! cookie, but can not write the token. (OWASP, "Cross-Site Request Forgery Prevention", signed double-submit cookie.)

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// So that the digest is of no use elsewhere; the store knows a login by another digest of the same token.
const PURPOSE: &[u8] = b"commonhold portal form\0";

/// How many characters a token has: the hex digits of a SHA-256.
pub(crate) const TOKEN_CHARS: usize = 64;

/// The token of forms that are filled in by who holds this cookie.
pub(crate) fn token(cookie: &str) -> String {
    hex::encode(Sha256::new().chain_update(PURPOSE).chain_update(cookie).finalize())
}

/// Whether it is the token of who holds this cookie. Takes the same time for each wrong one.
pub(crate) fn is_token_of(cookie: &str, given: &str) -> bool {
    token(cookie).as_bytes().ct_eq(given.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_cookies() {
        let mine = token("ann.1234");
        assert!(is_token_of("ann.1234", &mine));
        for (cookie, given) in [("ann.1235", mine.as_str()), ("ann.1234", ""), ("ann.1234", &mine[1..]), ("", &mine)] {
            assert!(!is_token_of(cookie, given), "{cookie} {given}");
        }
    }
}
