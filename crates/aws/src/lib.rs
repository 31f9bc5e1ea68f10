//! AWS calls, made from data.
//!
//! [`Facts`] knows every read operation of the services Yagura looks at, from AWS's own public models
//! (`content/aws/`). [`Session`] holds credentials and calls them: signing, endpoints, wire formats,
//! paging, retries and adaptive rate. What changes something is a [`WriteOperation`], of which only those are known that
//! remedies name, with a few of Yagura's own, and [`Session::change`] is the one way to call it.
//!
//! Every failure is a [`CallError`] that turns into a [`yagura_model::Gap`]: data, not an end.

mod address;
mod credentials;
mod endpoint;
mod error;
mod facts;
mod http;
mod limiter;
mod options;
mod paging;
mod partition;
mod profile;
mod retry;
mod session;
mod shared;
mod sign;
mod web;
mod wire;

pub use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
pub use error::{CallError, ConnectError};
pub use facts::{Facts, FactsError, InputMember, ReadOperation, WriteOperation};
pub use options::{MfaPrompt, Options, Role};
pub use partition::Partition;
pub use session::Session;
pub use web::{Web, WebAnswer, WebError};
