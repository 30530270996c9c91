//! MD5 of several messages side by side.
//!
//! A step of MD5 waits for the one before, so one message leaves most of a core idle. The steps of eight go through the
//! lanes of a vector register in the time of two or three. Compiled for what the processor has (`multiversion`), it needs
//! no `unsafe`: the compiler makes a row of lanes a vector.

use multiversion::multiversion;

use super::{BLOCK_BYTES, Md5, SINES, TURNS, word_of_step};

const LANES: usize = Md5::LANES;
const WORTH_IT: usize = Md5::WORTH_LANES;

/// One word of each message.
type Row = [u32; LANES];

impl Md5 {
    /// How many messages are hashed together.
    pub const LANES: usize = 8;
    /// Fewer are hashed one after another, which is as quick.
    pub const WORTH_LANES: usize = 3;

    /// Takes into each hash its pieces, one after the other, as [`Self::update`] does. Fastest for [`Self::LANES`] hashes
    /// with about as many bytes: what one has more than all but two others, it hashes alone.
    pub fn update_each<P: AsRef<[u8]>>(each: &mut [(&mut Self, &[P])]) {
        for together in each.chunks_mut(LANES) {
            let mut lanes: Vec<Lane<'_, P>> =
                together.iter_mut().map(|(hash, pieces)| Lane::new(hash, pieces)).collect();
            lanes.retain_mut(Lane::comes_to_blocks);
            while lanes.len() >= WORTH_IT {
                update_side_by_side(&mut lanes);
                lanes.retain_mut(Lane::comes_to_blocks);
            }
            lanes.into_iter().for_each(Lane::go_alone);
        }
    }

    /// The hash of each message. Fastest for [`Self::LANES`] of about the same length.
    pub fn of_each(messages: &[&[u8]]) -> Vec<[u8; 16]> {
        let mut hashes = vec![Self::default(); messages.len()];
        let whole = messages.iter().map(std::slice::from_ref);
        Self::update_each(&mut hashes.iter_mut().zip(whole).collect::<Vec<_>>());
        hashes.into_iter().map(Self::finish).collect()
    }
}

/// A hash on its way through its pieces.
struct Lane<'a, P> {
    hash: &'a mut Md5,
    /// Blocks of the piece at hand, to be compressed.
    blocks: &'a [[u8; BLOCK_BYTES]],
    pieces: std::slice::Iter<'a, P>,
}

impl<'a, P: AsRef<[u8]>> Lane<'a, P> {
    fn new(hash: &'a mut Md5, pieces: &'a [P]) -> Self {
        Self { hash, blocks: &[], pieces: pieces.iter() }
    }

    /// Goes on to the next whole block, over what is between pieces; `false` where there is none.
    fn comes_to_blocks(&mut self) -> bool {
        while self.blocks.is_empty() {
            let Some(piece) = self.pieces.next() else { return false };
            self.blocks = self.hash.all_but_blocks(piece.as_ref());
        }
        true
    }

    fn go_alone(self) {
        super::compress(&mut self.hash.state, self.blocks);
        self.pieces.for_each(|piece| self.hash.update(piece.as_ref()));
    }
}

/// Compresses as many blocks of each as all of them have. One or more, and at most [`LANES`].
fn update_side_by_side<P>(lanes: &mut [Lane<'_, P>]) {
    let blocks = lanes.iter().map(|lane| lane.blocks.len()).min().unwrap_or(0);
    let mut state = [[0; LANES]; 4];
    for (at, lane) in lanes.iter().enumerate() {
        for (row, word) in state.iter_mut().zip(lane.hash.state) {
            row[at] = word;
        }
    }
    // A lane that nobody uses has what the first has.
    let all: [_; LANES] = std::array::from_fn(|at| &lanes.get(at).unwrap_or(&lanes[0]).blocks[..blocks]);
    for block in 0..blocks {
        compress(&mut state, all.map(|lane| &lane[block]));
    }
    for (at, lane) in lanes.iter_mut().enumerate() {
        lane.hash.state = state.map(|row| row[at]);
        lane.blocks = &lane.blocks[blocks..];
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn compress(state: &mut [Row; 4], blocks: [&[u8; BLOCK_BYTES]; LANES]) {
    let mut words = [[0; LANES]; 16];
    for (lane, block) in blocks.iter().enumerate() {
        for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
            word[lane] = u32::from_le_bytes(*bytes);
        }
    }
    let turned = rounds(*state, &words);
    for (row, turned) in state.iter_mut().zip(turned) {
        for (word, turned) in row.iter_mut().zip(turned) {
            *word = word.wrapping_add(turned);
        }
    }
}

/// All steps: RFC 1321, 3.4. Each is written out, so that its constants are known and the rows stay in registers.
#[inline(always)]
fn rounds(mut state: [Row; 4], words: &[Row; 16]) -> [Row; 4] {
    macro_rules! steps {
        ($round:literal: $($step:literal)*) => { $(state = turned::<$round, $step>(state, words);)* };
    }
    steps!(0: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    steps!(1: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    steps!(2: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    steps!(3: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    state
}

#[inline(always)]
fn turned<const ROUND: usize, const STEP: usize>([a, b, c, d]: [Row; 4], words: &[Row; 16]) -> [Row; 4] {
    let word = &words[const { word_of_step(ROUND, STEP) }];
    let (sine, turn) = const { (SINES[ROUND * 16 + STEP], TURNS[ROUND][STEP % 4]) };
    let mut sum = [0; LANES];
    for lane in 0..LANES {
        let (b, c, d) = (b[lane], c[lane], d[lane]);
        let mixed = match ROUND {
            0 => ((c ^ d) & b) ^ d,
            1 => ((b ^ c) & d) ^ c,
            2 => b ^ c ^ d,
            _ => c ^ (b | !d),
        };
        let early = a[lane].wrapping_add(word[lane].wrapping_add(sine));
        sum[lane] = early.wrapping_add(mixed).rotate_left(turn).wrapping_add(b);
    }
    [d, sum, b, c]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LANES, Md5};

    #[test]
    fn every_length_around_a_block_beside_longer_and_shorter_ones() {
        let data: Vec<u8> = (0..=255).collect();
        let messages: Vec<&[u8]> = (0..data.len()).map(|length| &data[length % 7..length.max(length % 7)]).collect();
        let expected: Vec<[u8; 16]> = messages.iter().map(|message| Md5::of(message)).collect();
        for together in 0..=2 * LANES {
            for first in (0..messages.len() - together).step_by(5) {
                let range = first..first + together;
                assert_eq!(Md5::of_each(&messages[range.clone()]), expected[range]);
            }
        }
    }

    proptest! {
        #[test]
        fn messages_of_any_length_hash_as_each_alone(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 0..20)) {
            let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
            let expected: Vec<[u8; 16]> = messages.iter().map(|message| Md5::of(message)).collect();
            prop_assert_eq!(Md5::of_each(&messages), expected);
        }

        #[test]
        fn pieces_of_any_length_are_taken_in_as_each_alone(
            messages in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..9), 0..20),
            before in prop::collection::vec(any::<u8>(), 0..130),
        ) {
            let begun: Vec<Md5> = (0..messages.len()).map(|at| { let mut hash = Md5::default(); hash.update(&before[at.min(before.len())..]); hash }).collect();
            let (mut alone, mut together) = (begun.clone(), begun);
            for (hash, pieces) in alone.iter_mut().zip(&messages) {
                pieces.iter().for_each(|piece| hash.update(piece));
            }
            Md5::update_each(&mut together.iter_mut().zip(&messages).map(|(hash, pieces)| (hash, pieces.as_slice())).collect::<Vec<_>>());
            let hashes = |all: Vec<Md5>| all.into_iter().map(Md5::finish).collect::<Vec<_>>();
            prop_assert_eq!(hashes(together), hashes(alone));
        }
    }
}
