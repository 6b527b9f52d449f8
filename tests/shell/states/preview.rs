//! The preview build of the interface in a browser of its own: real WebKit, recorded answers, no Host.
//! It must never be taken for the product: what it shows is what screens look like, not what Prokura does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::Context as _;
use prokura_testkit::eventually;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::MutexGuard;
use tokio::task::JoinHandle;

use crate::display::Display;
use crate::driver::{Driver, Start};
use crate::hands::SOON;

/// The window that the program opens with, and the same enlarged to twice the size.
pub const WINDOW: (u32, u32) = (1180, 820);
pub const TWICE: (u32, u32) = (590, 410);

const OFF_THE_SIDE: &str = include_str!("off_the_side.js");

/// Made once, from the sources as they are.
static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui");
    let npm = Command::new("npm")
        .args(["run", "--silent", "preview"])
        .current_dir(&ui)
        .output()
        .expect("npm; `cargo xtask setup` installs what is needed");
    assert!(npm.status.success(), "{}", String::from_utf8_lossy(&npm.stderr));
    ui.join("preview/dist")
});

/// A browser on the preview.
pub struct Preview {
    pub window: Driver,
    pub display: Display,
    base: String,
    serving: JoinHandle<()>,
    _home: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Preview {
    pub async fn open(theme: &str) -> Self {
        let alone = crate::stage::alone().await;
        LazyLock::force(&BUILT);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(serve(listener));
        let home = tempfile::tempdir().unwrap();
        let display = Display::start(home.path()).unwrap();
        let start = Start {
            program: browser().expect("MiniBrowser, which comes with WebKitGTK"),
            arguments: vec!["--automation".to_owned()],
            environment: environment(home.path(), &display.name, theme),
        };
        let window = Driver::start(&start).await.unwrap();
        let preview = Self { window, display, base, serving, _home: home, _alone: alone };
        preview.size(WINDOW).await;
        let dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
        assert_eq!(preview.window.script(dark).await.unwrap(), theme == "dark", "not {theme}");
        preview
    }

    /// Makes the page so wide and about so high.
    pub async fn size(&self, (wide, high): (u32, u32)) {
        eventually("a window of that size", SOON, || async {
            let inner = self.window.script("return [innerWidth, innerHeight]").await.ok()?;
            let inner: (u32, u32) = serde_json::from_value(inner).ok()?;
            if inner.0 == wide && inner.1.abs_diff(high) < 60 {
                return Some(());
            }
            // The bar of the browser takes some of the height.
            self.window.resize(wide, high + 40).await.ok()?;
            None
        })
        .await
        .unwrap();
    }

    /// Goes to a screen of a scene, anew.
    pub async fn go(&self, query: &str, hash: &str) {
        // The same page with another hash would not be loaded again.
        self.window.visit("about:blank").await.unwrap();
        self.window.visit(&format!("{}/index.html?{query}#/{hash}", self.base)).await.unwrap();
    }

    /// Goes to another page of the preview.
    pub async fn page(&self, page: &str) {
        self.window.visit(&format!("{}/{page}", self.base)).await.unwrap();
    }

    /// What runs off the side of the window.
    pub async fn off_the_side(&self) -> Vec<String> {
        let found = self.window.script(OFF_THE_SIDE).await.unwrap();
        serde_json::from_value(found).unwrap()
    }

    /// What a script says, once it says so.
    pub async fn until(&self, what: &str, script: &str, said: Value) {
        let mut last = Value::Null;
        let found = eventually(what, SOON, || async {
            let now = self.window.script(script).await.ok()?;
            (now == said).then_some(())
        })
        .await;
        if found.is_err() {
            last = self.window.script(script).await.unwrap_or(last);
        }
        assert!(found.is_ok(), "{what}: {last}");
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn browser() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    folders
        .chain([PathBuf::from("/usr/libexec")])
        .map(|folder| folder.join("webkit2gtk-4.1/MiniBrowser"))
        .find(|file| file.is_file())
}

fn environment(home: &Path, display: &str, theme: &str) -> Vec<(String, String)> {
    let gtk = if theme == "dark" { "Adwaita:dark" } else { "Adwaita" };
    let home = home.display().to_string();
    let bus = format!("unix:path={home}/bus");
    [
        ("DISPLAY", display),
        ("HOME", &home),
        ("XDG_RUNTIME_DIR", &home),
        ("DBUS_SESSION_BUS_ADDRESS", &bus),
        ("GTK_THEME", gtk),
        ("GDK_BACKEND", "x11"),
        ("NO_AT_BRIDGE", "1"),
        ("WEBKIT_DISABLE_DMABUF_RENDERER", "1"),
        ("LANG", "C.UTF-8"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// Hands out the files of the build, and nothing else.
async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let _told = tokio::time::timeout(Duration::from_secs(10), answer(stream)).await;
        });
    }
}

async fn answer(mut stream: TcpStream) -> anyhow::Result<()> {
    let mut head = vec![0; 8192];
    let mut read = 0;
    while !head[..read].windows(4).any(|end| end == b"\r\n\r\n") && read < head.len() {
        let more = stream.read(&mut head[read..]).await?;
        anyhow::ensure!(more > 0, "gone");
        read += more;
    }
    let text = String::from_utf8_lossy(&head[..read]).into_owned();
    let path = text.split_whitespace().nth(1).context("no path")?;
    let name = path.split('?').next().unwrap_or_default().trim_start_matches('/');
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        _ => "application/octet-stream",
    };
    let body = if name.contains("..") { None } else { std::fs::read(BUILT.join(name)).ok() };
    let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
    let body = body.unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    Ok(stream.shutdown().await?)
}
