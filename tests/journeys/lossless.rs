//! Nothing is lost on the way: a list of messages whose details other stacks drop or change, sent through a whole
//! Prokura in both directions, as one answer and as a stream.

use prokura_domain::Json;
use prokura_testkit::{Parrot, TestHost};

/// Tools whose definitions hold what typed models do not know.
const TOOLS: &str = r#"[{"name":"say","title":"Say","description":"Says it.","inputSchema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"n":{"type":"integer","multipleOf":3,"x-mcp-header":"N","maximum":18446744073709551616}},"unevaluatedProperties":false,"$defs":{"a":{"const":1e400}}},"outputSchema":{"type":"object","x-vendor":[null]},"annotations":{"readOnlyHint":true,"vendorHint":{"a":0.3}},"icons":[{"src":"data:image/png;base64,AA==","theme":"dark","x":1}],"execution":{"taskSupport":"optional"},"securitySchemes":[{"type":"oauth2","scopes":["a"]}],"_meta":{"ui":{"resourceUri":"ui://say"},"v":1.0},"future":{"deep":[[[[]]]]}}]"#;

/// Method, what `mcp-name` says, and the members of `params` beside `_meta`.
const ASKED: &[(&str, &str, &str)] = &[
    ("tools/call", "say", r#""name":"say""#),
    ("tools/call", "say", r#""name":"say","arguments":null"#),
    ("tools/call", "say", r#""name":"say","arguments":{}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"n":123456789012345678901234567890}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"n":-9007199254740993}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"n":1e400}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"n":-0.0}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"n":1.0}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"n":0.30000000000000000001}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"n":1E+2}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"z":1,"a":2,"m":3}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"":"empty","a/b":"~","~1":0}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"t":"\u0000\u001f\u007f\u2028\ufeff"}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"t":"\ud83d\ude00é é"}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"t":"<RLO>gnp.exe<ZWSP><LRI>"}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"a":[null,true,false,[],{},""]}"#),
    ("tools/call", "say", r#""name":"say","arguments":{"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"#),
    ("tools/call", "say", r#""name":"say","task":{"ttl":60000,"x":1}"#),
    ("tools/call", "say", r#""name":"say","arguments":{},"future":{"x":[1,{"y":null}]}"#),
    ("tools/call", "say", r#""arguments":{"late":true},"name":"say""#),
    ("prompts/get", "brief", r#""name":"brief","arguments":{"who":"ada","x":null},"vendor":1"#),
    ("prompts/get", "brief", r#""name":"brief""#),
    (
        "resources/read",
        "mem://a/b?c=d#e",
        r#""uri":"mem://a/b?c=d#e","range":[0,18446744073709551616]"#,
    ),
    ("resources/read", "mem://ä", r#""uri":"mem://ä""#),
    (
        "completion/complete",
        "",
        r#""ref":{"type":"ref/prompt","name":"brief","title":"B","x":1},"argument":{"name":"who","value":"a","x":2},"context":{"arguments":{"k":"v"},"x":3}"#,
    ),
    ("vendor/thing", "", r#""anything":[1,2,{"goes":null}]"#),
    ("vendor/thing", "", r#""name":"not-a-tool","uri":7"#),
    ("vendor/empty", "", r#""x":{}"#),
];

/// Method and name of a request, and the members of its answer beside `jsonrpc` and `id`.
const ANSWERED: &[(usize, &str)] = &[
    (0, r#""result":{"resultType":"complete","content":[]}"#),
    (0, r#""result":{"content":[],"isError":true,"resultType":"complete","future":1}"#),
    (
        0,
        r#""result":{"content":[{"type":"text","text":"a","annotations":{"priority":0.3,"audience":["user"],"lastModified":"2026-01-01T00:00:00Z","x":1},"_meta":{"k":null},"future":2}]}"#,
    ),
    (0, r#""result":{"content":[{"type":"image","data":"AA==","mimeType":"image/png","x":[]}]}"#),
    (0, r#""result":{"content":[{"type":"audio","data":"AA==","mimeType":"audio/wav","x":{}}]}"#),
    (
        0,
        r#""result":{"content":[{"type":"resource_link","uri":"mem://a","name":"a","size":18446744073709551616,"icons":[{"src":"https://a.example/i","sizes":["any"],"x":1}]}]}"#,
    ),
    (
        0,
        r#""result":{"content":[{"type":"resource","resource":{"uri":"mem://a","text":"t","annotations":{"priority":1},"x":1}}]}"#,
    ),
    (
        0,
        r#""result":{"content":[{"type":"resource","resource":{"uri":"mem://a","blob":"AA==","_meta":{"x":1}}}]}"#,
    ),
    (
        0,
        r#""result":{"content":[{"type":"vendor/chart","rows":[[1,2.50]]},{"type":"text","text":"after"}]}"#,
    ),
    (0, r#""result":{"content":[{"no":"type"}]}"#),
    (0, r#""result":{"content":[],"structuredContent":null}"#),
    (0, r#""result":{"content":[],"structuredContent":[1,"two"]}"#),
    (
        0,
        r#""result":{"content":[],"structuredContent":{"n":123456789012345678901234567890,"m":1e400,"z":-0.0}}"#,
    ),
    (0, r#""result":{"content":[],"structuredContent":7}"#),
    (
        0,
        r#""result":{"content":[],"_meta":{"io.example/trace":{"a":[null]},"traceparent":"00-0-0-00"}}"#,
    ),
    (0, r#""result":{"contents":[],"content":[],"messages":[],"action":"accept"}"#),
    (0, r#""result":{"action":"accept","content":{"looks":"like an elicitation"}}"#),
    (0, r#""result":{"skills":[{"x":1}]}"#),
    (0, r#""result":{}"#),
    (0, r#""result":{"resultType":"vendor/other","x":1}"#),
    (0, r#""result":{"task":{"taskId":"t","status":"working","ttl":null,"pollInterval":5,"x":1}}"#),
    (0, r#""result":{"content":[]},"future":{"beside":"the result"}"#),
    (0, r#""error":{"code":-32602,"message":"Unknown tool: x","data":{"a":[1e400]},"x":1}"#),
    (0, r#""error":{"code":-1,"message":""}"#),
    (0, r#""error":{"code":2147483648,"message":"large","data":null}"#),
    (
        0,
        r#""error":{"code":-32042,"message":"url","data":{"elicitations":[{"mode":"url","url":"https://a.example","elicitationId":"e","message":"m","x":1}]}}"#,
    ),
    (
        20,
        r#""result":{"description":"d","messages":[{"role":"user","content":{"type":"text","text":"x","y":1},"z":2}],"future":[]}"#,
    ),
    (20, r#""result":{"messages":[{"role":"assistant","content":{"type":"vendor","a":null}}]}"#),
    (20, r#""result":{"messages":[],"resultType":"complete","ttlMs":5,"cacheScope":"private"}"#),
    (
        22,
        r#""result":{"contents":[{"uri":"mem://a/b?c=d#e","mimeType":"text/x","text":"t\u0000","annotations":{"x":1},"y":2}],"z":3}"#,
    ),
    (
        22,
        r#""result":{"contents":[{"uri":"ui://x","mimeType":"text/html;profile=mcp-app","text":"<p>","_meta":{"ui":{"csp":{"connectDomains":["a.example"]}}}}]}"#,
    ),
    (22, r#""result":{"contents":[]}"#),
    (24, r#""result":{"completion":{"values":["a","b"],"total":1,"hasMore":false,"x":1.0},"y":2}"#),
    (24, r#""result":{"completion":{"values":[]}}"#),
    (25, r#""result":{"content":"a text where a list is known"}"#),
    (25, r#""result":[1,2,3]"#),
    (25, r#""result":"text""#),
    (25, r#""result":null"#),
    (25, r#""result":123456789012345678901234567890"#),
    (25, r#""result":{"tools":[{"name":"not-a-list"}],"resources":7}"#),
    (26, r#""result":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":[]}}}}}}}}}}"#),
];

/// What goes before the answer in a stream.
const BEFORE: &[&str] = &[
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":0.30000000000000000001,"total":1,"message":"m","x":{"y":null}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","logger":"l","data":[1e400],"x":1}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"mem://a","title":"t"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/vendor/thing","params":{"a":[[]]},"future":1}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/vendor/empty"}"#,
];

struct Way {
    parrot: Parrot,
    host: TestHost,
    key: String,
    http: reqwest::Client,
}

impl Way {
    async fn open() -> Self {
        let parrot = Parrot::start(TOOLS).await.unwrap();
        let host = TestHost::start().await.unwrap();
        host.ok(&["servers", "add", &parrot.url(), "--name", "parrot"]).await.unwrap();
        let key = host.agent("clerk").await.unwrap();
        for (kind, glob) in
            [("--tools", "*"), ("--resources", "*"), ("--prompts", "*"), ("--methods", "*")]
        {
            let words = ["grants", "add", "--agent", "clerk", "--server", "parrot", kind, glob];
            host.ok(&[&words[..], &["--effect", "allow"]].concat()).await.unwrap();
        }
        Self { parrot, host, key, http: reqwest::Client::new() }
    }

    /// Sends a request; what is sent, and the body that comes back.
    async fn ask(
        &self,
        id: usize,
        (method, name, members): (&str, &str, &str),
    ) -> (String, String) {
        let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"tasks":{},"future":{"x":1}},"io.modelcontextprotocol/clientInfo":{"name":"raw","version":"1","x":null},"progressToken":"p","a":[1.0]}"#;
        let text = format!(
            r#"{{ "jsonrpc":"2.0", "future":[null], "id":{id}, "method":"{method}","params":{{{meta},{members}}}}}"#
        );
        // Not written out above, because an editor would show the rest of the line otherwise than it is.
        let text = text
            .replace("<RLO>", "\u{202e}")
            .replace("<ZWSP>", "\u{200b}")
            .replace("<LRI>", "\u{2066}");
        let mut request = self
            .http
            .post(self.host.endpoint("parrot"))
            .bearer_auth(&self.key)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method);
        if !name.is_empty() {
            request = request.header("mcp-name", in_header(name));
        }
        let answer = request.body(text.clone()).send().await.unwrap();
        (text, answer.text().await.unwrap())
    }
}

/// A name as a header holds it (SEP-2243).
fn in_header(name: &str) -> String {
    use base64::Engine as _;
    if name.is_ascii() {
        return name.to_owned();
    }
    format!("=?base64?{}?=", base64::engine::general_purpose::STANDARD.encode(name))
}

fn json(text: &str) -> Json {
    Json::read(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

#[tokio::test]
async fn whatever_an_agent_sends_arrives_byte_for_byte() {
    // V-01, V-07
    let way = Way::open().await;
    way.parrot.say(r#""result":{"resultType":"complete","content":[]}"#, &[]);
    for (id, asked) in ASKED.iter().enumerate() {
        way.parrot.recorder().clear();
        let (sent, answer) = way.ask(id, *asked).await;
        let seen = way.parrot.recorder().all();
        let arrived = seen.iter().map(|seen| seen.body.clone()).next_back();
        let arrived = arrived.unwrap_or_else(|| panic!("nothing arrived: {sent}\n{answer}"));
        assert_eq!(json(&String::from_utf8_lossy(&arrived)), json(&sent), "{answer}");
    }
}

#[tokio::test]
async fn whatever_a_server_answers_arrives_unchanged_alone_and_in_a_stream() {
    // V-01, V-07
    let way = Way::open().await;
    for before in [&[][..], BEFORE] {
        for (id, (asked, answer)) in ANSWERED.iter().enumerate() {
            way.parrot.say(answer, before);
            let (_, got) = way.ask(id, ASKED[*asked]).await;
            let due = json(&format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#));
            let streamed: Vec<&str> =
                got.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim).collect();
            let mut messages: Vec<Json> = match streamed.is_empty() {
                true => vec![json(&got)],
                false => streamed.into_iter().filter(|text| !text.is_empty()).map(json).collect(),
            };
            assert_eq!(messages.pop(), Some(due), "{got}");
            let due: Vec<Json> = before.iter().map(|text| json(text)).collect();
            assert_eq!(messages, due, "{got}");
        }
    }
}

#[tokio::test]
async fn a_tool_is_listed_with_all_that_its_server_says_of_it() {
    // V-01
    let way = Way::open().await;
    let (_, got) = way.ask(1, ("tools/list", "", r#""x":1"#)).await;
    let got = json(&got);
    assert_eq!(got.at("/result/tools/0"), json(TOOLS).at("/0"), "{}", got.to_text());
}
