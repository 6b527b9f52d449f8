//! A Server up to 2025-11-25 that sends the person to a page before it answers (−32042): each page is shown, and the
//! request goes again once the Server says that the visit is over, or the person does (U-13).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prokura_delegation::{Inbound, Reaction};
use prokura_domain::Json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::ask::{ask, elicited};
use super::front::Out;
use crate::path::Path;

/// The code by which it does.
const PAGE_FIRST: &str = "-32042";
/// Pages that can be wanted at once.
const MOST: usize = 4;

/// Visits under way, by their id, and those that are over.
#[derive(Clone, Default)]
pub(super) struct Visits(Arc<Mutex<HashMap<String, CancellationToken>>>);

impl Visits {
    fn of(&self, id: &str) -> CancellationToken {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.entry(id.to_owned()).or_default().clone()
    }

    /// The Server says that one is over.
    pub fn over(&self, id: Option<&str>) {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(visit) = id.and_then(|id| table.get(id)) {
            visit.cancel();
        }
    }
}

/// The pages in an error that wants them visited; `None` where it does not.
pub(super) fn first(message: &Json) -> Option<Vec<Json>> {
    let error = message.member("error")?;
    if error.member("code").map(Json::to_text).as_deref() != Some(PAGE_FIRST) {
        return None;
    }
    let pages = error.at("/data/elicitations").and_then(Json::items)?;
    let all = pages.iter().map(|page| {
        page.member("url").and_then(Json::as_str)?;
        let mut params = page.clone();
        params.set("mode", Json::text("url"));
        Some(params)
    });
    let all: Vec<Json> = all.collect::<Option<_>>()?;
    (!all.is_empty() && all.len() <= MOST).then_some(all)
}

/// Shows one after the other; says whether the person has been at all of them.
pub(super) async fn visit(
    path: Arc<dyn Path>,
    within: Inbound,
    pages: Vec<Json>,
    visits: Visits,
    out: mpsc::Sender<Out>,
) -> bool {
    for page in pages {
        let id = page.member("elicitationId").and_then(Json::as_str).unwrap_or_default().to_owned();
        let over = visits.of(&id);
        let asked = elicited(&within, page.clone(), false);
        let went = ask(Arc::clone(&path), asked, out.clone()).await;
        if !matches!(went, Ok(Reaction::Accept(_))) {
            return false;
        }
        let asked = elicited(&within, page, true);
        let done = tokio::select! {
            biased;
            () = over.cancelled() => true,
            done = ask(Arc::clone(&path), asked, out.clone()) => matches!(done, Ok(Reaction::Accept(_))),
        };
        if !done {
            return false;
        }
    }
    true
}
