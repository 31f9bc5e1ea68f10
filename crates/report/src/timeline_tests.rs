use super::*;
use proptest::prelude::*;

fn mark(time: i64, lane: &str, label: &str) -> Mark {
    Mark { time, lane: lane.into(), severity: Some(Severity::High), label: label.into(), detail: "d".into() }
}

/// The places of labels: x, y, columns.
fn labels(svg: &str) -> Vec<(f64, f64, usize)> {
    let texts = svg.split("<g class=").skip(1).filter_map(|g| g.split_once("<text x=\"").map(|(_, t)| t));
    texts
        .map(|t| {
            let (x, rest) = t.split_once("\" y=\"").unwrap();
            let (y, rest) = rest.split_once("\">").unwrap();
            (x.parse().unwrap(), y.parse().unwrap(), width(rest.split_once('<').unwrap().0))
        })
        .collect()
}

#[test]
fn a_text_from_a_log_cannot_break_out() {
    let hostile = [mark(0, "<script>alert(1)</script>", "\"><img src=x onerror=1>&\u{1b}[31m\u{202e}")];
    for standalone in [true, false] {
        let svg = svg(&hostile, "</title><script>", Lang::En, standalone);
        assert!(
            !svg.contains("<script") && !svg.contains("<img") && !svg.contains('\u{1b}') && !svg.contains('\u{202e}'),
            "{svg}"
        );
    }
}

#[test]
fn nothing_and_one_moment_are_drawn_too() {
    assert!(svg(&[], "t", Lang::Ja, true).ends_with("</svg>"));
    let one = svg(&[mark(1_700_000_000_000, "a", "b")], "t", Lang::Ja, false);
    assert!(one.contains("2023-11-14") && !one.contains("<style>") && one.matches("<circle").count() == 1);
}

#[test]
fn a_long_silence_is_shortened_and_says_how_long_it_was() {
    let hour = 3_600_000;
    let times = [0, hour, 2 * hour, 3 * hour, 103 * hour, 104 * hour];
    let marks: Vec<Mark> = times.iter().enumerate().map(|(n, t)| mark(*t, "a", &format!("m{n}"))).collect();
    assert!(svg(&marks, "t", Lang::En, false).contains(">4 days<"));
    assert!(svg(&marks, "t", Lang::Ja, false).contains(">4 日<"));
}

#[test]
fn the_same_over_and_over_is_said_once_with_its_number() {
    let marks: Vec<Mark> = (0..30).map(|n| mark(n * 1000, "a", "ListBuckets")).collect();
    let svg = svg(&marks, "t", Lang::En, false);
    assert_eq!(svg.matches("<circle").count(), 30);
    assert!(svg.contains(">ListBuckets ×30<"), "{svg}");
    assert_eq!(labels(&svg).len(), 1);
}

proptest! {
    #[test]
    fn labels_never_overlap_and_stay_within(times in prop::collection::vec((0i64..1_000_000_000, 0usize..4, "[a-zあ-ん ]{1,60}"), 1..60)) {
        let marks: Vec<Mark> = times.iter().map(|(t, lane, label)| mark(*t, &format!("l{lane}"), label)).collect();
        let svg = svg(&marks, "t", Lang::En, false);
        let all = labels(&svg);
        for (n, (x, y, columns)) in all.iter().enumerate() {
            let end = x + (*columns as f64) * COLUMN;
            prop_assert!(*x >= LEFT && end <= WIDTH, "{x} {end}");
            for (x2, y2, columns2) in all.iter().skip(n + 1) {
                let end2 = x2 + (*columns2 as f64) * COLUMN;
                prop_assert!((y - y2).abs() > 10.0 || end <= *x2 || end2 <= *x, "{x} {x2} on {y}");
            }
        }
    }
}
