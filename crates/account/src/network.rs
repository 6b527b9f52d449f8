//! How Prokura reaches the network, as the person sets it: a proxy, and certificate authorities of their own. Changes hold
//! at once, and each is recorded. It never keeps a password of a proxy, nor a key of an authority.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prokura_domain::{Change, Digest, Durability, Event, Json, RecordKind};
use prokura_store::Store;
use reqwest::{Certificate, Client};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::book::AccountBook;
use crate::error::AccountError;
use crate::http::Network;

const SETTING: &str = "network";
/// So many authorities, and so much text of one, at most.
const MOST: usize = 32;
const MOST_TEXT: usize = 256 * 1024;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// What the person set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkSettings {
    /// The proxy that everything goes through, except to this machine.
    pub proxy: Option<String>,
    /// Trusted beside the system's.
    pub authorities: Vec<TrustedAuthority>,
}

/// A certificate authority that the person trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedAuthority {
    /// What it is called here.
    pub name: String,
    /// The SHA-256 digests of its certificates.
    pub fingerprints: Vec<String>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Kept {
    proxy: Option<String>,
    #[serde(default)]
    authorities: Vec<KeptAuthority>,
}

#[derive(Clone, Serialize, Deserialize)]
struct KeptAuthority {
    name: String,
    pem: String,
}

impl AccountBook {
    /// What is set.
    ///
    /// # Errors
    /// [`AccountError`] when storage fails.
    pub fn network(&self) -> Result<NetworkSettings, AccountError> {
        let kept = Kept::read(&self.0.store)?;
        let authorities = kept.authorities.into_iter().map(|authority| TrustedAuthority {
            fingerprints: certificates(&authority.pem).unwrap_or_default(),
            name: authority.name,
        });
        Ok(NetworkSettings { proxy: kept.proxy, authorities: authorities.collect() })
    }

    /// Everything goes through `proxy` from now on, except to this machine; without one it goes out directly.
    ///
    /// # Errors
    /// [`AccountError::BadSetting`] when it is no proxy, or storage fails.
    pub async fn set_proxy(&self, proxy: Option<&str>) -> Result<NetworkSettings, AccountError> {
        let proxy = proxy.map(str::trim).filter(|proxy| !proxy.is_empty());
        let proxy = proxy.map(proxy_url).transpose()?.map(String::from);
        let mut kept = Kept::read(&self.0.store)?;
        kept.proxy.clone_from(&proxy);
        self.keep_network(&kept, vec![("proxy", proxy.into())]).await
    }

    /// Trusts the certificates in `pem` too, under `name`; an authority of that name is replaced.
    ///
    /// # Errors
    /// [`AccountError::BadSetting`] when these are no certificates, or storage fails.
    pub async fn trust(&self, name: &str, pem: &str) -> Result<NetworkSettings, AccountError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(AccountError::BadSetting("the name needs 1 to 64 printable characters"));
        }
        if pem.len() > MOST_TEXT {
            return Err(AccountError::BadSetting("so much text is no certificate"));
        }
        if pem.contains("PRIVATE KEY") {
            return Err(AccountError::BadSetting(
                "it holds a private key, which belongs to nobody else: give the certificate only",
            ));
        }
        let prints = certificates(pem).filter(|prints| !prints.is_empty());
        let prints = prints.ok_or(AccountError::BadSetting("it holds no certificate in PEM"))?;
        let mut kept = Kept::read(&self.0.store)?;
        kept.authorities.retain(|authority| authority.name != name);
        if kept.authorities.len() >= MOST {
            return Err(AccountError::BadSetting("32 authorities are the most"));
        }
        kept.authorities.push(KeptAuthority { name: name.to_owned(), pem: pem.to_owned() });
        let detail =
            vec![("trusted", Json::text(name)), ("fingerprints", Json::text(prints.join(" ")))];
        self.keep_network(&kept, detail).await
    }

    /// Trusts the authority `name` no more.
    ///
    /// # Errors
    /// [`AccountError::BadSetting`] when there is none of that name, or storage fails.
    pub async fn distrust(&self, name: &str) -> Result<NetworkSettings, AccountError> {
        let mut kept = Kept::read(&self.0.store)?;
        let before = kept.authorities.len();
        kept.authorities.retain(|authority| authority.name != name);
        if kept.authorities.len() == before {
            return Err(AccountError::BadSetting("no authority has this name"));
        }
        self.keep_network(&kept, vec![("distrusted", Json::text(name))]).await
    }

    /// Records the change, keeps it, and lets it hold. In this order: what is not recorded does not happen.
    async fn keep_network(
        &self,
        kept: &Kept,
        detail: Vec<(&str, Json)>,
    ) -> Result<NetworkSettings, AccountError> {
        let book = &self.0;
        let (proxy, authorities) = kept.parts()?;
        // Whether a client can be built of it is seen before it is kept.
        Client::builder()
            .no_proxy()
            .tls_certs_merge(authorities.iter().cloned())
            .build()
            .map_err(|_| AccountError::BadSetting("it holds something that is no certificate"))?;
        let event = Event::new(RecordKind::NetworkChanged, Json::object(detail));
        book.log.append(event, Durability::Synced).await?;
        let text = serde_json::to_string(kept).map_err(|_| AccountError::DoesNotOpen)?;
        book.store.put_setting(SETTING, &text)?;
        book.options.network.change(proxy, authorities);
        book.changed(Change::State);
        self.network()
    }
}

/// Lets what was kept hold, at a start.
pub(crate) fn apply(store: &Store, network: &Network) -> Result<(), AccountError> {
    let kept = Kept::read(store)?;
    if kept.proxy.is_some() || !kept.authorities.is_empty() {
        let (proxy, authorities) = kept.parts()?;
        network.change(proxy, authorities);
    }
    Ok(())
}

impl Kept {
    fn read(store: &Store) -> Result<Self, AccountError> {
        match store.setting(SETTING)? {
            Some(text) => serde_json::from_str(&text)
                .map_err(|_| AccountError::BadSetting("what is kept about the network is damaged")),
            None => Ok(Self::default()),
        }
    }

    fn parts(&self) -> Result<(Option<Url>, Vec<Certificate>), AccountError> {
        let bad = |_| AccountError::BadSetting("it holds something that is no certificate");
        let proxy = self.proxy.as_deref().map(proxy_url).transpose()?;
        let mut all = Vec::new();
        for authority in &self.authorities {
            all.extend(Certificate::from_pem_bundle(authority.pem.as_bytes()).map_err(bad)?);
        }
        Ok((proxy, all))
    }
}

fn proxy_url(text: &str) -> Result<Url, AccountError> {
    let bad = AccountError::BadSetting;
    let url =
        Url::parse(text).map_err(|_| bad("a proxy is a URL such as http://proxy.example:3128"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(bad("a proxy is a URL such as http://proxy.example:3128"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad(
            "a proxy's password is not kept: use one that needs none, or a local one that adds it",
        ));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(bad("a proxy has no path"));
    }
    Ok(url)
}

/// The digests of all certificates in a text; nothing when a block is not what it says.
fn certificates(pem: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for block in pem.split(BEGIN).skip(1) {
        let (body, _) = block.split_once(END)?;
        let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let der = STANDARD.decode(body).ok().filter(|der| !der.is_empty())?;
        found.push(Digest::of(&[&der]).to_string());
    }
    Some(found)
}
