//! Parts of a time as numbers: `eventTime|hour|gte: 18`. The time is taken as it is written; no zone is converted.

use jiff::civil::DateTime;

/// A part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Part {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// The part of a time in ISO 8601; nothing where the text is none.
    pub fn of(self, text: &str) -> Option<f64> {
        let local = text.strip_suffix(['Z', 'z']).unwrap_or(text);
        let time: DateTime = local.parse().ok()?;
        Some(match self {
            Self::Minute => f64::from(time.minute()),
            Self::Hour => f64::from(time.hour()),
            Self::Day => f64::from(time.day()),
            Self::Week => f64::from(time.date().iso_week_date().week()),
            Self::Month => f64::from(time.month()),
            Self::Year => f64::from(time.year()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let rows = [
            (Part::Hour, "2026-01-04T18:05:59Z", Some(18.0)),
            (Part::Minute, "2026-01-04 18:05:59", Some(5.0)),
            (Part::Day, "2026-01-04", Some(4.0)),
            (Part::Week, "2026-01-04T00:00:00Z", Some(1.0)),
            (Part::Month, "2026-01-04T00:00:00.123Z", Some(1.0)),
            (Part::Year, "2026-01-04T00:00:00+09:00", Some(2026.0)),
            (Part::Hour, "yesterday", None),
        ];
        for (part, text, wanted) in rows {
            assert_eq!(part.of(text), wanted, "{text}");
        }
    }
}
