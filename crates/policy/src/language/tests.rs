use super::*;
use proptest::prelude::*;

fn set(complement: bool, patterns: &[&str]) -> StringSet {
    StringSet::new(patterns.iter().map(|p| Pattern::new(p)).collect(), complement)
}

fn find_plain(sets: &[StringSet]) -> Answer {
    find(&sets.iter().collect::<Vec<_>>(), [])
}

#[test]
fn reads_naturally() {
    let rows: [(&[StringSet], &str); 6] = [
        (&[set(false, &["s3:GetObject", "s3:PutObject"]), set(true, &["s3:Get*"])], "s3:PutObject"),
        (&[set(false, &["arn:aws:s3:::bucket/*"])], "arn:aws:s3:::bucket/example"),
        (&[set(false, &["arn:aws:s3:::bucket/*"]), set(true, &["*example*"])], "arn:aws:s3:::bucket/"),
        (&[set(false, &["s3:Get*"]), set(false, &["*Object"])], "s3:GetObject"),
        (&[set(true, &["example"])], ""),
        (
            &[set(false, &["arn:aws:s3:*:*:*sensitive*"]), set(false, &["arn:aws:s3:::my-sensitive-bucket"])],
            "arn:aws:s3:::my-sensitive-bucket",
        ),
    ];
    for (sets, expected) in rows {
        assert_eq!(find_plain(sets), Answer::Found(expected.to_owned()), "{sets:?}");
    }
}

#[test]
fn wanted_strings_come_first() {
    let sets = [set(false, &["s3:Get*"])];
    let views: Vec<&StringSet> = sets.iter().collect();
    assert_eq!(find(&views, ["ec2:RunInstances", "s3:GetObject"]), Answer::Found("s3:GetObject".to_owned()));
}

#[test]
fn wildcards_of_an_arn_stay_in_their_segment() {
    let arn = |text: &str| Pattern::arn(crate::pattern::tokens(text)).unwrap();
    assert_eq!(Pattern::arn(crate::pattern::tokens("arn:aws:s3:*:bucket")), None);
    assert_eq!(Pattern::arn(crate::pattern::tokens("b*:aws:s3:::bucket")), None);
    assert!(arn("arn:*:s3:*:*:b?cket:*").matches("arn:aws:s3:::bucket:a:b"));
    assert!(!arn("arn:*:s3:?:*:bucket").matches("arn:aws:s3:::bucket"));
    let pair = [StringSet::any_of(vec![arn("arn:*:s3:::a")]), set(false, &["arn:aws:x:*"])];
    assert_eq!(find_plain(&pair), Answer::Empty);
    assert!(arn("arn:*:s3:::*").covers(&arn("arn:aws:s3:::x*")));
    assert!(!arn("arn:*:s3:::a").covers(&Pattern::new("arn:*:s3:::a")));
}

#[test]
fn a_string_never_holds_a_wildcard() {
    let sets = [StringSet::any_of(vec![Pattern::literal("a*", false)])];
    assert!(matches!(find_plain(&sets), Answer::Unknown(_)));
}

/// All strings over three letters up to a length.
fn strings(length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..length {
        let to = all.len();
        for i in from..to {
            for c in ['a', 'b', ':', 'A'] {
                all.push(format!("{}{c}", all[i]));
            }
        }
        from = to;
    }
    all
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    ("[ab:*?]{0,4}", 0..3u8).prop_map(|(text, kind)| match kind {
        0 => Pattern::new(&text),
        1 => Pattern::ignoring_case(&text),
        _ => Pattern::segments(&text),
    })
}

fn any_set() -> impl Strategy<Value = StringSet> {
    (proptest::collection::vec(any_pattern(), 1..4), any::<bool>())
        .prop_map(|(patterns, complement)| StringSet::new(patterns, complement))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn agrees_with_trying_every_string(sets in proptest::collection::vec(any_set(), 1..4)) {
        let lies = |text: &str| sets.iter().all(|set| set.contains(text));
        match find_plain(&sets) {
            Answer::Found(text) => prop_assert!(lies(&text), "{text}"),
            Answer::Empty => {
                let found = strings(5).into_iter().find(|text| lies(text));
                prop_assert_eq!(found, None);
            }
            Answer::Unknown(reason) => prop_assert!(false, "{reason}"),
        }
    }

    #[test]
    fn the_automaton_alone_agrees(sets in proptest::collection::vec(any_set(), 1..4)) {
        let views: Vec<&StringSet> = sets.iter().collect();
        let found = matches!(automaton::search(&views), Answer::Found(_));
        prop_assert_eq!(found, matches!(find_plain(&sets), Answer::Found(_)));
    }

    #[test]
    fn covering_and_disjointness_are_sound(p in any_pattern(), q in any_pattern()) {
        for text in strings(4) {
            prop_assert!(!(p.covers(&q) && q.matches(&text)) || p.matches(&text), "{}", text);
            prop_assert!(!(p.surely_disjoint(&q) && q.matches(&text) && p.matches(&text)), "{}", text);
        }
    }
}
