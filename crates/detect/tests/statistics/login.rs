//! Sign-ins: guessing, spraying, and what is neither.

use yagura_detect::stat::Login;
use yagura_detect::stat::login::Logins;

type Row = (i64, &'static str, String, bool);

fn run(logins: &mut Logins, rows: &[Row]) -> Vec<&'static str> {
    let mut out = Vec::new();
    for (at, (time, source, account, success)) in rows.iter().enumerate() {
        let login = Login { time: *time, id: at as u128, source, account, target: "db-1", success: *success };
        logins.observe(&login, &mut out);
    }
    assert!(out.iter().all(|s| s.events.len() <= 50 && !s.events.is_empty()));
    out.iter().map(|s| s.method).collect()
}

fn row(time: i64, source: &'static str, account: impl Into<String>, success: bool) -> Row {
    (time, source, account.into(), success)
}

#[test]
fn guessing_is_found_with_its_fruit() {
    let mut rows: Vec<Row> = (0..100).map(|at| row(at * 1_000, "203.0.113.9", "admin", false)).collect();
    assert_eq!(run(&mut Logins::default(), &rows), ["login_brute_force"]);
    rows.push(row(101_000, "203.0.113.9", "admin", true));
    rows.push(row(102_000, "203.0.113.9", "admin", true));
    assert_eq!(run(&mut Logins::default(), &rows), ["login_brute_force", "login_brute_force_success"]);
}

#[test]
fn one_account_from_many_sources() {
    let sources = ["198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"];
    let mut rows: Vec<Row> = (0..40).map(|at| row(at * 60_000, sources[at as usize % 4], "root", false)).collect();
    assert_eq!(run(&mut Logins::default(), &rows), ["login_brute_force"]);
    rows.push(row(41 * 60_000, "10.0.0.4", "root", true));
    assert_eq!(run(&mut Logins::default(), &rows), ["login_brute_force"], "its owner, who never failed");
    rows.push(row(42 * 60_000, sources[1], "root", true));
    assert_eq!(run(&mut Logins::default(), &rows), ["login_brute_force", "login_brute_force_success"]);
}

#[test]
fn spraying_and_an_office_behind_one_address() {
    let spray: Vec<Row> =
        (0..30).map(|at| row(at * 120_000, "203.0.113.9", format!("user{}", at % 20), false)).collect();
    assert_eq!(run(&mut Logins::default(), &spray), ["password_spray"]);
    let office: Vec<Row> =
        (0..400).map(|at| row(at * 20_000, "203.0.113.50", format!("user{}", at % 90), at % 9 != 0)).collect();
    assert_eq!(run(&mut Logins::default(), &office), Vec::<&str>::new());
}

#[test]
fn people_and_programs_that_err_now_and_then() {
    let mut rows: Vec<Row> = (0..500).map(|at| row(at * 61_000, "10.0.0.7", "app", false)).collect();
    for at in 0..50 {
        rows.extend((0..3).map(|n| row(at * 600_000 + n * 5_000, "10.0.0.8", "alice", n == 2)));
    }
    rows.sort();
    assert_eq!(run(&mut Logins::default(), &rows), Vec::<&str>::new());
}

#[test]
fn a_restart_in_the_middle_changes_nothing() {
    let mut rows: Vec<Row> =
        (0..100).map(|at| row(at * 1_000, "203.0.113.9", format!("u{}", at % 30), false)).collect();
    rows.push(row(101_000, "203.0.113.9", "u3", true));
    let whole = run(&mut Logins::default(), &rows);
    assert_eq!(whole, ["password_spray", "login_brute_force", "login_brute_force_success"]);
    for cut in [5, 20, 100] {
        let mut logins = Logins::default();
        let mut out = run(&mut logins, &rows[..cut]);
        let mut logins: Logins = serde_json::from_str(&serde_json::to_string(&logins).unwrap()).unwrap();
        out.extend(run(&mut logins, &rows[cut..]));
        assert_eq!(out, whole);
    }
}
