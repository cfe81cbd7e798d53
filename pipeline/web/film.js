"use strict";
const $ = (id) => document.getElementById(id);
const POLL_MS = 700;
const TIMEOUT_MS = 5000;
let pictureNumber = 0, playing = null, listed = "", ended = "";

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function status(words, kind) {
  if ($("status").textContent !== words) $("status").textContent = words;
  $("status").className = kind || "";
}

function show(state) {
  const fraction = state.done / state.frames;
  $("title").textContent = state.title;
  document.title = `${Math.floor(fraction * 100)} % ${state.title}`;
  $("progress").value = fraction;
  $("done").textContent = `${state.done} of ${state.frames} (${Math.floor(fraction * 100)} %)`;
  $("time").textContent = `${clock(state.done / state.fps)} of ${clock(state.frames / state.fps)}, ${state.size[0]}×${state.size[1]}`;
  $("speed").textContent = state.rate ? `${state.rate.toPrecision(3)} frames/s` : "–";
  $("left").textContent = state.ended ? "–" : state.left === null ? "…" : clock(state.left);
  $("label").textContent = state.label || "–";
  $("head").style.left = `${(state.span[0] + (state.span[1] - state.span[0]) * fraction) * 100}%`;
  ended = state.ended;
  if (ended) status(ended, ended.startsWith("done") ? "good" : "bad");
  else status("rendering");
  picture(state.picture);
  segments(state);
  notes(state.notes);
}

// The next frame loads in the background, so that nothing flickers.
function picture(number) {
  if (number === pictureNumber || picture.busy) return;
  picture.busy = true;
  const next = new Image();
  next.onload = () => {
    pictureNumber = number;
    picture.busy = false;
    $("picture").src = next.src;
    $("picture").hidden = false;
    $("waiting").hidden = true;
  };
  next.onerror = () => { picture.busy = false; };
  next.src = `picture.jpg?${number}`;
}

function segments(state) {
  const now = JSON.stringify(state.segments);
  if (now === listed) return;
  listed = now;
  $("film").hidden = !state.segments.length;
  $("segments").replaceChildren(...state.segments.map((each) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${clock(each.first / state.fps)} – ${clock((each.first + each.frames) / state.fps)}`;
    button.setAttribute("aria-label", `Play ${button.textContent}`);
    button.setAttribute("aria-pressed", String(each.number === playing));
    button.dataset.number = each.number;
    button.addEventListener("click", () => play(each.number));
    return button;
  }));
}

function play(number) {
  playing = number;
  for (const each of $("segments").children) each.setAttribute("aria-pressed", String(Number(each.dataset.number) === number));
  $("video").hidden = false;
  $("video").src = `segment/${number}`;
  $("video").play().catch(() => {});
}

// After a segment the next one plays.
$("video").addEventListener("ended", () => {
  const buttons = [...$("segments").children];
  const next = buttons[buttons.findIndex((each) => Number(each.dataset.number) === playing) + 1];
  if (next) play(Number(next.dataset.number));
});

function notes(list) {
  if ($("notes").children.length === list.length && $("notes").lastChild?.textContent === list.at(-1)) return;
  $("warnings").hidden = !list.length;
  $("notes").replaceChildren(...list.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

async function poll() {
  try {
    const response = await fetch("state", { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(String(response.status));
    show(await response.json());
  } catch {
    if (ended) return;  // the render is over
    status("the program does not answer; trying again …", "bad");
  }
  setTimeout(poll, document.hidden ? 3 * POLL_MS : POLL_MS);
}
poll();
