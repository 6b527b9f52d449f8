//! The tray: open, how many wait, pause or resume, quit. It must never allow anything, and the program runs without it.

use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager as _, Runtime};

use crate::{Running, windows};

/// The items whose words change.
struct Words<R: Runtime> {
    waiting: MenuItem<R>,
    pause: MenuItem<R>,
}

/// Builds the tray where the system has one.
pub(crate) fn build<R: Runtime>(app: &AppHandle<R>) {
    if !has_library() {
        tracing::info!("no tray: the system lacks libayatana-appindicator3");
        return;
    }
    if let Err(error) = try_build(app) {
        tracing::warn!(%error, "no tray");
    }
}

fn try_build<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let open = MenuItem::with_id(app, "open", "Open Prokura", true, None::<&str>)?;
    let waiting = MenuItem::with_id(app, "waiting", waiting_words(0), false, None::<&str>)?;
    let pause = MenuItem::with_id(app, "pause", pause_words(false), true, None::<&str>)?;
    let quit = MenuItem::with_id(app, "quit", "Quit", true, None::<&str>)?;
    let line = PredefinedMenuItem::separator(app)?;
    let other = PredefinedMenuItem::separator(app)?;
    let menu = Menu::with_items(app, &[&open, &waiting, &line, &pause, &other, &quit])?;
    let mut tray = TrayIconBuilder::with_id("prokura")
        .menu(&menu)
        .tooltip("Prokura")
        .on_menu_event(|app, event| match event.id().as_ref() {
            "open" => windows::show_main(app),
            "waiting" => windows::show_approval(app),
            "pause" => drop(tauri::async_runtime::spawn(toggle(app.clone()))),
            "quit" => app.exit(0),
            _ => {}
        });
    if let Some(icon) = app.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.build(app)?;
    app.manage(Words { waiting, pause });
    Ok(())
}

/// Shows how many Questions wait.
pub(crate) fn count<R: Runtime>(app: &AppHandle<R>, waiting: usize) {
    let Some(words) = app.try_state::<Words<R>>() else { return };
    let set = words.waiting.set_text(waiting_words(waiting));
    told(set.and_then(|()| words.waiting.set_enabled(waiting > 0)));
}

/// Shows whether agents are paused.
pub(crate) async fn refresh<R: Runtime>(app: &AppHandle<R>) {
    let Ok(api) = app.state::<Running>().api().await else { return };
    let Ok(state) = api.state().await else { return };
    if let Some(words) = app.try_state::<Words<R>>() {
        told(words.pause.set_text(pause_words(state.paused)));
    }
}

async fn toggle<R: Runtime>(app: AppHandle<R>) {
    let Ok(api) = app.state::<Running>().api().await else { return };
    let paused = match api.state().await {
        Ok(state) if state.paused => api.resume().await,
        Ok(_) => api.pause().await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = paused {
        tracing::warn!(%failure, "the tray could not pause or resume");
        windows::show_main(&app);
    }
}

fn waiting_words(waiting: usize) -> String {
    match waiting {
        0 => "Nothing waits".to_owned(),
        1 => "1 call waits for you…".to_owned(),
        more => format!("{more} calls wait for you…"),
    }
}

fn pause_words(paused: bool) -> &'static str {
    if paused { "Resume all agents" } else { "Pause all agents" }
}

fn told(done: tauri::Result<()>) {
    if let Err(error) = done {
        tracing::warn!(%error, "the tray did not do as it was told");
    }
}

/// Building a tray without this library panics, so it is looked for first.
#[cfg(target_os = "linux")]
fn has_library() -> bool {
    const NAMES: [&str; 4] = [
        "libayatana-appindicator3.so.1",
        "libappindicator3.so.1",
        "libayatana-appindicator3.so",
        "libappindicator3.so",
    ];
    library_folders().iter().any(|folder| NAMES.iter().any(|name| is_library(&folder.join(name))))
}

#[cfg(not(target_os = "linux"))]
fn has_library() -> bool {
    true
}

#[cfg(target_os = "linux")]
fn library_folders() -> Vec<std::path::PathBuf> {
    let mut folders: Vec<std::path::PathBuf> = std::env::var_os("LD_LIBRARY_PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    folders.extend(
        [multiarch.as_str(), "/usr/lib64", "/usr/lib", "/lib64", "/lib", "/usr/local/lib"]
            .map(Into::into),
    );
    folders
}

#[cfg(target_os = "linux")]
fn is_library(path: &std::path::Path) -> bool {
    use std::io::Read as _;
    let mut head = [0u8; 4];
    std::fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut head).is_ok())
        && head == *b"\x7fELF"
}
