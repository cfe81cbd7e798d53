// The film that is being set up: what is chosen, its command line, and what the program says about it.
export const $ = (id) => document.getElementById(id);
export const events = new EventTarget();
export const form = { preset: "", look: "", files: {}, settings: {} };
export let setup = null;
export let checked = null; // the program's answer to the newest command line
const CHECK_MS = 250, STORED = "dream-zoom studio";
let timer = 0, number = 0, running = null;

export function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== false) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function button(words, onClick, attributes) {
  const element = make("button", { type: "button", ...attributes }, words);
  element.addEventListener("click", onClick);
  return element;
}

export async function get(name) {
  const response = await fetch(name);
  return answerOf(response.ok, await response.text());
}

// Errors have the program's sentence as their message and the setting that it is about as their key.
export async function post(name, body) {
  const response = await fetch(name, { method: "POST", body: JSON.stringify(body) });
  return answerOf(response.ok, await response.text());
}

function answerOf(isFine, text) {
  let data = {};
  try { data = JSON.parse(text); } catch { data = { error: text }; }
  if (!isFine) throw Object.assign(new Error(data.error || "the program does not answer"), { key: data.key || "" });
  return data;
}

// fetch tells nothing about how much of a file is sent.
export async function send(file, onFraction) {
  const request = new XMLHttpRequest();
  request.open("POST", `upload?name=${encodeURIComponent(file.name)}`);
  request.upload.addEventListener("progress", (event) => onFraction(event.loaded / Math.max(1, event.total)));
  await new Promise((resolve) => { request.addEventListener("loadend", resolve); request.send(file); });
  return answerOf(request.status === 200, request.responseText || `${file.name}: the program did not take it`);
}

export async function loadSetup() {
  setup = await get("setup.json");
}

export function chosenPreset() {
  return setup?.presets.find((each) => each.name === form.preset);  // setup is loaded after the page
}

export function words() {
  const preset = chosenPreset(), needs = preset?.needs || [], { photograph, clip, song } = form.files, list = [];
  if (preset?.own) list.push(`--config-dir=${setup.config_dir}`);
  if (form.preset) list.push(`preset=${form.preset}`);
  if (form.look) list.push(`look=${form.look}`);
  if (photograph && fileSetting("start.path") === "score.guide") list.push(`score.guide=${photograph}`);
  else if (photograph) list.push(...(needs.includes("start.path") ? [] : ["start=image"]), `start.path=${photograph}`);
  if (clip) list.push(...(needs.includes("source.path") ? [] : ["source=video"]), `source.path=${clip}`);
  if (song) list.push(`audio.path=${song}`);
  return [...list, ...Object.entries(form.settings).map(([key, value]) => `${key}=${value}`)];
}

// Of the two settings of a photograph, the one that the preset reads.
export function fileSetting(key) {
  if (setup.file_kinds[key] !== "photograph") return key;
  return chosenPreset()?.needs.includes("score.guide") ? "score.guide" : "start.path";
}

// The form of a command line, such as that of a film in the queue.
export function use(list) {
  Object.assign(form, { preset: "", look: "", files: {}, settings: {} });
  for (const word of list) {
    const [, key, value] = word.match(/^\+?([^=]+)=([\s\S]*)$/) || [];
    if (key === "preset" || key === "look") form[key] = value;
    else if (setup.file_kinds[key]) form.files[setup.file_kinds[key]] = value;
    else if (key && !key.startsWith("-") && word !== "start=image" && word !== "source=video") form.settings[key] = value;
  }
  changed();
}

export function changed() {
  try { localStorage.setItem(STORED, JSON.stringify(form)); } catch { /* private window */ }
  events.dispatchEvent(new Event("form"));
  clearTimeout(timer);
  timer = setTimeout(check, CHECK_MS);
}

export function restore() {
  try { Object.assign(form, JSON.parse(localStorage.getItem(STORED) || "{}")); } catch { /* begin with nothing */ }
  if (form.preset && !chosenPreset()) form.preset = "";
  changed();
}

async function check() {
  const mine = ++number, slow = setTimeout(() => { if (mine === number) events.dispatchEvent(new Event("checking")); }, 600);
  await running; // one check at a time: those that wait give way to the newest
  if (mine === number) running = post("check", { words: words() }).catch((error) => ({ error: error.message, key: "" }));
  let answer = await running;
  if (answer.error) answer = { ...checked, notes: [], ...answer };
  clearTimeout(slow);
  if (mine !== number) return; // the form has changed meanwhile
  checked = answer;
  events.dispatchEvent(new Event("checked"));
}

export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds)), two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

export async function copy(text, control) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no permission
    const area = make("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const words = control.textContent;
  control.textContent = "Copied";
  setTimeout(() => { control.textContent = words; }, 1200);
}
