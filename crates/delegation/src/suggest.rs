//! What a tool looks like from its name, its schema and its annotations: a class and flow labels. All of it is the Server's
//! word or a guess, so it holds for nothing until the person takes it.

use prokura_domain::{Json, Labels, ToolClass};

/// Names of what other people write.
const STRANGERS: [&str; 34] = [
    "mail",
    "email",
    "emails",
    "inbox",
    "message",
    "messages",
    "issue",
    "issues",
    "comment",
    "comments",
    "web",
    "page",
    "pages",
    "url",
    "website",
    "browse",
    "fetch",
    "search",
    "feed",
    "news",
    "review",
    "reviews",
    "ticket",
    "tickets",
    "post",
    "posts",
    "thread",
    "threads",
    "chat",
    "channel",
    "http",
    "download",
    "attachment",
    "document",
];
/// Names of what carries something to somebody else.
const OUTWARD: [&str; 27] = [
    "send",
    "reply",
    "forward",
    "post",
    "publish",
    "share",
    "upload",
    "push",
    "comment",
    "notify",
    "tweet",
    "invite",
    "submit",
    "webhook",
    "transfer",
    "pay",
    "payment",
    "export",
    "email",
    "broadcast",
    "dispatch",
    "fetch",
    "browse",
    "http",
    "request",
    "open",
    "crawl",
];
/// Names of arguments that say to whom.
const RECIPIENTS: [&str; 15] = [
    "to",
    "cc",
    "bcc",
    "recipient",
    "recipients",
    "url",
    "uri",
    "webhook",
    "endpoint",
    "channel",
    "email",
    "address",
    "host",
    "domain",
    "href",
];
/// Names of what everybody may know.
const PUBLIC: [&str; 10] = [
    "weather",
    "time",
    "public",
    "docs",
    "news",
    "web",
    "exchange",
    "currency",
    "timezone",
    "wikipedia",
];

/// Flow labels for a tool; when in doubt, one more.
pub(crate) fn labels(name: &str, item: &Json) -> Labels {
    let words = words_of(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let open = item.at("/annotations/openWorldHint") == Some(&Json::Bool(true));
    let class = class(name, item);
    let reads = class == ToolClass::Read;
    let told = item.at("/inputSchema/properties").and_then(Json::members).is_some_and(|members| {
        members.iter().any(|(name, _)| RECIPIENTS.contains(&name.to_lowercase().as_str()))
    });
    Labels {
        reads_private: reads && !has(&PUBLIC),
        reads_untrusted: (reads || has(&["fetch", "browse", "download", "crawl"]))
            && (open || has(&STRANGERS)),
        sends_out: has(&OUTWARD) || told || (!reads && open),
    }
}

/// A class from annotations and name. Only a suggestion: both are the Server's words.
pub(crate) fn class(name: &str, item: &Json) -> ToolClass {
    let words: Vec<String> = words_of(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let hint = |name: &str| item.at(&format!("/annotations/{name}")) == Some(&Json::Bool(true));
    let reads =
        ["get", "list", "read", "search", "find", "show", "fetch", "query", "describe", "count"];
    let destroys = [
        "delete", "remove", "drop", "send", "pay", "payment", "publish", "purge", "destroy",
        "transfer", "wipe", "reset", "cancel", "merge", "refund",
    ];
    let rules = [
        "admin",
        "grant",
        "permission",
        "permissions",
        "role",
        "roles",
        "invite",
        "close",
        "member",
        "members",
        "policy",
        "token",
        "key",
    ];
    if has(&rules) && !hint("readOnlyHint") {
        ToolClass::Admin
    } else if hint("destructiveHint") || has(&destroys) {
        ToolClass::Destructive
    } else if hint("readOnlyHint")
        || words.first().is_some_and(|word| reads.contains(&word.as_str()))
    {
        ToolClass::Read
    } else {
        ToolClass::Write
    }
}

/// The words of a name in snake, kebab, dotted or camel case.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower_before = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && lower_before) {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        lower_before = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
