"use strict";
const $ = (id) => document.getElementById(id);
const RECONNECT_MS = 1000, WALL_MS = 3000, SOUND_SECONDS = 0.2;
const KEYS = { " ": "freeze", n: "next", a: "auto", t: "tap", w: "noise", u: "undo" };
let socket = null, setup = null, mixing = false, teaching = false, taught = null, chosen = {}, touched = {};

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function send(gesture) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(gesture));
}

function connect() {
  const address = new URL("play", location.href);
  address.protocol = "ws:";
  address.search = address.hash = "";
  socket = new WebSocket(address);
  socket.binaryType = "blob";
  socket.onopen = () => { $("status").textContent = ""; };
  socket.onmessage = ({ data }) => (typeof data === "string" ? show(JSON.parse(data)) : draw(data));
  socket.onclose = () => {
    $("status").textContent = "the program does not answer; trying again …";
    setTimeout(connect, RECONNECT_MS);
  };
}

// The program sends the next picture when this one is on the screen, so that a slow browser leaves pictures out.
async function draw(blob) {
  try {
    const image = await createImageBitmap(blob);
    const canvas = $("picture");
    if (canvas.width !== image.width || canvas.height !== image.height) [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext("2d").drawImage(image, 0, 0);
    image.close();
    canvas.dataset.frames = Number(canvas.dataset.frames || 0) + 1;
  } finally {
    send({ ready: true });
  }
}

function show(state) {
  chosen = state.targets || {};
  $("label").textContent = Object.entries(chosen).map(([target, weight]) => (weight === 1 ? target : `${weight} ${target}`)).join(" + ") || "–";
  $("rate").textContent = `${state.label === "growing" ? "growing · " : ""}${state.rate ?? "–"} frames/s · ${state.size} · ${state.seconds} s`;
  $("bpm").textContent = state.bpm ? `${state.bpm} bpm` : "tempo";
  press("freeze", state.frozen);
  press("auto", state.auto);
  document.querySelector("[data-do=undo]").disabled = !state.undo;
  if (document.activeElement !== $("fade")) $("fade").value = state.fade;
  for (const [key, value] of Object.entries(state.values || {})) update(key, value);
  for (const button of $("wall").children) button.setAttribute("aria-pressed", String(button.dataset.target in chosen));
  showMidi(state.midi);
  showSound(state);
  for (const row of document.querySelectorAll(".row")) {
    const expression = state.expressions?.[row.id.slice("row ".length)] || "";
    row.classList.toggle("follows", Boolean(expression));
    row.dataset.expression = expression;
  }
  $("messages").hidden = !state.notes.length;
  if ($("notes").dataset.shown !== state.notes.join("\n")) {
    $("notes").dataset.shown = state.notes.join("\n");
    $("notes").replaceChildren(...state.notes.map((text) => make("li", {}, text)).reverse());
  }
}

function press(name, on) {
  document.querySelector(`[data-do=${name}]`).setAttribute("aria-pressed", String(Boolean(on)));
}

// A slider that somebody moves does not jump back to what the program last said.
function update(key, value) {
  const row = $(`row ${key}`);
  if (!row || Date.now() - (touched[key] || 0) < 700) return;
  const [slider, number] = row.querySelectorAll("input");
  slider.value = value;
  if (document.activeElement !== number) number.value = value;
}

function move(key, value) {
  if (value === "" || !Number.isFinite(Number(value))) return;
  touched[key] = Date.now();
  send({ control: key, value: Number(value) });
}

function controlRow(control) {
  const name = control.key.replace(/^\w+\./, "").replaceAll("_", " ");
  const step = Number(((control.high - control.low) / 400).toPrecision(2));
  const id = `slider ${control.key}`;
  const slider = make("input", { type: "range", id, min: control.low, max: control.high, step, title: control.help });
  const number = make("input", { type: "number", step, min: control.min, max: control.max, "aria-label": `${control.key} as a number` });
  const reset = make("button", { type: "button", title: `${control.key}: back to the start`, "aria-label": `Reset ${control.key}` }, "↺");
  slider.addEventListener("input", () => { number.value = slider.value; move(control.key, slider.value); });
  number.addEventListener("change", () => { slider.value = number.value; move(control.key, number.value); });
  reset.addEventListener("click", () => { touched[control.key] = 0; send({ reset: control.key }); });
  const follow = make("button", { type: "button", title: `${control.key}: an expression in time, such as 1.2 + 0.3*bass`, "aria-label": `Expression for ${control.key}` }, "ƒ");
  const row = make("div", { class: "row", id: `row ${control.key}` }, make("label", { for: id, title: control.help }, name), slider, number, follow, reset);
  follow.addEventListener("click", () => {
    const text = prompt(`${control.key} =`, row.dataset.expression || number.value);
    if (text) send({ control: control.key, value: text });
  });
  return row;
}

function choose(target) {
  if (!mixing) return send({ target });
  const weights = { ...chosen };
  if (target in weights) delete weights[target];
  else weights[target] = 1;
  const even = Object.fromEntries(Object.keys(weights).map((each) => [each, 1]));
  if (Object.keys(even).length) send({ target: even });
}

function wallButton({ target, picture }) {
  const name = target.replace(/^class:/, "").replaceAll("_", " ");
  const button = make("button", { type: "button", draggable: "true", "data-target": target, title: `${target}; drag it onto another to blend them` }, make("span", {}, name));
  if (picture !== null) button.style.backgroundImage = `url("wall/${picture}.jpg")`;
  button.addEventListener("click", () => choose(target));
  button.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", target));
  button.addEventListener("dragover", (event) => { event.preventDefault(); button.classList.add("over"); });
  button.addEventListener("dragleave", () => button.classList.remove("over"));
  button.addEventListener("drop", (event) => {
    event.preventDefault();
    button.classList.remove("over");
    const other = event.dataTransfer.getData("text/plain");
    if (other && other !== target) send({ target: { [target]: 1, [other]: 1 } });
  });
  return button;
}

function setMixing(on) {
  mixing = on;
  $("mix").setAttribute("aria-pressed", String(on));
}

function fullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else $("stage").requestFullscreen();
}

// The song is played by this page, in step with the dream; a sound input is shown as levels.
function showSound(state) {
  const song = $("song");
  $("sound").hidden = !state.audio && state.song === undefined;
  $("play").hidden = state.song === undefined;
  if (state.song !== undefined && !song.paused && Math.abs(song.currentTime - state.song) > SOUND_SECONDS) song.currentTime = state.song;
  if (!state.audio) return;
  if (!$("levels").children.length) {
    $("levels").append(...Object.keys(state.audio).map((name) => make("span", {}, `${name} `, make("meter", { min: 0, max: 1, "data-level": name }))));
  }
  for (const meter of $("levels").querySelectorAll("meter")) meter.value = state.audio[meter.dataset.level] || 0;
}

function playSong() {
  const song = $("song");
  if ($("play").hidden) return;
  song.src ||= "song";
  if (song.paused) song.play().catch(() => { $("status").textContent = "this browser does not play the song"; });
  else song.pause();
  $("play").setAttribute("aria-pressed", String(!song.paused));
}

// What an element plays, as a gesture that a knob can learn.
function gestureOf(element) {
  const at = element.closest("[data-do], [data-target], [data-scene], .row");
  if (!at) return null;
  if (at.dataset.do) return { do: at.dataset.do };
  if (at.dataset.target) return { target: at.dataset.target };
  return at.dataset.scene ? { scene: at.dataset.scene } : { control: at.id.slice("row ".length) };
}

function setTeaching(on) {
  if (taught) send({ learn: null });
  [teaching, taught] = [on && !$("learn").hidden, null];
  $("learn").setAttribute("aria-pressed", String(teaching));
  showMidi.newest = "";
}

function showMidi(midi) {
  $("learn").hidden = !midi;
  const text = JSON.stringify([midi, teaching, taught]);
  if (!midi || showMidi.newest === text) return;
  showMidi.newest = text;
  const knobs = {};
  for (const [knob, gesture] of Object.entries(midi.map)) (knobs[JSON.stringify(gesture)] ||= []).push(knob);
  for (const each of document.querySelectorAll("[data-do], [data-target], [data-scene], .row")) {
    const own = knobs[JSON.stringify(gestureOf(each))];
    if (own) each.dataset.midi = own.join(", ");
    else delete each.dataset.midi;
  }
  const waits = midi.learning && Object.values(midi.learning)[0];
  $("learning").hidden = !teaching && !waits;
  $("learning").textContent = waits ? `Move the knob or press the key for ${waits}; Delete leaves it without one.` : "Click a slider, a button or a picture, then move its knob. L ends this.";
}

async function loadWall() {
  try {
    setup = await (await fetch("setup.json")).json();
    const shown = JSON.stringify(setup.wall);
    if ($("wall").dataset.shown !== shown) {
      const focused = document.activeElement.dataset?.target;
      $("wall").dataset.shown = shown;
      $("wall").replaceChildren(...setup.wall.map(wallButton));
      for (const button of $("wall").children) if (button.dataset.target === focused) button.focus();
    }
  } catch { /* the next time */ }
  if (!setup || setup.wall.some((each) => each.picture === null)) setTimeout(loadWall, WALL_MS);
}

async function start() {
  document.body.classList.toggle("clean", new URLSearchParams(location.search).has("clean"));
  await loadWall();
  const groups = {};
  for (const control of setup.controls) (groups[control.key.split(".")[0]] ||= []).push(control);
  $("controls").replaceChildren(...Object.entries(groups).map(([name, list]) =>
    make("section", { "aria-label": name }, make("h2", {}, name), ...list.map(controlRow))));
  $("scenes").replaceChildren(...setup.scenes.map((scene) => {
    const button = make("button", { type: "button", "data-scene": scene }, scene.replaceAll("_", " "));
    button.addEventListener("click", () => send({ scene }));
    return button;
  }));
  $("known").replaceChildren(...[...setup.classes, ...setup.layers].map((value) => make("option", { value })));
  connect();
}

for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", () => send({ do: button.dataset.do }));
$("full").addEventListener("click", fullscreen);
$("mix").addEventListener("click", () => setMixing(!mixing));
$("fade").addEventListener("change", () => send({ fade: Number($("fade").value) }));
$("typed").addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("target").value.trim()) send({ target: $("target").value });
});
$("play").addEventListener("click", playSong);
$("learn").addEventListener("click", () => setTeaching(!teaching));
$("panel").addEventListener("click", (event) => {
  const gesture = teaching && gestureOf(event.target);
  if (!gesture) return;
  taught = gesture;
  send({ learn: gesture });
  event.preventDefault();
  event.stopPropagation();
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key === "Delete" && teaching && taught) {
    send({ forget: taught });
    taught = null;
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  const key = event.key.toLowerCase();
  if (key === " " && event.target.matches("button")) return;  // it presses the button
  if (key in KEYS) send({ do: KEYS[key] });
  else if (key === "f") fullscreen();
  else if (key === "m") setMixing(!mixing);
  else if (key === "l") setTeaching(!teaching);
  else if (key === "s") playSong();
  else return;
  event.preventDefault();
});
start();
