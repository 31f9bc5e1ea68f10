//! A canned estate: what is answered to which call.

use crate::answer::Reply;
use crate::call::Call;

/// Answers by operation, Region and a value in the request.
#[derive(Debug, Clone, Default)]
pub struct Estate {
    canned: Vec<Canned>,
}

#[derive(Debug, Clone)]
struct Canned {
    call: String,
    region: Option<String>,
    word: Option<String>,
    reply: Reply,
}

impl Estate {
    /// An estate that knows no call.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A few resources for every listing of the built-in checks, in `us-east-1` and `eu-west-1` of account
    /// 111122223333. Most checks have a pass and a fail in it; other Regions are empty.
    pub fn small() -> Self {
        crate::small::estate()
    }

    /// The answer to an operation everywhere. What is said last wins.
    #[must_use]
    pub fn with(self, call: &str, reply: Reply) -> Self {
        self.canned(call, None, None, reply)
    }

    /// The answer to an operation in one Region.
    #[must_use]
    pub fn with_in(self, region: &str, call: &str, reply: Reply) -> Self {
        self.canned(call, Some(region), None, reply)
    }

    /// The answer to an operation where a value of the request (a name, a path segment) is `word`.
    #[must_use]
    pub fn with_for(self, word: &str, call: &str, reply: Reply) -> Self {
        self.canned(call, None, Some(word), reply)
    }

    /// The answer to an operation in one Region, where a value of the request is `word`.
    #[must_use]
    pub fn with_in_for(self, region: &str, word: &str, call: &str, reply: Reply) -> Self {
        self.canned(call, Some(region), Some(word), reply)
    }

    fn canned(mut self, call: &str, region: Option<&str>, word: Option<&str>, reply: Reply) -> Self {
        let (call, region, word) = (call.to_owned(), region.map(str::to_owned), word.map(str::to_owned));
        self.canned.push(Canned { call, region, word, reply });
        self
    }

    pub(crate) fn reply(&self, call: &Call) -> Reply {
        let fits = |c: &&Canned| {
            c.call == call.name
                && c.region.as_ref().is_none_or(|r| *r == call.region)
                && c.word.as_ref().is_none_or(|w| call.words.contains(w))
        };
        match self.canned.iter().rev().find(fits) {
            Some(found) => found.reply.clone(),
            None => Reply::error(501, "NotImplemented", format!("the estate has no answer to {}", call.name)),
        }
    }
}
