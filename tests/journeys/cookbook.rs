//! The recipes of `docs/cookbook.md`, run as they stand there: the commands, then each call.

use prokura_testkit::fixture::{Offer, Run, ToolSpec};
use prokura_testkit::{Agent, AgentReply, Fixture, Protection, TestHost};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// One recipe: what is typed, and what is called with what has to come of it.
struct Recipe {
    title: String,
    commands: Vec<Vec<String>>,
    calls: Vec<(String, Value, String)>,
}

/// Words as a shell takes them apart; the recipes use plain words and single quotes only.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    assert!(!quoted, "a quote is open: {line}");
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

fn cells(row: &str) -> Option<(&str, &str)> {
    let (call, answer) = row.strip_prefix("| `")?.strip_suffix(" |")?.rsplit_once("` | ")?;
    Some((call, answer))
}

fn recipe(section: &str) -> Recipe {
    let (title, body) = section.split_once('\n').unwrap();
    let (mut commands, mut calls, mut inside) = (Vec::new(), Vec::new(), false);
    for line in body.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            let line = line.strip_prefix("prokura ").expect("recipes run prokura only");
            commands.push(words(line));
        } else if let Some((call, answer)) = cells(line) {
            let (tool, arguments) = call.split_once(' ').unwrap();
            let arguments = serde_json::from_str(arguments).expect(call);
            calls.push((tool.to_owned(), arguments, answer.to_owned()));
        }
    }
    Recipe { title: title.to_owned(), commands, calls }
}

fn book() -> (Vec<(String, String)>, Vec<Recipe>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cookbook.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (opening, _) = text.split_once("\n## ").unwrap();
    let classes = opening
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ");
            let tool = cells.next()?.strip_suffix('`')?;
            Some((tool.to_owned(), cells.nth(1)?.to_owned()))
        })
        .collect();
    (classes, text.split("\n## ").skip(1).map(recipe).collect())
}

fn offer(classes: &[(String, String)]) -> Offer {
    let tools = classes.iter().map(|(name, _)| {
        let run = Run::Answer(Arc::new(|_| Ok(json!({ "text": "done" }))));
        ToolSpec::new(name, "Does what its name says.", json!({ "type": "object" }), run)
    });
    Offer {
        name: "Work".into(),
        tools: tools.collect(),
        resources: Vec::new(),
        prompts: Vec::new(),
    }
}

/// Makes the call, and says in the book's words what came of it. A question is denied.
async fn outcome(host: &TestHost, agent: &Agent, tool: &str, arguments: Value) -> String {
    let call = agent.call(tool, arguments);
    tokio::pin!(call);
    loop {
        tokio::select! {
            reply = &mut call => return told(&reply.unwrap()).to_owned(),
            () = tokio::time::sleep(Duration::from_millis(150)) => {
                let waiting = host.ok(&["approvals", "list"]).await.unwrap();
                if let Some(id) = waiting[0]["id"].as_str() {
                    host.ok(&["approvals", "answer", id, "deny"]).await.unwrap();
                    assert!(!call.await.unwrap().is_fine());
                    return "asks".to_owned();
                }
            }
        }
    }
}

fn told(reply: &AgentReply) -> &'static str {
    if reply.is_fine() {
        "goes through"
    } else if reply.text().to_lowercase().contains("unknown tool") {
        "does not exist"
    } else {
        "refused"
    }
}

#[tokio::test]
async fn every_recipe_does_what_it_says() {
    let (classes, recipes) = book();
    assert_eq!((classes.len(), recipes.len()), (8, 20));
    let fixture = Fixture::start(offer(&classes), Protection::Open).await.unwrap();
    let host = TestHost::start().await.unwrap();
    host.ok(&["servers", "add", &fixture.url(), "--name", "work"]).await.unwrap();
    for (tool, class) in &classes {
        host.ok(&[
            "tools", "classify", "--server", "work", tool, "--class", class, "--labels", "none",
        ])
        .await
        .unwrap();
    }
    host.agent("nightly").await.unwrap();
    let mut wrong = Vec::new();
    for (number, recipe) in recipes.iter().enumerate() {
        assert!(recipe.title.starts_with(&format!("{}. ", number + 1)), "{}", recipe.title);
        assert!(!recipe.commands.is_empty() && !recipe.calls.is_empty(), "{}", recipe.title);
        // Each recipe is for a `claude` that has nothing else.
        let name = format!("claude-{}", number + 1);
        let key = host.agent(&name).await.unwrap();
        for command in &recipe.commands {
            let own = |word: &String| if word == "claude" { name.clone() } else { word.clone() };
            let command: Vec<String> = command.iter().map(own).collect();
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            host.ok(&command).await.unwrap();
        }
        let agent = Agent::modern(&host.endpoint("work"), &key).unwrap();
        for (tool, arguments, expected) in &recipe.calls {
            let came = outcome(&host, &agent, tool, arguments.clone()).await;
            if came != *expected {
                wrong.push(format!("{}: {tool} {arguments} {came}, not {expected}", recipe.title));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
