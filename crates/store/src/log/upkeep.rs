//! Upkeep of the log: how payloads are kept and deleted, and what is on disk. Everything that writes is done by the one
//! writer, in pieces small enough that no Call waits long.

use std::sync::{PoisonError, mpsc};

use prokura_domain::record::{Durability, Event, RecordKind};
use prokura_domain::{Json, Timestamp};
use rusqlite::TransactionBehavior;

use crate::Segment;
use crate::error::StoreError;
use crate::log::payload::{self, Capture, PayloadCount, Retention};
use crate::log::turn::{Order, closed};
use crate::log::writer::Writer;
use crate::log::{Log, segment};
use crate::store::Safety;

/// How many payloads are deleted between two turns of the writer.
const AT_ONCE: i64 = 200;

/// What the log holds on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
    /// Payloads that are kept.
    pub kept: PayloadCount,
    /// The closed segments, oldest first.
    pub segments: Vec<Segment>,
}

impl Log {
    /// Says how payloads are kept from now on.
    pub fn set_capture(&self, capture: Capture) {
        *self.0.capture.write().unwrap_or_else(PoisonError::into_inner) = capture;
    }

    /// What the log holds on disk.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn keeping(&self) -> Result<Keeping, StoreError> {
        self.reading(|db| Ok(Keeping { kept: payload::kept(db)?, segments: segment::all(db)? }))
    }

    /// Deletes payloads by age and size, and records how many went. The records stay, and the chain with them. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written; what was deleted until then is recorded.
    pub fn delete_payloads(&self, retention: Retention) -> Result<PayloadCount, StoreError> {
        let mut gone = PayloadCount::default();
        let deleted = self.delete_in_pieces(retention, &mut gone);
        if gone.payloads > 0 {
            self.append_waiting(event(retention, gone), Durability::Logged)?;
        }
        deleted.map(|()| gone)
    }

    fn delete_in_pieces(
        &self,
        retention: Retention,
        gone: &mut PayloadCount,
    ) -> Result<(), StoreError> {
        loop {
            let kept = self.reading(|db| Ok(payload::kept(db)?))?;
            let excess = retention.most_bytes.map_or(0, |most| (kept.bytes - most).max(0));
            let before = retention.before;
            let piece = self.on_writer(move |writer| delete(writer, before, excess))??;
            gone.payloads += piece.payloads;
            gone.bytes += piece.bytes;
            if piece.payloads == 0 {
                return Ok(());
            }
        }
    }

    /// Appends a record from a thread that may block.
    pub(super) fn append_waiting(
        &self,
        event: Event,
        durability: Durability,
    ) -> Result<i64, StoreError> {
        let draft = crate::log::draft::Draft::plain(event, durability)?;
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.0.turns.send(Order::Append(Box::new(draft), reply))?;
        answer.blocking_recv().map_err(|_| closed())?
    }

    /// Lets the writer's thread do something, and waits for it.
    pub(super) fn on_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = mpsc::channel();
        let order = Order::Run(Box::new(move |writer| drop(reply.send(work(writer)))));
        self.0.turns.send(order)?;
        answer.recv().map_err(|_| closed())
    }
}

fn delete(
    writer: &mut Writer,
    before: Option<Timestamp>,
    excess: i64,
) -> Result<PayloadCount, StoreError> {
    while writer.backlog() > 0 {
        writer.index()?;
    }
    writer.be(Safety::Logged)?;
    let db = writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let gone = payload::delete(&db, before, excess, AT_ONCE)?;
    db.commit()?;
    writer.unsynced = true;
    Ok(gone)
}

fn event(retention: Retention, gone: PayloadCount) -> Event {
    let detail = Json::object([
        ("payloads", Json::from(gone.payloads)),
        ("bytes", Json::from(gone.bytes)),
        ("before", Json::from(retention.before.map(|before| before.to_string()))),
        ("most_bytes", Json::from(retention.most_bytes)),
    ]);
    Event::new(RecordKind::PayloadsDeleted, detail)
}
