//! How many patterns cover a tool, and how many tools a pattern covers, for thousands of both. It says what [`covers`] says.

use std::collections::HashMap;

use prokura_domain::{Pin, Target, TargetPattern, ToolClass};
use wildmatch::WildMatch;

use crate::decide::ToolFacts;
use crate::grant::covers;

/// Patterns, each with how often it is there.
#[derive(Debug, Default)]
pub struct Tally {
    names: HashMap<String, usize>,
    classes: HashMap<ToolClass, usize>,
    globs: HashMap<String, (WildMatch, usize)>,
}

impl Tally {
    /// Counts one more pattern.
    pub fn add(&mut self, pattern: &TargetPattern) {
        match pattern {
            TargetPattern::Tool(name) => *self.names.entry(name.clone()).or_default() += 1,
            TargetPattern::Class(class) => *self.classes.entry(*class).or_default() += 1,
            TargetPattern::Tools(glob) => {
                let made = || (WildMatch::new(glob), 0);
                self.globs.entry(glob.clone()).or_insert_with(made).1 += 1;
            }
            TargetPattern::Resources(_) | TargetPattern::Prompts(_) | TargetPattern::Methods(_) => {
            }
        }
    }

    /// How many of them cover a tool.
    #[must_use]
    pub fn over(&self, name: &str, tool: &ToolFacts) -> usize {
        let named = self.names.get(name).copied().unwrap_or_default();
        if tool.pin == Pin::New {
            return named;
        }
        let classed = tool.class.and_then(|class| self.classes.get(&class)).copied();
        let globbed = self.globs.values().filter(|(glob, _)| glob.matches(name));
        named + classed.unwrap_or_default() + globbed.map(|(_, count)| count).sum::<usize>()
    }
}

/// The tools of one Server, to be counted by patterns.
#[derive(Debug, Default)]
pub struct Catalogue {
    tools: HashMap<String, ToolFacts>,
    known: HashMap<TargetPattern, usize>,
}

impl Catalogue {
    /// Over these tools.
    pub fn new(tools: impl IntoIterator<Item = (String, ToolFacts)>) -> Self {
        Self { tools: tools.into_iter().collect(), known: HashMap::new() }
    }

    /// How many of them a pattern covers.
    pub fn under(&mut self, pattern: &TargetPattern) -> usize {
        if let Some(known) = self.known.get(pattern) {
            return *known;
        }
        let globbed = |glob: &str| {
            let glob = WildMatch::new(glob);
            let hit = |(name, tool): &(&String, &ToolFacts)| {
                tool.pin != Pin::New && glob.matches(name.as_str())
            };
            self.tools.iter().filter(hit).count()
        };
        let count = match pattern {
            TargetPattern::Tool(name) => usize::from(self.tools.contains_key(name)),
            TargetPattern::Tools(glob) => globbed(glob),
            TargetPattern::Class(_) => {
                let target = Target::Tool(String::new());
                self.tools.values().filter(|tool| covers(pattern, &target, Some(tool))).count()
            }
            TargetPattern::Resources(_) | TargetPattern::Prompts(_) | TargetPattern::Methods(_) => {
                0
            }
        };
        self.known.insert(pattern.clone(), count);
        count
    }
}
