// Waits for the question with this number, opens all that is folded, and reads what a person sees.
const done = arguments[arguments.length - 1];
const until = performance.now() + 25000;
const page = {};

const once = (probe) =>
  new Promise((found, lost) => {
    const look = () => {
      const value = probe();
      if (value) found(value);
      else if (performance.now() > until) lost(new Error(`waited in vain for ${probe}`));
      else setTimeout(look, 4);
    };
    look();
  });

const section = () => document.querySelector("main section.arguments");

/** A text of ours in parts: 0 as it stands, 1 a mark, 2 a hint. Anything else would be a stranger's element. */
function parts(span) {
  if (!span?.classList.contains("pieces")) throw new Error(`no text: ${span?.outerHTML.slice(0, 200)}`);
  const all = [];
  for (const node of span.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) all.push([0, node.data]);
    else if (node.nodeType === Node.COMMENT_NODE || node.nodeName === "BR") continue;
    else if (node.childElementCount > 0) throw new Error(`an element in a text: ${node.outerHTML.slice(0, 200)}`);
    else if (node.classList.contains("odd")) all.push([0, node.textContent]);
    else if (!node.classList.contains("mark")) throw new Error(`an element in a text: ${node.outerHTML.slice(0, 200)}`);
    else all.push(["hint" in node.dataset ? 2 : 1, node.textContent]);
  }
  return all;
}

function row(tr, own) {
  const [th, td] = tr.children;
  const first = td.firstElementChild;
  const empty = first.classList.contains("kind");
  return {
    own,
    pointer: parts(th.querySelector(".pieces")),
    label: empty ? first.textContent : null,
    value: empty ? null : parts(first),
    // Anchors of the page between the texts are empty; a unit comes behind the kind, in the same text.
    kind: [...(td.querySelector(":scope > .kind:not(:first-child)")?.childNodes ?? [])].find((node) => node.nodeType === Node.TEXT_NODE && node.data)?.data.split(", in “")[0] ?? null,
  };
}

function rows() {
  const all = [];
  for (const body of section().querySelectorAll("tbody")) {
    const along = body.querySelector("tr.along");
    for (const tr of body.children) if (tr !== along) all.push(row(tr, !along));
  }
  return all;
}

/** Nothing lies outside of what can be scrolled to, nothing is invisible, nothing of a stranger became an element. */
function check(what) {
  for (const box of [section(), document.querySelector("main")])
    if (box.scrollWidth > box.clientWidth + 1) throw new Error(`${what} is wider than the window`);
  const drawn = [...section().querySelectorAll(".mark, .odd")].slice(0, 400);
  if (drawn.some((one) => one.getClientRects().length === 0 || getComputedStyle(one).visibility !== "visible"))
    throw new Error(`${what}: a mark is not drawn`);
  if (document.querySelector("main :is(script, img, a, iframe, form, input)")) throw new Error(`${what}: an element of a stranger`);
  if (document.querySelectorAll("[data-testid=allow]").length !== 1) throw new Error(`${what}: two buttons allow`);
  const hidden = /[^\P{C}\n]/u.exec(document.body.textContent);
  if (hidden) throw new Error(`${what}: U+${hidden[0].codePointAt(0).toString(16)} stands in the page as it is`);
}

const way = (name, shown) => {
  [...section().querySelectorAll(".ways button")].find((one) => one.textContent === name).click();
  return once(() => document.querySelector(`[data-testid=${shown}] .pieces`));
};

async function look() {
  const own = (tr) => tr.firstElementChild?.textContent === "/_meta/case" && tr.lastElementChild.firstElementChild.textContent === "NUMBER";
  await once(() => [...(section()?.querySelectorAll("tbody:last-of-type tr") ?? [])].some(own));
  const folded = () => [...document.querySelectorAll("main button")].filter((one) => /^[\d,]+ more (characters|arguments)$/.test(one.textContent.trim()));
  while (folded().length > 0) {
    const [first] = folded();
    first.click();
    await once(() => !folded().includes(first));
  }
  page.tool = parts(document.querySelector("main h1 .pieces"));
  page.rows = rows();
  check("the table");
  page.json = parts(await way("JSON", "json"));
  check("the indented view");
  page.raw = parts(await way("As sent", "raw"));
  check("what is sent");
}

look().then(
  () => done(page),
  (trouble) => done({ trouble: String(trouble) }),
);
