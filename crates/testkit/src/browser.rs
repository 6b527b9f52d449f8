//! A stand-in for a person with a browser: opens a page, follows redirects, keeps cookies, fills in and sends forms,
//! and stops at the first page without a form.

use std::collections::HashMap;
use std::sync::Mutex;

use anyhow::{Context as _, bail};
use http::header;
use url::Url;

/// A person with a browser.
#[derive(Debug)]
pub struct Browser {
    http: reqwest::Client,
    cookies: Mutex<HashMap<String, HashMap<String, String>>>,
    name: String,
}

/// The page where it ended.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its address.
    pub url: Url,
    /// Its HTTP status.
    pub status: u16,
    /// Its text.
    pub text: String,
    /// Every address on the way, the first one first.
    pub trail: Vec<Url>,
}

/// A form as far as a person would fill it in.
#[derive(Debug)]
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

/// Where a browser is, and what it sends next.
#[derive(Debug)]
struct Way {
    url: Url,
    form: Option<Form>,
    trail: Vec<Url>,
}

impl Way {
    fn to(address: &str) -> anyhow::Result<Self> {
        let url = Url::parse(address).with_context(|| format!("not an address: {address}"))?;
        Ok(Self { trail: vec![url.clone()], url, form: None })
    }

    fn go(&mut self, location: &str) -> anyhow::Result<()> {
        self.url = self.url.join(location)?;
        self.trail.push(self.url.clone());
        Ok(())
    }
}

impl Browser {
    /// A browser with no cookies, of a person who signs in as `name`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(std::time::Duration::from_secs(20))
            .build()?;
        Ok(Self { http, cookies: Mutex::default(), name: name.to_owned() })
    }

    /// Opens `address` and does what a person would do to sign in.
    ///
    /// # Errors
    /// When a page does not answer, or the way has no end.
    pub async fn visit(&self, address: &str) -> anyhow::Result<Page> {
        let mut way = Way::to(address)?;
        for _ in 0..20 {
            if let Some(page) = self.step(&mut way).await? {
                return Ok(page);
            }
        }
        bail!("the sign-in at {address} goes round and round")
    }

    /// The same, but stops before it opens an address that starts with `end`, and answers with that address.
    ///
    /// # Errors
    /// When the way ends elsewhere.
    pub async fn visit_until(&self, address: &str, end: &str) -> anyhow::Result<Url> {
        let mut way = Way::to(address)?;
        for _ in 0..20 {
            if let Some(page) = self.step(&mut way).await? {
                bail!("the sign-in ended at {} ({}): {}", page.url, page.status, page.text);
            }
            if way.url.as_str().starts_with(end) {
                return Ok(way.url);
            }
        }
        bail!("the sign-in at {address} goes round and round")
    }

    /// One request; `Some` when it led to a page where a person would stop.
    async fn step(&self, way: &mut Way) -> anyhow::Result<Option<Page>> {
        let answer = self.send(&way.url, way.form.take()).await?;
        self.keep_cookies(&way.url, answer.headers());
        let status = answer.status().as_u16();
        if let Some(location) = answer.headers().get(header::LOCATION) {
            way.go(location.to_str()?)?;
            return Ok(None);
        }
        let text = answer.text().await?;
        match read_form(&text, &self.name) {
            Some(found) if status == 200 => {
                way.go(&found.action)?;
                way.form = Some(found);
                Ok(None)
            }
            _ => Ok(Some(Page { url: way.url.clone(), status, text, trail: way.trail.clone() })),
        }
    }

    async fn send(&self, url: &Url, form: Option<Form>) -> anyhow::Result<reqwest::Response> {
        let request = match form {
            Some(form) => self.http.post(url.clone()).form(&form.fields),
            None => self.http.get(url.clone()),
        };
        let request = match self.cookie_header(url) {
            Some(cookies) => request.header(header::COOKIE, cookies),
            None => request,
        };
        request.send().await.with_context(|| format!("no answer from {url}"))
    }

    fn keep_cookies(&self, url: &Url, headers: &header::HeaderMap) {
        let mut jar = self.cookies.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let jar = jar.entry(url.authority().to_owned()).or_default();
        for value in headers.get_all(header::SET_COOKIE) {
            let pair = value.to_str().unwrap_or("").split(';').next().unwrap_or("");
            if let Some((name, value)) = pair.split_once('=') {
                jar.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }

    fn cookie_header(&self, url: &Url) -> Option<String> {
        let jar = self.cookies.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let jar = jar.get(url.authority())?;
        let pairs: Vec<String> =
            jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// The first form that is posted, filled in as a person would.
fn read_form(page: &str, person: &str) -> Option<Form> {
    let start = page.find("<form")?;
    let rest = page.get(start..)?;
    let end = rest.find("</form>").unwrap_or(rest.len());
    let form = rest.get(..end)?;
    let head = form.get(..form.find('>')?)?;
    if !attribute(head, "method").is_some_and(|method| method.eq_ignore_ascii_case("post")) {
        return None;
    }
    let action = attribute(head, "action").unwrap_or_default();
    let mut fields = Vec::new();
    for part in form.split("<input").skip(1) {
        let tag = part.get(..part.find('>')?)?;
        let Some(name) = attribute(tag, "name") else { continue };
        let value = match name.as_str() {
            "login" => person.to_owned(),
            "password" => "not a secret".to_owned(),
            _ => attribute(tag, "value").unwrap_or_default(),
        };
        fields.push((name, value));
    }
    Some(Form { action, fields })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!("{name}=\""))? + name.len() + 2;
    let rest = tag.get(start..)?;
    let value = rest.get(..rest.find('"')?)?;
    Some(
        value
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#x3D;", "=")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_hidden_fields_and_the_person_s_name() {
        let page = r#"<p>x</p><form method="post" action="/go"><input type="hidden" name="a" value="1&amp;2"><input name="login" value="x"></form>"#;
        let form = read_form(page, "ada").expect("a form");
        assert_eq!(form.action, "/go");
        let fields = [("a".to_owned(), "1&2".to_owned()), ("login".to_owned(), "ada".to_owned())];
        assert_eq!(form.fields, fields);
    }
}
