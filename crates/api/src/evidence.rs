//! Evidence as pages that any browser shows without a network: plain HTML, no script, nothing from outside. What agents and
//! servers wrote stands in it as text; it must never become part of the page.

use crate::audit::RecordView;
use crate::pieces::pieces;

/// Records on a page.
pub const PAGE: usize = 1_000;

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The log.
    pub log_id: String,
    /// The number of its first record.
    pub first: i64,
    /// The number of its last.
    pub last: i64,
    /// The key that signed, 64 hexadecimal digits.
    pub key: String,
    /// When it was made, RFC 3339.
    pub at: String,
}

/// What is on one page of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The number of its first record.
    pub first: i64,
    /// The number of its last.
    pub last: i64,
    /// When the first was written.
    pub since: String,
    /// When the last was.
    pub until: String,
}

/// The name of a page of records, counted from 1.
#[must_use]
pub fn leaf_name(number: usize) -> String {
    format!("records-{number:05}.html")
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c1b1a; --soft: #6a6762; --line: #d9d5ce; --page: #fbfaf8; --mark: #8a3b12; }
@media (prefers-color-scheme: dark) { :root { --ink: #ece9e4; --soft: #a19c94; --line: #3b3835; --page: #1b1a19; --mark: #f0a878; } }
body { margin: 0 auto; max-width: 1200px; padding: 28px 20px 60px; background: var(--page); color: var(--ink); font: 14px/1.5 system-ui, sans-serif; }
h1 { font-size: 21px; margin: 0 0 4px; } h2 { font-size: 15px; margin: 28px 0 6px; } p { max-width: 75ch; margin: 6px 0; }
.soft, th, summary { color: var(--soft); }
code, pre, td.n { font: 12px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; margin: 6px 0; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 500; }
th, td { padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td.n { white-space: nowrap; } i { color: var(--mark); font-style: normal; font-size: 11px; border: 1px solid; border-radius: 3px; padding: 0 3px; }
a { color: inherit; } nav { margin: 14px 0; display: flex; gap: 18px; }
";

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"referrer\" content=\"no-referrer\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\n{body}</body></html>\n"
    )
}

/// A text that cannot be anything but text, and hides nothing.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for piece in pieces(text) {
        let hint = piece.hint.as_deref().map(escaped);
        match (piece.mark, hint) {
            (true, _) => out.push_str(&format!("<i>{}</i>", escaped(&piece.text))),
            (false, Some(hint)) => {
                out.push_str(&format!("{}<i>{hint}</i>", escaped(&piece.text)));
            }
            (false, None) => out.push_str(&escaped(&piece.text)),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(sign),
        }
    }
    out
}

/// The first page.
#[must_use]
pub fn index(about: &About, leaves: &[Leaf]) -> String {
    let rows: String = (1..)
        .zip(leaves)
        .map(|(number, leaf)| {
            format!(
                "<tr><td><a href=\"{}\">{} to {}</a></td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                leaf_name(number), leaf.first, leaf.last, escaped(&leaf.since), escaped(&leaf.until)
            )
        })
        .collect();
    let body = format!(
        "<h1>Evidence from an audit log of Prokura</h1>\
         <p class=\"soft\">Records {} to {} of the log <code>{}</code>, taken out {}.</p>\
         <h2>Before you rely on it</h2>\
         <p>These pages only show the records. Whether they are what the log says is told by a verification, which needs \
         nothing but this folder and the public key:</p>\
         <pre>prokura audit verify FOLDER --key {}</pre>\
         <p>Compare that key with the one its owner tells you in another way. <code>README.txt</code> says how to verify it \
         without Prokura. Arguments and results of calls are not in it, only their salted digests.</p>\
         <h2>Records</h2><table><tr><th>Numbers</th><th>From</th><th>To</th></tr>\n{rows}</table>\n",
        about.first,
        about.last,
        escaped(&about.log_id),
        escaped(&about.at),
        escaped(&about.key)
    );
    page("Evidence", &body)
}

/// A page of records; `more` says whether another comes after it.
#[must_use]
pub fn leaf(number: usize, records: &[RecordView], more: bool) -> String {
    let mut rows = String::new();
    for record in records {
        rows.push_str(&row(record));
    }
    let before = (number > 1).then(|| format!("<a href=\"{}\">Before</a>", leaf_name(number - 1)));
    let after = more.then(|| format!("<a href=\"{}\">After</a>", leaf_name(number + 1)));
    let nav = format!(
        "<nav><a href=\"index.html\">Evidence</a>{}{}</nav>",
        before.unwrap_or_default(),
        after.unwrap_or_default()
    );
    let ends = records.first().zip(records.last());
    let title = ends
        .map_or_else(String::new, |(first, last)| format!("Records {} to {}", first.seq, last.seq));
    let body = format!(
        "<h1>{title}</h1>{nav}<table><tr><th>Number</th><th>When</th><th>What</th><th>Agent</th><th>Server and account</th>\
         <th>Target</th><th>Said</th></tr>\n{rows}</table>{nav}\n"
    );
    page(&title, &body)
}

fn row(record: &RecordView) -> String {
    let name = |named: &Option<crate::view::Named>| {
        named.as_ref().map(|one| safe(&one.name)).unwrap_or_default()
    };
    let word = |member: &str| record.detail.get(member).and_then(serde_json::Value::as_str);
    let said = ["result", "answer", "reason", "class"].into_iter().find_map(word).unwrap_or("more");
    let detail = serde_json::to_string_pretty(&record.detail).unwrap_or_default();
    format!(
        "<tr id=\"r{0}\"><td class=\"n\">{0}</td><td class=\"n\">{1}</td><td class=\"n\">{2}</td><td>{3}</td><td>{4}<br>\
         <span class=\"soft\">{5}</span></td><td>{6}</td><td><details><summary>{7}</summary><pre>{8}</pre>\
         <p class=\"soft\">Call <code>{9}</code><br>Trace <code>{10}</code><br>Hash <code>{11}</code><br>Before it \
         <code>{12}</code></p></details></td></tr>\n",
        record.seq,
        escaped(&record.at),
        safe(&record.kind),
        name(&record.agent),
        name(&record.server),
        name(&record.account),
        safe(record.target.as_deref().unwrap_or_default()),
        safe(said),
        lines(&detail),
        safe(record.call.as_deref().unwrap_or("none")),
        safe(record.trace.as_deref().unwrap_or("none")),
        escaped(&record.hash),
        escaped(&record.prev),
    )
}

/// Lines of our own making stay lines; in a JSON text no other line feed stands.
fn lines(text: &str) -> String {
    text.split('\n')
        .map(|line| {
            let inner = line.trim_start();
            format!("{}{}", " ".repeat(line.len() - inner.len()), safe(inner))
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// How to verify it, for people.
#[must_use]
pub fn readme(about: &About) -> String {
    format!(
        "Evidence from an audit log of Prokura: records {first} to {last} of {log}, taken out {at}.

index.html        the records, to read in a browser; no network, no scripts
records.jsonl     the records, one a line, oldest first
checkpoints.jsonl the checkpoints over them
manifest.json     what is in here, with the SHA-256 of every file
manifest.sig      the Ed25519 signature over the manifest, in hexadecimal digits

To verify it with Prokura, on any machine, without its owner's data:

    prokura audit verify FOLDER --key {key}

Ask the owner for the key by another way: nothing in this folder can prove whose it is.
With --anchor FILE it is compared with an anchor you were given too.

To verify it without Prokura:

1. manifest.sig signs the bytes `prokura-evidence-v1`, the length of manifest.json as 8 bytes, big-endian, and
   manifest.json itself, by the key above (Ed25519, RFC 8032).
2. Every file has the SHA-256 that manifest.json says, and there is no other file.
3. Each record's `hash` is SHA-256 over `prokura-record-v1`, the 32 bytes of its `prev`, and the text
   {{\"at\":AT,\"body\":BODY,\"kind\":KIND,\"log_id\":LOG,\"seq\":SEQ,\"v\":V}}
   where BODY is the text of `body` as it stands, and KIND and LOG are JSON strings. `prev` is the `hash` of the record
   before it, or the manifest's `prev` for the first. Numbers go up by one, from the manifest's `first` to its `last`.
4. Each checkpoint signs `prokura-checkpoint-v1`, the length of the log's name as 8 bytes, the name, the record's number as
   8 bytes, big-endian, and the 32 bytes of its hash.

Arguments and results of calls are not in here. Records hold salted digests of them.
",
        first = about.first,
        last = about.last,
        log = about.log_id,
        at = about.at,
        key = about.key,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::view::Named;

    fn hostile(text: &str) -> RecordView {
        let named = Some(Named { id: "x".to_owned(), name: text.to_owned() });
        RecordView {
            id: "1".to_owned(),
            seq: 1,
            at: "2026-11-23T00:00:00Z".to_owned(),
            kind: "call.intent".to_owned(),
            v: 2,
            call: Some(text.to_owned()),
            trace: Some(text.to_owned()),
            agent: named.clone(),
            server: named.clone(),
            account: named,
            target_kind: None,
            target: Some(text.to_owned()),
            detail: json!({ "result": text, text: [text] }),
            hash: "00".to_owned(),
            prev: "00".to_owned(),
        }
    }

    /// Whatever is written into a record stays text: no tag, no attribute, no hidden character.
    #[test]
    fn hostile_text_stays_text_on_a_page() {
        for text in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "'</pre></details><style>*{display:none}</style>",
            "&lt;b&gt;<!--",
            "</title><base href=//evil.example>",
            "pay\u{202e}gpj.exe\u{200b}",
        ] {
            let html = leaf(1, &[hostile(text)], false);
            let clean = leaf(1, &[hostile("x")], false);
            let tags = |html: &str| {
                let marks = html.matches("<i>").count() * 2;
                html.matches('<').count() - marks
            };
            assert_eq!(tags(&html), tags(&clean), "{text}");
            for sign in ["<script", "<img", "<base", "\u{202e}", "\u{200b}", "onerror=alert(1)>"] {
                assert!(!html.contains(sign), "{sign} of {text}");
            }
        }
    }

    #[test]
    fn pages_load_nothing_from_anywhere() {
        let about = About {
            log_id: "log_1".to_owned(),
            first: 1,
            last: 1,
            key: "00".to_owned(),
            at: "now".to_owned(),
        };
        let leaf_of = Leaf { first: 1, last: 1, since: String::new(), until: String::new() };
        for html in [index(&about, &[leaf_of]), leaf(2, &[hostile("x")], true)] {
            assert!(html.contains("default-src 'none'"));
            for outside in ["http://", "https://", "//", "src=", "<script", "@import", "url("] {
                assert!(!html.contains(outside), "{outside}");
            }
        }
    }
}
