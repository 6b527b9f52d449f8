//! A record before it has its place in the chain: everything that can be done before the writer's turn.

use prokura_domain::clock::Entropy;
use prokura_domain::flow::Reservation;
use prokura_domain::port::Sealer;
use prokura_domain::record::{Durability, Event, RecordKind, Subject};

use crate::error::StoreError;
use crate::log::payload::{self, Capture, Payload, SealedPayload};
use crate::log::{canonical, mask};

pub(super) struct Draft {
    pub(super) kind: RecordKind,
    pub(super) subject: Subject,
    /// Canonical JSON.
    pub(super) body: String,
    pub(super) payload: Option<SealedPayload>,
    pub(super) durability: Durability,
    /// What it takes with it; where that cannot be had, it is not written.
    pub(super) reservation: Reservation,
}

impl Draft {
    pub(super) fn new(
        mut event: Event,
        payload: Option<Payload>,
        durability: Durability,
        capture: &Capture,
        (entropy, sealer): (&dyn Entropy, &dyn Sealer),
    ) -> Result<Self, StoreError> {
        mask::texts(&mut event.detail);
        if let Some((_, name)) = &mut event.subject.target
            && let Some(masked) = mask::text(name)
        {
            *name = masked;
        }
        let kept = match &payload {
            Some(payload) => payload::take(&mut event, payload, capture, entropy, sealer)?,
            None => None,
        };
        Self::plain(event, durability).map(|draft| Self { payload: kept, ..draft })
    }

    pub(super) fn plain(event: Event, durability: Durability) -> Result<Self, StoreError> {
        let body = canonical(&event.body())?;
        Ok(Self {
            kind: event.kind,
            subject: event.subject,
            body,
            payload: None,
            durability,
            reservation: Reservation::default(),
        })
    }
}
