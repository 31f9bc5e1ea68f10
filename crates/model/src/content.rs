//! Knowledge files, wherever they come from.

/// One file of a content folder: shipped inside the binary or read from a user's folder.
#[derive(Debug, Clone)]
pub struct ContentFile {
    /// Path below the content folder with forward slashes (`checks/s3/bucket_blocks_public_access.yaml`).
    pub path: String,
    /// The file's text.
    pub text: String,
    /// Whether it came with the binary; a broken shipped file is our fault, a broken user file is reported and skipped.
    pub shipped: bool,
}

/// The candidate that `word` most likely meant: at most a third of its letters wrong (Damerau–Levenshtein,
/// optimal string alignment), letter case ignored; so a word of one or two letters must be the candidate's own.
/// `None` where nothing is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = word.chars().count() / 3;
    candidates
        .into_iter()
        .map(|c| (distance(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, c)| c)
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |v: &[usize], k: usize| v.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut d = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                d = d.min(at(&before, j - 1) + 1);
            }
            row.push(d);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_finds_slips_and_nothing_far() {
        let names = ["PublicAccessBlock", "Encryption", "Versioning"];
        assert_eq!(nearest("PublicAcessBlock", names), Some("PublicAccessBlock"));
        assert_eq!(nearest("encrpytion", names), Some("Encryption"));
        assert_eq!(nearest("Owner", names), None);
    }

    #[test]
    fn short_words_are_not_guessed() {
        for (word, want) in [("x", None), ("L", Some("l")), ("lo", None), ("ID", Some("id")), ("lgo", Some("log"))] {
            assert_eq!(nearest(word, ["l", "id", "log"]), want, "{word}");
        }
    }
}
