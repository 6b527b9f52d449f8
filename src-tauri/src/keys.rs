//! The keys that pause all agents, wherever the person is. They can only pause: a key that resumed could be pressed by a
//! program, and must never let a call through.

use std::sync::{Mutex, PoisonError};

use tauri::{AppHandle, Manager as _, Runtime};
use tauri_plugin_global_shortcut::{Builder, GlobalShortcutExt as _, ShortcutState};

use crate::{Running, windows};

/// What is registered with the system, and what went wrong with it.
#[derive(Debug, Default)]
pub(crate) struct PauseKeys(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    keys: Option<String>,
    plugged: bool,
    trouble: Option<String>,
}

impl PauseKeys {
    /// Why the keys that were set do nothing here.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }
}

/// Registers the keys that are set now, where they are others than before.
pub(crate) async fn follow<R: Runtime>(app: &AppHandle<R>) {
    let Ok(api) = app.state::<Running>().api().await else { return };
    let wanted = api.pause_keys();
    let state = app.state::<PauseKeys>();
    let mut held = state.0.lock().unwrap_or_else(PoisonError::into_inner);
    if held.keys == wanted && held.trouble.is_none() {
        return;
    }
    held.trouble = change(app, &mut held, wanted.as_deref()).err();
    if let Some(trouble) = &held.trouble {
        tracing::warn!(%trouble, "the keys that pause were not registered");
    }
    held.keys = wanted;
}

fn change<R: Runtime>(
    app: &AppHandle<R>,
    held: &mut Held,
    wanted: Option<&str>,
) -> Result<(), String> {
    let told = |error: tauri_plugin_global_shortcut::Error| error.to_string();
    if wanted.is_none() && !held.plugged {
        return Ok(());
    }
    if !held.plugged {
        let pressed =
            |app: &AppHandle<R>, _: &_, event: tauri_plugin_global_shortcut::ShortcutEvent| {
                if event.state() == ShortcutState::Pressed {
                    tauri::async_runtime::spawn(pause(app.clone()));
                }
            };
        let plugin = Builder::new().with_handler(pressed).build();
        app.plugin(plugin).map_err(|error| error.to_string())?;
        held.plugged = true;
    }
    app.global_shortcut().unregister_all().map_err(told)?;
    wanted.map_or(Ok(()), |keys| app.global_shortcut().register(keys).map_err(told))
}

/// Pauses, and comes to the front to say so.
async fn pause<R: Runtime>(app: AppHandle<R>) {
    let Ok(api) = app.state::<Running>().api().await else { return };
    if let Err(failure) = api.pause().await {
        tracing::warn!(%failure, "the keys could not pause");
    }
    windows::show_main(&app);
}
