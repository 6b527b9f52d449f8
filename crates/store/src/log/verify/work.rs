//! Reads the records in order and has their hashes taken by other threads meanwhile.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::thread;

use rusqlite::Connection;

use super::chain::{Found, is_sound};
use crate::log::read;

/// Records that go to a thread at once, and how many such pieces are under way for each.
const PIECE: usize = 256;
const AHEAD: usize = 4;
/// More threads do not help: reading is done by one.
const THREADS: usize = 4;

type Piece = Vec<(Found, bool)>;

/// Visits the records after `from` by number, also those that do not read, and says of each whether it is sound.
pub(super) fn walk(
    db: &Connection,
    log_id: &str,
    from: i64,
    mut visit: impl FnMut(&Found, bool),
) -> rusqlite::Result<()> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    thread::scope(|scope| {
        let mut workers: Vec<_> = (0..threads)
            .map(|_| {
                let (give, orders) = mpsc::sync_channel::<Piece>(AHEAD);
                let (answers, take) = mpsc::sync_channel::<Piece>(AHEAD);
                scope.spawn(move || {
                    for mut piece in orders {
                        for (found, sound) in &mut piece {
                            *sound = matches!(found, Found::Record(one) if is_sound(log_id, one));
                        }
                        if answers.send(piece).is_err() {
                            break;
                        }
                    }
                });
                (give, take)
            })
            .collect();
        // Whose turn it is to answer, oldest first: the pieces come back in the order they were given.
        let mut under_way: VecDeque<usize> = VecDeque::new();
        let mut next = (0..threads).cycle();
        let mut settle = |workers: &[(mpsc::SyncSender<Piece>, mpsc::Receiver<Piece>)],
                          under_way: &mut VecDeque<usize>| {
            let worker = under_way.pop_front().and_then(|place| workers.get(place));
            let piece = worker.and_then(|(_, take)| take.recv().ok()).unwrap_or_default();
            piece.iter().for_each(|(found, sound)| visit(found, *sound));
        };
        let read = pieces(db, from, &mut |piece| {
            if under_way.len() >= threads * AHEAD {
                settle(&workers, &mut under_way);
            }
            let place = next.next().unwrap_or_default();
            if let Some((give, _)) = workers.get(place)
                && give.send(piece).is_ok()
            {
                under_way.push_back(place);
            }
        });
        while !under_way.is_empty() {
            settle(&workers, &mut under_way);
        }
        workers.clear();
        read
    })
}

/// Reads the records in pieces.
fn pieces(db: &Connection, from: i64, give: &mut dyn FnMut(Piece)) -> rusqlite::Result<()> {
    let sql = "SELECT seq, at, kind, v, body, prev, hash FROM record WHERE seq > ? ORDER BY seq";
    let mut all = db.prepare(sql)?;
    // Numbers below 1 are no record's; they would show as a chain that goes back.
    let mut rows = all.query([if from == 0 { i64::MIN } else { from }])?;
    let mut piece = Vec::with_capacity(PIECE);
    let read = loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break Ok(()),
            Err(fault) => break Err(fault),
        };
        let seq = match row.get(0) {
            Ok(seq) => seq,
            Err(fault) => break Err(fault),
        };
        let found = read::record(row).map_or(Found::Unreadable(seq), Found::Record);
        piece.push((found, false));
        if piece.len() == PIECE {
            give(std::mem::replace(&mut piece, Vec::with_capacity(PIECE)));
        }
    };
    give(piece);
    read
}
