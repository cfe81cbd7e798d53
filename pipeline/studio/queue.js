// The queue: what renders, what waits, and what can be played.
import { $, button, clock, copy, get, make, post, use } from "./core.js";

const POLL_MS = 1000;
const PLAYED = /\.(mp4|webm|mov|m4v)$/i, PICTURES = /\.(gif|webp|png|apng)$/i;
const cards = new Map();
let timer = 0;

async function act(name, body) {
  try {
    await post(name, body);
  } catch (error) {
    $("problem").textContent = error.message;
  }
  poll();
}

function title(job) {
  const look = job.words.find((word) => word.startsWith("look="));
  return job.title.replaceAll("_", " ") + (look && !look.includes("|") ? `, ${look.slice(5)}` : "");
}

function facts(job) {
  const length = job.kind === "render" ? `${job.size[0]}×${job.size[1]} · ${clock(job.frames / job.fps)}` : job.kind;
  return `${length} · ${job.state === "done" && job.seconds ? `made in ${clock(job.seconds)}` : job.state}`;
}

function line(job) {
  const { done, frames, rate, label } = job.progress;
  if (job.state === "running" && done) {
    const left = job.left === null ? "" : ` · ${clock(job.left)} left`;
    return `frame ${done} of ${frames}${rate ? ` · ${rate.toPrecision(2)} frames/s` : ""}${left}${label ? ` · ${label}` : ""}`;
  }
  if (job.state === "running") return `${job.kind === "render" ? "starting" : "sketching"} … ${clock(job.seconds)}`;
  if (job.state === "stopping") return "finishing its frame …";
  if (job.state === "waiting") return job.left ? `waits · about ${clock(job.left)}` : "waits";
  if (job.kind === "storyboard" && job.state === "done") return job.files[1] || "";
  return job.message;
}

function video(element, file) {
  element.addEventListener("error", () => element.replaceWith(make("p", { class: "unplayed faint" }, `This browser does not play the film. It is ${file}.`)));
  return element;
}

function media(job) {
  const file = job.files[0];
  if (job.state !== "done" || !file) return null;
  const source = `file/${job.number}/0`;
  if (job.kind === "render" && PLAYED.test(file)) return video(make("video", { class: "picture", src: source, controls: "", loop: "", playsinline: "", preload: "metadata", "aria-label": job.title }), file);
  if (!PICTURES.test(file)) return null;
  const picture = make("img", { class: "picture", src: source, alt: `${job.kind} of ${job.title}` });
  return make("a", { href: source, target: "_blank", title: "Open it in full size" }, picture);
}

function buttons(job) {
  const list = [], number = job.number, send = (action) => () => act("act", { number, action });
  if (["waiting", "running"].includes(job.state) && job.kind === "render") list.push(button("Pause", send("pause")));
  if (["paused", "failed"].includes(job.state)) list.push(button("Resume", send("resume")));
  if (job.kind === "render" && ["waiting", "paused"].includes(job.state)) {
    list.push(button("↑", send("up"), { "aria-label": "Earlier" }), button("↓", send("down"), { "aria-label": "Later" }));
  }
  if (job.state === "done" && job.larger) list.push(button(`Once more, larger (${job.larger})`, () => act("larger", { number }), { "data-do": "larger" }));
  list.push(button("Copy command", (event) => copy(job.command, event.currentTarget)));
  if (job.kind !== "variations") list.push(button("Use its settings", () => { use(job.words); scrollTo({ top: 0 }); }));
  list.push(button(job.state === "running" ? "Cancel" : "Remove", send("remove"), { title: "Rendered frames and finished films stay on the disk" }));
  return list;
}

// A click on a variation takes its settings.
function alternatives(job) {
  if (job.kind !== "variations" || job.state !== "done") return [];
  const common = job.alternatives.length > 1 ? job.alternatives[0].filter((word) => job.alternatives.every((each) => each.includes(word))) : [];
  return job.alternatives.map((words) => button(words.filter((word) => !common.includes(word)).join(" ") || "this", () => { use(words); scrollTo({ top: 0 }); }));
}

// Drawn again only when its state changes, so that a film keeps playing.
function draw(job) {
  const shape = JSON.stringify([job.state, job.files, job.larger, job.command]);
  let card = cards.get(job.number);
  if (!card || card.shape !== shape) {
    const element = make("article", { class: `job ${job.state}`, "data-number": job.number, "data-kind": job.kind, "data-state": job.state });
    const picture = media(job), words = make("p", { class: "line" }), bar = make("progress", { max: 1, "aria-label": "Frames done" });
    const live = make("img", { class: "picture live", alt: "The newest frame", hidden: "" });
    const small = make("small"), more = make("div", { class: "alternatives" }, ...alternatives(job));
    element.append(...(picture ? [picture] : [live]), make("div", { class: "body" }, make("h3", {}, title(job), small), bar, words,
      ...(job.kind === "variations" ? [more] : []), ...(job.state === "done" && job.kind === "render" ? [make("code", { class: "command" }, job.command)] : []),
      make("div", { class: "buttons" }, ...buttons(job))));
    const had = card?.element.contains(document.activeElement);
    card?.element.replaceWith(element);
    if (card?.live.src && job.state !== "done") { live.src = card.live.src; live.hidden = false; }
    card = { element, words, bar, live, small, shape, pictureNumber: 0 };
    cards.set(job.number, card);
    if (had) element.querySelector("button")?.focus();
  }
  const { done, frames, picture } = job.progress;
  card.small.textContent = facts(job);
  if (card.words.textContent !== line(job)) card.words.textContent = line(job);
  card.words.hidden = !line(job);
  card.bar.hidden = job.kind !== "render" || !job.state.match(/running|stopping/);
  if (done && frames) card.bar.value = done / frames;
  else card.bar.removeAttribute("value");
  if (picture && picture !== card.pictureNumber) newest(card, job.number, picture);
  return card.element;
}

// The next frame loads in the background, so that nothing flickers.
function newest(card, number, picture) {
  card.pictureNumber = picture;
  const next = new Image();
  next.onload = () => { card.live.src = next.src; card.live.hidden = false; };
  next.src = `live/${number}.jpg?${picture}`;
}

function show(state) {
  const rank = (job) => (["running", "stopping"].includes(job.state) ? 0 : ["done", "failed"].includes(job.state) ? 2 : 1);
  const order = state.jobs.map((job, index) => ({ job, index })).sort((a, b) => rank(a.job) - rank(b.job) || (rank(a.job) === 2 ? b.index - a.index : a.index - b.index));
  const elements = order.map(({ job }) => draw(job));
  for (const [number, card] of cards) if (!state.jobs.some((job) => job.number === number)) { card.element.remove(); cards.delete(number); }
  elements.forEach((element, index) => { if ($("jobs").children[index] !== element) $("jobs").insertBefore(element, $("jobs").children[index] || null); });
  $("empty").hidden = state.jobs.length > 0;
  const waiting = state.jobs.filter((job) => job.kind === "render" && ["waiting", "running"].includes(job.state)).length;
  $("total").textContent = waiting ? `${waiting} to render${state.left ? `, about ${clock(state.left)} in all` : ""}` : "";
  $("hold").setAttribute("aria-pressed", String(state.on_hold));
  $("hold").textContent = state.on_hold ? "Let the queue continue" : "Hold the queue";
}

async function poll() {
  clearTimeout(timer);
  try {
    const state = await get("state.json");
    show(state);
    $("offline").textContent = state.problem;
    $("offline").hidden = !state.problem;
  } catch {
    $("offline").textContent = "The program does not answer; trying again …";
    $("offline").hidden = false;
  }
  clearTimeout(timer);
  timer = setTimeout(poll, document.hidden ? 4 * POLL_MS : POLL_MS);
}

export function startQueue() {
  $("hold").addEventListener("click", () => act("hold", { on_hold: $("hold").getAttribute("aria-pressed") !== "true" }));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  return poll();
}

export const refresh = poll;
