use super::*;
use crate::code::Code;
use crate::question::case::Way;
use crate::question::explain::Blocker;
use unicode_width::UnicodeWidthStr;

fn node(kind: Kind, id: &str, label: &str) -> Node {
    Node { id: id.to_owned(), kind, label: label.to_owned() }
}

fn drawing() -> Drawing {
    let hops = vec![
        node(Kind::Instance, "i-0123456789abcdef0", "web-1 <\"&'>"),
        node(Kind::SecurityGroup, "sg-0123456789abcdef0", ""),
        node(Kind::NetworkAcl, "acl-0123456789abcdef0", ""),
    ];
    Drawing {
        question: "i-0123456789abcdef0 → internet, tcp 443".to_owned(),
        verdict: Reachable::No,
        forward: Lane {
            hops: hops.clone(),
            blockers: vec![Mark {
                after_hop: 1,
                code: "ENI_SG_RULES_MISMATCH".into(),
                text: "no rule <allows> it".into(),
            }],
        },
        back: Lane::default(),
        missing: vec!["ec2:DescribeRouteTables".to_owned()],
    }
}

#[test]
fn every_text_is_escaped_and_every_element_closes() {
    for lang in [Lang::En, Lang::Ja] {
        let svg = to_svg(&drawing(), lang);
        for element in ["svg", "g", "text", "title", "style", "defs", "marker"] {
            let opened = svg.matches(&format!("<{element} ")).count() + svg.matches(&format!("<{element}>")).count();
            assert_eq!(opened, svg.matches(&format!("</{element}>")).count(), "{element}");
        }
        assert!(svg.contains("web-1 &lt;&quot;&amp;&#39;&gt;") && svg.contains("no rule &lt;allows&gt; it"));
        assert!(!svg.contains("href") && !svg.contains("<script"), "nothing is loaded from elsewhere");
        assert!(svg.contains("ec2:DescribeRouteTables") && svg.contains("ENI_SG_RULES_MISMATCH"));
    }
    assert!(to_svg(&drawing(), Lang::Ja).contains("到達不可能"));
}

#[test]
fn no_arrow_is_whole_behind_a_blocker() {
    let svg = to_svg(&drawing(), Lang::En);
    assert_eq!((svg.matches("\"step\"").count(), svg.matches("\"step cut\"").count()), (1, 1));
    let dot = to_dot(&drawing(), Lang::En);
    assert!(dot.contains("f0 -> f1;") && dot.contains("f1 -> f2 [style=dashed];"));
    assert!(dot.contains("web-1 <\\\"&'>") && dot.contains("ENI_SG_RULES_MISMATCH\\nno rule"));
}

#[test]
fn odd_drawings_are_drawn() {
    let mut odd = drawing();
    odd.forward.hops.clear();
    odd.back.hops =
        (0..23).map(|n| node(Kind::TransitGatewayAttachment, &"x".repeat(n * 17), "\u{0}\u{1b}[31m 名前")).collect();
    odd.back.blockers = vec![Mark { after_hop: 99, ..Mark::default() }];
    let empty = Drawing { forward: Lane::default(), back: Lane::default(), missing: Vec::new(), ..odd.clone() };
    for text in [to_svg(&odd, Lang::Ja), to_dot(&odd, Lang::Ja), to_svg(&empty, Lang::En)] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
    }
}

#[test]
fn lines_fit() {
    for text in [
        "tgw-attach-0123456789abcdef0",
        "arn:aws:network-firewall:ap-northeast-1:111122223333:firewall/検査用ファイアウォール",
        "",
        " ",
    ] {
        for most in [2, 7, 27] {
            let lines = text::wrapped(text, most);
            assert!(lines.iter().all(|line| line.width() <= most), "{lines:?}");
            let kept: String = lines.concat().split_whitespace().collect();
            assert_eq!(kept, text.split_whitespace().collect::<String>());
            assert!(text::fitted(text, most, 2).len() <= 2);
        }
    }
}

#[test]
fn an_answer_is_drawn_with_what_stops_it_further_on() {
    let hop = |id: &str, kind| Hop::new(id.into(), kind);
    let blocker = |component: &str, kind, direction| Blocker {
        component: component.into(),
        kind,
        rule: "no rule".to_owned(),
        rule_ja: "ルールがない".to_owned(),
        code: Code::SubnetAcl,
        direction,
        change: None,
    };
    let answer = CaseAnswer {
        id: serde_json::Value::Null,
        reachable: Reachable::No,
        forward: Way {
            passes: false,
            hops: vec![hop("i-1", Kind::Instance), hop("sg-1", Kind::SecurityGroup), hop("internet", Kind::Internet)],
        },
        back: Way::default(),
        blocked_by: vec![
            blocker("sg-1", Kind::SecurityGroup, Travel::Forward),
            blocker("acl-1", Kind::NetworkAcl, Travel::Forward),
            blocker("acl-1", Kind::NetworkAcl, Travel::Return),
            blocker("", Kind::Vpc, Travel::Return),
        ],
        changes: Vec::new(),
        missing: Default::default(),
        notes: Default::default(),
        allowed: Vec::new(),
        opens: None,
        example: None,
    };
    let name = |hop: &Hop| (hop.id == "i-1").then(|| "web".to_owned());
    let drawing = Drawing::of("i-1 → i-2", &answer, Lang::Ja, &name);
    let ids = |lane: &Lane| lane.hops.iter().map(|h| h.id.clone()).collect::<Vec<_>>();
    let marks = |lane: &Lane| lane.blockers.iter().map(|m| m.after_hop).collect::<Vec<_>>();
    assert_eq!(
        (ids(&drawing.forward), marks(&drawing.forward)),
        (["i-1", "sg-1", "internet", "acl-1"].map(String::from).to_vec(), vec![1, 3])
    );
    assert_eq!((ids(&drawing.back), marks(&drawing.back)), (vec!["acl-1".to_owned()], vec![0, 1]));
    assert_eq!((drawing.forward.hops[0].label.as_str(), drawing.forward.hops[2].shown()), ("web", ""));
    assert_eq!(drawing.forward.blockers[0].text, "ルールがない");
}
