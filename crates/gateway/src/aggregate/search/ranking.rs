//! Which tools fit some words best: BM25 over names, titles and descriptions. Pure, and the same for the same tools.

use std::collections::HashMap;

use prokura_domain::Json;

/// How soon a word that is said often counts no more, and how much long descriptions count less (the usual values).
const SATURATION: f64 = 1.2;
const LENGTH: f64 = 0.75;
/// How much a word in the name, the title and the description counts.
const FIELDS: [(&str, f64); 3] = [("name", 3.0), ("title", 2.0), ("description", 1.0)];
/// How much a word that only begins alike counts, and the shortest one that can.
const ALIKE: (f64, usize) = (0.5, 4);
/// Words of one tool, and of one query, that are looked at.
const WORDS: usize = 512;
const ASKED: usize = 24;

/// The words of all tools.
#[derive(Debug)]
pub(crate) struct Ranking {
    tools: Vec<Words>,
    average: f64,
}

#[derive(Debug)]
struct Words {
    weights: HashMap<String, f64>,
    length: f64,
}

impl Ranking {
    pub fn of(tools: &[Json]) -> Self {
        let tools: Vec<Words> = tools.iter().map(Words::of).collect();
        let sum: f64 = tools.iter().map(|tool| tool.length).sum();
        let average = if sum > 0.0 { sum / count(tools.len()) } else { 1.0 };
        Self { tools, average }
    }

    /// Where the best `limit` tools stand, best first; at equal fit in the order of the list. A query without words is
    /// answered with the first tools.
    pub fn best(&self, query: &str, limit: usize) -> Vec<usize> {
        let mut asked: Vec<String> = Vec::new();
        for word in words(query) {
            if asked.len() < ASKED && !asked.contains(&word) {
                asked.push(word);
            }
        }
        if asked.is_empty() {
            return (0..self.tools.len().min(limit)).collect();
        }
        let mut fits = vec![0.0f64; self.tools.len()];
        for word in &asked {
            let said: Vec<f64> = self.tools.iter().map(|tool| tool.says(word)).collect();
            let holders = said.iter().filter(|weight| **weight > 0.0).count();
            let rare = (count(self.tools.len()) - count(holders) + 0.5) / (count(holders) + 0.5);
            let rare = (1.0 + rare).ln();
            for ((fit, weight), tool) in fits.iter_mut().zip(said).zip(&self.tools) {
                let long = 1.0 - LENGTH + LENGTH * tool.length / self.average;
                *fit += rare * weight * (SATURATION + 1.0) / (weight + SATURATION * long);
            }
        }
        let mut found: Vec<(usize, f64)> =
            fits.into_iter().enumerate().filter(|(_, fit)| *fit > 0.0).collect();
        found.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        found.into_iter().take(limit).map(|(at, _)| at).collect()
    }
}

impl Words {
    fn of(tool: &Json) -> Self {
        let mut weights: HashMap<String, f64> = HashMap::new();
        let mut length = 0.0;
        for (member, weight) in FIELDS {
            let text = tool.member(member).and_then(Json::as_str).unwrap_or_default();
            for word in words(text) {
                *weights.entry(word).or_default() += weight;
                length += 1.0;
            }
        }
        Self { weights, length }
    }

    /// How much a tool says of a word: the word itself, or one that begins alike (`message` and `messages`).
    fn says(&self, word: &str) -> f64 {
        if let Some(weight) = self.weights.get(word) {
            return *weight;
        }
        let alike = |own: &str| {
            let shorter = own.len().min(word.len());
            shorter >= ALIKE.1 && (own.starts_with(word) || word.starts_with(own))
        };
        let all = self.weights.iter().filter(|(own, _)| alike(own)).map(|(_, weight)| *weight);
        ALIKE.0 * all.fold(0.0, f64::max)
    }
}

/// The words in `listPullRequests`, `list_pull_requests`, "List pull requests!".
fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = vec![String::new()];
    let mut lower = false;
    for letter in text.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && lower) {
            found.push(String::new());
        }
        lower = letter.is_lowercase() || letter.is_numeric();
        if letter.is_alphanumeric()
            && let Some(word) = found.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    found.retain(|word| !word.is_empty());
    found.truncate(WORDS);
    found
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer tools than an f64 counts exactly")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    fn tools() -> Vec<Json> {
        let tools = r#"[
            {"name":"mail__list_messages","description":"Lists the messages in a mailbox."},
            {"name":"mail__send_message","title":"Send a message","description":"Sends an email to somebody."},
            {"name":"git__createPullRequest","description":"Opens a pull request in a repository."},
            {"name":"git__list_issues","description":"Lists issues of a repository, with their messages and labels."},
            {"name":"ledger__pay","description":"Pays an amount to a payee. Überweisung."}
        ]"#;
        Json::read(tools.as_bytes()).unwrap().items().unwrap().to_vec()
    }

    fn first(query: &str) -> Option<&'static str> {
        let names = ["list", "send", "pull", "issues", "pay"];
        Ranking::of(&tools()).best(query, 1).first().map(|at| names[*at])
    }

    #[test]
    fn what_says_most_of_the_rarest_words_comes_first() {
        for (query, expected) in [
            ("send email", Some("send")),
            ("open a pull request", Some("pull")),
            ("issue", Some("issues")),
            ("list messages", Some("list")),
            ("überweisung", Some("pay")),
            ("GIT labels", Some("issues")),
            ("zzzz", None),
        ] {
            assert_eq!(first(query), expected, "{query}");
        }
        assert_eq!(Ranking::of(&tools()).best(" !", 2), [0, 1], "without words the first are told");
        assert!(Ranking::of(&[]).best("x", 5).is_empty());
    }

    proptest! {
        #[test]
        fn no_search_finds_what_is_not_there_or_anything_twice(query in "\\PC{0,60}", limit in 0usize..9) {
            let found = Ranking::of(&tools()).best(&query, limit);
            let mut once = found.clone();
            once.sort_unstable();
            once.dedup();
            prop_assert!(found.len() <= limit && once.len() == found.len());
            prop_assert!(found.iter().all(|at| *at < 5));
        }
    }
}
