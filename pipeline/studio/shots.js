// The shots of a film: a list of presets with lengths and transitions, which is the setting film.
import { $, button, changed, checked, form, make, setup } from "./core.js";

const OF_SHOT = /^(camera|dream|score|color|start|flow)\b/; // settings that go into a shot; the others are the film's
const PAIR = /\s*([\w.]+)\s*:\s*("(?:[^"\\]|\\.)*"|[^,{}"]+?)\s*(?:,|$)/y;
const FIRST_SECONDS = 6;

const written = (value) => (/^[\w.%+-]+$/.test(value) ? value : JSON.stringify(value));

function text(shots) {
  return `[${shots.map((shot) => `{${Object.entries(shot).map(([key, value]) => `${key}: ${written(value)}`).join(", ")}}`).join(", ")}]`;
}

function entry(inside) {
  const shot = {};
  PAIR.lastIndex = 0;
  for (let match = PAIR.exec(inside); match; match = PAIR.exec(inside)) {
    shot[match[1]] = match[2].startsWith('"') ? JSON.parse(match[2]) : match[2];
    if (PAIR.lastIndex === inside.length) return shot;
  }
  return null;
}

// The shots that this page can change: null for a film without a list, or with one that says more.
export function shotsOf() {
  const film = form.settings.film || "", shots = [...film.matchAll(/\{((?:"(?:[^"\\]|\\.)*"|[^{}"])*)\}/g)].map((match) => entry(match[1]));
  return shots.length && shots.every(Boolean) && text(shots) === film ? shots : null;
}

export function setShots(shots) {
  if (shots.length > 1) form.settings.film = text(shots);
  else { // one shot is a plain film
    const [{ preset, duration, transition, ...rest }] = shots;
    delete form.settings.film;
    Object.assign(form, { preset: preset || "", settings: { ...form.settings, ...(duration ? { duration } : {}), ...rest } });
  }
  changed();
}

function presets() {
  return setup.presets.filter((each) => !each.own && !each.shots && !each.needs.includes("source.path") && !each.needs.includes("score.guide")).map((each) => each.name);
}

// The film becomes the first of two shots.
function split() {
  const first = { preset: presets().includes(form.preset) ? form.preset : "fractal_zoom", duration: form.settings.duration || `${FIRST_SECONDS}s` };
  for (const key of Object.keys(form.settings).filter((each) => OF_SHOT.test(each))) {
    first[key] = form.settings[key];
    delete form.settings[key];
  }
  delete form.settings.duration;
  form.preset = "";
  replace([first, { preset: "breathing", duration: `${FIRST_SECONDS}s`, transition: "crossfade" }]);
}

function replace(shots) {
  setShots(shots);
  drawShots();
  $("shots").querySelector("#add-shot, #split")?.focus();
}

// While somebody types in it the list stays, and only shows which shot is wrong.
export function drawShots({ isTyping = false } = {}) {
  const shots = shotsOf(), wrong = (checked?.key || "").match(/^film\[(\d+)\]/)?.[1];
  const mark = () => document.querySelectorAll("#shots .shot").forEach((row, index) => row.classList.toggle("bad", String(index) === wrong));
  if (isTyping) { mark(); return; }
  if (!shots) {
    const isOther = form.settings.film || checked?.shots > 1;
    $("shots").replaceChildren(isOther ? make("p", { class: "faint" }, "The shots are those of the preset, or of the setting film.") : button("Make it a film of several shots", split, { id: "split" }));
    return;
  }
  const put = (index, key, value) => {
    if (value.trim()) shots[index][key] = value.trim();
    else delete shots[index][key];
    setShots(shots);
  };
  const choice = (index, key, values, label) => {
    const select = make("select", { "aria-label": `${label} of shot ${index + 1}` }, ...values.map((each) => make("option", { value: each }, each.replaceAll("_", " "))));
    select.value = shots[index][key] || values[0];
    select.addEventListener("change", () => put(index, key, select.value));
    return select;
  };
  const rows = shots.map((shot, index) => {
    const seconds = make("input", { type: "text", value: shot.duration || "", placeholder: "8s", "aria-label": `Length of shot ${index + 1}` });
    seconds.addEventListener("change", () => put(index, "duration", seconds.value));
    const remove = button("✕", () => replace(shots.filter((each) => each !== shot)), { "aria-label": `Remove shot ${index + 1}` });
    const transition = index ? choice(index, "transition", setup.transitions, "Transition") : make("span");
    return make("div", { class: "shot" }, make("b", {}, String(index + 1)), choice(index, "preset", presets(), "Preset"), seconds, transition, remove);
  });
  const add = button("Add a shot", () => replace([...shots, { preset: "spiral", duration: `${FIRST_SECONDS}s`, transition: "crossfade" }]), { id: "add-shot" });
  $("shots").replaceChildren(...rows, add);
  mark();
}

// A border between two shots moves: the first of them gets another length.
export function moveBorder(index, by, starts) {
  const shots = shotsOf(), shot = shots?.[index];
  if (!shot) return;
  const own = (shot.duration || "").match(/^(\d+(?:\.\d+)?)s$/), seconds = own ? Number(own[1]) : starts[index + 1] - starts[index];
  shot.duration = `${Number(Math.max(0.1, seconds + by).toFixed(3))}s`;
  setShots(shots);
}
