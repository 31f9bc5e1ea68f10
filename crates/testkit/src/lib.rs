//! An AWS endpoint on loopback for tests: it answers from a canned [`Estate`], or stands in front of another endpoint
//! (moto), and fails on purpose. Beside it what messages are sent to: a [`Receiver`] of HTTP requests and a [`Mailbox`].
//!
//! ```no_run
//! use yagura_testkit::{Endpoint, Estate, Fault};
//!
//! # fn main() -> std::io::Result<()> {
//! let aws = Endpoint::start(Estate::small())?;
//! aws.add(Fault::AccessDenied.on("s3:GetBucketEncryption"));
//! aws.add(Fault::Throttled.in_region("eu-west-1").first(20));
//! // … run a program with AWS_ENDPOINT_URL set to aws.url() …
//! assert_eq!(aws.requests().get("s3:ListBuckets"), Some(&1));
//! # Ok(())
//! # }
//! ```

mod answer;
mod call;
mod endpoint;
mod estate;
mod fault;
mod mailbox;
mod mangle;
mod network;
mod receiver;
mod small;
mod trail;
mod upstream;

pub use answer::Reply;
pub use call::{Call, Protocol};
pub use endpoint::Endpoint;
pub use estate::Estate;
pub use fault::{Fault, Rule};
pub use mailbox::{Mail, Mailbox};
pub use receiver::{Received, Receiver, Said};
pub use trail::Trail;
