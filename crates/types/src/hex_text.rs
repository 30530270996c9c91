//! Hex digits on the stack.

use std::fmt;

/// Some bytes as `N` hex digits. Tags, ids and signatures stand in every response, so their text takes no allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HexText<const N: usize>([u8; N]);

impl<const N: usize> HexText<N> {
    /// The digits of `bytes` in lower case.
    ///
    /// # Panics
    /// Unless `N` is twice the number of bytes, which are both constants of the caller's.
    pub fn lower(bytes: &[u8]) -> Self {
        Self::with(bytes, b"0123456789abcdef")
    }

    /// The digits of `bytes` in upper case.
    ///
    /// # Panics
    /// As [`HexText::lower`].
    pub fn upper(bytes: &[u8]) -> Self {
        Self::with(bytes, b"0123456789ABCDEF")
    }

    fn with(bytes: &[u8], digits: &[u8; 16]) -> Self {
        assert_eq!(bytes.len() * 2, N, "two digits for each byte");
        let mut text = [0; N];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            pair[0] = digits[usize::from(byte >> 4)];
            pair[1] = digits[usize::from(byte & 0xf)];
        }
        Self(text)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hex digits are ASCII")
    }
}

impl<const N: usize> fmt::Display for HexText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for HexText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_hex_library() {
        let bytes: [u8; 256] = std::array::from_fn(|n| n as u8);
        assert_eq!(HexText::<512>::lower(&bytes).as_str(), hex::encode(bytes));
        assert_eq!(HexText::<512>::upper(&bytes).to_string(), hex::encode_upper(bytes));
    }
}
