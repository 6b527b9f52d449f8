//! Whose turn it is to write: the thread that takes orders, or, where nobody else writes or waits, whoever has a record
//! that need not be synced: it is written where it comes from, which saves two changes of threads. It must never let a
//! record that came later go before one that was answered.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use prokura_domain::port::Anchor;
use prokura_domain::record::Durability;
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::log::draft::Draft;
use crate::log::writer::Writer;

/// How many records share one transaction at most.
const BATCH: usize = 256;
/// How long nothing has to come before the index is caught up with, and how long after it could not be written.
const IDLE: Duration = Duration::from_millis(20);
const BROKEN: Duration = Duration::from_secs(2);
/// While records come all the time, the index is caught up with after so many pauses all the same.
const PAUSES: u32 = 25;
/// With so many writing at once, those who are not there yet are waited for, while the next comes within this time: one
/// sync for all of them costs less than one for each half. With fewer nobody ever waits.
const ABREAST: usize = 4;
const GATHER: Duration = Duration::from_micros(500);

pub(super) type Answer = Result<i64, StoreError>;
pub(super) type Reply = oneshot::Sender<Answer>;
pub(super) type Waiting = (Box<Draft>, Reply);

pub(super) enum Order {
    Append(Box<Draft>, Reply),
    Checkpoint(mpsc::Sender<Result<Anchor, StoreError>>),
    Close(mpsc::Sender<Option<Anchor>>),
    Tick,
    Stop,
    /// Records were written elsewhere; there is something to index.
    Nudge,
    /// Something else that only one may do at a time: keeping the index, the payloads and the archives.
    Run(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// Up to where the log reaches, and up to where its index does.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) head: AtomicI64,
    pub(super) indexed: AtomicI64,
}

impl Progress {
    /// How many records the index does not have yet.
    pub(super) fn backlog(&self) -> i64 {
        let head = self.head.load(Ordering::Acquire);
        (head - self.indexed.load(Ordering::Acquire)).max(0)
    }
}

/// The writer, and who waits for it.
pub(super) struct Turns {
    /// `None` once the log is closed.
    writer: Mutex<Option<Writer>>,
    orders: mpsc::Sender<Order>,
    /// Appends that are with the thread and not answered yet.
    queued: AtomicUsize,
    /// The thread looks by itself whether there is something to index.
    awake: AtomicBool,
    progress: Arc<Progress>,
}

/// What an order means for the thread.
enum Step {
    GoOn,
    End,
    Close(mpsc::Sender<Option<Anchor>>, Option<Anchor>),
}

impl Turns {
    /// Starts the thread.
    pub(super) fn start(
        writer: Writer,
        orders: mpsc::Sender<Order>,
        inbox: mpsc::Receiver<Order>,
    ) -> Result<Arc<Self>, StoreError> {
        let progress = writer.progress();
        let turns = Arc::new(Self {
            writer: Mutex::new(Some(writer)),
            orders,
            queued: AtomicUsize::new(0),
            awake: AtomicBool::new(true),
            progress,
        });
        let own = Arc::clone(&turns);
        thread::Builder::new()
            .name("audit log".to_owned())
            .spawn(move || Thread { turns: own, inbox, abreast: 1 }.run())
            .map_err(|fault| StoreError::AuditBroken(fault.to_string()))?;
        Ok(turns)
    }

    pub(super) fn send(&self, order: Order) -> Result<(), StoreError> {
        self.orders.send(order).map_err(|_| closed())
    }

    /// Writes a record: here and now where nobody else writes or waits and no sync is asked for, else on the thread.
    pub(super) async fn append(&self, draft: Draft) -> Answer {
        if let Some(answer) = self.at_once(&draft) {
            return answer;
        }
        let _waiting = Queued::new(&self.queued);
        let (reply, answer) = oneshot::channel();
        self.send(Order::Append(Box::new(draft), reply))?;
        answer.await.map_err(|_| closed())?
    }

    /// `None` where it has to wait for its turn.
    fn at_once(&self, draft: &Draft) -> Option<Answer> {
        if draft.durability == Durability::Synced || self.queued.load(Ordering::Acquire) > 0 {
            return None;
        }
        let mut guard = self.writer.try_lock().ok()?;
        let answer = guard.as_mut()?.at_once(draft)?;
        drop(guard);
        if !self.awake.swap(true, Ordering::AcqRel) {
            let _ = self.send(Order::Nudge);
        }
        Some(answer)
    }

    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts for as long as it lives, also when who waits gives up.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

pub(super) fn closed() -> StoreError {
    StoreError::AuditBroken("the log is closed".to_owned())
}

struct Thread {
    turns: Arc<Turns>,
    inbox: mpsc::Receiver<Order>,
    /// How many wrote at once lately.
    abreast: usize,
}

impl Thread {
    /// Works until the log is closed or dropped.
    fn run(mut self) {
        while let Some(first) = self.next() {
            let (drafts, other) = self.gather(first);
            let mut guard = self.turns.writer();
            let Some(writer) = guard.as_mut() else { return };
            writer.append(drafts);
            match other.map_or(Step::GoOn, |order| obey(writer, order)) {
                Step::GoOn => {}
                Step::End => {
                    *guard = None;
                    return;
                }
                Step::Close(reply, anchor) => {
                    // Whoever waits may copy the file as soon as it is answered.
                    *guard = None;
                    drop(guard);
                    drop(reply.send(anchor));
                    return;
                }
            }
        }
    }

    /// The next order; while none comes, the index is caught up with, then the main file.
    fn next(&self) -> Option<Order> {
        let turns = &self.turns;
        turns.awake.store(true, Ordering::Release);
        let mut idle = IDLE;
        let mut pauses = 0;
        loop {
            while turns.progress.backlog() > 0 {
                let before = turns.progress.head.load(Ordering::Acquire);
                if let Some(found) = self.within(idle) {
                    return found;
                }
                pauses += 1;
                let moved = turns.progress.head.load(Ordering::Acquire) != before;
                if moved && pauses < PAUSES {
                    continue;
                }
                let indexed = turns.writer().as_mut()?.index().is_ok();
                idle = if indexed { Duration::ZERO } else { BROKEN };
            }
            if turns.writer().as_ref()?.is_to_settle() {
                if let Some(found) = self.within(IDLE) {
                    return found;
                }
                turns.writer().as_mut()?.settle_quietly();
            }
            turns.awake.store(false, Ordering::SeqCst);
            // What came between the last look and now did not nudge.
            if turns.progress.backlog() == 0 {
                return self.inbox.recv().ok();
            }
            turns.awake.store(true, Ordering::Release);
            idle = IDLE;
        }
    }

    /// The order that comes within `time`; the inner `None` when no more will.
    fn within(&self, time: Duration) -> Option<Option<Order>> {
        match self.inbox.recv_timeout(time) {
            Ok(order) => Some(Some(order)),
            Err(RecvTimeoutError::Disconnected) => Some(None),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }

    /// All who wait to append, beginning with `first`, and the order that came among them that is something else.
    fn gather(&mut self, first: Order) -> (Vec<Waiting>, Option<Order>) {
        let mut drafts = Vec::new();
        let mut next = Some(first);
        while let Some(order) = next.take() {
            let Order::Append(draft, reply) = order else { return (drafts, Some(order)) };
            drafts.push((draft, reply));
            if drafts.len() >= BATCH {
                break;
            }
            next = self.inbox.try_recv().ok();
            if next.is_none() && self.abreast >= ABREAST && drafts.len() < self.abreast {
                next = self.inbox.recv_timeout(GATHER).ok();
                if next.is_none() {
                    // Those who wrote before are gone: the next is not to wait for them again.
                    self.abreast = drafts.len();
                }
            }
        }
        self.abreast = self.abreast.max(drafts.len());
        (drafts, None)
    }
}

/// Does anything but appending.
fn obey(writer: &mut Writer, order: Order) -> Step {
    match order {
        Order::Append(draft, reply) => writer.append(vec![(draft, reply)]),
        Order::Tick => writer.tick(),
        Order::Nudge => {}
        Order::Checkpoint(reply) => drop(reply.send(writer.checkpoint())),
        Order::Close(reply) => {
            let anchor = writer.checkpoint().ok();
            writer.sync();
            writer.settle();
            return Step::Close(reply, anchor);
        }
        Order::Stop => {
            writer.sync();
            return Step::End;
        }
        Order::Run(work) => work(writer),
    }
    Step::GoOn
}
