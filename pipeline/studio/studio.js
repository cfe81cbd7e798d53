import { $, changed, checked, clock, copy, events, form, loadSetup, make, post, restore, setup, words } from "./core.js";
import { startChoose } from "./choose.js";
import { startSettings } from "./settings.js";
import { refresh, startQueue } from "./queue.js";
import { startTimeline } from "./timeline.js";

const VARIED_SEEDS = "seed=0..5", VARIED_LOOKS = 8;

function showAnswer() {
  $("problem").textContent = checked.error;
  $("summary").textContent = checked.error ? "This cannot be rendered yet." : `${checked.summary.replace("x", "×").replaceAll(", ", " · ")}${checked.seconds ? ` · about ${clock(checked.seconds)} here` : ""}`;
  $("notes").replaceChildren(...(checked.notes || []).map((text) => make("li", {}, text)));
  if (!checked.error) $("command").textContent = checked.command;
  const isOneShot = checked.shots === 1 && checked.values?.loop !== "true"; // what sketches are made of
  for (const id of ["render", "storyboard", "vary"]) $(id).disabled = Boolean(checked.error) || (id !== "render" && !isOneShot);
}

const ADDED = { render: "The film is in the queue:", storyboard: "The storyboard is being drawn:", variations: "The variations are being drawn:" };

async function add(kind, list) {
  try {
    await post("add", { kind, words: list });
    $("problem").textContent = "";
    $("added").replaceChildren(`${ADDED[kind]} `, make("a", { href: "#films-part" }, "Films"));
    refresh();
  } catch (error) {
    $("problem").textContent = error.message;
  }
}

// Without a look, the film with several looks, which are made for one family of networks; else with several seeds.
function variations() {
  const list = words().filter((word) => !word.startsWith("seed="));
  if (form.look || !checked.values["network.name"].startsWith("efficientnet_lite")) return [...list, VARIED_SEEDS];
  return [...list, `look=${setup.looks.slice(0, VARIED_LOOKS).map((each) => each.name).join("|")}`];
}

async function start() {
  await loadSetup();
  events.addEventListener("checked", showAnswer);
  events.addEventListener("form", () => { $("added").textContent = ""; });
  events.addEventListener("checking", () => { $("summary").textContent = "checking …"; });
  await startChoose();
  startSettings();
  startTimeline();
  startQueue();
  $("render").addEventListener("click", () => add("render", words()));
  $("storyboard").addEventListener("click", () => add("storyboard", words()));
  $("vary").addEventListener("click", () => add("variations", variations()));
  $("clear").addEventListener("click", () => {
    Object.assign(form, { preset: "", look: "", files: {}, settings: {} });
    changed();
  });
  $("copy").addEventListener("click", () => copy($("command").textContent, $("copy")));
  restore();
}
start().catch((error) => { $("problem").textContent = error.message; });
