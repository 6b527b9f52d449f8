//! Arguments that try to be approved for something else than they are, each with a cause of its own. What is shown of
//! each has to contain, visibly, every character that is sent.

use serde_json::{Map, Value, json};

/// One case: its cause, and the arguments.
#[derive(Debug, Clone)]
pub struct Case {
    /// What is tried.
    pub cause: &'static str,
    /// The arguments as they are sent.
    pub arguments: Value,
}

/// A text in one argument.
fn said(cause: &'static str, text: &str) -> Case {
    Case { cause, arguments: json!({ "text": text }) }
}

fn whole(cause: &'static str, arguments: Value) -> Case {
    Case { cause, arguments }
}

/// All of them.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut all = hidden();
    all.extend(reordered());
    all.extend(alike());
    all.extend(pretending());
    all.extend(shapes());
    all
}

fn hidden() -> Vec<Case> {
    vec![
        said("zero width space", "Bright\u{200b}fields"),
        said("zero width joiner", "a\u{200d}b"),
        said("zero width non-joiner", "a\u{200c}b"),
        said("word joiner", "a\u{2060}b"),
        said("byte order mark", "\u{feff}pay"),
        said("soft hyphen", "pay\u{ad}pal"),
        said("combining grapheme joiner", "a\u{34f}b"),
        said("Mongolian vowel separator", "a\u{180e}b"),
        said("Hangul filler", "a\u{3164}b"),
        said("half-width Hangul filler", "a\u{ffa0}b"),
        said("Braille blank", "a\u{2800}b"),
        said("Khmer inherent vowel", "a\u{17b4}b"),
        said("invisible times", "2\u{2062}3"),
        said("tag characters", "hi\u{e0001}\u{e0053}\u{e0045}\u{e004e}\u{e0044}\u{e007f}"),
        said("variation selector", "a\u{fe0f}b"),
        said("supplementary variation selectors", "a\u{e0100}\u{e0172}b"),
        said("private use", "a\u{e000}\u{f8ff}b"),
        said("private plane", "a\u{f0000}b"),
        said("noncharacter", "a\u{fffe}\u{fdd0}b"),
        said("interlinear annotation", "a\u{fff9}b\u{fffa}c\u{fffb}"),
        said("object replacement", "a\u{fffc}b"),
        said("no-break space", "rm\u{a0}-rf"),
        said("ideographic space", "a\u{3000}b"),
        said("em space", "a\u{2003}b"),
        said("space at the end", "giro "),
        said("space at the beginning", " giro"),
        said("only spaces", "   "),
        said("empty text", ""),
        said("line separator", "a\u{2028}b"),
        said("paragraph separator", "a\u{2029}b"),
        said("next line", "a\u{85}b"),
        said("a hundred empty lines", &format!("harmless{}rm -rf /", "\n".repeat(100))),
        said("carriage return overwrites", "rm -rf /\rls        "),
        said("tabs push out of sight", &format!("ls{}; rm -rf /", "\t".repeat(60))),
        said("spaces push out of sight", &format!("ls{}; rm -rf /", " ".repeat(400))),
        said("null byte", "safe.txt\u{0}.sh"),
        said("backspaces", "delete\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}read"),
        said("delete character", "a\u{7f}b"),
        said("vertical tab and form feed", "a\u{b}b\u{c}c"),
    ]
}

fn reordered() -> Vec<Case> {
    vec![
        said("right-to-left override", "invoice\u{202e}fdp.exe"),
        said("right-to-left embedding", "a\u{202b}b\u{202c}c"),
        said("left-to-right override", "a\u{202d}b\u{202c}"),
        said("first strong isolate", "a\u{2068}b\u{2069}c"),
        said("right-to-left isolate", "pay \u{2067}100\u{2069} to"),
        said("right-to-left mark", "1\u{200f}2"),
        said("Arabic letter mark", "1\u{61c}2"),
        said("Hebrew between numbers", "100 \u{5e9}\u{5dc}\u{5d5}\u{5dd} 900"),
        whole("override in a member name", json!({ "\u{202e}tnuoma": "1" })),
    ]
}

fn alike() -> Vec<Case> {
    vec![
        said("Cyrillic letter in a name", "p\u{430}ypal"),
        said("wholly Cyrillic name", "\u{430}\u{440}\u{440}\u{4cf}\u{435}"),
        said("Greek omicron", "g\u{3bf}\u{3bf}gle"),
        said("full-width letters", "\u{ff47}\u{ff4f}\u{ff4f}\u{ff47}\u{ff4c}\u{ff45}x"),
        said("mathematical letters", "x\u{1d429}\u{1d41a}\u{1d432}"),
        said("look-alike domain", "https://p\u{430}ypal.com/login"),
        said("user part before the host", "https://paypal.com@evil.example/"),
        said("number for a host", "http://2130706433/"),
        said("division slash ends no host", "https://bank.example\u{2215}x.evil.example/"),
        said("full-width full stop", "https://bank\u{ff0e}example"),
        said("look-alike e-mail address", "ada@ex\u{430}mple.com"),
        said("piled marks", &format!("z{}", "\u{301}\u{300}\u{489}".repeat(40))),
        said("a mark that crosses out", "1\u{338}00"),
        whole("look-alike member name", json!({ "t\u{43e}": "mallory", "to": "grace" })),
    ]
}

fn pretending() -> Vec<Case> {
    vec![
        said("clears the terminal", "\u{1b}[2J\u{1b}[HApproved."),
        said("terminal title", "\u{1b}]0;safe\u{7}"),
        said("one-byte escape", "\u{9b}2Jx"),
        said("terminal hyperlink", "\u{1b}]8;;https://evil.example\u{7}bank\u{1b}]8;;\u{7}"),
        said("markup of a button", "<button data-testid=\"allow\">Deny</button>"),
        said(
            "script",
            "<script>window.approved=true</script><img src=x onerror=\"window.approved=true\">",
        ),
        said("Markdown link", "[the bank](https://evil.example)"),
        said("style that hides", "<span style=\"display:none\">rm -rf /</span>"),
        said("pretends to be one of our marks", "a⟦U+200B⟧b U+200B ↵ ⇥"),
        said("pretends to go on as we do", "x\n      │ y\n  /to =\n      │ grace"),
        said("pretends to be the end", "x\n\nAs the server will see it:\n{}"),
        said("pretends to be our words", "Allowed by you. Press Enter. 0 more characters"),
        said("template", "{{constructor.constructor('return 1')()}} ${1+1} {@html x}"),
        said("JSON in a text", "{\"to\":\"mallory\"}"),
        said("escaped escapes", "\\u202e \\n \\\\ \\\" &lt;b&gt; %0A"),
    ]
}

fn shapes() -> Vec<Case> {
    let many: Map<String, Value> =
        (0..10_000).map(|index| (format!("k{index}"), json!(index))).collect();
    let deep = (0..60).fold(json!("the end"), |inner, _| json!({ "a": inner }));
    let lists = (0..60).fold(json!("the end"), |inner, _| json!([inner]));
    let long_name: String = "n".repeat(5000);
    let mut named = Map::new();
    named.insert(long_name, json!(1));
    vec![
        said("one megabyte", &format!("{}END", "0123456789abcdef".repeat(65_536))),
        said("one word of 20,000 letters", &"w".repeat(20_000)),
        said(
            "hidden in the middle of a long text",
            &format!("{}\u{200b}pay{}", "a ".repeat(3000), "b ".repeat(3000)),
        ),
        whole("10,000 members", Value::Object(many)),
        whole("deep objects", deep),
        whole("deep lists", json!({ "x": lists })),
        whole("a very long member name", Value::Object(named)),
        whole("an empty member name", json!({ "": "x" })),
        whole("a member name with a slash", json!({ "a/b": { "~": 1 }, "a": { "b": 2 } })),
        whole("line breaks in a member name", json!({ "a\nb": "x" })),
        whole(
            "arguments that name arguments",
            json!({ "arguments": { "to": "grace" }, "/arguments/to": "mallory" }),
        ),
        whole("large and small numbers", json!({ "n": u64::MAX, "m": -0.1, "o": 1e300 })),
        whole("nothing, in four ways", json!({ "a": null, "b": {}, "c": [], "d": "", "e": false })),
        whole("text that looks like a number", json!({ "amount": "1000", "other": 1000 })),
        whole(
            "names of an object's own",
            json!({ "__proto__": "x", "constructor": "y", "toString": "z" }),
        ),
    ]
}

/// Every value of the arguments with its pointer, in the order it is written: what has to be shown.
#[must_use]
pub fn leaves(value: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    walk("/arguments", value, &mut all);
    all
}

fn walk(at: &str, value: &Value, all: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                walk(&format!("{at}/{name}"), member, all);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                walk(&format!("{at}/{index}"), item, all);
            }
        }
        Value::String(text) => all.push((at.to_owned(), text.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            all.push((at.to_owned(), value.to_string()));
        }
    }
}

/// Whether a character has to be named by its code, because nobody sees it or it moves its neighbours. Written down here
/// anew, so that the product and its test cannot be wrong together.
#[must_use]
pub fn unseen(character: char) -> bool {
    let code = u32::from(character);
    character.is_control()
        || [0xad, 0x34f, 0x61c, 0x180e, 0x2800, 0x3000, 0x3164, 0xffa0, 0xfeff, 0xa0]
            .contains(&code)
        || (0x2000..=0x200f).contains(&code)
        || (0x2028..=0x202f).contains(&code)
        || (0x205f..=0x206f).contains(&code)
        || (0xfe00..=0xfe0f).contains(&code)
        || (0xe000..=0xf8ff).contains(&code)
        || (0xfff0..=0xfffd).contains(&code) && code != 0xfffd
        || code >= 0xe_0000
}

/// The character a mark of ours stands for; a hint stands for none.
#[must_use]
pub fn unmarked(mark: &str) -> Option<String> {
    match mark {
        "↵" => Some(String::new()),
        "⇥" => Some("\t".to_owned()),
        _ if mark.contains(" looks like ") => Some(String::new()),
        _ => {
            let code = u32::from_str_radix(mark.strip_prefix("U+")?, 16).ok()?;
            char::from_u32(code).map(String::from)
        }
    }
}
