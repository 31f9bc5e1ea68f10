//! Email over SMTP. The key is the Message-ID. Text only: there is no markup for a name to break out of.

use super::{Channel, Kind, Message, Refused, Sent, hidden};
use crate::secret::SecretRef;
use crate::text::cut;
use crate::world::World;
use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport};
use yagura_rule::yaml::{Reader, Yaml, YamlKind};

pub(super) const KIND: Kind = Kind {
    name: "email",
    keys: &["host", "port", "tls", "username", "password", "from", "to"],
    make: |r, at| Email::read(r, at).map(|e| Box::new(e) as Box<dyn Channel>),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// STARTTLS, or nothing is sent (RFC 3207).
    StartTls,
    /// In the clear, on this machine alone.
    None,
}

#[derive(Debug)]
struct Email {
    host: String,
    port: u16,
    cover: Cover,
    login: Option<(String, SecretRef)>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Email {
    fn read(r: &mut Reader<'_>, at: &Yaml) -> Option<Self> {
        let host = String::from(r.want_text(at, "host"));
        let cover = match r.text(at, "tls").as_deref() {
            None | Some("starttls") => Cover::StartTls,
            Some("tls") => Cover::Tls,
            Some("none") if matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1") => Cover::None,
            Some("none") => {
                r.complain(
                    at.get("tls").unwrap_or(at),
                    "`tls: none` is for a server on this machine: mail would be sent in the clear",
                );
                Cover::None
            }
            Some(_) => {
                r.complain(at.get("tls").unwrap_or(at), "`tls` is one of starttls, tls, none");
                Cover::StartTls
            }
        };
        let port = match at.get("port").map(|p| (p, &p.kind)) {
            None if cover == Cover::Tls => Some(465),
            None => Some(587),
            Some((p, YamlKind::Int(n))) => {
                let port = u16::try_from(*n).ok().filter(|n| *n > 0);
                if port.is_none() {
                    r.complain(p, "`port` is a number from 1 to 65535");
                }
                port
            }
            Some((p, _)) => {
                r.complain(p, "`port` is a number from 1 to 65535");
                None
            }
        };
        let (user, password) = (r.text(at, "username"), SecretRef::read(r, at, "password"));
        if user.is_some() != at.get("password").is_some() {
            r.complain(at, "`username` and `password` stand together");
        }
        let login = user.map(String::from).zip(password);
        let from = r.want_text(at, "from");
        let from = mailbox(r, at.get("from").unwrap_or(at), &from);
        let names = r.texts(at, "to");
        if names.is_empty() {
            r.complain(at, "`to` lists at least one address");
        }
        let at_to = at.get("to").unwrap_or(at);
        let to: Option<Vec<Mailbox>> = names.iter().map(|n| mailbox(r, at_to, n)).collect();
        Some(Self { host, port: port?, cover, login, from: from?, to: to? })
    }

    fn mail(&self, message: &Message) -> Result<lettre::Message, String> {
        let domain = self.from.email.domain();
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .subject(cut(&message.headline(), 200))
            .message_id(Some(format!("<{}@{domain}>", message.id)))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        mail.body(message.plain() + "\n").map_err(|e| e.to_string())
    }
}

fn mailbox(r: &mut Reader<'_>, at: &Yaml, text: &str) -> Option<Mailbox> {
    let parsed = text.parse().ok();
    if parsed.is_none() && !text.is_empty() {
        r.complain(at, format!("`{text}` is no address: name@example.com, or Name <name@example.com>"));
    }
    parsed
}

#[async_trait]
impl Channel for Email {
    fn secrets(&self) -> Vec<&SecretRef> {
        self.login.iter().map(|(_, password)| password).collect()
    }

    async fn send(&self, message: &Message, world: &World) -> Sent {
        let mail = self.mail(message).map_err(Refused::for_good)?;
        let domain = ClientId::Domain(self.from.email.domain().to_owned());
        let mut server = SmtpTransport::builder_dangerous(&self.host).port(self.port).timeout(Some(world.longest));
        server = server.hello_name(domain);
        let tls = || TlsParameters::new(self.host.clone()).map_err(|e| Refused::for_good(e.to_string()));
        server = match self.cover {
            Cover::Tls => server.tls(Tls::Wrapper(tls()?)),
            Cover::StartTls => server.tls(Tls::Required(tls()?)),
            Cover::None => server.tls(Tls::None),
        };
        let mut password = None;
        if let Some((user, at)) = &self.login {
            let secret = world.secret(at).await?;
            server = server.credentials(Credentials::new(user.clone(), secret.open().to_owned()));
            password = Some(secret);
        }
        let server = server.build();
        let sent = tokio::task::spawn_blocking(move || server.send(&mail)).await;
        let failed = match sent {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(e)) => e,
            Err(e) => return Err(Refused::for_now(e.to_string())),
        };
        let secrets: Vec<_> = password.iter().collect();
        let why = crate::text::line(&hidden(&said(&failed), &secrets));
        // 535: the login is not accepted (RFC 4954, section 6), perhaps because the password was rotated since it was read.
        let unknown = failed.status().is_some_and(|code| u16::from(code) == 535);
        Err(Refused { why: cut(&why, 300), again: unknown || !failed.is_permanent(), after: None, unknown })
    }
}

/// An error with its cause.
fn said(e: &(dyn std::error::Error + 'static)) -> String {
    match e.source() {
        Some(cause) if !e.to_string().contains(&cause.to_string()) => format!("{e}: {}", said(cause)),
        _ => e.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;
    use crate::channel::tests_of_messages::hostile;

    #[test]
    fn no_name_writes_a_header() {
        let at = |text: &str| text.parse::<Mailbox>().unwrap();
        let email = Email {
            host: "localhost".to_owned(),
            port: 25,
            cover: Cover::None,
            login: None,
            from: at("Yagura <yagura@example.com>"),
            to: vec![at("a@example.com")],
        };
        for n in [1, 3] {
            let mail = String::from_utf8(email.mail(&hostile(n)).unwrap().formatted()).unwrap();
            let head = mail.split("\r\n\r\n").next().unwrap();
            assert!(!head.lines().any(|l| l.to_ascii_lowercase().starts_with("bcc")), "{head}");
            assert!(head.contains("Message-ID: <0123456789abcdef0123456789abcdef@example.com>"), "{head}");
            assert_eq!(head.matches("Subject:").count(), 1, "{head}");
        }
    }
}
