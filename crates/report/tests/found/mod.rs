//! Made-up findings: an incident, what stands alone, and texts from logs that try everything.

use yagura_detect::tell::{About, Moment, Told, Way};
use yagura_model::Severity;

/// A text as an attacker may choose it: for pages, terminals, spreadsheets and Markdown.
pub const HOSTILE: &str =
    "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{1b}[2J\u{202e}&amp;\r\n=cmd|' /C calc'!A0";

#[allow(dead_code, reason = "a test may take a part")]
fn told(rule: &str, severity: Severity, time: &str, title: &str) -> Told {
    Told {
        rule: rule.into(),
        severity,
        confidence: "medium",
        time: time.into(),
        last: time.into(),
        about: About {
            actor: "arn:aws:iam::111122223333:user/mallory".into(),
            session: "".into(),
            target: "arn:aws:iam::111122223333:user/backdoor".into(),
            source_ip: "198.51.100.7".into(),
            account: "111122223333".into(),
            region: "ap-northeast-1".into(),
        },
        title: title.into(),
        why: "It matters.".into(),
        look: vec!["Look at what came next.".into()],
        innocent: vec![],
        events: vec![format!("{rule}-1").into()],
        count: 1,
        maps: vec!["attack/T1098.001".into(), "guardduty/Persistence:IAMUser/AnomalousBehavior".into()],
        sequence: vec![],
        timeline: vec![],
        actors: vec![],
        resources: vec![],
        techniques: vec![],
        tactics: vec![],
        incident: None,
        missing: vec![],
        way: None,
    }
}

fn moment(told: &Told, time: &str, stage: &str) -> Moment {
    Moment {
        time: time.into(),
        stage: stage.into(),
        rule: told.rule.clone(),
        title: told.title.clone(),
        event: told.events[0].clone(),
        actor: told.about.actor.clone(),
        source_ip: told.about.source_ip.clone(),
        way: None,
    }
}

/// All of them, the incident first.
pub fn findings() -> Vec<Told> {
    let key = told(
        "cloudtrail.key_created",
        Severity::High,
        "2026-01-05T02:03:04Z",
        "user/mallory created a key for user/backdoor",
    );
    let stop = told(
        "cloudtrail.logging_stopped",
        Severity::High,
        "2026-01-05T02:09:00.5Z",
        "user/mallory stopped the trail main",
    );
    let mut take = told(
        "cloudtrail.objects_read_in_bulk",
        Severity::Medium,
        "2026-01-05T09:30:00Z",
        "user/mallory read 812 objects of payroll",
    );
    take.innocent = vec!["A new backup".into(), HOSTILE.into()];
    take.maps = vec!["attack/T1530".into(), "attack/T1537".into()];
    let mut dns = told("dns.tunnel", Severity::Medium, "2026-01-04T23:59:59Z", "10.0.1.5 tunnels through DNS");
    dns.about = About { source_ip: "10.0.1.5".into(), ..About::default() };
    dns.maps = vec!["attack/T1071.004".into()];
    dns.way = Some(Way { from: "10.0.1.5".into(), to: "t.example".into(), host: "10.0.1.5".into(), inward: false });
    let mut hostile = told("cloudtrail.root_used", Severity::Critical, "2026-01-06T00:00:00Z", HOSTILE);
    hostile.about = About {
        actor: HOSTILE.into(),
        session: HOSTILE.into(),
        target: HOSTILE.into(),
        source_ip: HOSTILE.into(),
        account: "111122223333".into(),
        region: "aws-global".into(),
    };
    hostile.why = HOSTILE.repeat(40);
    hostile.look = vec![HOSTILE.into()];
    hostile.events = vec![HOSTILE.into()];
    hostile.maps = vec![];
    let mut incident = told(
        "sequence.blind_then_take",
        Severity::Critical,
        "2026-01-05T02:03:04Z",
        "user/mallory blinded the account and took data",
    );
    incident.last = "2026-01-05T09:30:00Z".into();
    incident.confidence = "high";
    incident.sequence = vec!["sequence.blind_then_take".into()];
    incident.timeline = vec![
        moment(&key, "2026-01-05T02:03:04Z", ""),
        moment(&stop, "2026-01-05T02:09:00.5Z", "sequence.blind_then_take/blind"),
        moment(&take, "2026-01-05T09:30:00Z", "sequence.blind_then_take/take"),
        moment(&hostile, "2026-01-05T09:31:00Z", HOSTILE),
    ];
    incident.events = incident.timeline.iter().map(|m| m.event.clone()).collect();
    incident.count = 4;
    incident.actors = vec!["arn:aws:iam::111122223333:user/mallory".into(), "198.51.100.7".into(), HOSTILE.into()];
    incident.resources =
        vec!["arn:aws:s3:::payroll".into(), "arn:aws:cloudtrail:ap-northeast-1:111122223333:trail/main".into()];
    incident.techniques = vec!["T1530".into(), "T1562.008".into()];
    incident.missing = vec!["sequence.blind_then_take/widen".into()];
    vec![incident, key, stop, take, dns, hostile]
}
