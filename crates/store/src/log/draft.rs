//! A record before it has its place in the chain: everything that can be done before the writer's turn.

use prokura_domain::clock::Entropy;
use prokura_domain::flow::Reservation;
use prokura_domain::json::Json;
use prokura_domain::port::Sealer;
use prokura_domain::record::{Durability, Event, RecordKind, Subject};

use crate::error::StoreError;
use crate::log::canonical;
use crate::log::payload::{Payload, SealedPayload, digest, digest_member};

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
        entropy: &dyn Entropy,
        sealer: &dyn Sealer,
    ) -> Result<Self, StoreError> {
        let mut kept = None;
        if let Some(payload) = payload {
            let digested = digest(&payload, entropy, sealer)?;
            if event.detail.members().is_none() {
                event.detail = Json::object([("value", event.detail)]);
            }
            let text = Json::text(digested.digest.to_string());
            event.detail.set(&digest_member(payload.part), text);
            if digested.sealed.is_none() {
                event.detail.set("payload", Json::text("not kept"));
            }
            kept = digested.sealed;
        }
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
