//! The same questions to a client with a session: asked while the request runs, until nothing more is needed.

use rmcp::model::{
    InputRequest, InputRequests, InputRequiredResult, InputResponses, ProtocolVersion,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

/// Rounds of questions.
const ROUNDS: usize = 10;

/// What one round came to.
pub(crate) enum Step<T> {
    Done(T),
    Ask(InputRequiredResult),
}

/// Runs `round` until it needs nothing more. A client of the modern revision is asked by its result; it comes back.
pub(crate) async fn live<T>(
    context: &RequestContext<RoleServer>,
    given: (Option<InputResponses>, Option<String>),
    round: impl Fn(Option<InputResponses>, Option<String>) -> Result<Step<T>, ErrorData>,
) -> Result<Step<T>, ErrorData> {
    let modern =
        context.meta.protocol_version().is_some_and(|said| said >= ProtocolVersion::V_2026_07_28);
    let (mut given, mut state) = given;
    for _ in 0..ROUNDS {
        let asked = match round(given, state)? {
            Step::Ask(asked) if !modern => asked,
            other => return Ok(other),
        };
        state = asked.request_state;
        given = Some(ask(context, asked.input_requests.unwrap_or_default()).await?);
    }
    Err(ErrorData::internal_error("asked too often", None))
}

async fn ask(
    context: &RequestContext<RoleServer>,
    requests: InputRequests,
) -> Result<InputResponses, ErrorData> {
    // All at once, as a server may.
    let asked = requests.into_iter().map(|(key, request)| async move {
        Ok::<_, ErrorData>((key, one(context, request).await?))
    });
    futures::future::try_join_all(asked).await.map(InputResponses::from_iter)
}

async fn one(
    context: &RequestContext<RoleServer>,
    request: InputRequest,
) -> Result<Value, ErrorData> {
    let fault = |error: &dyn std::fmt::Display| ErrorData::internal_error(error.to_string(), None);
    let peer = &context.peer;
    let said = match request {
        InputRequest::Elicitation(request) => {
            let said = peer.create_elicitation(request.params).await;
            serde_json::to_value(said.map_err(|error| fault(&error))?)
        }
        InputRequest::CreateMessage(request) => {
            let said = peer.create_message(request.params).await;
            serde_json::to_value(said.map_err(|error| fault(&error))?)
        }
        InputRequest::ListRoots(_) => {
            serde_json::to_value(peer.list_roots().await.map_err(|error| fault(&error))?)
        }
        _ => return Err(ErrorData::internal_error("a question of no kind", None)),
    };
    said.map_err(|error| fault(&error))
}
