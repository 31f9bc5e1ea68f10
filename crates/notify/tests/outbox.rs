//! The outbox: what was taken is told, in its time, whatever the clock does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::time::Duration;
use yagura_model::{ContentFile, Severity};
use yagura_notify::{Cursor, Delivered, Notice, Outbox, Routes, World, deliver};
use yagura_testkit::{Mail, Mailbox};

/// Routes to a mailbox on loopback: the one channel that needs no secret.
fn routes(port: u16, route: &str) -> Routes {
    let text = format!(
        "channels: {{mail: {{kind: email, host: 127.0.0.1, port: {port}, tls: none, from: a@example.com, to: [b@example.com]}}}}\n\
         attempts: 3\nroutes: [{{name: r, to: [mail]{route}}}]\n"
    );
    Routes::parse(&ContentFile { path: "routes.yaml".to_owned(), text, shipped: false }).unwrap()
}

fn notice(name: &str) -> Notice {
    Notice { id: Notice::identity(&[name]), rule: name.to_owned(), ..Notice::sample(Timestamp::UNIX_EPOCH) }
}

fn notices(n: usize) -> Vec<Notice> {
    (0..n).map(|i| notice(&format!("s3.n{i}"))).collect()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn send(outbox: &mut Outbox, routes: &Routes, now: Timestamp) -> Delivered {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = World::new(None, Duration::from_secs(5)).unwrap();
    runtime.block_on(deliver(outbox, routes, &world, &|| now, Duration::ZERO)).unwrap()
}

fn open(folder: &Path) -> Outbox {
    Outbox::open(folder).unwrap()
}

fn subjects(mails: &[Mail]) -> Vec<&str> {
    mails.iter().map(|m| m.text.lines().find(|l| l.starts_with("Subject:")).unwrap()).collect()
}

#[test]
fn the_place_moves_with_what_was_taken_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mailbox::start().unwrap();
    let routes = routes(mail.port(), "");
    let mut outbox = open(folder.path());
    let place = |n: i64| Cursor { place: n, mark: format!("m{n}") };
    let taken = outbox.take("s", None, &place(1), &notices(2), &routes, at(0)).unwrap().unwrap();
    assert_eq!((taken.routed, taken.known), (2, 0));
    // Somebody who began at the same place comes too late, and takes nothing.
    assert_eq!(outbox.take("s", None, &place(1), &[notice("late")], &routes, at(0)).unwrap(), None);
    assert_eq!(open(folder.path()).cursor("s").unwrap(), Some(place(1)));
    let again = outbox.take("s", Some(&place(1)), &place(2), &notices(3), &routes, at(1)).unwrap().unwrap();
    assert_eq!((again.routed, again.known), (1, 2));
    assert_eq!(send(&mut outbox, &routes, at(2)).sent, 3);
    assert_eq!(mail.mails().len(), 3);
}

#[test]
fn a_digest_gathers_until_its_time_and_holds_no_more_than_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mailbox::start().unwrap();
    let routes = routes(mail.port(), ", when: digest, every: 1h");
    open(folder.path()).add(&notices(30), &routes, at(0)).unwrap();
    let mut outbox = open(folder.path());
    outbox.add(&notices(70), &routes, at(600)).unwrap();
    assert_eq!(send(&mut outbox, &routes, at(3599)).sent, 0);
    assert_eq!(send(&mut outbox, &routes, at(3600)).sent, 1);
    assert_eq!(send(&mut outbox, &routes, at(4200)).sent, 1);
    let mails = mail.mails();
    assert_eq!(
        subjects(&mails),
        ["Subject: Yagura: 50 changes, at most info", "Subject: Yagura: 20 changes, at most info"]
    );
    assert!(mails[0].text.contains("and 30 more"), "what is not shown is counted: {}", mails[0].text);
    assert!(!mails[1].text.contains(" more: see"));
}

#[test]
fn the_gravest_comes_first_in_a_group() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mailbox::start().unwrap();
    let routes = routes(mail.port(), ", group_by: [account]");
    let mut all = notices(25);
    all[24] = Notice { severity: Severity::Critical, ..all[24].clone() };
    let mut outbox = open(folder.path());
    outbox.add(&all, &routes, at(0)).unwrap();
    send(&mut outbox, &routes, at(0));
    let text = mail.mails()[0].text.clone();
    let first = text.find("s3.n24").unwrap_or(usize::MAX);
    assert!(first < text.find("s3.n0").unwrap(), "{text}");
}

#[test]
fn a_clock_that_goes_back_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mailbox::start().unwrap();
    let year = SignedDuration::from_hours(24 * 365);
    let routes = routes(mail.port(), "");
    let mut outbox = open(folder.path());
    outbox.add(&[notice("a")], &routes, at(0) + year).unwrap();
    // Refused for the moment while the clock was a year ahead: the next attempt is a year away.
    mail.refuse(&["451 later"]);
    assert_eq!(send(&mut outbox, &routes, at(0) + year).waiting, 1);
    assert_eq!(send(&mut outbox, &routes, at(0)).sent, 1);
    assert_eq!(mail.mails().len(), 1);
}

#[test]
fn a_message_is_put_aside_after_its_last_attempt_and_the_channel_rests_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mailbox::start().unwrap();
    let routes = routes(mail.port(), "");
    let mut outbox = open(folder.path());
    outbox.add(&notices(3), &routes, at(0)).unwrap();
    mail.refuse(&["451 a"; 3]);
    let mut now = at(0);
    for attempt in 1..=3 {
        let done = send(&mut outbox, &routes, now);
        assert_eq!((done.sent, done.failed.len(), done.dead), (0, 1, usize::from(attempt == 3)), "{done:?}");
        assert_eq!(done.failed[0].times, 1, "others of the channel wait");
        now = done.next.unwrap();
    }
    assert_eq!(send(&mut outbox, &routes, now).sent, 2);
    assert_eq!(outbox.dead().unwrap().len(), 1);
    let lines = std::fs::read_to_string(outbox.dead_file()).unwrap();
    assert!(lines.contains("451") && lines.lines().count() == 1, "{lines}");
    std::fs::write(outbox.dead_file(), "left alone").unwrap();
    send(&mut outbox, &routes, now);
    assert_eq!(std::fs::read_to_string(outbox.dead_file()).unwrap(), "left alone", "nothing died");
    send(&mut outbox, &routes, now + SignedDuration::from_hours(1));
    assert!(std::fs::read_to_string(outbox.dead_file()).unwrap().contains("451"), "an hour has passed");
    assert_eq!(outbox.revive(&routes, None, now).unwrap(), 1);
    assert_eq!(send(&mut outbox, &routes, now).sent, 1);
    assert!(!outbox.dead_file().exists());
}

fn routes_at(path: &str, text: &str) -> Routes {
    Routes::parse(&ContentFile { path: path.to_owned(), text: text.to_owned(), shipped: false }).unwrap()
}

#[test]
fn a_channel_that_is_gone_from_the_file_is_said_and_its_messages_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mailbox::start().unwrap();
    let mut outbox = open(folder.path());
    let with = routes(mail.port(), "");
    outbox.add(&notices(2), &with, at(0)).unwrap();
    let without =
        routes_at("routes.yaml", "channels: {other: {kind: slack, url: {env: X}}}\nroutes: [{name: r, to: [other]}]");
    let done = send(&mut outbox, &without, at(0));
    let failed = &done.failed[0];
    assert!(failed.why.contains("no such channel") && failed.again && failed.times == 2, "{done:?}");
    assert_eq!((done.dead, done.waiting, done.failed.len(), done.next), (0, 2, 1, Some(at(3600))), "{done:?}");
    assert!(send(&mut outbox, &without, at(3599)).failed.is_empty(), "said once an hour");
    assert_eq!(send(&mut outbox, &with, at(3600)).sent, 2);
}

#[test]
fn a_channel_of_the_same_name_in_another_file_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, theirs) = (Mailbox::start().unwrap(), Mailbox::start().unwrap());
    let of = |path: &str, mail: &Mailbox| {
        let port = mail.port();
        routes_at(
            path,
            &format!(
                "channels: {{mail: {{kind: email, host: 127.0.0.1, port: {port}, tls: none, from: a@example.com, to: [b@example.com]}}}}\n\
                 routes: [{{name: r, to: [mail], when: digest, every: 1h}}]\n"
            ),
        )
    };
    let (a, b) = (of("a.yaml", &mine), of("b.yaml", &theirs));
    let mut outbox = open(folder.path());
    outbox.add(&[notice("a")], &a, at(0)).unwrap();
    outbox.add(&[notice("b")], &b, at(1)).unwrap();
    let done = send(&mut outbox, &b, at(4000));
    assert_eq!((done.sent, done.waiting, done.elsewhere, done.next), (1, 1, 1, None), "{done:?}");
    assert_eq!((mine.mails().len(), theirs.mails().len()), (0, 1));
    assert_eq!(send(&mut outbox, &a, at(4000)).sent, 1);
    assert_eq!((mine.mails().len(), theirs.mails().len()), (1, 1));
}

#[test]
fn one_process_delivers_and_old_memories_are_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mailbox::start().unwrap();
    let routes = routes(mail.port(), "");
    let mut outbox = open(folder.path());
    let other = open(folder.path());
    let lock = other.deliverer().unwrap().unwrap();
    outbox.add(&[notice("a")], &routes, at(0)).unwrap();
    let done = send(&mut outbox, &routes, at(0));
    assert!(done.busy && done.sent == 0 && done.waiting == 1, "{done:?}");
    drop(lock);
    assert_eq!(send(&mut outbox, &routes, at(0)).sent, 1);
    assert_eq!(outbox.add(&[notice("a")], &routes, at(10)).unwrap().known, 1);
    send(&mut outbox, &routes, at(91 * 86_400));
    assert_eq!(
        outbox.add(&[notice("a")], &routes, at(91 * 86_400)).unwrap().routed,
        1,
        "after 90 days it is forgotten"
    );
}

#[test]
fn what_is_no_outbox_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify.db");
    std::fs::write(
        &path,
        "not a database, and longer than a header of one hundred bytes would be, so that it is read".repeat(3),
    )
    .unwrap();
    let said = Outbox::open(folder.path()).unwrap_err().to_string();
    assert!(said.contains("no outbox"), "{said}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("not a database"));
}

#[test]
fn a_resolution_goes_where_its_subject_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mailbox::start().unwrap();
    let routes = routes(mail.port(), ", severity: critical");
    let mut outbox = open(folder.path());
    let grave = Notice { severity: Severity::Critical, ..notice("begun") };
    let over = |subject: &str| Notice {
        subject: subject.to_owned(),
        change: yagura_notify::Change::Resolved,
        severity: Severity::Low,
        ..notice(&format!("over {subject}"))
    };
    outbox.add(std::slice::from_ref(&grave), &routes, at(0)).unwrap();
    assert_eq!(send(&mut outbox, &routes, at(0)).sent, 1);
    let taken = outbox.add(&[over(&grave.subject), over("never told")], &routes, at(9)).unwrap();
    assert_eq!((taken.routed, taken.unrouted), (1, 1), "{taken:?}");
    assert_eq!(send(&mut outbox, &routes, at(9)).sent, 1);
}

#[test]
fn a_channel_with_much_to_tell_lets_others_have_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mailbox::start().unwrap();
    let channel = |to: &str| {
        let port = mail.port();
        format!(
            "{{kind: email, host: 127.0.0.1, port: {port}, tls: none, from: a@example.com, to: [{to}@example.com]}}"
        )
    };
    let text = format!(
        "channels: {{a: {}, b: {}}}\nroutes:\n- {{name: a, to: [a]}}\n- {{name: b, to: [b], severity: critical}}\n",
        channel("much"),
        channel("little")
    );
    let routes = routes_at("routes.yaml", &text);
    let mut all = notices(45);
    all[44] = Notice { severity: Severity::Critical, ..all[44].clone() };
    let mut outbox = open(folder.path());
    outbox.add(&all, &routes, at(0)).unwrap();
    assert_eq!(send(&mut outbox, &routes, at(0)).sent, 46);
    assert_eq!(mail.mails().iter().position(|m| m.text.contains("little@example.com")), Some(20));
}
