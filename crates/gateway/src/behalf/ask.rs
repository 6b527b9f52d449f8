//! One question of a Server before the person. When nobody waits for it any more it is taken back.

use std::sync::Arc;

use prokura_delegation::{Elicited, Inbound, Kind, Reaction, Refusal};
use prokura_domain::protocol::target;
use prokura_domain::{Json, QuestionId, Target};
use tokio::sync::mpsc;

use super::front::Out;
use crate::path::Path;

/// A question that somebody waits for.
struct Waiting(Arc<dyn Path>, Option<QuestionId>);

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(question) = self.1.take() else { return };
        let path = Arc::clone(&self.0);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { path.withdraw(&question).await });
        }
    }
}

/// The question as the person is asked it. `within` is the message it belongs to.
pub(super) fn elicited(within: &Inbound, params: Json, done: bool) -> Elicited {
    let (method, about) = match &within.kind {
        Kind::Message { method, params, .. } => {
            let about = target(method, params).unwrap_or_else(|_| Target::Method(method.clone()));
            (method.clone(), about)
        }
        Kind::Answer { .. } | Kind::Stream | Kind::End => {
            (String::new(), Target::Method(String::new()))
        }
    };
    Elicited {
        agent: within.agent.clone(),
        server: within.server.clone(),
        account: within.account.clone(),
        method,
        target: about,
        params,
        done,
    }
}

/// Asks, and waits for what the person does.
pub(super) async fn ask(
    path: Arc<dyn Path>,
    asked: Elicited,
    out: mpsc::Sender<Out>,
) -> Result<Reaction, Refusal> {
    let question = path.elicit(asked).await?;
    let mut waiting = Waiting(Arc::clone(&path), Some(question.clone()));
    // Whoever hands the answer to the Agent learns what it waits for.
    let _ = out.send(Out::Asking(question.clone())).await;
    let reaction = path.reaction(&question).await;
    waiting.1 = None;
    Ok(reaction)
}
