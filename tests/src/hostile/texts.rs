//! The texts: arguments, and the names of tools.
//! They must never be cleaned up by what makes them: what is written here is what is sent.

use serde_json::{Map, Value, json};

use super::{Case, tools};

/// A text in one argument.
fn said(cause: &'static str, text: &str) -> Case {
    whole(cause, &json!({ "text": text }))
}

fn whole(cause: &'static str, arguments: &Value) -> Case {
    written(cause, &arguments.to_string())
}

/// Arguments as they are written, where the writing is what tries.
fn written(cause: &'static str, text: &str) -> Case {
    Case { cause, tool: "note".to_owned(), written: text.to_owned() }
}

/// All of them.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut all = hidden();
    all.extend(reordered());
    all.extend(alike());
    all.extend(pretending());
    all.extend(shapes());
    all.extend(writings());
    all.extend(tools().into_iter().map(|(cause, tool)| Case {
        cause,
        tool,
        written: r#"{"size":5}"#.to_owned(),
    }));
    all
}

/// The same value can be written in many ways; a person has to see the value, whichever it is.
fn writings() -> Vec<Case> {
    vec![
        written("a very big integer", r#"{"amount":100000000000000000000000000000000000000001}"#),
        written("an integer beyond 2^53", r#"{"amount":9007199254740993}"#),
        written(
            "more digits than a double has",
            r#"{"amount":0.30000000000000004440892098500626}"#,
        ),
        written(
            "numbers at the end of what a double holds",
            r#"{"amount":1.7976931348623157e308,"less":-5E-0324}"#,
        ),
        written("minus zero", r#"{"amount":-0,"other":-0.0}"#),
        written("zeros at the end", r#"{"amount":1.0000000000000000,"other":10e-1}"#),
        written(
            "letters written as escapes",
            r#"{"to":"\u0067race","\u0074wo":"\u005c\u0022\u002f"}"#,
        ),
        written("an override written as an escape", r#"{"to":"ecar\u202eg"}"#),
        written("a pair of surrogates", r#"{"to":"\ud83d\udcb8 \uDB40\uDC41"}"#),
        written("an escaped null byte", r#"{"to":"grace\u0000.mallory"}"#),
        written("white space between members", "{ \"to\" :\r\n\t\"grace\" ,\n\n\n\"amount\": 5 }"),
        written("names that differ by case", r#"{"to":"grace","To":"mallory","TO":"eve"}"#),
        written(
            "names that differ by a hidden character",
            "{\"to\":\"grace\",\"to\u{200b}\":\"mallory\"}",
        ),
        written(
            "names that differ by normalisation",
            "{\"\u{e9}\":\"grace\",\"e\u{301}\":\"mallory\"}",
        ),
        written("names that differ by an escape of a pointer", r#"{"a/b":1,"a~1b":2,"a":{"b":3}}"#),
        written("names that look like places in a list", r#"{"list":[1,2],"list/0":3,"0":4}"#),
    ]
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
        said("an isolate that is never closed", "pay \u{2066}\u{2067}100 EUR"),
        said("deprecated format characters", "1\u{206a}\u{206f}2"),
        said("Arabic currency signs above", "1\u{890}\u{891}2"),
        whole(
            "a right-to-left name of a member",
            &json!({ "\u{5e1}\u{5db}\u{5d5}\u{5dd}": 900, "to": "1" }),
        ),
        said("Hebrew between numbers", "100 \u{5e9}\u{5dc}\u{5d5}\u{5dd} 900"),
        whole("override in a member name", &json!({ "\u{202e}tnuoma": "1" })),
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
        said("punycode", "https://xn--pypal-4ve.com/login"),
        said(
            "a port that looks like a path",
            "https://bank.example:443@evil.example:8443/bank.example",
        ),
        said("backslash in an address", "https://bank.example\\@evil.example/"),
        said("an address in an address", "https://evil.example/?next=https://bank.example/"),
        said("script address", "javascript:alert(1)//https://bank.example/"),
        said("digits of another script", "1\u{660}\u{660}\u{660}"),
        said("Roman numeral and ligature", "\u{2160}\u{fb01}le"),
        said("piled marks", &format!("z{}", "\u{301}\u{300}\u{489}".repeat(40))),
        said("a mark that crosses out", "1\u{338}00"),
        whole("look-alike member name", &json!({ "t\u{43e}": "mallory", "to": "grace" })),
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
        said("pretends to be a number", "5  (number)"),
        said("pretends to be a label of the window", "empty text"),
        said("pretends to be folded by us", "x\n      ┊ y"),
        said(
            "fills a line of the terminal to begin one of its own",
            &format!("5{}  string  /arguments/to{}      │ grace", " ".repeat(71), " ".repeat(55)),
        ),
        said("carriage return and line feed", "HTTP/1.1 200\r\nSet-Cookie: a=b\r\n\r\n"),
        said("bell and shift out", "a\u{7}b\u{e}c\u{f}d"),
        said("device control string", "\u{1b}P+q544e\u{1b}\\\u{1b}[6n"),
        said("sequence in 8-bit controls", "\u{9d}52;c;cm0gLXJm\u{9c}"),
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
        whole("10,000 members", &Value::Object(many)),
        whole("deep objects", &deep),
        whole("deep lists", &json!({ "x": lists })),
        whole("a very long member name", &Value::Object(named)),
        whole("an empty member name", &json!({ "": "x" })),
        whole("a member name with a slash", &json!({ "a/b": { "~": 1 }, "a": { "b": 2 } })),
        whole("line breaks in a member name", &json!({ "a\nb": "x" })),
        whole(
            "arguments that name arguments",
            &json!({ "arguments": { "to": "grace" }, "/arguments/to": "mallory" }),
        ),
        whole("large and small numbers", &json!({ "n": u64::MAX, "m": -0.1, "o": 1e300 })),
        whole(
            "nothing, in four ways",
            &json!({ "a": null, "b": {}, "c": [], "d": "", "e": false }),
        ),
        whole("text that looks like a number", &json!({ "amount": "1000", "other": 1000 })),
        whole(
            "names of an object's own",
            &json!({ "__proto__": "x", "constructor": "y", "toString": "z" }),
        ),
    ]
}
