//! Evidence that somebody changed: each change is named.

use prokura_domain::json::Json;

use super::*;
use crate::verify_evidence;

/// A folder of evidence from a log of twenty records with two checkpoints.
async fn evidence(key: u8) -> (TempDir, PathBuf) {
    let bench = Bench::new();
    let (dir, vault) = (bench.dir, GlassVault::new(key));
    drop(bench.log);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("evidence");
    fs::create_dir(&place).unwrap();
    let log = open(&dir.path().join(key.to_string()), &vault);
    for number in 2..=20 {
        log.append(event(number), Durability::Logged).await.unwrap();
        if number == 10 {
            log.checkpoint().unwrap();
        }
    }
    let mut seen = 0;
    let found = log
        .write_evidence(&place, (None, None), &mut |_| {
            seen += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!((seen, found.first, found.last), (20, 1, 20));
    fs::write(place.join("index.html"), "to read").unwrap();
    log.seal_evidence(&place, &found).unwrap();
    (folder, place)
}

fn key_of(place: &Path) -> [u8; 32] {
    let manifest = Json::read(&fs::read(place.join("manifest.json")).unwrap()).unwrap();
    let key = manifest.member("public_key").and_then(Json::as_str).unwrap().to_owned();
    Digest::from_hex(&key).unwrap().0
}

fn edit(path: &Path, change: impl FnOnce(Vec<String>) -> Vec<String>) {
    let text = fs::read_to_string(path).unwrap();
    let lines = change(text.lines().map(str::to_owned).collect());
    fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

#[tokio::test]
async fn evidence_verifies_with_only_the_public_key_and_another_key_is_named() {
    let (_dir, place) = evidence(7).await;
    let verdict = verify_evidence(&place, None, Some(key_of(&place))).unwrap();
    assert_eq!((verdict.faults, verdict.notes, verdict.records), (vec![], vec![], 20));
    let unknown = verify_evidence(&place, None, None).unwrap();
    assert!(unknown.is_whole() && unknown.notes[0].contains("compare it"), "{unknown:?}");
    let other = verify_evidence(&place, None, Some([9; 32])).unwrap();
    assert!(other.faults.iter().any(|fault| fault.contains("by another key")), "{other:?}");
}

#[tokio::test]
async fn evidence_of_some_records_is_whole_and_says_where_it_begins() {
    let bench = Bench::new();
    for number in 2..=20 {
        bench.log.append(event(number), Durability::Logged).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let found =
        bench.log.write_evidence(folder.path(), (Some(5), Some(9)), &mut |_| Ok(())).unwrap();
    bench.log.seal_evidence(folder.path(), &found).unwrap();
    let verdict = verify_evidence(folder.path(), None, Some(key_of(folder.path()))).unwrap();
    assert_eq!((verdict.faults, verdict.records), (vec![], 5));
    assert!(verdict.notes[0].contains("begins with record 5"));
    let nothing = tempfile::tempdir().unwrap();
    let none = bench.log.write_evidence(nothing.path(), (Some(9), Some(5)), &mut |_| Ok(()));
    assert!(matches!(none, Err(StoreError::NoSuch(_))), "{none:?}");
}

/// What is done to the folder, and what has to be said of it.
type Tampering = (&'static str, fn(&Path), &'static str);

const TAMPERINGS: &[Tampering] = &[
    (
        "a body is changed",
        |place| {
            edit(&place.join("records.jsonl"), |mut lines| {
                lines[6] = lines[6].replace("\\\"number\\\":7", "\\\"number\\\":8");
                lines
            })
        },
        "record 7 was changed",
    ),
    (
        "a time is changed",
        |place| {
            edit(&place.join("records.jsonl"), |mut lines| {
                lines[3] = lines[3].replace("\"at\":17", "\"at\":16");
                lines
            })
        },
        "record 4 was changed",
    ),
    (
        "a line is removed",
        |place| {
            edit(&place.join("records.jsonl"), |mut lines| {
                lines.remove(4);
                lines
            })
        },
        "record 5 is missing",
    ),
    (
        "the end is cut off",
        |place| {
            edit(&place.join("records.jsonl"), |mut lines| {
                lines.truncate(15);
                lines
            })
        },
        "the records end at 15",
    ),
    (
        "two lines are swapped",
        |place| {
            edit(&place.join("records.jsonl"), |mut lines| {
                lines.swap(8, 9);
                lines
            })
        },
        "record 9 is missing",
    ),
    (
        "a line is no record",
        |place| {
            edit(&place.join("records.jsonl"), |mut lines| {
                lines[11] = "{}".to_owned();
                lines
            })
        },
        "line 12 of records.jsonl does not read",
    ),
    (
        "a checkpoint is removed",
        |place| {
            edit(&place.join("checkpoints.jsonl"), |mut lines| {
                lines.remove(0);
                lines
            })
        },
        "checkpoints.jsonl was changed",
    ),
    (
        "a signature is changed",
        |place| {
            edit(&place.join("checkpoints.jsonl"), |mut lines| {
                let at = lines[0].find("\"signature\":\"").unwrap() + 13;
                lines[0].replace_range(at..at + 4, "1111");
                lines
            })
        },
        "the signature of the checkpoint at record 10 is wrong",
    ),
    (
        "a page is changed",
        |place| fs::write(place.join("index.html"), "other").unwrap(),
        "index.html was changed",
    ),
    (
        "a page is removed",
        |place| fs::remove_file(place.join("index.html")).unwrap(),
        "index.html is missing",
    ),
    (
        "a page is added",
        |place| fs::write(place.join("more.html"), "x").unwrap(),
        "\"more.html\" was added",
    ),
    (
        "the manifest says less",
        |place| {
            edit(&place.join("manifest.json"), |mut lines| {
                lines[0] = lines[0].replace("\"last\":20", "\"last\":19");
                lines
            })
        },
        "manifest.json is not what was signed",
    ),
    (
        "the signature is removed",
        |place| fs::remove_file(place.join("manifest.sig")).unwrap(),
        "manifest.json is not what was signed",
    ),
];

#[tokio::test]
async fn every_change_of_evidence_is_found_and_named() {
    for (what, tamper, told) in TAMPERINGS {
        let (_dir, place) = evidence(7).await;
        let key = key_of(&place);
        tamper(&place);
        let verdict = verify_evidence(&place, None, Some(key)).unwrap();
        assert!(verdict.faults.iter().any(|fault| fault.contains(told)), "{what}: {verdict:?}");
    }
}

/// All files made anew with another key: only the key that was told in another way shows it.
#[tokio::test]
async fn evidence_made_anew_with_another_key_does_not_pass_for_the_log() {
    let (_own, place) = evidence(7).await;
    let (_forged, forged) = evidence(9).await;
    let verdict = verify_evidence(&forged, None, Some(key_of(&place))).unwrap();
    let by_other = verdict.faults.iter().filter(|fault| fault.contains("by another key")).count();
    assert!(by_other >= 2, "{verdict:?}");
}
