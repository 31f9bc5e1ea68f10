//! Samples, spoilt: bytes changed, cut out, doubled, samples run into one another. Nothing stops, and it does not matter in what
//! pieces a file arrives. `YAGURA_SPOILT=100000` spoils more of them.

use crate::collect::Collected;
use std::io::Read;
use yagura_logs::decode::decode;
use yagura_logs::place::Place;

struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.len().min(into.len()).min(61);
        into[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

/// Numbers that are the same in every run (xorshift64, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

const BYTES: &[u8] = b"\"\\\n\r\t -|,'[]{}:0Zz#\x00\xff\xc3";

fn spoil(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        let end = (at + dice.below(40)).min(bytes.len());
        match dice.below(5) {
            0 => bytes[at] = BYTES[dice.below(BYTES.len())],
            1 => bytes.insert(at, BYTES[dice.below(BYTES.len())]),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let from = dice.below(other.len());
                let to = (from + dice.below(200)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
        }
        if bytes.is_empty() {
            bytes.push(b'x');
        }
    }
}

#[test]
fn spoilt_samples_stop_nothing() {
    let rounds = std::env::var("YAGURA_SPOILT").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let samples = crate::samples::samples();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut rows, mut aside) = (0, 0);
    for _ in 0..rounds {
        let mut bytes = samples[dice.below(samples.len())].2.clone().into_bytes();
        let other = samples[dice.below(samples.len())].2.as_bytes();
        spoil(&mut bytes, other, &mut dice);
        let (mut whole, mut dripped) = (Collected::default(), Collected::default());
        let format = decode(&bytes[..], &Place::default(), &mut whole);
        decode(Drip(&bytes), &Place::default(), &mut dripped);
        let shown = || String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(whole.rows, dripped.rows, "{}", shown());
        assert_eq!(format.is_some(), !whole.rows.is_empty(), "{}", shown());
        assert!(whole.aside.iter().all(|(why, _)| !why.is_empty()));
        rows += whole.rows.len();
        aside += whole.aside.len();
    }
    assert!(rows > rounds && aside > rounds / 4, "{rows} rows, {aside} aside");
}
