// The settings: those that matter, those that somebody opened, and a search through all.
import { $, button, changed, checked, events, fileSetting, form, make, setup } from "./core.js";

const MAX_MATCHES = 14;
const rows = new Map();

// A path may also be that of an upload.
const placeOf = (key) => (setup.file_kinds[key] ? [form.files, setup.file_kinds[key]] : [form.settings, key]);

function valueOf(key) {
  const [table, name] = placeOf(key);
  return key === fileSetting(key) ? table[name] ?? "" : "";
}

function set(key, value) {
  const [table, name] = placeOf(key), text = value.trim();
  if (text === "") delete table[name];
  else table[name] = text;
  changed();
}

function control(item, id) {
  const choices = item.kind === "bool" ? ["true", "false"] : item.choices?.length ? item.choices : null;
  if (choices) {
    const select = make("select", { id }, make("option", { value: "" }, ""), ...choices.map((each) => make("option", { value: each }, each)));
    select.addEventListener("change", () => set(item.key, select.value));
    return [select];
  }
  const input = make("input", { id, type: "text", autocomplete: "off", spellcheck: "false" });
  input.addEventListener("input", () => set(item.key, input.value));
  const [low, high] = item.usual || [item.low, item.high];
  if (item.key === "seed") return [button("Another", () => { input.value = String(1 + Math.floor(Math.random() * 9999)); set("seed", input.value); }, { title: "Another film of the same kind" }), input];
  if (!item.curve || item.kind === "list" || low === null || high === null) return [input];
  const step = Number(((high - low) / 200).toPrecision(1));
  const slider = make("input", { type: "range", min: low, max: high, step, "aria-label": `${item.key}, slider` });
  slider.addEventListener("input", () => { input.value = slider.value; set(item.key, slider.value); });
  return [slider, input];
}

function open(key) {
  if (rows.has(key)) return rows.get(key);
  const item = setup.settings.find((each) => each.key === key);
  if (!item) return null;
  const id = `setting ${key}`, controls = control(item, id), wrong = make("p", { class: "wrong", id: `wrong ${key}` });
  const reset = button("reset", () => { set(key, ""); rows.get(key).controls.at(-1).focus(); }, { class: "reset", "aria-label": `Reset ${key}` });
  const limits = item.curve && item.high !== null ? `${item.low} to ${item.high}, keyframes or an expression` : item.curve ? "a number, keyframes or an expression" : "";
  const element = make("div", { class: "row", "data-key": key }, make("label", { for: id }, key), reset,
    make("div", { class: controls.length > 1 ? `field ${controls[0].type === "range" ? "ranged" : "led"}` : "field" }, ...controls),
    make("p", { class: "help", id: `help ${key}` }, item.help + (limits ? ` (${limits})` : "")), wrong);
  controls.at(-1).setAttribute("aria-describedby", `help ${key}`);
  rows.set(key, { element, controls, wrong, reset, item });
  $("rows").append(element);
  return rows.get(key);
}

function show() {
  for (const key of Object.keys(form.settings)) open(key);
  for (const [key, row] of rows) {
    const value = valueOf(key), field = row.controls.at(-1);
    row.element.classList.toggle("set", value !== "");
    row.reset.hidden = value === "";
    if (field !== document.activeElement || value === "") field.value = value;
    const [slider] = row.controls, usual = value || checked?.values?.[key];
    if (slider.type === "range" && slider !== document.activeElement && usual !== "" && Number.isFinite(Number(usual))) slider.value = usual;
  }
}

function showAnswer() {
  for (const [key, { controls, item }] of rows) {
    const field = controls.at(-1), usual = checked.values?.[key] ?? "";
    if (field.tagName !== "SELECT") field.placeholder = ["null", "[]", ""].includes(usual) ? "as the preset says" : usual;
    else field.options[0].textContent = usual === "null" || usual === "" ? "as the preset says" : `as the preset says: ${usual}`;
    if (!item.key.includes(".") && usual === "" && field.tagName === "SELECT") field.options[0].textContent = "as the preset says";
  }
  const group = checked.key.split(".")[0];
  const wrong = checked.error && (open(checked.key) || rows.get(group));
  for (const row of rows.values()) {
    row.wrong.textContent = row === wrong ? checked.error : "";
    row.controls.at(-1).setAttribute("aria-invalid", String(row === wrong));
  }
  show();
}

function search() {
  const text = $("search").value.trim().toLowerCase();
  const scored = text ? setup.settings.map((item) => {
    const key = item.key.toLowerCase(), help = `${item.help} ${(item.choices || []).join(" ")}`.toLowerCase();
    const score = key === text ? 4 : key.split(/[._]/).some((part) => part.startsWith(text)) ? 3 : key.includes(text) ? 2
      : text.split(/\s+/).every((word) => `${key} ${help}`.includes(word)) ? 1 : 0;
    return { item, score };
  }).filter((each) => each.score).sort((a, b) => b.score - a.score).slice(0, MAX_MATCHES) : [];
  $("matches").replaceChildren(...scored.map(({ item }) => button(make("b", {}, item.key), () => {
    const row = open(item.key);
    $("search").value = "";
    search();
    showAnswer();
    row.element.scrollIntoView({ block: "center" });
    row.controls.at(-1).focus();
  }, { "data-key": item.key })));
  [...$("matches").children].forEach((element, index) => element.append(make("small", {}, scored[index].item.help)));
  if (text && !scored.length) $("matches").append(make("p", { class: "faint" }, "No setting has this in its name or help."));
}

export function startSettings() {
  setup.main_settings.forEach(open);
  events.addEventListener("form", show);
  events.addEventListener("checked", showAnswer);
  $("search").addEventListener("input", search);
}
