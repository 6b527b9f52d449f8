//! An Agent that speaks MCP line by line, as on stdio, over a stream that `host` accepted and proved. Every line is
//! handed to the very same entrance as a message over HTTP, and what comes back is written as lines. It must never
//! carry a message by another way, or write anything but MCP.

mod exchange;
mod framing;
mod wire;

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use prokura_delegation::Refusal;
use prokura_domain::Agent;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Gateway;
use crate::away::{self, Away, code_of, own};
use crate::letter::{Letter, Shape};
use framing::Reader;
use wire::Wire;

/// Messages of one Agent under way at most; more are read when one of them is done.
const UNDER_WAY: usize = 128;
/// Lines that are kept while the person decides whether the program may come in.
const KEPT: usize = 64;
/// Lines that wait to be written.
const QUEUED: usize = 32;
/// How long what is under way may take to end once the Agent has said its last word.
const LAST: Duration = Duration::from_secs(1);

/// What a line Agent wants.
#[derive(Debug, Clone)]
pub struct LinePlan {
    /// The one Server it asked for, as `NAME` or `NAME@ACCOUNT`; `None` for all of them.
    pub place: Option<String>,
    /// How long its first messages wait for the person before they are answered with "ask the person".
    pub patience: Duration,
}

impl Gateway {
    /// Serves one line Agent until it or `stop` ends, or `thrown_out` resolves with the last line it is told. `admitted`
    /// says who it is, perhaps after minutes.
    pub async fn lines<R, W>(
        router: Router,
        plan: LinePlan,
        admitted: impl Future<Output = Result<Agent, Refusal>> + Send,
        (read, write): (R, W),
        (thrown_out, stop): (impl Future<Output = Vec<u8>> + Send, CancellationToken),
    ) where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let over = CancellationToken::new();
        let _ends = over.clone().drop_guard();
        let (out, queue) = mpsc::channel(QUEUED);
        let mut writer = tokio::spawn(framing::write(write, queue));
        let mut reader = Reader::new(read);
        let wire = OnceLock::new();
        let conversation = async {
            let Some((admitted, kept)) =
                first_words(&mut reader, &out, admitted, plan.patience).await
            else {
                return;
            };
            match admitted {
                Ok(agent) => {
                    let own = Wire::new(router, agent, plan.place, out.clone(), over.clone());
                    let own = wire.get_or_init(|| Arc::new(own));
                    converse(Arc::clone(own), &mut reader, kept).await;
                }
                Err(refusal) => turn_away(&mut reader, &out, &refusal, kept).await,
            }
        };
        let mut hurried = false;
        tokio::select! {
            () = conversation => {}
            () = stop.cancelled() => {}
            () = out.closed() => {}
            last = thrown_out => {
                hurried = true;
                // An Agent that reads nothing is not waited for.
                let _ = tokio::time::timeout(LAST, out.send(Bytes::from(last))).await;
            }
        }
        if let Some(wire) = wire.into_inner().filter(|_| !stop.is_cancelled()) {
            wire.end().await;
        }
        over.cancel();
        drop(out);
        if hurried {
            let _ = tokio::time::timeout(LAST, &mut writer).await;
            writer.abort();
        }
        let _ = writer.await;
    }
}

/// Keeps what the Agent says until it is known who it is. `None`: it left.
async fn first_words<R: AsyncRead + Unpin>(
    reader: &mut Reader<R>,
    out: &mpsc::Sender<Bytes>,
    admitted: impl Future<Output = Result<Agent, Refusal>>,
    patience: Duration,
) -> Option<(Result<Agent, Refusal>, Vec<Bytes>)> {
    let mut admitted = std::pin::pin!(admitted);
    let mut late = std::pin::pin!(tokio::time::sleep(patience));
    let mut kept = Vec::new();
    let mut waits = true;
    loop {
        tokio::select! {
            biased;
            result = &mut admitted => return Some((result, kept)),
            () = &mut late, if waits => {
                waits = false;
                for line in kept.drain(..) {
                    answer(out, line, own::PAIRING, UNPAIRED).await;
                }
            }
            line = reader.next() => {
                let line = line?;
                if waits && kept.len() < KEPT {
                    kept.push(line);
                } else {
                    answer(out, line, own::PAIRING, UNPAIRED).await;
                }
            }
        }
    }
}

const UNPAIRED: &str = "Prokura waits for the person to let this program in. Ask them to answer in Prokura's window, \
                        or with `prokura approvals`; then connect again.";

/// Says no to everything until the Agent leaves.
async fn turn_away<R: AsyncRead + Unpin>(
    reader: &mut Reader<R>,
    out: &mpsc::Sender<Bytes>,
    refusal: &Refusal,
    kept: Vec<Bytes>,
) {
    let code = code_of(refusal.code);
    for line in kept {
        answer(out, line, code, &refusal.message).await;
    }
    while let Some(line) = reader.next().await {
        answer(out, line, code, &refusal.message).await;
    }
}

/// Answers a request with an error; whatever is no request has no answer.
async fn answer(out: &mpsc::Sender<Bytes>, line: Bytes, code: i64, message: &str) {
    let error = match Letter::read(line) {
        Ok(Letter { shape: Shape::Request { id, .. }, .. }) => {
            away::error(Some(&id), code, message, None)
        }
        Ok(_) => return,
        Err(fault) => unreadable(&fault),
    };
    // Nobody reads any more: the conversation ends by that.
    let _ = out.send(Bytes::from(error.to_text())).await;
}

fn unreadable(fault: &Away) -> prokura_domain::Json {
    away::error(fault.id.as_ref(), fault.code, &fault.message, fault.data.clone())
}

type UnderWay = FuturesUnordered<BoxFuture<'static, ()>>;

async fn converse<R: AsyncRead + Unpin>(wire: Arc<Wire>, reader: &mut Reader<R>, kept: Vec<Bytes>) {
    let mut under_way = UnderWay::new();
    for line in kept {
        take(&wire, line, &mut under_way).await;
    }
    loop {
        tokio::select! {
            biased;
            Some(()) = under_way.next() => {}
            line = reader.next(), if under_way.len() < UNDER_WAY => match line {
                Some(line) => take(&wire, line, &mut under_way).await,
                None => break,
            },
        }
    }
    let _ = tokio::time::timeout(LAST, async { while under_way.next().await.is_some() {} }).await;
    drop(under_way);
    wire.end().await;
}

/// Begins with one line. Each message has taken its first step before the next line is read, so that what was said
/// first arrives first, and a cancellation finds what it cancels.
async fn take(wire: &Arc<Wire>, line: Bytes, under_way: &mut UnderWay) {
    let letter = match Letter::read(line) {
        Ok(letter) => letter,
        Err(fault) => {
            wire.say(&unreadable(&fault)).await;
            return;
        }
    };
    // The session begins with the handshake; what comes behind it needs its id.
    if letter.is("initialize") || letter.is("notifications/initialized") {
        exchange::run(Arc::clone(wire), letter).await;
        return;
    }
    let mut exchange: BoxFuture<'static, ()> = Box::pin(exchange::run(Arc::clone(wire), letter));
    if futures::poll!(&mut exchange) == Poll::Pending {
        under_way.push(exchange);
    }
}
