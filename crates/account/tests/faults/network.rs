//! Names that lie about where they are. The names of this module are known to its resolver only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prokura_account::http::Network;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::json;
use tokio::net::TcpListener;

use crate::row::{Row, play};
use crate::stage::{Stage, told};

const REBOUND: &str = "a name that moves between check and use";
const INSIDE: &str = "a name in the person's own network";
const HERE: &str = "a name that means this machine";
const LINK: &str = "a name that means a metadata service";

/// A resolver that changes its mind at each question.
struct Fickle(&'static str, AtomicUsize);

impl Resolve for Fickle {
    fn resolve(&self, _: Name) -> Resolving {
        let asked = self.1.fetch_add(1, Ordering::SeqCst);
        let found: &[&str] = match self.0 {
            REBOUND if asked == 0 => &["203.0.114.1"],
            INSIDE => &["10.0.0.7"],
            LINK => &["::ffff:169.254.169.254", "fe80::1"],
            _ => &["127.0.0.1"],
        };
        let found: Vec<SocketAddr> =
            found.iter().map(|at| SocketAddr::new(at.parse().unwrap(), 0)).collect();
        let found: Addrs = Box::new(found.into_iter());
        Box::pin(std::future::ready(Ok(found)))
    }
}

/// The network of a row that needs one of its own.
pub fn over(cause: &str) -> Option<Network> {
    let cause = [REBOUND, INSIDE, HERE, LINK].into_iter().find(|known| *known == cause)?;
    Some(Network::new(Arc::new(Fickle(cause, AtomicUsize::new(0))), Vec::new()))
}

pub fn rows() -> Vec<Row> {
    let rule = [(REBOUND, "B-05"), (INSIDE, "B-03"), (HERE, "B-03"), (LINK, "B-01, B-03")];
    rule.into_iter()
        .map(|(cause, rule)| {
            let told = "refused for safety: as.example is at an address that this server gives no reason to reach; 0 came";
            let act = if cause == REBOUND {
                play(|s| Box::pin(led_away_later(s)))
            } else {
                play(|s| Box::pin(led_away(s)))
            };
            Row::new((cause, "code exchange"), rule, told, act)
        })
        .collect()
}

/// Somebody listens on this machine, and counts who came.
async fn trap() -> (u16, Arc<AtomicUsize>) {
    let trap = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = trap.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let counted = came.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = trap.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (port, came)
}

/// The token endpoint is at a name that leads to the trap.
async fn led_away(s: &Stage) -> String {
    let (port, came) = trap().await;
    s.authority.metadata(json!({"token_endpoint": format!("https://as.example:{port}/token")}));
    let heard = told(s.world.sign_in(&s.authority, &s.server).await);
    format!("{heard}; {} came", came.load(Ordering::SeqCst))
}

/// The name is somewhere on the internet when it is first asked for, and on this machine from then on.
async fn led_away_later(s: &Stage) -> String {
    let (port, came) = trap().await;
    let prm = format!("https://as.example:{port}/prm");
    s.authority.challenge(&format!(r#"Bearer resource_metadata="{prm}""#));
    let first = s.world.book.start_sign_in(&s.server, None, &[]);
    // Nothing answers there; how soon that is known depends on the machine.
    let _ = tokio::time::timeout(Duration::from_millis(300), first).await;
    let heard = match s.world.book.start_sign_in(&s.server, None, &[]).await {
        Ok(_) => "a sign-in was started".to_owned(),
        Err(fault) => fault.to_string(),
    };
    format!("{heard}; {} came", came.load(Ordering::SeqCst))
}
