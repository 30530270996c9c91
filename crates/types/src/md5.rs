//! MD5 (RFC 1321), which ETags and `Content-MD5` are made of.
//!
//! One stream of MD5 is one chain of dependent instructions, and it bounds what a large upload can do. So the chain is
//! kept as short as it can be: what does not wait for the step before is added first, and the second round takes the
//! word of the step before in one `and`. Compilers undo the first by adding constants last, which is why the table is
//! hidden from them. With both, this does what OpenSSL's assembler does, and a third more than RustCrypto's `md-5`
//! (docs/experiments.md), which is the tests' oracle. Several messages can be hashed side by side ([`lanes`]).

mod lanes;

use std::hint::black_box;

/// The bytes that are hashed at once.
const BLOCK_BYTES: usize = 64;
/// Where the length stands in the last block.
const LENGTH_AT: usize = BLOCK_BYTES - size_of::<u64>();
/// What a message begins with: RFC 1321, 3.3.
const BEGINNING: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
/// By how much the steps of each round turn, four in turn.
const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
/// The sines of 1 to 64 radians, their first 32 bits: RFC 1321, 3.4.
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

/// Hashes data piece by piece.
#[derive(Clone, Debug)]
pub struct Md5 {
    state: [u32; 4],
    /// The start of a block that is not whole: the first `length % 64` bytes.
    tail: [u8; BLOCK_BYTES],
    /// What was taken in, in bytes.
    length: u64,
}

impl Default for Md5 {
    fn default() -> Self {
        Self { state: BEGINNING, tail: [0; BLOCK_BYTES], length: 0 }
    }
}

impl Md5 {
    /// The hash of `data`.
    pub fn of(data: &[u8]) -> [u8; 16] {
        let mut hash = Self::default();
        hash.update(data);
        hash.finish()
    }

    /// Takes in `data`.
    pub fn update(&mut self, data: &[u8]) {
        let blocks = self.all_but_blocks(data);
        compress(&mut self.state, blocks);
    }

    /// Takes in `data` but for its whole blocks, which are yet to be compressed.
    fn all_but_blocks<'a>(&mut self, data: &'a [u8]) -> &'a [[u8; BLOCK_BYTES]] {
        let waiting = (self.length % BLOCK_BYTES as u64) as usize;
        self.length = self.length.wrapping_add(data.len() as u64);
        let mut rest = data;
        if waiting > 0 {
            let (first, after) = data.split_at(data.len().min(BLOCK_BYTES - waiting));
            self.tail[waiting..waiting + first.len()].copy_from_slice(first);
            if waiting + first.len() < BLOCK_BYTES {
                return &[];
            }
            compress(&mut self.state, &[self.tail]);
            rest = after;
        }
        let (blocks, rest) = rest.as_chunks();
        self.tail[..rest.len()].copy_from_slice(rest);
        blocks
    }

    /// The hash of all that was taken in.
    pub fn finish(mut self) -> [u8; 16] {
        let rest = (self.length % BLOCK_BYTES as u64) as usize;
        let (end, blocks) = end_of(&self.tail[..rest], self.length);
        compress(&mut self.state, &end[..blocks]);
        bytes_of(self.state)
    }
}

/// The last one or two blocks of a message of `length` bytes, of which `rest` fill no block, and how many they are: RFC
/// 1321, 3.1 and 3.2.
fn end_of(rest: &[u8], length: u64) -> ([[u8; BLOCK_BYTES]; 2], usize) {
    let mut end = [[0; BLOCK_BYTES]; 2];
    end[0][..rest.len()].copy_from_slice(rest);
    end[0][rest.len()] = 0x80;
    let last = usize::from(rest.len() >= LENGTH_AT);
    end[last][LENGTH_AT..].copy_from_slice(&length.wrapping_mul(8).to_le_bytes());
    (end, last + 1)
}

/// A state as a hash: RFC 1321, 3.5.
fn bytes_of(state: [u32; 4]) -> [u8; 16] {
    let mut hash = [0; 16];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    hash
}

fn compress(state: &mut [u32; 4], blocks: &[[u8; BLOCK_BYTES]]) {
    let sines = black_box(&SINES);
    for block in blocks {
        let mut words = [0; 16];
        for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let before = *state;
        for round in 0..4 {
            for step in 0..16 {
                *state = turned(*state, round, step, &words, sines);
            }
        }
        for (word, before) in state.iter_mut().zip(before) {
            *word = word.wrapping_add(before);
        }
    }
}

/// The state after one step: RFC 1321, 3.4. Everything but the state is known when this is compiled.
#[inline(always)]
fn turned([a, b, c, d]: [u32; 4], round: usize, step: usize, words: &[u32; 16], sines: &[u32; 64]) -> [u32; 4] {
    let word = words[word_of_step(round, step)];
    let early = a.wrapping_add(sines[round * 16 + step].wrapping_add(word));
    let sum = match round {
        0 => early.wrapping_add(((c ^ d) & b) ^ d),
        // The RFC's `or`: no bit is in both. As a sum, only the second half waits for `b`.
        1 => early.wrapping_add(!d & c).wrapping_add(d & b),
        2 => early.wrapping_add((c ^ d) ^ b),
        _ => early.wrapping_add(c ^ (b | !d)),
    };
    [d, sum.rotate_left(TURNS[round][step % 4]).wrapping_add(b), b, c]
}

/// The word of the block that a step adds: RFC 1321, 3.4.
const fn word_of_step(round: usize, step: usize) -> usize {
    [step, 5 * step + 1, 3 * step + 5, 7 * step][round] % 16
}

#[cfg(test)]
mod tests {
    use md5::Digest as _;
    use proptest::prelude::*;

    use super::Md5;

    #[test]
    fn the_suite_of_the_rfc() {
        for (text, hash) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"),
            (&"1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a"),
        ] {
            assert_eq!(hex::encode(Md5::of(text.as_bytes())), hash, "{text}");
        }
    }

    #[test]
    fn every_length_around_a_block() {
        let data: Vec<u8> = (0..=255).collect();
        for length in 0..data.len() {
            assert_eq!(Md5::of(&data[..length]), <[u8; 16]>::from(md5::Md5::digest(&data[..length])), "{length}");
        }
    }

    proptest! {
        #[test]
        fn pieces_of_any_length_hash_as_the_whole(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12)) {
            let mut hash = Md5::default();
            pieces.iter().for_each(|piece| hash.update(piece));
            prop_assert_eq!(hash.finish(), <[u8; 16]>::from(md5::Md5::digest(pieces.concat())));
        }
    }
}
