//! One Server behind the endpoint, transparent: its own names, the Agent's bytes unchanged, both eras. It must never
//! rewrite a message; only session ids are mapped.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use prokura_delegation::{Inbound, Kind, Refusal};
use prokura_domain::{AccountId, Era, Json, Outgoing, Server, Verb};

use crate::away::{self, Away, own};
use crate::entrance::{Caller, Verb as Standing};
use crate::header::{self, Accepts};
use crate::letter::{Letter, Shape};
use crate::relay::{self, Ended, Errand, Held, Passing};
use crate::session::{Place, Session};
use crate::wait::{self, Speaks};
use crate::{era, initialize};

/// How long an Agent waits for a Server to hear that a session is over.
const ENDING: Duration = Duration::from_secs(5);

/// A Server as an Agent reaches it.
pub(crate) struct Reach {
    pub server: Server,
    pub account: Result<AccountId, Refusal>,
}

/// The Server behind a path. Any proved Agent may open it; what it has no Grant for is not in the lists it gets there.
pub(crate) fn reach(caller: &Caller, place: &str) -> Result<Reach, Away> {
    match caller.shared.path.server_for(&caller.agent.id, place) {
        Some((server, account)) => Ok(Reach { server, account }),
        None => {
            let text = "There is no server of this name. Check the address: /s/NAME/mcp.";
            Err(Away::new(404, own::NO_PLACE, "no such server", text))
        }
    }
}

/// One message.
pub(crate) async fn post(
    caller: &Caller,
    place: &str,
    letter: Letter,
    accepts: Accepts,
) -> Result<Response<Body>, Away> {
    let reach = reach(caller, place)?;
    match era::of(&letter, &caller.headers) {
        Era::Modern => modern(caller, reach, letter, accepts).await,
        Era::Legacy if letter.is("initialize") && letter.id().is_some() => {
            initialize::one(caller, reach, letter, accepts).await
        }
        Era::Legacy => legacy(caller, reach, letter, accepts).await,
    }
}

/// A modern message stands for itself: the future of its Call lives and dies with the connection (ST-07).
async fn modern(
    caller: &Caller,
    reach: Reach,
    letter: Letter,
    accepts: Accepts,
) -> Result<Response<Body>, Away> {
    era::check_modern(&letter, &caller.headers)?;
    let mut errand = Errand::of(&letter, Era::Modern, accepts);
    let account = match reach.account {
        Ok(account) => account,
        Err(refusal) => return Ok(refuse(caller, errand, refusal).await),
    };
    let headers = header::outgoing(&caller.headers, Era::Modern, None)?;
    errand.held.slot = Some(caller.slot()?);
    let speaks = wait::spoken(&letter);
    let inbound = Inbound {
        agent: caller.agent.id.clone(),
        server: reach.server.id,
        account,
        era: Era::Modern,
        session: None,
        kind: kind(&letter),
        outgoing: Outgoing { verb: Verb::Post, headers, body: letter.raw.clone() },
    };
    if letter.is("notifications/cancelled") {
        // The end of the stream cancels (CT-10). This one goes no further: the Server could take it for a request of
        // another Agent, who uses the same Account and the same id.
        return Ok(away::empty(StatusCode::ACCEPTED));
    }
    if errand.id.is_none() {
        return Ok(notify(caller, inbound, errand.held).await);
    }
    let shared = Arc::clone(&caller.shared);
    let passing: Passing =
        Box::pin(async move { wait::pass(&shared, inbound, speaks).await.map_err(Ended::Refused) });
    Ok(relay::answer(caller.shared.pace, errand, passing).await)
}

/// A legacy message belongs to a session, and outlives its connection (SL-05).
async fn legacy(
    caller: &Caller,
    reach: Reach,
    letter: Letter,
    accepts: Accepts,
) -> Result<Response<Body>, Away> {
    let (session, inbound) = in_session(caller, reach, &letter)?;
    let busy = session.busy();
    if letter.is("notifications/cancelled") && cancel(&session, &letter) {
        return Ok(away::empty(StatusCode::ACCEPTED));
    }
    let slot = caller.slot()?;
    let held = Held { slot: Some(slot), busy: Some(busy) };
    let Some(id) = letter.id() else {
        return Ok(notify(caller, inbound, held).await);
    };
    let mut errand = Errand::of(&letter, Era::Legacy, accepts);
    errand.session = Some(session.id.clone());
    errand.over = session.over.clone();
    let sent_session = inbound.outgoing.headers.iter().any(|(name, _)| name == header::SESSION);
    let passing = carry(caller, inbound, &session, id, held);
    let shared = Arc::clone(&caller.shared);
    let passing: Passing = Box::pin(async move {
        let result = passing.await;
        if sent_session && matches!(&result, Ok(reply) if reply.status == 404) {
            // The Server no longer knows the session, so neither do we: the Agent initializes again.
            shared.sessions.forget(&session.id);
        }
        result
    });
    Ok(relay::answer(caller.shared.pace, errand, passing).await)
}

/// The session a message belongs to, and the message as it goes on.
fn in_session(
    caller: &Caller,
    reach: Reach,
    letter: &Letter,
) -> Result<(Arc<Session>, Inbound), Away> {
    let session = own_session(caller, &reach)?;
    era::check_legacy(&caller.headers, session.version.as_deref())?;
    let Place::One { server, account, upstream } = &session.place else {
        return Err(Away::new(404, own::NO_SESSION, "session", "There is no such session here."));
    };
    let headers = header::outgoing(&caller.headers, Era::Legacy, upstream.as_deref())?;
    let inbound = Inbound {
        agent: caller.agent.id.clone(),
        server: server.clone(),
        account: account.clone(),
        era: Era::Legacy,
        session: Some(session.id.clone()),
        kind: kind(letter),
        outgoing: Outgoing { verb: Verb::Post, headers, body: letter.raw.clone() },
    };
    Ok((session, inbound))
}

/// The session, if it is this Agent's, at this Server, as the Account the Agent uses there now (SL-03).
fn own_session(caller: &Caller, reach: &Reach) -> Result<Arc<Session>, Away> {
    let session = caller.session()?;
    let here = match (&session.place, &reach.account) {
        (Place::One { server, account, .. }, Ok(now)) => {
            *server == reach.server.id && account == now
        }
        (Place::One { server, .. }, Err(_)) => *server == reach.server.id,
        (Place::All(_), _) => false,
    };
    if here {
        Ok(session)
    } else {
        let text = "There is no such session here. Initialize again.";
        Err(Away::new(404, own::NO_SESSION, "session of another place", text))
    }
}

/// GET: the standing stream. DELETE: the end.
pub(crate) async fn standing(
    caller: &Caller,
    place: &str,
    verb: Standing,
) -> Result<Response<Body>, Away> {
    let reach = reach(caller, place)?;
    let session = own_session(caller, &reach)?;
    era::check_legacy(&caller.headers, session.version.as_deref())?;
    match verb {
        Standing::Get => listen(caller, session).await,
        Standing::Delete => {
            end(caller, &session).await;
            Ok(away::empty(StatusCode::NO_CONTENT))
        }
    }
}

async fn listen(caller: &Caller, session: Arc<Session>) -> Result<Response<Body>, Away> {
    let Some(busy) = session.stream() else {
        let text = "This session has enough open streams. Close one first.";
        return Err(Away::new(429, own::TOO_MANY, "too many streams", text));
    };
    let Place::One { server, account, upstream } = &session.place else {
        return Err(Away::new(404, own::NO_SESSION, "session", "There is no such session here."));
    };
    let headers = header::outgoing(&caller.headers, Era::Legacy, upstream.as_deref())?;
    let inbound = Inbound {
        agent: caller.agent.id.clone(),
        server: server.clone(),
        account: account.clone(),
        era: Era::Legacy,
        session: Some(session.id.clone()),
        kind: Kind::Stream,
        outgoing: Outgoing { verb: Verb::Get, headers, body: Bytes::new() },
    };
    let over = session.over.clone();
    let result = tokio::select! {
        () = over.cancelled() => {
            let text = "The session is over.";
            return Err(Away::new(404, own::NO_SESSION, "session over", text));
        }
        result = caller.shared.path.pass(inbound) => result,
    };
    match result {
        Ok(reply) => {
            let errand = Errand::stream(&session.id, over, busy);
            Ok(relay::ready(caller.shared.pace, errand, Ok(reply)).await)
        }
        Err(refusal) => Ok(relay::refused_plainly(&refusal)),
    }
}

/// Forgets a session, and waits a moment for its Servers to hear of it.
pub(crate) async fn end(caller: &Caller, session: &Session) {
    if caller.shared.sessions.forget(&session.id).is_none() {
        return;
    }
    let path = Arc::clone(&caller.shared.path);
    let endings = caller.shared.endings(session);
    let told = tokio::spawn(async move {
        for ending in endings {
            let _ = path.pass(ending).await;
        }
    });
    let _ = tokio::time::timeout(ENDING, told).await;
}

/// Starts a legacy request, which `notifications/cancelled` can find by its id.
pub(crate) fn carry(
    caller: &Caller,
    inbound: Inbound,
    session: &Arc<Session>,
    id: &Json,
    held: Held,
) -> Passing {
    let shared = Arc::clone(&caller.shared);
    let passing = Box::pin(async move { wait::pass(&shared, inbound, Speaks::Rounds).await });
    relay::detached(passing, Some(session.open(id)), session.over.clone(), held)
}

/// Cancels the request that a `notifications/cancelled` names, where it has not been answered yet.
pub(crate) fn cancel(session: &Session, letter: &Letter) -> bool {
    letter.json.at("/params/requestId").is_some_and(|id| session.cancel(id))
}

/// Carries a message that has no answer of its own. Slow ones go on without their connection.
pub(crate) async fn notify(caller: &Caller, inbound: Inbound, held: Held) -> Response<Body> {
    let path = Arc::clone(&caller.shared.path);
    let carried = tokio::spawn(async move {
        let result = path.pass(inbound).await;
        drop(held);
        result
    });
    match tokio::time::timeout(caller.shared.pace.answer_within, carried).await {
        Ok(Ok(Ok(reply))) if reply.status >= 400 && reply.status != 401 => {
            relay::ready(caller.shared.pace, Errand::silent(), Ok(reply)).await
        }
        _ => away::empty(StatusCode::ACCEPTED),
    }
}

/// Answers a request with a refusal that came before the path.
async fn refuse(caller: &Caller, errand: Errand, refusal: Refusal) -> Response<Body> {
    if errand.id.is_none() {
        return away::empty(StatusCode::ACCEPTED);
    }
    relay::ready(caller.shared.pace, errand, Err(Ended::Refused(refusal))).await
}

/// What kind of message it is.
pub(crate) fn kind(letter: &Letter) -> Kind {
    match &letter.shape {
        Shape::Request { id, method } => {
            Kind::Message { method: method.clone(), params: letter.params(), id: Some(id.clone()) }
        }
        Shape::Notification { method } => {
            Kind::Message { method: method.clone(), params: letter.params(), id: None }
        }
        Shape::Response { id, result } => Kind::Answer { id: id.clone(), result: result.clone() },
    }
}
