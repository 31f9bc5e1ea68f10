//! The life of a finding, without a store: a table of steps, and laws that hold for any sequence of observations.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::{at, detail, resource};
use jiff::Timestamp;
use proptest::prelude::*;
use yagura_findings::life::{Step, observe};
use yagura_findings::{Both, Ended, Finding, Saw, Stage};
use yagura_model::Severity;

const RULE: &str = "ec2.flow_logs";

/// `f`ail, `l`ower severity, `p`ass, `n`ot applicable, `g`one, `u`nknown.
fn step(before: Option<Finding>, letter: char, when: Timestamp) -> (Option<Finding>, Vec<Step>) {
    let (high, low) = (detail(Severity::High), detail(Severity::Low));
    let saw = match letter {
        'f' => Saw::Fail(&high),
        'l' => Saw::Fail(&low),
        'p' => Saw::Ended(Ended::Passed),
        'n' => Saw::Ended(Ended::NotApplicable),
        'g' => Saw::Ended(Ended::Gone),
        _ => Saw::Unknown(Both { en: "denied".into(), ja: "拒否".into() }),
    };
    observe(before, &RULE.into(), &resource("vpc-1"), &saw, when)
}

/// The finding after one observation a day.
fn after(letters: &str) -> Option<Finding> {
    let days = letters.chars().zip(1..);
    days.fold(None, |f, (letter, day)| step(f, letter, at(day)).0)
}

#[test]
fn a_life_in_rows() {
    let rows = [
        ("", None),
        ("p", None),
        ("u", None),
        ("ng", None),
        ("f", Some(("new", 0, false))),
        ("ff", Some(("active", 0, false))),
        ("fff", Some(("active", 0, false))),
        ("fp", Some(("resolved", 0, false))),
        ("fn", Some(("resolved", 0, false))),
        ("fg", Some(("resolved", 0, false))),
        ("fpp", Some(("resolved", 0, false))),
        ("fpf", Some(("reopened", 1, false))),
        ("fpff", Some(("active", 1, false))),
        ("fgfpf", Some(("reopened", 2, false))),
        ("fu", Some(("new", 0, true))),
        ("fuu", Some(("new", 0, true))),
        ("fuf", Some(("active", 0, false))),
        ("ffu", Some(("active", 0, true))),
        ("fup", Some(("resolved", 0, false))),
        ("fpu", Some(("resolved", 0, true))),
        ("fpuf", Some(("reopened", 1, false))),
        ("uf", Some(("new", 0, false))),
    ];
    for (letters, wanted) in rows {
        let f = after(letters);
        let got = f.as_ref().map(|f| (f.stage.name(), f.reopened, f.unsure.is_some()));
        assert_eq!(got, wanted, "{letters}");
    }
}

#[test]
fn how_and_when_it_ended_is_kept() {
    for (letters, how) in [("fp", Ended::Passed), ("fn", Ended::NotApplicable), ("fg", Ended::Gone)] {
        let f = after(letters).unwrap();
        assert_eq!((f.ended, f.since, f.last_seen), (Some(how), at(2), at(1)), "{letters}");
    }
    assert_eq!(after("fpf").unwrap().ended, None);
}

#[test]
fn a_proof_changes_the_severity_and_says_so() {
    let (f, _) = step(None, 'f', at(1));
    let (f, steps) = step(f, 'l', at(2));
    assert!(steps.contains(&Step::Severity { from: Severity::High, to: Severity::Low }), "{steps:?}");
    let f = f.unwrap();
    assert_eq!((f.severity, f.rule_severity), (Severity::Low, Severity::High));
}

#[test]
fn the_same_observation_again_makes_nothing_active() {
    let (f, _) = step(None, 'f', at(1));
    let (f, steps) = step(f, 'f', at(1));
    assert_eq!((f.unwrap().stage, steps), (Stage::New, vec![]));
}

proptest! {
    /// Whatever is observed in whatever order of time.
    #[test]
    fn laws(steps in prop::collection::vec((prop::sample::select("flpngu".chars().collect::<Vec<_>>()), 1i16..40), 1..40)) {
        let mut f: Option<Finding> = None;
        for (letter, day) in steps {
            let before = f.clone();
            let (now, changes) = step(f, letter, at(day));
            match (&before, &now) {
                (None, None) => prop_assert!(!"fl".contains(letter)),
                (None, Some(n)) => {
                    prop_assert!("fl".contains(letter) && n.stage == Stage::New);
                }
                (Some(_), None) => prop_assert!(false, "a finding is never forgotten"),
                (Some(b), Some(n)) => {
                    // An unknown outcome never changes the stage; neither does an older observation change anything known.
                    if letter == 'u' {
                        prop_assert_eq!((b.stage, b.last_observed, b.severity), (n.stage, n.last_observed, n.severity));
                    }
                    if at(day) < b.last_observed {
                        prop_assert_eq!(b, n);
                        prop_assert!(changes.is_empty());
                    }
                    // Resolved only by seeing it pass, not apply or gone; and from there only by failing again.
                    if b.stage != Stage::Resolved && n.stage == Stage::Resolved {
                        prop_assert!("png".contains(letter) && n.ended.is_some());
                    }
                    if b.stage == Stage::Resolved && n.stage != Stage::Resolved {
                        prop_assert!("fl".contains(letter) && n.stage == Stage::Reopened && n.reopened == b.reopened + 1);
                    }
                    prop_assert!(n.last_observed >= b.last_observed && n.last_seen >= b.last_seen);
                    prop_assert_eq!(n.first_seen, b.first_seen);
                    prop_assert_eq!(changes.iter().any(|c| matches!(c, Step::To(_))), b.stage != n.stage);
                }
            }
            if let Some(n) = &now {
                prop_assert!(n.first_seen <= n.last_seen && n.last_seen <= n.last_observed);
                prop_assert_eq!(n.ended.is_some(), n.stage == Stage::Resolved);
                prop_assert!(n.unsure.as_ref().is_none_or(|u| u.since <= u.last && u.last > n.last_observed));
                prop_assert!(!changes.contains(&Step::To(Stage::New)) || before.is_none());
            }
            f = now;
        }
    }
}
