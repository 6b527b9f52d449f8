//! A program that speaks OAuth byte by byte, for what a well-behaved client never does.

use prokura_domain::Digest;
use prokura_testkit::{Agent, TestHost};
use reqwest::{Client, Response, redirect};
use serde_json::{Value, json};
use url::Url;

pub const LOOPBACK: &str = "http://127.0.0.1:4000/cb";
pub const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0";

/// A client that registered itself.
pub struct Program {
    pub http: Client,
    pub issuer: String,
    pub id: String,
    pub redirect: String,
}

impl Program {
    pub async fn registered(host: &TestHost, redirect: &str) -> Self {
        let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        let url = format!("{}/oauth/register", host.http());
        let metadata = json!({ "client_name": "a program", "redirect_uris": [redirect] });
        let answer = http.post(url).json(&metadata).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let body: Value = answer.json().await.unwrap();
        let id = body["client_id"].as_str().unwrap().to_owned();
        Self { http, issuer: host.http(), id, redirect: redirect.to_owned() }
    }

    /// A wish for an endpoint, with everything in order.
    pub fn visit(&self, path: &str) -> Visit<'_> {
        let resource = format!("{}{path}", self.issuer);
        let challenge = challenge();
        let parameters = [
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect),
            ("state", "st"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", &resource),
        ];
        let parameters =
            parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Visit { program: self, parameters, resource }
    }

    pub async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.http.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}{path}", self.issuer);
        let answer = self.http.post(url).form(form).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }
}

fn challenge() -> String {
    use base64::Engine as _;
    let digest = Digest::of(&[VERIFIER.as_bytes()]);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest.0)
}

/// A wish for an endpoint.
pub struct Visit<'a> {
    pub program: &'a Program,
    pub parameters: Vec<(String, String)>,
    pub resource: String,
}

impl Visit<'_> {
    /// The same with a parameter changed, or left out.
    pub fn with(mut self, name: &str, value: Option<&str>) -> Self {
        self.parameters.retain(|(known, _)| known != name);
        if let Some(value) = value {
            self.parameters.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub fn page(&self) -> String {
        let base = format!("{}/oauth/authorize", self.program.issuer);
        Url::parse_with_params(&base, &self.parameters).unwrap().into()
    }

    /// The answer to the browser, unfollowed.
    pub async fn open(&self, headers: &[(&str, &str)]) -> Response {
        self.program.get(&self.page(), headers).await
    }

    /// The code, once the person has let it in.
    pub async fn code(&self, host: &TestHost, as_agent: [&str; 2]) -> String {
        let opened = self.open(&[]).await;
        assert_eq!(opened.status(), 303);
        let wait = format!("{}{}", self.program.issuer, location(&opened));
        let page = self.program.get(&wait, &[]).await.text().await.unwrap();
        let number = page.split("<output>").nth(1).unwrap().split('<').next().unwrap().to_owned();
        host.pick(&number, as_agent).await.unwrap();
        let back = self.program.get(&format!("{wait}?again"), &[]).await;
        let back = Url::parse(&location(&back)).unwrap();
        let value = |name: &str| {
            let mut all = back.query_pairs().filter(|(known, _)| known == name);
            let value = all.next().unwrap().1.into_owned();
            assert!(all.next().is_none(), "{name} occurs twice");
            value
        };
        assert_eq!((value("state").as_str(), value("iss")), ("st", self.program.issuer.clone()));
        value("code")
    }

    pub async fn redeem(&self, code: &str) -> Value {
        let (status, tokens) = self.try_redeem(code).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    pub async fn try_redeem(&self, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.program.redirect),
            ("client_id", &self.program.id),
            ("code_verifier", VERIFIER),
            ("resource", &self.resource),
        ];
        self.program.post("/oauth/token", &form).await
    }
}

pub fn location(answer: &Response) -> String {
    let value = answer.headers().get("location").expect("it goes on to another place");
    value.to_str().unwrap().to_owned()
}

/// An agent with an access token.
pub fn agent(url: &str, tokens: &Value) -> Agent {
    Agent::modern(url, tokens["access_token"].as_str().unwrap()).unwrap()
}
