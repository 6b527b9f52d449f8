//! Grants from a terminal. What makes or copies many shows them first, and does it only with `--yes`.

use std::path::Path;
use std::process::ExitCode;

use prokura_api::{Failure, GrantWish, Request, RulesWish};
use serde_json::Value;

use crate::args::{EffectWord, GrantAdd, Grants};
use crate::ask::ask;
use crate::{rules, show};

pub async fn run(data: &Path, words: Grants, json: bool) -> Result<ExitCode, Failure> {
    let request = match words {
        Grants::Add(words) => Request::GrantAdd(grant(*words)),
        Grants::List { all, unused: false } => Request::Grants { all },
        Grants::List { all: _, unused: true } => {
            let mut found = ask(data, &Request::Grants { all: false }).await?;
            if let Some(grants) = found.as_array_mut() {
                grants.retain(|grant| grant.get("unused_days").is_some_and(Value::is_number));
            }
            show::print(&found, json);
            return Ok(ExitCode::SUCCESS);
        }
        Grants::Change { ids, effect, until } => Request::Rules(RulesWish::Change {
            grants: ids,
            effect: effect.map(EffectWord::word),
            until,
        }),
        Grants::Revoke { ids } => match <[String; 1]>::try_from(ids) {
            Ok([grant]) => Request::GrantRevoke { grant },
            Err(grants) => Request::Rules(RulesWish::Revoke { grants }),
        },
        Grants::Preset { preset, agent, server, account, until, yes } => {
            let wish = |until: Option<String>, digest| RulesWish::Preset {
                agent: agent.clone(),
                server: server.clone(),
                account: account.clone(),
                preset: preset.clone(),
                until,
                digest,
            };
            let plan = ask(data, &Request::Rules(wish(until, None))).await?;
            // A time from now is said once.
            let until = plan.get("until").and_then(Value::as_str).map(str::to_owned);
            let done = |digest| wish(until, Some(digest));
            return rules::planned(data, plan, done, yes, json).await;
        }
        Grants::Copy { from, to, server, yes } => {
            let wish = |digest| RulesWish::Copy {
                from: from.clone(),
                to: to.clone(),
                server: server.clone(),
                digest,
            };
            let plan = ask(data, &Request::Rules(wish(None))).await?;
            return rules::planned(data, plan, |digest| wish(Some(digest)), yes, json).await;
        }
    };
    show::print(&ask(data, &request).await?, json);
    Ok(ExitCode::SUCCESS)
}

fn grant(words: GrantAdd) -> GrantWish {
    GrantWish {
        agent: words.agent,
        server: words.server,
        account: words.account,
        tools: words.tools,
        resources: words.resources,
        prompts: words.prompts,
        methods: words.methods,
        effect: words.effect.word(),
        conditions: words.conditions,
        budget: words.budget,
        until: words.until,
        note: words.note,
        level: words.level.map(|level| level.as_str().to_owned()),
    }
}
