//! How much a name looks drawn by a machine rather than chosen by a person.

use std::sync::LazyLock;

/// Words, names and syllables of languages that domains are made of, chosen for this file. What letters follow each
/// other is learned from them when first asked.
const WORDS: &str = include_str!("words.txt");

/// Letters, a digit, a dash, and the edge of a word.
const SYMBOLS: usize = 29;
const EDGE: usize = 28;

struct Pairs {
    /// Bits that the second of two symbols costs after the first.
    bits: [[f32; SYMBOLS]; SYMBOLS],
}

static PAIRS: LazyLock<Pairs> = LazyLock::new(Pairs::learned);

impl Pairs {
    fn learned() -> Self {
        let mut counts = [[0.4f32; SYMBOLS]; SYMBOLS];
        for word in WORDS.split_ascii_whitespace() {
            for (a, b) in steps(word) {
                if let Some(count) = counts.get_mut(a).and_then(|row| row.get_mut(b)) {
                    *count += 1.0;
                }
            }
        }
        let bits = counts.map(|row| {
            let total: f32 = row.iter().sum();
            row.map(|count| -(count / total).log2())
        });
        Self { bits }
    }

    fn cost(&self, from: usize, to: usize) -> f64 {
        self.bits.get(from).and_then(|row| row.get(to)).map_or(10.0, |b| f64::from(*b))
    }
}

fn symbol(byte: u8) -> usize {
    match byte.to_ascii_lowercase() {
        letter @ b'a'..=b'z' => usize::from(letter - b'a'),
        b'0'..=b'9' => 26,
        _ => 27,
    }
}

fn steps(word: &str) -> impl Iterator<Item = (usize, usize)> {
    let inner = word.bytes().map(symbol);
    let before = std::iter::once(EDGE).chain(inner.clone());
    before.zip(inner.chain(std::iter::once(EDGE)))
}

/// How random a label looks: 0 for what reads like words, 1 for what nobody would choose. Labels under six letters tell
/// too little and score 0; punycode (`xn--`) is not judged.
///
/// It is the mean cost in bits of each letter after the one before it, by letter pairs of words of a dozen languages
/// (J. Raghuram, D. J. Miller and G. Kesidis, "Unsupervised, low latency anomaly detection of algorithmically generated
/// domain names by generative probabilistic modeling", 2014, model names by such Markov chains; S. Yadav et al.,
/// "Detecting Algorithmically Generated Malicious Domain Names", 2010, compare letter pairs), plus what digits between
/// letters and long runs of consonants add. Names that a generator joins from a dictionary look like words and are
/// found by how they fail, not by this.
pub fn randomness(label: &str) -> f64 {
    let length = label.len();
    if length < 6 || label.starts_with("xn--") {
        return 0.0;
    }
    let mut bits = 0.0;
    let mut turns = 0u32;
    let mut run = 0u32;
    let mut longest = 0u32;
    for (a, b) in steps(label) {
        let digit = (a == 26, b == 26);
        // Numbers are chosen by people too: a digit costs what a letter costs on average. What gives a generator away
        // is changing between the two.
        bits += if digit.1 {
            4.0
        } else if digit.0 || a == 27 || b == 27 {
            4.2
        } else {
            PAIRS.cost(a, b)
        };
        turns += u32::from(a != EDGE && b != EDGE && digit.0 != digit.1);
        run = if b < 26 && !matches!(b, 0 | 4 | 8 | 14 | 20 | 24) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let mean = bits / (length + 1) as f64;
    let extra = 0.25 * f64::from(turns.saturating_sub(1).min(6)) + 0.15 * f64::from(longest.saturating_sub(4).min(6));
    ((mean + extra - 3.9) / 2.0).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests may stop")]
    use super::*;

    #[test]
    fn words_and_noise() {
        for chosen in [
            "wikipedia",
            "stackoverflow",
            "washingtonpost",
            "elcorteingles",
            "nikkeishimbun",
            "kaspersky",
            "booking24",
            "xn--bcher-kva",
        ] {
            assert!(randomness(chosen) < 0.5, "{chosen} {}", randomness(chosen));
        }
        for drawn in ["xjwqkzvtrpl", "qkx7r2mz9wpb", "vrnixstxftvpfo", "wpqzrtkvbnmhx"] {
            assert!(randomness(drawn) > 0.5, "{drawn} {}", randomness(drawn));
        }
        assert!(randomness("qxzkj").abs() < 1e-9, "too short to tell");
    }

    #[test]
    fn letters_drawn_evenly_score_high_and_dictionary_words_low() {
        let mut state = 7u64;
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + ((state >> 33) % 26) as u8)
        };
        let drawn = (0..1_000).filter(|_| randomness(&(0..14).map(|_| letter()).collect::<String>()) > 0.5).count();
        assert!(drawn > 900, "{drawn} of 1000");
        let words: Vec<&str> = WORDS.split_ascii_whitespace().collect();
        let joined = words.windows(2).filter(|w| randomness(&format!("{}{}", w[0], w[1])) > 0.5).count();
        assert!(joined * 50 < words.len(), "{joined} of {}", words.len());
    }
}
