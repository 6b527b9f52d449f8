//! `subscriptions/listen`: a subscription to a resource is decided like reading it, one Call for each. Lists of what there
//! is need no Grant: they only say that something changed.

use prokura_domain::{Json, Target};

use crate::Delegation;
use crate::message::{Inbound, Kind, Refusal, RefusalCode, Reply};
use crate::path::{Leg, Sent};
use crate::told::changed;
use crate::wait::Wait;

/// Resources of one subscription.
const MOST: usize = 64;

impl Delegation {
    /// Carries a subscription. Taking back a Grant that one of its resources rests on ends it whole.
    pub(crate) async fn subscribe(&self, inbound: Inbound, wait: &Wait) -> Result<Reply, Refusal> {
        let Kind::Message { method, params, .. } = &inbound.kind else {
            return Err(malformed("A subscription is asked for by a request."));
        };
        let Some(asked) = params.at("/notifications/resourceSubscriptions") else {
            let method = method.clone();
            return self.forward(inbound, Some(&method)).await;
        };
        let uris: Option<Vec<String>> = asked
            .items()
            .map(|uris| uris.iter().filter_map(Json::as_str).map(str::to_owned).collect());
        let uris = uris.filter(|uris| uris.len() == asked.items().map_or(0, <[_]>::len));
        let uris = uris.ok_or_else(|| malformed("resourceSubscriptions is a list of URIs."))?;
        if uris.len() > MOST {
            return Err(malformed("One subscription has at most 64 resources."));
        }
        let (method, params) = (method.clone(), params.clone());
        let mut with = Vec::new();
        let count = uris.len();
        for (index, uri) in uris.into_iter().enumerate() {
            let call =
                self.call_of(&inbound, method.clone(), Target::Resource(uri), params.clone());
            let joins = index + 1 < count;
            let leg =
                Leg { joins, with: if joins { Vec::new() } else { std::mem::take(&mut with) } };
            match self.govern(call, &inbound, (wait, leg)).await? {
                Sent::Gone(reply) => return Ok(reply),
                Sent::Joined(grants) => with.extend(grants),
                Sent::DecideAgain => return Err(changed()),
            }
        }
        self.forward(inbound, Some(&method)).await
    }
}

fn malformed(text: &str) -> Refusal {
    Refusal::new(RefusalCode::Malformed, text)
}
