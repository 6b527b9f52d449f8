//! Opening, refusing and keeping: the store on real folders.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_store_that_is_reopened_remembers() {
    let dir = folder();
    let deep = dir.path().join("not/there/yet");
    Store::open(&deep).unwrap().put_setting("paused", "yes").unwrap();
    let store = Store::open(&deep).unwrap();
    assert_eq!(store.setting("paused").unwrap().as_deref(), Some("yes"));
    assert_eq!(store.setting("other").unwrap(), None);
    assert_eq!(store.path(), deep.join("prokura.db"));
}

#[cfg(unix)]
#[test]
fn folder_and_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = folder();
    let data = dir.path().join("data");
    let store = Store::open(&data).unwrap();
    store.put_setting("a", "b").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let dir = folder();
    drop(Store::open(dir.path()).unwrap());
    let path = dir.path().join(FILE);
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", migration::VERSION + 1).unwrap();
    drop(newer);
    let before = fs::read(&path).unwrap();
    let fault = Store::open(dir.path()).unwrap_err();
    let known_here = migration::VERSION;
    let told = matches!(fault, StoreError::Newer { found, known, .. }
        if known == known_here && found == known + 1);
    assert!(told, "{fault}");
    assert!(fault.to_string().contains("install that version"), "{fault}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_broken_file_is_refused_and_not_overwritten() {
    for content in [
        b"this is a text that somebody put here by mistake, and it is long".to_vec(),
        b"SQLite format 3\0 and then nothing that makes sense".to_vec(),
        vec![0u8; 8192],
        b"x".to_vec(),
    ] {
        let dir = folder();
        let path = dir.path().join(FILE);
        fs::write(&path, &content).unwrap();
        let fault = Store::open(dir.path()).unwrap_err();
        assert!(matches!(fault, StoreError::Corrupt { .. }), "{fault:?}");
        assert!(fault.to_string().contains("restore a copy"), "{fault}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn a_left_over_write_ahead_log_is_not_played_into_a_file_that_is_not_ours() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    store.put_setting("a", "b").unwrap();
    let wal = fs::read(dir.path().join("prokura.db-wal")).unwrap();
    let other = folder();
    fs::write(other.path().join("prokura.db-wal"), &wal).unwrap();
    fs::write(other.path().join(FILE), b"precious text").unwrap();
    assert!(matches!(Store::open(other.path()), Err(StoreError::Corrupt { .. })));
    assert_eq!(fs::read(other.path().join(FILE)).unwrap(), b"precious text");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let dir = folder();
    let path = dir.path().join(FILE);
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE precious(x)").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Corrupt { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn damage_inside_the_file_is_seen_when_it_is_opened() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    for number in 0..200 {
        store.put_setting(&format!("name {number}"), &"x".repeat(100)).unwrap();
    }
    drop(store);
    let path = dir.path().join(FILE);
    let whole = fs::read(&path).unwrap();
    let cut = whole[..whole.len() / 2].to_vec();
    let mut scrambled = whole.clone();
    let at = whole.windows(8).rposition(|window| window == b"name 150").unwrap();
    let page = at / 4096 * 4096;
    scrambled[page..page + 64].fill(0xaa);
    for content in [cut, scrambled] {
        fs::write(&path, &content).unwrap();
        let fault = Store::open(dir.path()).unwrap_err();
        assert!(matches!(fault, StoreError::Corrupt { .. }), "{fault:?}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    fs::write(&path, &whole).unwrap();
    assert!(Store::open(dir.path()).unwrap().setting("name 7").unwrap().is_some());
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_said_to_be_so() {
    let dir = folder();
    fs::write(dir.path().join("file"), b"").unwrap();
    for path in [Path::new("/proc/self"), &dir.path().join("file")] {
        let fault = Store::open(path).unwrap_err();
        assert!(matches!(fault, StoreError::Unwritable { .. }), "{fault:?}");
        assert!(fault.to_string().contains("choose another folder"), "{fault}");
    }
}

#[test]
fn secrets_are_written_with_a_full_sync() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    let mode = |safety| {
        store
            .write(safety, |db| {
                Ok(db.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?)
            })
            .unwrap()
    };
    assert_eq!((mode(Safety::Synced), mode(Safety::Logged)), (2, 1));
}

#[test]
fn what_is_kept_of_a_row_never_outlives_a_write() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    let agent = |state| prokura_domain::Agent {
        id: prokura_domain::AgentId::from_text("agt_1"),
        name: "clerk".to_owned(),
        state,
        key: None,
        claim: None,
        added_at: Timestamp(0),
        seen_at: None,
    };
    let id = agent(prokura_domain::AgentState::Active).id;
    assert_eq!(store.agent(&id).unwrap(), None, "that there is none is not kept");
    store.put_agent(&agent(prokura_domain::AgentState::Active)).unwrap();
    for state in [prokura_domain::AgentState::Active, prokura_domain::AgentState::Revoked] {
        store.put_agent(&agent(state)).unwrap();
        assert_eq!(store.agent(&id).unwrap().unwrap().state, state);
        assert_eq!(store.agent(&id).unwrap().unwrap().state, state, "kept");
    }
    assert_eq!(store.setting("paused").unwrap(), None);
    store.put_setting("paused", "true").unwrap();
    assert_eq!(store.setting("paused").unwrap().as_deref(), Some("true"));
    let failed = store.write(Safety::Logged, |db| -> Result<(), StoreError> {
        db.execute("UPDATE setting SET value = 'x'", [])?;
        Err(StoreError::NoSuch("anything".to_owned()))
    });
    assert!(failed.is_err());
    assert_eq!(store.setting("paused").unwrap().as_deref(), Some("true"));
}

#[test]
fn when_something_was_used_is_there_for_whoever_reads_and_after_a_stop() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    let id = prokura_domain::AgentId::from_text("agt_1");
    let agent = prokura_domain::Agent {
        id: id.clone(),
        name: "clerk".to_owned(),
        state: prokura_domain::AgentState::Active,
        key: None,
        claim: None,
        added_at: Timestamp(0),
        seen_at: None,
    };
    store.put_agent(&agent).unwrap();
    store.touch_agent(&id, Timestamp(5), Some("client 1")).unwrap();
    store.touch_agent(&id, Timestamp(7), None).unwrap();
    let seen = store.agents().unwrap().remove(0);
    assert_eq!((seen.seen_at, seen.claim.as_deref()), (Some(Timestamp(7)), Some("client 1")));
    store.touch_agent(&id, Timestamp(9), None).unwrap();
    drop(store);
    let again = Store::open(dir.path()).unwrap();
    assert_eq!(again.agents().unwrap()[0].seen_at, Some(Timestamp(9)));
}
