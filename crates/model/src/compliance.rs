//! A standard, and how far what was seen meets it.

use crate::Status;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// How far checks can answer a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Checks answer all of it.
    Automated,
    /// Checks answer a part of it; the rest needs a person's evidence.
    Partial,
    /// No check answers it: all of it needs a person's evidence.
    Manual,
}

/// Where a requirement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A check of it failed.
    Failed,
    /// None failed, and of one nobody could tell: it is not passed.
    Unknown,
    /// Every check of it that had something to judge passed.
    Passed,
    /// Its checks found nothing that they speak of.
    NotApplicable,
    /// No check answers it.
    Manual,
}

impl Standing {
    /// Where a requirement stands by the outcomes of its checks; `None`: it has no check.
    pub fn of(outcomes: Option<impl IntoIterator<Item = Status>>) -> Self {
        let Some(outcomes) = outcomes else { return Self::Manual };
        outcomes
            .into_iter()
            .map(|status| match status {
                Status::Fail => Self::Failed,
                Status::Unknown => Self::Unknown,
                Status::Pass => Self::Passed,
                Status::NotApplicable => Self::NotApplicable,
            })
            .min()
            .unwrap_or(Self::NotApplicable)
    }
}

/// A standard with what was found, texts in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compliance {
    /// `cis-5.0`.
    pub framework: SmolStr,
    /// Its title.
    pub title: SmolStr,
    /// Its sections in its own order.
    pub sections: Vec<ComplianceSection>,
}

/// A section of a standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComplianceSection {
    /// Its number (`1`, `AC`); empty where the standard has no sections.
    pub number: SmolStr,
    /// Its title.
    pub title: SmolStr,
    /// Its requirements in the standard's order.
    pub requirements: Vec<ComplianceRequirement>,
}

/// A requirement and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComplianceRequirement {
    /// Its number in the standard (`1.4`, `AC-2(1)`).
    pub number: SmolStr,
    /// What it wants, in one line.
    pub title: SmolStr,
    /// How far checks answer it.
    pub coverage: Coverage,
    /// Where it stands.
    pub standing: Standing,
    /// The checks that answer it, sorted.
    pub checks: Vec<SmolStr>,
    /// How many resources failed, could not be told, and passed.
    pub failed: usize,
    /// See `failed`.
    pub unknown: usize,
    /// See `failed`.
    pub passed: usize,
}

/// How many requirements stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// [`Standing::Passed`]
    pub passed: usize,
    /// [`Standing::Failed`]
    pub failed: usize,
    /// [`Standing::Unknown`]
    pub unknown: usize,
    /// [`Standing::NotApplicable`]
    pub not_applicable: usize,
    /// [`Standing::Manual`]
    pub manual: usize,
}

impl Tally {
    /// Counts requirements.
    pub fn of<'r>(requirements: impl IntoIterator<Item = &'r ComplianceRequirement>) -> Self {
        let mut tally = Self::default();
        for r in requirements {
            *match r.standing {
                Standing::Passed => &mut tally.passed,
                Standing::Failed => &mut tally.failed,
                Standing::Unknown => &mut tally.unknown,
                Standing::NotApplicable => &mut tally.not_applicable,
                Standing::Manual => &mut tally.manual,
            } += 1;
        }
        tally
    }

    /// Whole percent of passed among those that checks gave an answer on, unknown ones included; `None` where there are none.
    /// Rounded down: 100 means all.
    pub fn score(self) -> Option<usize> {
        let judged = self.passed + self.failed + self.unknown;
        (judged > 0).then(|| self.passed * 100 / judged)
    }
}

impl Compliance {
    /// Every requirement.
    pub fn requirements(&self) -> impl Iterator<Item = &ComplianceRequirement> {
        self.sections.iter().flat_map(|s| &s.requirements)
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing, Tally};
    use crate::Status::{Fail, NotApplicable, Pass, Unknown};

    #[test]
    fn unknown_never_counts_as_passed() {
        for (outcomes, want) in [
            (Some(vec![Pass, Pass]), Standing::Passed),
            (Some(vec![Pass, Unknown]), Standing::Unknown),
            (Some(vec![Pass, Unknown, Fail]), Standing::Failed),
            (Some(vec![NotApplicable, Pass]), Standing::Passed),
            (Some(vec![NotApplicable]), Standing::NotApplicable),
            (Some(vec![]), Standing::NotApplicable),
            (None, Standing::Manual),
        ] {
            assert_eq!(Standing::of(outcomes.clone()), want, "{outcomes:?}");
        }
        let tally = Tally { passed: 199, failed: 0, unknown: 1, not_applicable: 7, manual: 3 };
        assert_eq!(tally.score(), Some(99));
        assert_eq!(Tally { manual: 3, ..Tally::default() }.score(), None);
    }
}
