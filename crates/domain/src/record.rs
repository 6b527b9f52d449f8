//! An AuditRecord: one link of the log. It is never changed or removed.

use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::json::Json;

/// The version of record bodies written now. Readers accept every version ever written; what each adds is in
/// `docs/audit.md`.
pub const RECORD_VERSION: u32 = 2;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What a record tells.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum RecordKind { $($(#[$doc])* $name,)* }

        impl RecordKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in the log.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// Reads the word in the log.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// The first record of a log.
    LogOpened = "log.opened";
    /// The Host started.
    HostStarted = "host.started";
    /// The Host stopped in good order.
    HostStopped = "host.stopped";
    /// The Host had been killed; calls without an outcome are listed.
    HostRecovered = "host.recovered";
    /// The data folder was found to be a copy of another.
    HostCopied = "host.copied";
    /// The person said that it is the only one left.
    HostAdopted = "host.adopted";
    /// Proxy or trusted certificate authorities were changed.
    NetworkChanged = "network.changed";
    /// All Agents were paused.
    Paused = "host.paused";
    /// The pause ended.
    Resumed = "host.resumed";
    /// A Call is about to leave.
    CallIntent = "call.intent";
    /// A Call ended.
    CallOutcome = "call.outcome";
    /// A Call was refused.
    CallRefused = "call.refused";
    /// A request was refused before it was a Call.
    RequestRefused = "request.refused";
    /// A Question was raised.
    QuestionRaised = "question.raised";
    /// A Question was settled.
    QuestionSettled = "question.settled";
    /// A Server was added.
    ServerAdded = "server.added";
    /// A Server was removed.
    ServerRemoved = "server.removed";
    /// A local Server is started in another way.
    ServerChanged = "server.changed";
    /// The person approved how a local Server is started.
    ServerStartApproved = "server.start_approved";
    /// A process of a local Server was started.
    ServerStarted = "server.started";
    /// A process of a local Server was stopped.
    ServerStopped = "server.stopped";
    /// A process of a local Server ended by itself.
    ServerCrashed = "server.crashed";
    /// A local Server could not be started.
    ServerStartFailed = "server.start_failed";
    /// The person excused something of a Server's authorization server, or took that back.
    ServerException = "server.exception";
    /// An Account got another name.
    AccountRenamed = "account.renamed";
    /// The person chose which Account an Agent uses at a Server.
    AccountChosen = "account.chosen";
    /// A person signed in.
    AccountSignedIn = "account.signed_in";
    /// A person signed out.
    AccountSignedOut = "account.signed_out";
    /// A sign-in failed.
    SignInFailed = "account.sign_in_failed";
    /// Tokens were issued.
    TokenIssued = "token.issued";
    /// Tokens were refreshed.
    TokenRefreshed = "token.refreshed";
    /// Tokens were revoked.
    TokenRevoked = "token.revoked";
    /// Tokens could not be had.
    TokenFailed = "token.failed";
    /// Tools were pinned at first sight.
    ToolsPinned = "tool.pinned";
    /// A Tool appeared, changed or went.
    ToolChanged = "tool.changed";
    /// A Tool was accepted.
    ToolAccepted = "tool.accepted";
    /// A Tool was classified.
    ToolClassified = "tool.classified";
    /// A person said what Tools read and send.
    ToolsLabelled = "tool.labelled";
    /// The flow rule was set.
    FlowSet = "flow.set";
    /// What an Agent had read was forgotten.
    FlowForgotten = "flow.forgotten";
    /// An Agent was added.
    AgentAdded = "agent.added";
    /// An Agent was revoked.
    AgentRevoked = "agent.revoked";
    /// A program was paired with an Agent.
    AgentPaired = "agent.paired";
    /// A program is no longer paired with an Agent.
    AgentUnpaired = "agent.unpaired";
    /// A program's settings were changed so that it uses Prokura.
    AgentWired = "agent.wired";
    /// That change was taken back.
    AgentUnwired = "agent.unwired";
    /// An Agent was paused.
    AgentPaused = "agent.paused";
    /// The pause of an Agent ended.
    AgentResumed = "agent.resumed";
    /// An Agent was given a new key.
    AgentKeyRenewed = "agent.key_renewed";
    /// A program registered as a client, or was read from its document.
    ClientRegistered = "agent.client_registered";
    /// An Agent signed in: the person consented, and tokens were issued to its program.
    AgentSignedIn = "agent.signed_in";
    /// The tokens of a sign-in were renewed.
    AgentRenewed = "agent.renewed";
    /// A sign-in of an Agent ended, and its tokens with it.
    AgentSignInEnded = "agent.sign_in_ended";
    /// A Grant was made.
    GrantAdded = "grant.added";
    /// The effect or the end of a Grant was changed.
    GrantChanged = "grant.changed";
    /// A Grant was revoked.
    GrantRevoked = "grant.revoked";
    /// A Guardrail was added.
    GuardrailAdded = "guardrail.added";
    /// A Guardrail was changed, switched on or off.
    GuardrailChanged = "guardrail.changed";
    /// A Guardrail was removed.
    GuardrailRemoved = "guardrail.removed";
    /// The log was exported.
    LogExported = "log.exported";
    /// The log was verified.
    LogVerified = "log.verified";
    /// A wish of the command line or the window was refused.
    WishRefused = "wish.refused";
    /// A setting was changed by the person.
    SettingChanged = "setting.changed";
    /// Payloads were deleted because of their age, their size, or the person's wish.
    PayloadsDeleted = "log.payloads_deleted";
    /// A segment of the log was closed and moved into an archive.
    SegmentClosed = "log.segment_closed";
}

pub mod schema;

/// How safely a record lies on disk before the append returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// In the write-ahead log (survives the process), synced within one second.
    Logged,
    /// Synced to the disk (survives the power).
    Synced,
}

/// Who and what a record is about. Names are copied in, because they may change later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The Call.
    pub call: Option<String>,
    /// The Agent: id and name.
    pub agent: Option<(String, String)>,
    /// The Server: id and name.
    pub server: Option<(String, String)>,
    /// The Account: id and name.
    pub account: Option<(String, String)>,
    /// The target: kind and name.
    pub target: Option<(String, String)>,
    /// The W3C trace id its Agent sent: 32 hexadecimal digits.
    pub trace: Option<String>,
}

/// What happened, before it has a place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it tells.
    pub kind: RecordKind,
    /// Who and what it is about.
    pub subject: Subject,
    /// The rest: an object.
    pub detail: Json,
}

impl Event {
    /// An event about nobody in particular.
    #[must_use]
    pub fn new(kind: RecordKind, detail: Json) -> Self {
        Self { kind, subject: Subject::default(), detail }
    }

    /// The same event about `subject`.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }

    /// The body of its record: the subject's members that are known, then `detail`.
    #[must_use]
    pub fn body(&self) -> Json {
        let pair = |(first, second): &(String, String), keys: [&str; 2]| {
            Json::object([(keys[0], Json::text(first)), (keys[1], Json::text(second))])
        };
        let subject = &self.subject;
        let mut members: Vec<(String, Json)> = Vec::new();
        if let Some(call) = &subject.call {
            members.push(("call".to_owned(), Json::text(call)));
        }
        for (name, value) in
            [("agent", &subject.agent), ("server", &subject.server), ("account", &subject.account)]
        {
            if let Some(value) = value {
                members.push((name.to_owned(), pair(value, ["id", "name"])));
            }
        }
        if let Some(target) = &subject.target {
            members.push(("target".to_owned(), pair(target, ["kind", "name"])));
        }
        if let Some(trace) = &subject.trace {
            members.push(("trace".to_owned(), Json::text(trace)));
        }
        members.push(("detail".to_owned(), self.detail.clone()));
        Json::Object(members)
    }
}

/// One link of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The word of its kind.
    pub kind: String,
    /// The version of its body.
    pub v: u32,
    /// The body: exactly the hashed bytes.
    pub body: String,
    /// The hash before it.
    pub prev: Digest,
    /// Its hash.
    pub hash: Digest,
}

/// The hash of a record: SHA-256 over a tag, the previous hash, and the RFC 8785 form of
/// `{log_id, seq, at, kind, v, body}` (DESIGN §7). `body` has to be canonical JSON: it stands there as it is stored.
#[must_use]
pub fn link(
    log: &str,
    seq: i64,
    at: Timestamp,
    kind: &str,
    v: u32,
    body: &str,
    prev: Digest,
) -> Digest {
    let text = |value: &str| Json::text(value).to_canonical();
    // Fed piece by piece: the body, which is most of it, is not copied.
    Digest::of(&[
        b"prokura-record-v1",
        &prev.0,
        format!(r#"{{"at":{},"body":"#, at.0).as_bytes(),
        body.as_bytes(),
        format!(r#","kind":{},"log_id":{},"seq":{seq},"v":{v}}}"#, text(kind), text(log))
            .as_bytes(),
    ])
}

/// The trace id of a W3C `traceparent`, in lower case, where it is a valid one.
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<String> {
    let mut parts = traceparent.trim().split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let valid = hex(version, 2) && hex(trace, 32) && trace.bytes().any(|byte| byte != b'0');
    valid.then(|| trace.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_trace_id_is_one() {
        let good = "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01";
        assert_eq!(trace_id(good).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for bad in ["", "00", "00-xyz-1-1", "00-00000000000000000000000000000000-1-1", "4bf9"] {
            assert_eq!(trace_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_hashed_is_the_canonical_form_of_the_whole_record() {
        let body = r#"{"detail":{"a":1}}"#;
        let said = Json::object([
            ("seq", Json::from(7i64)),
            ("body", Json::read(body.as_bytes()).unwrap_or(Json::Null)),
            ("log_id", Json::text("log")),
            ("kind", Json::text("call.intent")),
            ("v", Json::from(1i64)),
            ("at", Json::from(5i64)),
        ]);
        let prev = Digest([9; 32]);
        let expected = Digest::of(&[b"prokura-record-v1", &prev.0, said.to_canonical().as_bytes()]);
        assert_eq!(link("log", 7, Timestamp(5), "call.intent", 1, body, prev), expected);
    }
}
