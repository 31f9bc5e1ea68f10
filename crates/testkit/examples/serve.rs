//! Serves the small estate with a fault, for trying things by hand:
//! `cargo run -p yagura-testkit --example serve -- throttled 30`.

use yagura_testkit::{Endpoint, Estate, Fault};

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let aws = Endpoint::start(Estate::small())?;
    let fault = match words.first().map_or("", String::as_str) {
        "throttled" => Some(Fault::Throttled),
        "denied" => Some(Fault::AccessDenied),
        "error" => Some(Fault::ServerError),
        "reset" => Some(Fault::Reset),
        "cut-off" => Some(Fault::CutOff),
        "truncated" => Some(Fault::Truncated),
        "empty" => Some(Fault::Empty),
        "expired" => Some(Fault::ExpiredToken),
        "hang" => Some(Fault::Hang),
        "loop" => Some(Fault::PagingLoop),
        _ => None,
    };
    let times = words.get(1).and_then(|n| n.parse().ok()).unwrap_or(u64::MAX);
    if words.first().is_some_and(|w| w == "bucket") {
        aws.add(Fault::Throttled.everywhere().above(40.0, 10.0));
    }
    if let Some(fault) = fault {
        aws.add(fault.everywhere().except("sts").first(times));
    }
    println!("export AWS_ENDPOINT_URL={}", aws.url());
    loop {
        std::thread::sleep(std::time::Duration::from_secs(5));
        eprintln!("{:?}", aws.requests());
    }
}
