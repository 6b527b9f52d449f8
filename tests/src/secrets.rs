//! Secrets of many forms, made from a seed: nobody's, and never written into a file of this repository. And a net that
//! finds a piece of any of them in bytes, in clear, in base64 or in hexadecimal digits.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// So many characters in a row are enough to know a secret again.
pub const PIECE: usize = 16;

/// A secret as it is planted.
#[derive(Debug, Clone)]
pub struct Planted {
    /// What it is.
    pub form: &'static str,
    /// The member that it stands in, where it stands in one.
    pub member: String,
    /// The text that holds it.
    pub text: String,
    /// The part that nobody but its owner may read.
    pub core: String,
    /// Whether it is of a form that masking promises to know.
    pub known: bool,
}

/// A source of letters that is the same at every run.
#[derive(Debug, Clone)]
pub struct Letters(u64);

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const DIGITS: &[u8] = b"0123456789";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Letters {
    /// Letters from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn of(&mut self, signs: &[u8], length: usize) -> String {
        let count = signs.len() as u64;
        (0..length)
            .filter_map(|_| {
                let at = usize::try_from(self.next() % count).ok()?;
                signs.get(at).map(|sign| char::from(*sign))
            })
            .collect()
    }

    fn mixed(&mut self, length: usize) -> String {
        self.of(MIXED, length)
    }
}

/// A secret that a form begins: masking knows it wherever it stands.
const BEGINNINGS: [(&str, &str, &[u8], usize); 16] = [
    ("GitHub token", "ghp_", MIXED, 36),
    ("GitHub app token", "ghs_", MIXED, 36),
    ("GitHub fine-grained token", "github_pat_", MIXED, 60),
    ("GitLab token", "glpat-", MIXED, 20),
    ("model key", "sk-proj-", MIXED, 40),
    ("payment key", "sk_live_", MIXED, 24),
    ("Slack bot token", "xoxb-", MIXED, 40),
    ("Slack app token", "xapp-", MIXED, 40),
    ("cloud access key", "AKIA", UPPER, 16),
    ("map key", "AIza", MIXED, 35),
    ("OAuth access token", "ya29.", MIXED, 50),
    ("npm token", "npm_", MIXED, 36),
    ("PyPI token", "pypi-", MIXED, 60),
    ("model hub token", "hf_", MIXED, 34),
    ("hosting token", "dop_v1_", HEX, 64),
    ("agent key", "prk_", LOWER, 52),
];

/// Texts that announce a secret: the text before it, and after it.
const ANNOUNCED: [(&str, &str, &str); 9] = [
    ("bearer token", "Authorization: Bearer ", ""),
    ("basic sign-in", "authorization: Basic ", ""),
    ("password in a URL", "postgres://app:", "@db.example/app"),
    ("basic auth in a URL", "see https://ada:", "@mcp.example/a"),
    ("token in a query", "https://mcp.example/a?access_token=", "&page=2"),
    ("password in a text", "the password: ", " was changed"),
    ("client secret in a form", "grant_type=client_credentials&client_secret=", "&scope=use"),
    ("key in an environment", "export SERVICE_API_KEY=", "\n"),
    ("refresh token in a text", "refresh_token=", ";"),
];

/// Members whose value is a secret whatever it looks like.
const MEMBERS: [&str; 10] = [
    "password",
    "userPassword",
    "client_secret",
    "api-key",
    "accessKey",
    "private_key",
    "refresh_token",
    "Authorization",
    "session-cookie",
    "passphrase",
];

/// How many forms there are.
const FORMS: usize = BEGINNINGS.len() + ANNOUNCED.len() + MEMBERS.len() + 6;

/// `count` secrets from a seed, form after form.
#[must_use]
pub fn secrets(seed: u64, count: usize) -> Vec<Planted> {
    let mut letters = Letters::new(seed);
    (0..count).map(|at| secret(&mut letters, at)).collect()
}

fn secret(letters: &mut Letters, at: usize) -> Planted {
    let planted = |form, member: &str, text: String, core: String, known| Planted {
        form,
        member: format!("{member}{}", if MEMBERS.contains(&member) { "" } else { "s" }),
        text,
        core,
        known,
    };
    let mut at = at % FORMS;
    if let Some((form, start, signs, length)) = BEGINNINGS.get(at) {
        let core = letters.of(signs, *length);
        return planted(form, "word", format!("use {start}{core} now"), core, true);
    }
    at -= BEGINNINGS.len();
    if let Some((form, before, after)) = ANNOUNCED.get(at) {
        let core = letters.mixed(28);
        return planted(form, "line", format!("{before}{core}{after}"), core, true);
    }
    at -= ANNOUNCED.len();
    if let Some(member) = MEMBERS.get(at) {
        let core = letters.mixed(22);
        return planted("named member", member, core.clone(), core, true);
    }
    match at - MEMBERS.len() {
        0 => {
            let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#);
            let core = letters.mixed(43);
            let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{}"}}"#, letters.mixed(8)));
            planted("JSON web token", "word", format!("{head}.{claims}.{core}"), core, true)
        }
        1 => {
            let core = letters.mixed(64);
            let (begin, end) = (edge("BEGIN"), edge("END"));
            planted("private key", "pem", format!("{begin}\n{core}\n{end}\n"), core, true)
        }
        2 => {
            let core = letters.mixed(22);
            let text = format!("SG.{core}.{}", letters.mixed(43));
            planted("mail key", "word", text, core, true)
        }
        3 => {
            let core = card(letters);
            planted("card number", "number", core.clone(), core, false)
        }
        4 => {
            let core = letters.mixed(24);
            planted("password that says nothing", "word", core.clone(), core, false)
        }
        _ => {
            let core = letters.of(HEX, 32);
            planted("digits of a key", "note", format!("seed {core}"), core, false)
        }
    }
}

/// Taken apart, so that this file holds no such line.
fn edge(word: &str) -> String {
    format!("-----{word} {} {}-----", "PRIVATE", "KEY")
}

/// Sixteen digits whose last is the check digit.
fn card(letters: &mut Letters) -> String {
    let digits = format!("4{}", letters.of(DIGITS, 14));
    let sum: u32 = digits
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, twice @ 10..) => twice - 9,
            (0, twice) => twice,
            _ => digit,
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// Every piece of every secret, in clear and encoded.
#[derive(Debug)]
pub struct Net {
    pieces: HashMap<[u8; PIECE], usize>,
    starts: Vec<bool>,
}

impl Net {
    /// A net for these texts; it answers with their places in the list.
    #[must_use]
    pub fn new<'a>(cores: impl IntoIterator<Item = &'a str>) -> Self {
        let mut net = Self { pieces: HashMap::new(), starts: vec![false; 1 << 24] };
        for (at, core) in cores.into_iter().enumerate() {
            net.add(core.as_bytes(), at);
            let hex: String = core.bytes().map(|byte| format!("{byte:02x}")).collect();
            net.add(hex.as_bytes(), at);
            net.add(hex.to_uppercase().as_bytes(), at);
            for shift in 0..3 {
                let shifted = [&vec![0; shift], core.as_bytes()].concat();
                for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                    // The first and the last letter also depend on what stands beside it.
                    let last = usize::from(shifted.len() % 3 != 0);
                    let inner = text.get((shift * 8).div_ceil(6)..text.len() - last);
                    net.add(inner.unwrap_or_default().as_bytes(), at);
                }
            }
        }
        net
    }

    fn add(&mut self, text: &[u8], at: usize) {
        for piece in text.windows(PIECE) {
            if let (Ok(piece), Some(start)) =
                (<[u8; PIECE]>::try_from(piece), self.starts.get_mut(start_of(piece)))
            {
                *start = true;
                self.pieces.insert(piece, at);
            }
        }
    }

    /// Which of them have a piece in `bytes`, each once.
    #[must_use]
    pub fn caught(&self, bytes: &[u8]) -> Vec<usize> {
        let likely = |piece: &[u8]| self.starts.get(start_of(piece)).copied().unwrap_or_default();
        let mut found: Vec<usize> = bytes
            .windows(PIECE)
            .filter(|piece| likely(piece))
            .filter_map(|piece| self.pieces.get(piece).copied())
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn start_of(piece: &[u8]) -> usize {
    piece.iter().take(3).fold(0, |number, byte| number << 8 | usize::from(*byte))
}
