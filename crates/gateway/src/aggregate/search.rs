//! Search mode, for Agents that drown in tools: instead of all of them the Agent is given `find_tools`, which looks among
//! the tools it may use, and `call_tool`, which is the call of the tool it names and nothing else. It must never find or
//! call what the Agent could not be given or call without it.

mod ranking;

use axum::body::Body;
use axum::http::Response;
use futures::future::BoxFuture;
use prokura_delegation::Reply;
use prokura_domain::{Era, Json};

use super::names::Sort;
use super::private;
use super::tour::Tour;
use crate::away::{self, Away, INVALID_PARAMS};
use crate::entrance::Caller;
use crate::letter::Letter;
use crate::relay::{self, Ended, Errand};
use crate::{tasks, wait};
use ranking::Ranking;

const FIND: &str = "find_tools";
const CALL: &str = "call_tool";
/// Tools that are told of one search, unless the Agent says otherwise; and at most.
const SOME: usize = 10;
const MOST: usize = 50;
/// What a tool is told by.
const TOLD: [&str; 5] = ["name", "title", "description", "inputSchema", "annotations"];

/// The two tools, as the answer to `tools/list`.
pub(crate) async fn list(tour: &Tour, errand: Errand) -> Response<Body> {
    let id = errand.id.clone().unwrap_or(Json::Null);
    let mut call = tool(
        CALL,
        "Call a tool",
        "Calls a tool that find_tools found. The person may be asked before the call goes through, as for every call.",
        &[
            ("name", "string", "The name of the tool, as find_tools told it."),
            ("arguments", "object", "Its arguments, by its inputSchema."),
        ],
        "name",
    );
    if errand.era == Era::Legacy {
        tasks::may_be_task(&mut call);
    }
    let mut find = tool(
        FIND,
        "Find tools",
        "Looks for tools by what they do and gives back the names, descriptions and input schemas of those that fit best. \
         Use call_tool to call one.",
        &[
            ("query", "string", "Some words about what the tool should do."),
            ("limit", "integer", "How many tools to give back: 1 to 50, 10 unless told otherwise."),
        ],
        "query",
    );
    let hints = [("readOnlyHint", Json::from(true)), ("openWorldHint", Json::from(false))];
    find.set("annotations", Json::object(hints));
    let mut result = Json::object([(Sort::Tool.member(), Json::Array(vec![call, find]))]);
    if errand.era == Era::Modern {
        private(&mut result);
    }
    let said = wait::message(&away::result(&id, result));
    relay::ready(tour.shared.pace, errand, Ok(said)).await
}

fn tool(
    name: &str,
    title: &str,
    about: &str,
    members: &[(&str, &str, &str)],
    needed: &str,
) -> Json {
    let properties = members.iter().map(|(name, kind, about)| {
        let schema = [("type", Json::text(*kind)), ("description", Json::text(*about))];
        (*name, Json::object(schema))
    });
    let schema = Json::object([
        ("type", Json::text("object")),
        ("properties", Json::object(properties)),
        ("required", Json::Array(vec![Json::text(needed)])),
    ]);
    Json::object([
        ("name", Json::text(name)),
        ("title", Json::text(title)),
        ("description", Json::text(about)),
        ("inputSchema", schema),
    ])
}

/// What a message of an Agent in search mode is.
pub(crate) enum Meant {
    Search(Letter),
    Message(Letter),
}

/// What an Agent means, where it is in search mode. A call by `call_tool` is the call itself from here on: nothing behind
/// knows how it was made.
pub(crate) fn meant(caller: &Caller, era: Era, letter: Letter) -> Result<Meant, Away> {
    let called = if letter.is("tools/call") { letter.json.at("/params/name") } else { None };
    match called.and_then(Json::as_str) {
        Some(name @ (FIND | CALL)) if caller.shared.path.searches(&caller.agent.id) => {
            if name == FIND {
                return Ok(Meant::Search(letter));
            }
            unwrapped(letter, era).map(Meant::Message)
        }
        Some(_) | None => Ok(Meant::Message(letter)),
    }
}

/// What is said to a call that cannot be meant.
fn wrong(era: Era, text: &str) -> Away {
    let status = if era == Era::Modern { 400 } else { 200 };
    Away::new(status, INVALID_PARAMS, "arguments of a search", text)
}

fn unwrapped(mut letter: Letter, era: Era) -> Result<Letter, Away> {
    let wrong = |text: &str| Err(wrong(era, text));
    let Some(params) = letter.json.member_mut("params") else { return wrong("No parameters.") };
    let mut given = params.member("arguments").cloned().unwrap_or(Json::Null);
    let Some(name @ Json::String(_)) = given.remove("name") else {
        return wrong(
            "Invalid params: call_tool needs the argument \"name\", a tool that find_tools found.",
        );
    };
    params.set("name", name);
    match given.remove("arguments") {
        Some(arguments @ Json::Object(_)) => params.set("arguments", arguments),
        None => drop(params.remove("arguments")),
        Some(_) => return wrong("Invalid params: the \"arguments\" of call_tool are an object."),
    }
    Ok(letter)
}

/// Answers a search.
pub(crate) async fn find(
    tour: Tour,
    letter: &Letter,
    errand: Errand,
) -> Result<Response<Body>, Away> {
    let (id, era) = (errand.id.clone().unwrap_or(Json::Null), errand.era);
    let at = |pointer: &str| letter.json.at(pointer);
    let Some(query) = at("/params/arguments/query").and_then(Json::as_str).map(str::to_owned)
    else {
        let text = "Invalid params: find_tools needs the argument \"query\", some words about what the tool should do.";
        return Err(wrong(era, text));
    };
    let limit = match at("/params/arguments/limit") {
        Some(Json::Number(text)) => text.parse::<usize>().unwrap_or(SOME).clamp(1, MOST),
        Some(_) | None => SOME,
    };
    let pace = tour.shared.pace;
    let finding: BoxFuture<'static, Result<Reply, Ended>> = Box::pin(async move {
        let (tools, missing) = tour.everything(Sort::Tool).await;
        tour.shared.mirrored.learn(&tools);
        let found = told(&tools, &query, limit);
        let mut structured = Json::object([
            ("tools", Json::Array(found)),
            ("of", Json::from(i64::try_from(tools.len()).unwrap_or(i64::MAX))),
        ]);
        if !missing.is_empty() {
            structured.set("missing", Json::Array(missing));
        }
        let text = Json::object([
            ("type", Json::text("text")),
            ("text", Json::text(structured.to_text())),
        ]);
        let mut result = Json::object([
            ("content", Json::Array(vec![text])),
            ("structuredContent", structured),
            ("isError", Json::from(false)),
        ]);
        if era == Era::Modern {
            result.set("resultType", Json::text("complete"));
        }
        Ok(wait::message(&away::result(&id, result)))
    });
    Ok(relay::answer(pace, errand, finding).await)
}

/// The tools that fit best, as far as a call needs to know them.
fn told(tools: &[Json], query: &str, limit: usize) -> Vec<Json> {
    let best = Ranking::of(tools).best(query, limit);
    let told = best.into_iter().filter_map(|at| tools.get(at)).map(|tool| {
        let members = tool.members().unwrap_or_default().iter();
        Json::object(members.filter(|(name, _)| TOLD.contains(&name.as_str())).cloned())
    });
    told.collect()
}
