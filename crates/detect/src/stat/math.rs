//! Robust statistics on small samples.

/// Shannon's entropy of counts, in bits a symbol (C. E. Shannon, "A Mathematical Theory of Communication", 1948).
/// Nothing counted has none.
pub fn entropy(counts: &[u32]) -> f64 {
    let total: f64 = counts.iter().map(|c| f64::from(*c)).sum();
    if total == 0.0 {
        return 0.0;
    }
    let bits = |c: &u32| {
        let p = f64::from(*c) / total;
        -p * p.log2()
    };
    counts.iter().filter(|c| **c > 0).map(bits).sum()
}

/// The value below which a share `q` (0 to 1) of sorted values lies, interpolated linearly (R. J. Hyndman and Y. Fan,
/// "Sample Quantiles in Statistical Packages", 1996, definition 7). No values have none.
pub fn quantile(sorted: &[i64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = q.clamp(0.0, 1.0) * last as f64;
    let low = *sorted.get(place.floor() as usize)? as f64;
    let high = *sorted.get(place.ceil() as usize)? as f64;
    Some(low + (high - low) * (place - place.floor()))
}

/// The median of sorted values.
pub fn median(sorted: &[i64]) -> Option<f64> {
    quantile(sorted, 0.5)
}

/// The median absolute deviation from the median (F. R. Hampel, "The Influence Curve and its Role in Robust
/// Estimation", 1974): a spread that up to half of the values cannot spoil.
pub fn deviation(sorted: &[i64]) -> Option<f64> {
    let middle = median(sorted)?;
    let mut away: Vec<i64> = sorted.iter().map(|v| (*v as f64 - middle).abs().round() as i64).collect();
    away.sort_unstable();
    median(&away)
}

/// Bowley's skewness of sorted values, -1 to 1, from quartiles alone (A. L. Bowley, "Elements of Statistics", 1901): 0
/// where they lie evenly around the median, and where the quartiles are one value.
pub fn skew(sorted: &[i64]) -> Option<f64> {
    let (low, middle, high) = (quantile(sorted, 0.25)?, median(sorted)?, quantile(sorted, 0.75)?);
    Some(if high - low == 0.0 { 0.0 } else { (low + high - 2.0 * middle) / (high - low) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;

    #[test]
    fn known_samples() {
        assert!((entropy(&[1, 1, 1, 1]) - 2.0).abs() < 1e-12);
        assert!((entropy(&[7, 0]) - 0.0).abs() < 1e-12);
        assert!(entropy(&[]).abs() < 1e-12);
        assert_eq!(median(&[1, 2, 3, 100]), Some(2.5));
        assert_eq!(quantile(&[0, 10], 0.25), Some(2.5));
        assert_eq!(deviation(&[10, 10, 10, 11, 5_000]), Some(0.0));
        assert_eq!(deviation(&[1, 2, 3, 4, 5]), Some(1.0));
        assert_eq!(skew(&[1, 2, 3, 4, 5]), Some(0.0));
        assert!(skew(&[1, 1, 1, 1, 10, 20, 30]).unwrap() > 0.9);
        assert_eq!((median(&[]), deviation(&[]), skew(&[])), (None, None, None));
    }
}
