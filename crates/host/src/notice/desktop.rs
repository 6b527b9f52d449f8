//! Notifications over `org.freedesktop.Notifications`. What is pressed is heard only from who has that name on the bus.

use std::collections::HashMap;

use futures::StreamExt as _;
use prokura_domain::QuestionId;
use tokio::sync::mpsc::UnboundedReceiver;
use zbus::Connection;
use zbus::zvariant::Value;

use super::{Notice, Order, Pressed};

/// So many at once are shown one by one; what comes beyond is one notification together.
const MOST: usize = 3;
/// They stay until they are answered.
const NEVER: i32 = 0;

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Notifications {
    #[allow(clippy::too_many_arguments)] // As the specification has it.
    fn notify(
        &self,
        app: &str,
        replaces: u32,
        icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        timeout: i32,
    ) -> zbus::Result<u32>;

    fn close_notification(&self, id: u32) -> zbus::Result<()>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, key: String) -> zbus::Result<()>;
}

/// What stands on the screen.
struct Board {
    desk: NotificationsProxy<'static>,
    shown: HashMap<QuestionId, u32>,
    /// Questions beyond those, and the one notification for all of them.
    more: Vec<QuestionId>,
    more_id: u32,
}

pub(super) async fn run<F>(mut coming: UnboundedReceiver<Order>, pressed: F)
where
    F: Fn(Pressed) + Send + Sync + 'static,
{
    let mut told = false;
    while let Some(order) = coming.recv().await {
        let Order::Show(first) = order else { continue };
        match Board::open().await {
            Ok((board, actions)) => {
                let ended = board.serve(first, &mut coming, actions, &pressed).await;
                match ended {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "notifications broke off"),
                }
            }
            Err(error) if !told => {
                told = true;
                tracing::info!(%error, "no notifications: nothing here shows them");
            }
            Err(_) => {}
        }
    }
}

impl Board {
    async fn open() -> zbus::Result<(Self, ActionInvokedStream)> {
        let desk = NotificationsProxy::new(&Connection::session().await?).await?;
        let actions = desk.receive_action_invoked().await?;
        Ok((Self { desk, shown: HashMap::new(), more: Vec::new(), more_id: 0 }, actions))
    }

    async fn serve(
        mut self,
        first: Notice,
        coming: &mut UnboundedReceiver<Order>,
        mut actions: ActionInvokedStream,
        pressed: &(impl Fn(Pressed) + Send + Sync),
    ) -> zbus::Result<()> {
        self.show(first).await?;
        loop {
            tokio::select! {
                order = coming.recv() => match order {
                    None => return Ok(()),
                    Some(Order::Show(notice)) => self.show(notice).await?,
                    Some(Order::Close(question)) => self.close(&question).await?,
                },
                action = actions.next() => {
                    let Some(action) = action else { return Ok(()) };
                    let args = action.args()?;
                    if let Some(what) = self.meant(*args.id(), args.key()) {
                        pressed(what);
                    }
                }
            }
        }
    }

    async fn show(&mut self, notice: Notice) -> zbus::Result<()> {
        if self.shown.len() < MOST {
            let actions = ["default", "Open", "open", "Open", "deny", "Deny"];
            let id = self.put(0, &notice.title, &notice.text, &actions).await?;
            self.shown.insert(notice.question, id);
            return Ok(());
        }
        self.more.push(notice.question);
        let text = format!("{} more wait beside those that are shown.", self.more.len());
        let actions = ["default", "Open", "open", "Open"];
        self.more_id = self.put(self.more_id, "Calls wait for you", &text, &actions).await?;
        Ok(())
    }

    async fn put(
        &self,
        replaces: u32,
        title: &str,
        text: &str,
        actions: &[&str],
    ) -> zbus::Result<u32> {
        let hints = HashMap::from([
            ("suppress-sound", Value::from(true)),
            ("desktop-entry", Value::from("Prokura")),
        ]);
        let text = escaped(text);
        self.desk.notify("Prokura", replaces, "prokura", title, &text, actions, hints, NEVER).await
    }

    async fn close(&mut self, question: &QuestionId) -> zbus::Result<()> {
        if let Some(id) = self.shown.remove(question) {
            return self.desk.close_notification(id).await;
        }
        let before = self.more.len();
        self.more.retain(|one| one != question);
        if before > 0 && self.more.is_empty() {
            let id = std::mem::take(&mut self.more_id);
            return self.desk.close_notification(id).await;
        }
        Ok(())
    }

    /// What a press means; one on somebody else's notification means nothing.
    fn meant(&self, id: u32, key: &str) -> Option<Pressed> {
        let own = self.shown.iter().find(|(_, shown)| **shown == id);
        match (key, own) {
            ("deny", Some((question, _))) => Some(Pressed::Deny(question.clone())),
            ("default" | "open", Some(_)) => Some(Pressed::Open),
            ("default" | "open", None) if id == self.more_id => Some(Pressed::Open),
            _ => None,
        }
    }
}

/// A text in which nothing is markup: desktops read some in the body.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escaped("<b>A & B</b>"), "&lt;b&gt;A &amp; B&lt;/b&gt;");
    }
}
