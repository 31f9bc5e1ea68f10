//! Jira Cloud, REST API v3 (<https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/>): an issue a finding.
//!
//! An issue carries two labels: one of the finding, one of the change that made it. Before an issue is made, the finding's are looked
//! for: one that knows this change already is left alone, an open one gets a comment. Jira's search lags behind by seconds, so a process
//! killed within them may make a twin.

use super::{Channel, Kind, Message, Refused, Sent, judged, written_url};
use crate::secret::{Secret, SecretRef};
use crate::text::cut;
use crate::world::World;
use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};
use yagura_rule::yaml::{Reader, Yaml};

pub(super) const KIND: Kind = Kind {
    name: "jira",
    keys: &["url", "user", "token", "project", "issue_type"],
    make: |r, at| Jira::read(r, at).map(|j| Box::new(j) as Box<dyn Channel>),
};

#[derive(Debug)]
struct Jira {
    url: String,
    user: String,
    token: SecretRef,
    project: String,
    issue_type: String,
}

impl Jira {
    fn read(r: &mut Reader<'_>, at: &Yaml) -> Option<Self> {
        let url = r.want_text(at, "url");
        if let (Err(why), Some(v)) = (written_url(&url), at.get("url").filter(|_| !url.is_empty())) {
            r.complain(v, format!("`url`: {why}"));
        }
        let project = String::from(r.want_text(at, "project"));
        if let Some(v) = at.get("project")
            && !project.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        {
            r.complain(v, "`project` is a project's key, such as SEC");
        }
        let user = String::from(r.want_text(at, "user"));
        let issue_type = r.text(at, "issue_type").map_or_else(|| "Task".to_owned(), String::from);
        let token = SecretRef::want(r, at, "token")?;
        Some(Self { url: url.trim_end_matches('/').to_owned(), user, token, project, issue_type })
    }

    async fn ask(&self, world: &World, token: &Secret, method: &str, path: &str, body: &Json) -> Result<Json, Refused> {
        let login = BASE64_STANDARD.encode(format!("{}:{}", self.user, token.open()));
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json".to_owned()),
            ("authorization", format!("Basic {login}")),
        ];
        let url = format!("{}/rest/api/3/{path}", self.url);
        let answer = world.web.send(method, &url, &headers, body.to_string().into_bytes()).await;
        let answer = judged(answer, &[token, &Secret::new(login)])?;
        if answer.body.trim().is_empty() {
            return Ok(Json::Null);
        }
        serde_json::from_str(&answer.body).map_err(|_| Refused::for_now("Jira's answer is not JSON"))
    }
}

/// What the issues of a finding say of a change.
#[derive(Debug, PartialEq, Eq)]
enum Known {
    /// One knows it.
    Told,
    /// One is open and does not.
    Open(String),
    /// There is none that is open.
    Nothing,
}

fn known(found: &Json, label: &str) -> Result<Known, Refused> {
    let issues = found
        .get("issues")
        .and_then(Json::as_array)
        .ok_or_else(|| Refused::for_now("Jira's answer lists no issues"))?;
    let has =
        |i: &Json| i.pointer("/fields/labels").and_then(Json::as_array).is_some_and(|l| l.iter().any(|l| l == label));
    if issues.iter().any(has) {
        return Ok(Known::Told);
    }
    let done = |i: &&Json| i.pointer("/fields/status/statusCategory/key").and_then(Json::as_str) == Some("done");
    let open = issues.iter().find(|i| !done(i)).and_then(|i| i.get("key")?.as_str());
    Ok(open.map_or(Known::Nothing, |key| Known::Open(key.to_owned())))
}

#[async_trait]
impl Channel for Jira {
    fn one_by_one(&self) -> bool {
        true
    }

    fn secrets(&self) -> Vec<&SecretRef> {
        vec![&self.token]
    }

    async fn send(&self, message: &Message, world: &World) -> Sent {
        let Some(n) = message.notices.first() else { return Ok(()) };
        let token = world.secret(&self.token).await?;
        let (of_finding, of_change) = (format!("yagura-{}", n.subject), format!("yagura-n-{}", message.id));
        let jql = format!("project = \"{}\" AND labels = \"{of_finding}\" ORDER BY created DESC", self.project);
        let ask = json!({"jql": jql, "maxResults": 50, "fields": ["labels", "status"]});
        let found = self.ask(world, &token, "POST", "search/jql", &ask).await?;
        match known(&found, &of_change)? {
            Known::Told => Ok(()),
            Known::Open(key) if key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') => {
                let body = document(&format!("{}\n\n{}", message.headline(), message.plain()));
                let update = json!({"labels": [{"add": of_change}], "comment": [{"add": {"body": body}}]});
                self.ask(world, &token, "PUT", &format!("issue/{key}"), &json!({"update": update})).await.map(drop)
            }
            Known::Open(_) => Err(Refused::for_good("Jira names an issue that is no key")),
            Known::Nothing if n.is_over() => Ok(()),
            Known::Nothing => {
                let fields = json!({
                    "project": {"key": self.project},
                    "issuetype": {"name": self.issue_type},
                    "summary": cut(&message.headline(), 255),
                    "description": document(&message.plain()),
                    "labels": ["yagura", of_finding, of_change],
                });
                self.ask(world, &token, "POST", "issue", &json!({"fields": fields})).await.map(drop)
            }
        }
    }
}

/// Atlassian Document Format: text nodes mean nothing but themselves
/// (<https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/>). A field holds 32,767 characters.
fn document(text: &str) -> Json {
    let text = cut(text, 30_000);
    let paragraph = |line: &str| match line.is_empty() {
        true => json!({"type": "paragraph"}),
        false => json!({"type": "paragraph", "content": [{"type": "text", "text": line}]}),
    };
    json!({"type": "doc", "version": 1, "content": text.lines().map(paragraph).collect::<Vec<_>>()})
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn issues_are_found_before_they_are_made() {
        let issue = |key: &str, state: &str, label: &str| json!({"key": key, "fields": {"labels": [label], "status": {"statusCategory": {"key": state}}}});
        let of = |issues: Vec<Json>| known(&json!({"issues": issues}), "n").unwrap();
        assert_eq!(of(vec![]), Known::Nothing);
        assert_eq!(of(vec![issue("A-1", "done", "x")]), Known::Nothing);
        assert_eq!(of(vec![issue("A-2", "done", "x"), issue("A-1", "new", "x")]), Known::Open("A-1".to_owned()));
        assert_eq!(of(vec![issue("A-1", "done", "n")]), Known::Told);
        assert!(known(&json!({}), "n").unwrap_err().again);
    }
}
