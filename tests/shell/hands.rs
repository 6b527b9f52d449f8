//! What a person does in a window: press, fill in, choose, look. Each waits until it can be done, with a deadline.

use std::time::Duration;

use prokura_testkit::eventually;

use crate::driver::{Driver, Element};

/// How long a window may take to show something on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

/// Text as an XPath literal.
fn literal(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}

/// Whatever can be pressed and is called `name`.
fn pressable(name: &str) -> String {
    let name = literal(name);
    format!(
        "//*[self::button or self::a or self::label][normalize-space(.)={name} or @aria-label={name}]"
    )
}

fn field(label: &str) -> String {
    format!("//*[@id=//label[normalize-space(.)={}]/@for]", literal(label))
}

impl Driver {
    /// The one element of a path, once it is there.
    pub async fn element(&self, path: &str) -> Element {
        eventually(path, SOON, || async { self.find(path).await.ok()?.into_iter().next() })
            .await
            .unwrap()
    }

    /// Clicks on a path, once it can be clicked.
    pub async fn click_on(&self, path: &str) {
        eventually(&format!("a click on {path}"), SOON, || async {
            let element = self.find(path).await.ok()?.into_iter().next()?;
            if !self.is_enabled(&element).await.ok()? {
                return None;
            }
            self.click(&element).await.ok()
        })
        .await
        .unwrap();
    }

    /// Presses the button, link or choice called `name`.
    pub async fn press(&self, name: &str) {
        self.click_on(&pressable(name)).await;
    }

    /// Goes to a screen by the sidebar.
    pub async fn go(&self, screen: &str) {
        self.click_on(&format!(
            "//nav[@aria-label='Screens']//a[.//span[normalize-space(.)={}]]",
            literal(screen)
        ))
        .await;
        self.element(&format!("//main//h1[normalize-space(.)={}]", literal(screen))).await;
    }

    /// Fills in the field with this label.
    pub async fn type_into(&self, label: &str, text: &str) {
        let path = field(label);
        eventually(&format!("typing into {label}"), SOON, || async {
            let element = self.find(&path).await.ok()?.into_iter().next()?;
            self.fill(&element, text).await.ok()
        })
        .await
        .unwrap();
    }

    /// Chooses the first option that starts with `option` in the list with this label.
    pub async fn choose(&self, label: &str, option: &str) {
        let option = literal(option);
        self.click_on(&format!(
            "{}/option[starts-with(normalize-space(.), {option})]",
            field(label)
        ))
        .await;
    }

    /// The text of the window as it is now.
    pub async fn text(&self) -> String {
        let script = "return document.body.innerText.replace(/\\s+/g, ' ')";
        let text = self.script(script).await;
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until the window shows `words`.
    pub async fn sees(&self, words: &str) {
        let seen =
            eventually(words, SOON, || async { self.text().await.contains(words).then_some(()) })
                .await;
        if seen.is_err() {
            panic!("the window does not show \"{words}\" but: {}", self.text().await);
        }
    }

    /// Waits until the window does not show `words` any more.
    pub async fn sees_no_more(&self, words: &str) {
        eventually(&format!("the end of \"{words}\""), SOON, || async {
            let text = self.script("return document.body.innerText").await.ok()?;
            (!text.as_str()?.contains(words)).then_some(())
        })
        .await
        .unwrap();
    }

    /// Turns to the approval window, once it shows a question.
    pub async fn turn_to_approval(&self, main: &str) {
        let other = eventually("a second window", SOON, || async {
            self.windows().await.ok()?.into_iter().find(|window| window != main)
        })
        .await
        .unwrap();
        self.turn_to(&other).await.unwrap();
        self.element(ALLOW).await;
    }

    /// Waits until everything is on the screen as it is in the page.
    pub async fn painted(&self) {
        let painted = "
            const done = arguments[arguments.length - 1];
            const moving = document.getAnimations().filter((one) => one instanceof CSSTransition);
            const rest = Promise.allSettled(moving.map((one) => one.finished)).then(() => document.fonts.ready);
            rest.then(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true))));
        ";
        self.long_script(painted).await.unwrap();
    }

    /// Scrolls to the end of the screen.
    pub async fn to_the_end(&self) {
        self.script("document.querySelector('main')?.scrollTo(0, 1e6)").await.unwrap();
    }

    /// Waits until the button that allows can be pressed.
    pub async fn armed(&self) {
        eventually("an armed button", SOON, || async {
            let button = self.find(ALLOW).await.ok()?.into_iter().next()?;
            let still = self.attribute(&button, "aria-disabled").await.ok()?;
            (still.as_deref() == Some("false")).then_some(())
        })
        .await
        .unwrap();
    }
}

/// The button that allows.
pub const ALLOW: &str = "//*[@data-testid='allow']";
