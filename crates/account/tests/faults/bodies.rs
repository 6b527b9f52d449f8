//! Documents and answers that are not what they seem: packed, nested, doubled, of another kind.

use serde_json::json;

use crate::authority::{META, PRM};
use crate::rough::Manner;
use crate::row::{Row, refresh, sign_in};
use crate::site::Reply;

fn json_text(text: String) -> Reply {
    Reply { body: text.into_bytes(), ..Reply::status(200).with("content-type", "application/json") }
}

pub fn rows() -> Vec<Row> {
    [shapes(), kinds()].into_iter().flatten().collect()
}

fn shapes() -> Vec<Row> {
    vec![
        Row::new(
            ("a packed answer that grows when it is opened", "code exchange"),
            "B-01",
            "refused for safety: {rough}/: its answer is compressed",
            sign_in(|s| {
                let base = s.rough(Manner::Bomb);
                s.authority.metadata(json!({"token_endpoint": base}));
            }),
        ),
        Row::new(
            ("an answer nested a hundred thousand deep", "code exchange"),
            "B-12",
            "{base} refused to issue a token (its answer is not one of a token endpoint)",
            sign_in(|s| {
                let deep = format!("{{\"access_token\":\"a\",\"x\":{}", "[".repeat(100_000));
                s.authority.site.fixed("/token", json_text(deep));
            }),
        ),
        Row::new(
            ("a member that stands there twice", "server metadata"),
            "B-12",
            "{base}/.well-known/oauth-authorization-server is not usable (duplicate field `token_endpoint`); ask the server's operator",
            sign_in(|s| {
                let text = format!(
                    "{{\"issuer\":\"{0}\",\"token_endpoint\":\"{0}/token\",\"token_endpoint\":\"{1}/token\"}}",
                    s.authority.site.base, s.elsewhere.base
                );
                s.authority.site.fixed(META, json_text(text));
            }),
        ),
        Row::new(
            ("a member that stands there twice", "code exchange"),
            "B-12",
            "{base} refused to issue a token (its answer is not one of a token endpoint)",
            sign_in(|s| {
                let text = r#"{"access_token":"a","access_token":"b","token_type":"Bearer","expires_in":"5"}"#;
                s.authority.site.fixed("/token", json_text(text.to_owned()));
            }),
        ),
        Row::new(
            ("a member of the wrong kind", "resource metadata"),
            "B-12",
            "{base}/.well-known/oauth-protected-resource/mcp is not usable (invalid type: string \"here\", expected a sequence); ask the server's operator",
            sign_in(|s| {
                let text = r#"{"authorization_servers":"here","resource":"x"}"#;
                s.authority.site.fixed(PRM, json_text(text.to_owned()));
            }),
        ),
    ]
}

fn kinds() -> Vec<Row> {
    vec![
        Row::new(
            ("tokens as a form instead of JSON", "code exchange"),
            "RFC 6749 §5.1",
            "{base} refused to issue a token (its answer is not one of a token endpoint)",
            sign_in(|s| {
                let body = b"access_token=a&token_type=bearer".to_vec();
                let form =
                    Reply::status(200).with("content-type", "application/x-www-form-urlencoded");
                s.authority.site.fixed("/token", Reply { body, ..form });
            }),
        ),
        Row::new(
            ("tokens under the type of a page", "refresh"),
            "RFC 6749 §5.1",
            "{base} refused to issue a token (its answer is not one of a token endpoint)",
            refresh(|s| {
                let body = br#"{"access_token":"a","token_type":"Bearer"}"#.to_vec();
                let page = Reply::status(200).with("content-type", "text/html");
                s.authority.site.fixed("/token", Reply { body, ..page });
            }),
        ),
        Row::new(
            ("an empty answer", "code exchange"),
            "RFC 6749 §5.1",
            "{base} refused to issue a token (its answer is not one of a token endpoint)",
            sign_in(|s| s.authority.site.fixed("/token", Reply::status(204))),
        ),
    ]
}
