"use strict";
const $ = (id) => document.getElementById(id);
const EVERY = 700;      // milliseconds between questions
const PATIENCE = 5000;  // that an answer may take
let shown = 0, playing = null, known = "", ended = "";

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

function tell(state) {
  const share = state.done / state.frames;
  $("title").textContent = state.title;
  document.title = `${Math.floor(share * 100)} % ${state.title}`;
  $("progress").value = share;
  $("done").textContent = `${state.done} of ${state.frames} (${Math.floor(share * 100)} %)`;
  $("time").textContent = `${clock(state.done / state.fps)} of ${clock(state.frames / state.fps)}, ${state.size[0]}×${state.size[1]}`;
  $("speed").textContent = state.rate ? `${state.rate.toPrecision(3)} frames/s` : "–";
  $("left").textContent = state.ended ? "–" : state.left === null ? "…" : clock(state.left);
  $("label").textContent = state.label || "–";
  $("head").style.left = `${(state.span[0] + (state.span[1] - state.span[0]) * share) * 100}%`;
  ended = state.ended;
  if (ended) status(ended, ended.startsWith("done") ? "good" : "bad");
  else status("rendering");
  picture(state.picture);
  segments(state);
  notes(state.notes);
}

// The next picture is loaded beside the one that is seen, so that nothing flickers.
function picture(number) {
  if (number === shown || picture.busy) return;
  picture.busy = true;
  const next = new Image();
  next.onload = () => {
    shown = number;
    picture.busy = false;
    $("picture").src = next.src;
    $("picture").hidden = false;
    $("waiting").hidden = true;
  };
  next.onerror = () => { picture.busy = false; };
  next.src = `/picture.jpg?${number}`;
}

function segments(state) {
  const now = JSON.stringify(state.segments);
  if (now === known) return;
  known = now;
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
  $("video").src = `/segment/${number}`;
  $("video").play().catch(() => {});
}

// When one is over, the next one that is there goes on.
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

async function ask() {
  try {
    const answer = await fetch("/state", { signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(String(answer.status));
    tell(await answer.json());
  } catch {
    if (ended) return;  // it said so: nothing more will come
    status("the program does not answer; trying again …", "bad");
  }
  setTimeout(ask, document.hidden ? 3 * EVERY : EVERY);
}
ask();
