//! Presence by polkit: the system's own dialog asks for the person's password (`auth_self`). A yes that came without the
//! dialog, or that polkit would keep for later, proves nothing and is not taken.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use prokura_domain::port::{Presence, PresenceFault};
use zbus::Connection;
use zbus::zvariant::Value;

/// The action; `packaging/linux/org.prokura.desktop.policy` says what polkit asks for.
const ACTION: &str = "org.prokura.desktop.approve";
/// polkit may show its dialog.
const MAY_ASK: u32 = 1;
/// How polkit says that it keeps a yes: announced with the challenge, and named in the yes.
const KEEPS: [&str; 2] =
    ["polkit.retains_authorization_after_challenge", "polkit.temporary_authorization_id"];

#[zbus::proxy(
    interface = "org.freedesktop.PolicyKit1.Authority",
    default_service = "org.freedesktop.PolicyKit1",
    default_path = "/org/freedesktop/PolicyKit1/Authority",
    gen_blocking = false
)]
trait Authority {
    fn check_authorization(
        &self,
        subject: &Subject<'_>,
        action: &str,
        details: HashMap<&str, &str>,
        flags: u32,
        cancellation: &str,
    ) -> zbus::Result<Said>;

    fn cancel_check_authorization(&self, cancellation: &str) -> zbus::Result<()>;
}

/// Whom it is about: this very connection.
type Subject<'a> = (&'a str, HashMap<&'a str, Value<'a>>);
/// Whether it is authorized, whether it would be after a dialog, and more.
type Said = (bool, bool, HashMap<String, String>);

/// What polkit says without a dialog.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It would ask, each time.
    Asks,
    /// Why its yes would prove nothing.
    Unable(&'static str),
}

/// See the module.
pub(super) struct Polkit;

/// A question on the screen; it goes when nobody waits for its answer any more.
struct Dialog {
    authority: AuthorityProxy<'static>,
    cancellation: String,
    open: bool,
}

impl Drop for Dialog {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let (authority, cancellation) = (self.authority.clone(), self.cancellation.clone());
        tokio::spawn(async move {
            if let Err(error) = authority.cancel_check_authorization(&cancellation).await {
                tracing::warn!(%error, "polkit's dialog could not be taken back");
            }
        });
    }
}

#[async_trait]
impl Presence for Polkit {
    async fn able(&self) -> Result<(), PresenceFault> {
        let bus = connect().await?;
        let authority = authority(&bus).await?;
        match standing(&check(&bus, &authority, 0, "").await?) {
            Standing::Asks => Ok(()),
            Standing::Unable(why) => Err(unable(why)),
        }
    }

    async fn prove(&self) -> Result<(), PresenceFault> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let bus = connect().await?;
        let authority = authority(&bus).await?;
        if let Standing::Unable(why) = standing(&check(&bus, &authority, 0, "").await?) {
            return Err(unable(why));
        }
        let cancellation = format!("prokura-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut dialog =
            Dialog { authority: authority.clone(), cancellation: cancellation.clone(), open: true };
        let said = check(&bus, &authority, MAY_ASK, &cancellation).await;
        dialog.open = false;
        let (authorized, _, details) = said?;
        if !authorized {
            return Err(PresenceFault::NotConfirmed);
        }
        if kept(&details) {
            return Err(unable(KEPT));
        }
        // A yes that would do for the next question as well is no presence at that one.
        match standing(&check(&bus, &authority, 0, "").await?) {
            Standing::Asks => Ok(()),
            Standing::Unable(why) => Err(unable(why)),
        }
    }
}

const KEPT: &str =
    "polkit is set to remember the answer, so it would not show that you are there each time";

fn standing((authorized, challenge, details): &Said) -> Standing {
    match (authorized, challenge) {
        (true, _) => Standing::Unable(
            "polkit lets it pass without asking anybody, so it would not show that you are there",
        ),
        (false, true) if kept(details) => Standing::Unable(KEPT),
        (false, true) => Standing::Asks,
        (false, false) => Standing::Unable(
            "polkit refuses without asking; it asks only in a session of your own at this machine",
        ),
    }
}

fn kept(details: &HashMap<String, String>) -> bool {
    KEEPS.iter().any(|key| details.contains_key(*key))
}

async fn connect() -> Result<Connection, PresenceFault> {
    Connection::system().await.map_err(|error| {
        PresenceFault::Unable(format!("the system bus cannot be reached ({})", short(&error)))
    })
}

async fn authority(bus: &Connection) -> Result<AuthorityProxy<'static>, PresenceFault> {
    AuthorityProxy::new(bus).await.map_err(fault)
}

async fn check(
    bus: &Connection,
    authority: &AuthorityProxy<'_>,
    flags: u32,
    cancellation: &str,
) -> Result<Said, PresenceFault> {
    let name = bus.unique_name().map(|name| name.as_str()).unwrap_or_default();
    let subject = ("system-bus-name", HashMap::from([("name", Value::from(name))]));
    let said =
        authority.check_authorization(&subject, ACTION, HashMap::new(), flags, cancellation).await;
    said.map_err(fault)
}

fn unable(why: &str) -> PresenceFault {
    PresenceFault::Unable(why.to_owned())
}

/// What polkit or the bus says went wrong.
fn fault(error: zbus::Error) -> PresenceFault {
    let text = short(&error);
    let name = match &error {
        zbus::Error::MethodError(name, ..) => name.as_str().to_owned(),
        _ => String::new(),
    };
    if name.ends_with(".Cancelled") {
        return PresenceFault::NotConfirmed;
    }
    if text.contains("is not registered") {
        return unable(
            "polkit does not know Prokura yet; install Prokura's package, or put \
             packaging/linux/org.prokura.desktop.policy into /usr/share/polkit-1/actions",
        );
    }
    if name.ends_with(".ServiceUnknown") || name.ends_with(".NameHasNoOwner") {
        return unable("polkit does not run on this machine");
    }
    PresenceFault::Unable(format!("polkit does not answer ({text})"))
}

/// One line of it.
fn short(error: &zbus::Error) -> String {
    let text = match error {
        zbus::Error::MethodError(_, Some(text), _) => text.clone(),
        other => other.to_string(),
    };
    text.lines().next().unwrap_or_default().chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_policy_that_asks_each_time_proves_anything() {
        let said = |authorized, challenge, details: &[(&str, &str)]| {
            let details =
                details.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            standing(&(authorized, challenge, details.collect()))
        };
        assert_eq!(said(false, true, &[]), Standing::Asks);
        for unable in [
            said(true, false, &[]),
            said(false, false, &[]),
            said(false, true, &[(KEEPS[0], "1")]),
            said(true, true, &[(KEEPS[1], "tmpauthz1")]),
        ] {
            assert!(matches!(unable, Standing::Unable(_)), "{unable:?}");
        }
    }

    #[test]
    fn the_policy_that_is_shipped_asks_for_the_person_and_keeps_nothing() {
        let policy = include_str!("../../../../packaging/linux/org.prokura.desktop.policy");
        assert!(policy.contains(&format!("<action id=\"{ACTION}\">")));
        assert!(policy.contains("<allow_active>auth_self</allow_active>"));
        assert!(policy.contains("<allow_any>no</allow_any>"));
        assert!(policy.contains("<allow_inactive>no</allow_inactive>"));
        assert!(!policy.contains("keep"));
    }
}
