//! The files beside the programs, and where each goes. Pages and texts are packed as Debian wants them; RPM takes the same.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::{Bench, licences, parts, sbom};
use crate::place::Place;
use crate::step::{Step, note};

/// Shells, and where the completions of each are looked for.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/prokura"),
    ("fish", "usr/share/fish/vendor_completions.d/prokura.fish"),
    ("zsh", "usr/share/zsh/vendor-completions/_prokura"),
];
const DOC: &str = "usr/share/doc/prokura";

/// Writes all of them under `bench.files`, laid out as on the system.
pub fn write(place: &Place, bench: &Bench) -> Result<()> {
    manual(place, bench)?;
    for (shell, to) in SHELLS {
        let said = std::process::Command::new(bench.program("prokura"))
            .args(["completions", shell])
            .output()
            .context("prokura does not start")?;
        put(bench, to, &said.stdout)?;
    }
    let own = place.root.join("packaging");
    let filled = |name: &str| -> Result<String> {
        let text = fs::read_to_string(own.join(name))?;
        let day = bench.written.get(..10).unwrap_or_default();
        Ok(text.replace("@VERSION@", &bench.version).replace("@DATE@", day))
    };
    let about = "org.prokura.desktop.metainfo.xml";
    put(bench, &format!("usr/share/metainfo/{about}"), filled(about)?.as_bytes())?;
    put(bench, "usr/share/man/man1/prokura-desktop.1", filled("prokura-desktop.1")?.as_bytes())?;
    put(bench, &format!("{DOC}/copyright"), &fs::read(own.join("copyright"))?)?;
    put(bench, &format!("{DOC}/NEWS"), &fs::read(place.root.join("CHANGELOG.md"))?)?;
    let drawing = fs::read(place.root.join("icons/prokura.svg"))?;
    put(bench, "usr/share/icons/hicolor/scalable/apps/prokura-desktop.svg", &drawing)?;
    put(bench, &format!("{DOC}/changelog"), changelog(bench).as_bytes())?;
    let parts = parts::parts(place)?;
    note(format!("{} third-party parts are inside", parts.all.len()));
    sbom::write(bench, &parts, &bench.files.join(DOC).join("sbom.cdx.json"))?;
    licences::write(&parts, &bench.files.join(DOC).join("third-party-licences.txt"))?;
    pack(bench)
}

fn put(bench: &Bench, to: &str, bytes: &[u8]) -> Result<()> {
    let file = bench.files.join(to);
    fs::create_dir_all(file.parent().context("a file without a folder")?)?;
    fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

fn manual(place: &Place, bench: &Bench) -> Result<()> {
    let folder = bench.files.join("usr/share/man/man1");
    fs::create_dir_all(&folder)?;
    Step::new("manual pages", bench.program("prokura"))
        .args(&["manual".as_ref(), folder.as_os_str()])
        .dir(&place.root)
        .run()
}

/// The changelog of the package, in Debian's form; what changed in the programs is in NEWS.
fn changelog(bench: &Bench) -> String {
    let when = std::process::Command::new("date")
        .args(["-R", "-u", "-d", &bench.written])
        .output()
        .map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
        .unwrap_or_default();
    format!(
        "prokura ({}) stable; urgency=medium\n\n  * Release {}; what is new is in NEWS.gz.\n\n -- Prokura maintainers <maintainers@prokura.example>  {when}\n",
        bench.version, bench.version
    )
}

/// gzip for what is read rarely, without a time in it.
fn pack(bench: &Bench) -> Result<()> {
    let doc = bench.files.join(DOC);
    let mut files: Vec<PathBuf> =
        ["changelog", "NEWS", "sbom.cdx.json", "third-party-licences.txt"]
            .iter()
            .map(|name| doc.join(name))
            .collect();
    for entry in fs::read_dir(bench.files.join("usr/share/man/man1"))? {
        files.push(entry?.path());
    }
    Step::new("gzip", "gzip").args(&["--best", "--no-name", "--force"]).args(&files).run()
}

/// Where each file goes, for the bundler.
pub fn placed(place: &Place, bench: &Bench) -> Result<Value> {
    let mut files = Map::new();
    let root = &bench.files;
    let usr = root.join("usr");
    collect(&usr, &mut |file| {
        let to = Path::new("/").join(file.strip_prefix(root).unwrap_or(file));
        files.insert(to.display().to_string(), json!(file));
    })?;
    files.insert("/usr/bin/prokura".to_owned(), json!(bench.program("prokura")));
    note(format!("{} files beside the window's program, from {}", files.len(), place.short(root)));
    Ok(Value::Object(files))
}

/// The same for RPM, whose zsh looks elsewhere, and whose packages hold no changelog of Debian.
pub fn for_rpm(files: &Value) -> Value {
    let all = files.as_object().into_iter().flatten();
    let own = all.filter(|(to, _)| !to.ends_with("/changelog.gz")).map(|(to, from)| {
        (to.replace("zsh/vendor-completions", "zsh/site-functions"), from.clone())
    });
    Value::Object(own.collect())
}

fn collect(folder: &Path, told: &mut dyn FnMut(&Path)) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, told)? } else { told(&path) }
    }
    Ok(())
}
