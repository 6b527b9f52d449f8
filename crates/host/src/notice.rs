//! Notifications of the desktop about Questions: they open or deny. They must never allow, make a sound, or show what an
//! Agent sends.

use std::fmt;

use prokura_domain::QuestionId;
use tokio::sync::mpsc;

#[cfg(target_os = "linux")]
mod desktop;

/// What a notification says.
#[derive(Debug, Clone)]
pub struct Notice {
    /// About which Question.
    pub question: QuestionId,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
}

/// What the person pressed on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pressed {
    /// Show the Questions.
    Open,
    /// Deny this one.
    Deny(QuestionId),
}

enum Order {
    Show(Notice),
    Close(QuestionId),
}

/// Shows notifications where the desktop takes them; elsewhere nothing happens.
#[derive(Clone)]
pub struct Notices(mpsc::UnboundedSender<Order>);

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notices")
    }
}

impl Notices {
    /// Ready to show; the bus is looked for when the first is shown. Also the task that does it, and tells what is pressed.
    pub fn new<F>(pressed: F) -> (Self, impl Future<Output = ()> + Send)
    where
        F: Fn(Pressed) + Send + Sync + 'static,
    {
        let (orders, coming) = mpsc::unbounded_channel();
        (Self(orders), run(coming, pressed))
    }

    /// Shows one.
    pub fn show(&self, notice: Notice) {
        // Where nobody shows them any more, the window is there all the same.
        let _ = self.0.send(Order::Show(notice));
    }

    /// Takes the one about this Question away.
    pub fn close(&self, question: &QuestionId) {
        let _ = self.0.send(Order::Close(question.clone()));
    }
}

#[cfg(target_os = "linux")]
use desktop::run;

#[cfg(not(target_os = "linux"))]
async fn run<F>(mut coming: mpsc::UnboundedReceiver<Order>, _pressed: F) {
    while coming.recv().await.is_some() {}
}
