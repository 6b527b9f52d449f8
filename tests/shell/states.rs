//! Every screen in every state: nothing yet, being loaded, failed, as it mostly is, and very full; in both themes, at
//! twice the size, from right to left, and by keys alone. Driven over the preview build, so that each state can be had.

mod preview;
mod screens;

use prokura_testkit::eventually;
use serde_json::json;

use crate::hands::SOON;
use preview::{Preview, TWICE, WINDOW};
use screens::{SCREENS, Screen, State};

const FAILED: &str = "The database does not answer";
const NEXT: &str = "Look whether the disk is there and has room.";

/// The states of a screen that have words of their own.
fn told(screen: &Screen) -> impl Iterator<Item = &State> {
    [Some(&screen.normal), screen.empty.as_ref(), Some(&screen.full)].into_iter().flatten()
}

/// Goes there, and waits until it says the first `words` of what it should.
async fn show(preview: &Preview, screen: &Screen, state: &State, more: &str, words: usize) {
    preview.go(&format!("scene={}{more}", state.scene), state.hash).await;
    if let Some(name) = screen.press {
        preview.window.press(name).await;
    }
    for words in state.says.iter().take(words) {
        preview.window.sees(words).await;
    }
}

/// What runs off the side at the top of a screen and at its end; of long lists only what is near the window exists.
async fn off_the_side(preview: &Preview, name: &str) -> Vec<String> {
    let mut found = preview.off_the_side().await;
    preview.window.to_the_end().await;
    preview.window.painted().await;
    found.extend(preview.off_the_side().await);
    found.into_iter().map(|fault| format!("{name}: {fault}")).collect()
}

/// Every state of every screen in one theme, with what axe-core says of each.
async fn walk(preview: &Preview) -> Vec<String> {
    let mut faults = Vec::new();
    for screen in SCREENS {
        for state in told(screen) {
            show(preview, screen, state, "", usize::MAX).await;
            let found = preview.window.inaccessible().await;
            let name = format!("{} ({})", screen.name, state.scene);
            faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
        }
        if screen.press.is_none() {
            preview.go("scene=broken", screen.normal.hash).await;
            preview.window.sees(FAILED).await;
            preview.window.sees(NEXT).await;
            preview.window.sees("Try again").await;
            let found = preview.window.inaccessible().await;
            faults.extend(
                found.into_iter().map(|fault| format!("{} (broken): {fault}", screen.name)),
            );
        }
    }
    faults
}

#[tokio::test]
async fn every_screen_says_what_it_should_and_is_accessible_in_the_light() {
    assert_eq!(walk(&Preview::open("light").await).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_screen_says_what_it_should_and_is_accessible_in_the_dark() {
    assert_eq!(walk(&Preview::open("dark").await).await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_runs_off_the_side_at_twice_the_size_or_from_right_to_left() {
    let preview = Preview::open("light").await;
    let mut faults = Vec::new();
    for size in [TWICE, WINDOW] {
        preview.size(size).await;
        for screen in SCREENS {
            for state in told(screen) {
                show(&preview, screen, state, "", 1).await;
                let name = format!("{} ({}) at {}", screen.name, state.scene, size.0);
                faults.extend(off_the_side(&preview, &name).await);
            }
            show(&preview, screen, &screen.normal, "&dir=rtl", 1).await;
            let name = format!("{} from right to left at {}", screen.name, size.0);
            faults.extend(off_the_side(&preview, &name).await);
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_loaded_shows_nothing_at_first_and_then_that_it_is_on_its_way() {
    let preview = Preview::open("light").await;
    let bones = "const bones = document.querySelector(\"main [role='status'][aria-label^='Loading']\");
        return bones ? [getComputedStyle(bones).animationDelay, getComputedStyle(bones).opacity] : null";
    for screen in SCREENS.iter().filter(|screen| screen.press.is_none()) {
        preview.go("scene=loading", screen.normal.hash).await;
        preview.until(screen.name, bones, json!(["0.25s", "1"])).await;
        // Nobody is told that nothing is there, or that nothing needs them, while it is not known.
        let text = preview.window.text().await;
        let early = ["Nothing needs you", "Get started", "not reached", "No agent may do anything"];
        let lie = early.iter().find(|words| text.contains(*words));
        assert_eq!(lie, None, "{}: {text}", screen.name);
    }
}

#[tokio::test]
async fn what_failed_is_tried_again_where_it_stands() {
    let preview = Preview::open("light").await;
    // As a person presses, who waits to see what becomes of it: a newer question would overtake the one before.
    let press = "if (performance.now() - (window.pressedAt ?? -2000) < 1500) return;
        window.pressedAt = performance.now();
        [...document.querySelectorAll('main button')].filter((one) => one.innerText.trim() === 'Try again').forEach((one) => one.click())";
    for screen in SCREENS.iter().filter(|screen| screen.press.is_none()) {
        preview.go("scene=broken&heals", screen.normal.hash).await;
        preview.window.sees(FAILED).await;
        let healed = eventually(screen.name, SOON, || async {
            preview.window.script(press).await.ok()?;
            let text = preview.window.text().await;
            let all = screen.normal.says.iter().all(|words| text.contains(words));
            (all && !text.contains(FAILED)).then_some(())
        })
        .await;
        assert!(healed.is_ok(), "{}: {}", screen.name, preview.window.text().await);
    }
}

/// What has the focus, in words.
const FOCUSED: &str =
    "const one = document.activeElement; return one.getAttribute('aria-label') ?? one.localName";

#[tokio::test]
async fn anything_is_found_and_done_by_keys_alone() {
    let preview = Preview::open("light").await;
    let (window, display) = (&preview.window, &preview.display);
    preview.go("scene=normal", "home").await;
    window.sees("What needs you").await;
    display.focus(".Automation. Prokura").await;
    display.keys(&["ctrl+k"]);
    preview.until("the palette", FOCUSED, json!("Find anything")).await;
    window.accessible("the palette").await;
    window.sees("Add a server").await;
    display.types("sepay");
    let chosen = "return document.querySelector(\"[role='option'][aria-selected='true']\")?.innerText.split('\\n')[0]";
    preview.until("the tool comes first", chosen, json!("send_payment")).await;
    let active = "const field = document.querySelector(\"[role='combobox']\");
        return document.getElementById(field.getAttribute('aria-activedescendant'))?.getAttribute('aria-selected')";
    preview.until("a screen reader hears it", active, json!("true")).await;
    display.keys(&["Return"]);
    window.sees("tells what became of it").await;
    let place = "return [location.hash, document.querySelector('[data-search]').value]";
    preview.until("there", place, json!(["#/servers/srv_1/send_payment", "send_payment"])).await;
    preview.until("the focus is on the screen", FOCUSED, json!("main")).await;
    display.keys(&["ctrl+k"]);
    window.sees("Last used").await;
    display.keys(&["Escape"]);
    window.sees_no_more("Last used").await;
    display.keys(&["question"]);
    window.sees("Keyboard shortcuts").await;
    window.accessible("the page of shortcuts").await;
    display.keys(&["Escape"]);
    window.sees_no_more("Keyboard shortcuts").await;
    display.keys(&["ctrl+9"]);
    window.sees("One thing to look at").await;
    display.keys(&["ctrl+k"]);
    preview.until("the palette", FOCUSED, json!("Find anything")).await;
    display.types("pause all");
    preview.until("the action", chosen, json!("Pause all agents")).await;
    display.keys(&["Return"]);
    window.sees("All agents are paused.").await;
}

#[tokio::test]
async fn what_was_revoked_comes_back_and_what_cannot_asks_first() {
    let preview = Preview::open("light").await;
    let (window, display) = (&preview.window, &preview.display);
    preview.go("scene=normal", "grants/agt_0~srv_1").await;
    let names = "return [...document.querySelectorAll(\"[aria-label^='Revoke grant:']\")].map((one) => one.getAttribute('aria-label')).sort()";
    window.sees("claude-code → ledger").await;
    let before = window.script(names).await.unwrap();
    window.press("Revoke grant: claude-code at ledger, close_account").await;
    window.sees("Revoked: claude-code at ledger.").await;
    window.accessible("the offer to undo").await;
    display.focus(".Automation. Prokura").await;
    display.keys(&["ctrl+z"]);
    preview.until("all of them", names, before).await;
    window.sees("Undone.").await;
    // One that holds for the very arguments of an approval cannot be wished for again.
    window
        .click_on(
            "(//button[@aria-label='Revoke grant: claude-code at ledger, send_payment'])[last()]",
        )
        .await;
    window.sees("It cannot be made again as it is.").await;
}

#[tokio::test]
async fn the_design_page_is_accessible_and_fits() {
    let preview = Preview::open("light").await;
    preview.page("design.html").await;
    preview.window.sees("Colour means something.").await;
    preview.window.accessible("the design page").await;
    for size in [WINDOW, TWICE] {
        preview.size(size).await;
        assert_eq!(preview.off_the_side().await, Vec::<String>::new(), "{size:?}");
    }
}

#[tokio::test]
async fn a_question_says_in_full_what_its_buttons_do_at_twice_the_size() {
    let preview = Preview::open("light").await;
    preview.page("design.html").await;
    // The approval window is 560 wide. The browser's own cannot be half as narrow, a frame can.
    for question in ["qst_1", "qst_2", "qst_5", "qst_20", "qst_21"] {
        let frame = format!(
            "document.body.innerHTML = '<iframe style=\"border: 0; width: 280px; height: 340px\" src=\"approval.html?scene=crowded&only={question}\"></iframe>'"
        );
        preview.window.script(&frame).await.unwrap();
        let look = "const page = document.querySelector('iframe').contentDocument;
            const button = page?.querySelector('[data-testid=allow]');
            if (!button) return 'no button';
            const [words, box] = [button.querySelector('span'), button.getBoundingClientRect()];
            const cut = words.scrollWidth > words.clientWidth || words.innerText.length < 10;
            const out = box.left < 0 || box.right > 280 || box.bottom > 340 || page.scrollingElement.scrollWidth > 280;
            return cut ? 'its words are cut' : out ? 'it is out of the window' : 'in full'";
        preview.until(question, look, json!("in full")).await;
    }
}
