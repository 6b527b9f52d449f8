//! A well-behaved MCP endpoint and authorization server on one site. It checks what a good one checks: the client, the
//! code's verifier, redirect and resource, and that a refresh token is spent once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prokura_account::SignIn;
use prokura_domain::Digest;
use serde_json::{Value, json};
use url::Url;

use crate::site::{Reply, Seen, Site};

pub const PRM: &str = "/.well-known/oauth-protected-resource/mcp";
pub const META: &str = "/.well-known/oauth-authorization-server";

#[derive(Default)]
struct Books {
    codes: HashMap<String, HashMap<String, String>>,
    refresh: HashSet<String>,
    issued: u32,
    approved: u32,
}

#[derive(Clone)]
pub struct Authority {
    pub site: Site,
    books: Arc<Mutex<Books>>,
    /// Members added to every token answer.
    pub extra: Arc<Mutex<Value>>,
}

impl Authority {
    pub async fn open() -> Self {
        Self::at(Site::open().await)
    }

    pub fn at(site: Site) -> Self {
        let this = Self {
            site,
            books: Arc::default(),
            extra: Arc::new(Mutex::new(json!({"expires_in": 3600}))),
        };
        this.restore();
        this
    }

    /// Behaves well again, whatever a test made of it.
    pub fn restore(&self) {
        let (this, site) = (self, &self.site);
        this.also(json!({"expires_in": 3600}));
        this.challenge(&format!(r#"Bearer resource_metadata="{}", scope="read""#, site.url(PRM)));
        this.resource(json!({}));
        this.metadata(json!({}));
        site.route("/register", |seen| {
            let wish = seen.json();
            Reply::json(
                201,
                &json!({
                    "client_id": "registered",
                    "redirect_uris": wish["redirect_uris"],
                    "token_endpoint_auth_method": wish["token_endpoint_auth_method"],
                }),
            )
        });
        let own = this.clone();
        site.route("/token", move |seen| own.token(seen));
        site.route("/revoke", |_| Reply::status(200));
    }

    pub fn endpoint(&self) -> String {
        self.site.url("/mcp")
    }

    /// The endpoint refuses with this challenge whoever comes without a token.
    pub fn challenge(&self, challenge: &str) {
        let challenge = challenge.to_owned();
        self.site.route("/mcp", move |seen| match seen.header("authorization") {
            None => Reply::status(401).with("www-authenticate", challenge.clone()),
            Some(_) => Reply::json(200, &json!({})),
        });
    }

    /// Protected Resource Metadata, the usual with `changes`; a null takes a member away.
    pub fn resource(&self, changes: Value) {
        let usual = json!({
            "resource": self.endpoint(),
            "authorization_servers": [self.site.base],
            "scopes_supported": ["read", "write"],
        });
        self.site.fixed(PRM, Reply::json(200, &merged(usual, changes)));
    }

    /// The authorization server's metadata, the usual with `changes`.
    pub fn metadata(&self, changes: Value) {
        self.site.fixed(META, Reply::json(200, &merged(self.usual_metadata(), changes)));
    }

    pub fn usual_metadata(&self) -> Value {
        json!({
            "issuer": self.site.base,
            "authorization_endpoint": self.site.url("/authorize"),
            "token_endpoint": self.site.url("/token"),
            "registration_endpoint": self.site.url("/register"),
            "revocation_endpoint": self.site.url("/revoke"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        })
    }

    /// Members of every token answer from now on.
    pub fn also(&self, extra: Value) {
        *self.extra.lock().unwrap() = extra;
    }

    /// Forgets every refresh token that was issued.
    pub fn withdraw(&self) {
        self.books.lock().unwrap().refresh.clear();
    }

    /// What a browser brings back when the person says yes.
    pub fn approve(&self, sign_in: &SignIn) -> HashMap<String, String> {
        let asked = query(&sign_in.url);
        let mut books = self.books.lock().unwrap();
        let code = format!("code-{}", books.approved);
        books.approved += 1;
        let answer = HashMap::from([
            ("code".to_owned(), code.clone()),
            ("state".to_owned(), asked["state"].clone()),
        ]);
        books.codes.insert(code, asked);
        answer
    }

    pub fn token(&self, seen: &Seen) -> Reply {
        let form = seen.form();
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let mut books = self.books.lock().unwrap();
        if field("resource") != self.endpoint() {
            return refused("invalid_target");
        }
        let scope = match field("grant_type") {
            "authorization_code" => {
                let Some(asked) = books.codes.remove(field("code")) else {
                    return refused("invalid_grant");
                };
                let verified =
                    URL_SAFE_NO_PAD.encode(Digest::of(&[field("code_verifier").as_bytes()]).0);
                if asked["code_challenge"] != verified
                    || asked["code_challenge_method"] != "S256"
                    || asked["redirect_uri"] != field("redirect_uri")
                    || asked["resource"] != field("resource")
                {
                    return refused("invalid_grant");
                }
                asked.get("scope").cloned()
            }
            "refresh_token" => {
                if !books.refresh.remove(field("refresh_token")) {
                    return refused("invalid_grant");
                }
                None
            }
            _ => return refused("unsupported_grant_type"),
        };
        books.issued += 1;
        let number = books.issued;
        let refresh = format!("refresh-{number}");
        books.refresh.insert(refresh.clone());
        let usual = json!({
            "access_token": format!("access-{number}"),
            "token_type": "bEaReR",
            "refresh_token": refresh,
            "scope": scope,
        });
        Reply::json(200, &merged(usual, self.extra.lock().unwrap().clone()))
    }
}

pub fn refused(error: &str) -> Reply {
    Reply::json(400, &json!({"error": error, "error_description": "because\u{1b}[31m of it"}))
}

pub fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

/// `usual` with the members of `changes`; null takes one away.
fn merged(usual: Value, changes: Value) -> Value {
    let mut all = usual.as_object().unwrap().clone();
    for (name, value) in changes.as_object().unwrap() {
        all.insert(name.clone(), value.clone());
    }
    all.retain(|_, value| !value.is_null());
    Value::Object(all)
}
