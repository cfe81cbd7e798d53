// The film over time: shots, song, targets, and numbers whose keyframes are dragged.
import { $, button, changed, checked, clock, events, form, loadSetup, make, post, use, words } from "./core.js";
import { drawWalls } from "./choose.js";

const EASINGS = ["", "in", "out", "in-out", "hold"], PAD = 12, LANE = 110, SNAP_PIXELS = 9;
const COLORS = ["#5b4b8a", "#3f6f6a", "#8a5b4b", "#4b6a8a", "#7d7440", "#7a4468", "#4f7a47", "#6a6f80"];
const HELP = "Double-click a lane to add a point, drag points to move them. With the keyboard: arrow keys move a point, E changes how it is reached (in, out, in-out, hold), Delete removes it.";
const SHOTS_HELP = "The numbers of a film of several shots are those of its shots; here they are shown, not changed.";
const opened = new Set(["camera.zoom"]);
let data = null, held = null, focused = null, loading = 0;

function draw(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const wide = () => Math.max(200, $("tracks").clientWidth - 2 * PAD);
const across = (at) => PAD + (at / data.seconds) * wide();
const short = (value) => String(Number(value.toFixed(3)));

function blocks(list, height, color) {
  return list.flatMap((each, index) => {
    const left = across(each.start), right = across(list[index + 1]?.start ?? data.seconds);
    const text = draw("text", { x: left + 5, y: height / 2 + 4 }, right - left > 7 * each.name.length ? each.name : "");
    return [draw("rect", { x: left, y: 1, width: Math.max(1, right - left - 1), height: height - 2, fill: color(each, index), rx: 3 }, draw("title", {}, `${each.name}, from ${short(each.start)} s`)), text];
  });
}

function track(name, height, children) {
  const svg = draw("svg", { height, role: "img", "aria-label": name }, ...children);
  return make("div", { class: "track" }, svg);
}

function ruler() {
  const step = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800].find((each) => wide() / (data.seconds / each) > 55) || 3600, marks = [];
  for (let at = 0; at <= data.seconds; at += step) marks.push(draw("line", { x1: across(at), x2: across(at), y1: 14, y2: 20, class: "bar" }), draw("text", { x: Math.min(across(at), wide() - 8), y: 11 }, step < 1 ? `${at} s` : clock(at)));
  return track("seconds", 20, marks);
}

function lines(height) {
  const { beats, bars } = data.music, gap = wide() / Math.max(1, beats.length), list = gap > 4 ? beats.map((at) => [at, "beat"]) : [];
  return [...list, ...bars.map((at) => [at, "bar"])].map(([at, kind]) => draw("line", { x1: across(at), x2: across(at), y1: 0, y2: height, class: kind }));
}

function song() {
  const { levels, sections } = data.music, height = 64, middle = height / 2, children = lines(height);
  for (const [name, style] of [["loud", "wave"], ["bass", "bass"]]) {
    const list = levels[name] || [], up = list.map((value, index) => [PAD + (index / (list.length - 1)) * wide(), value * (middle - 4) * (name === "bass" ? 0.45 : 1)]);
    const points = [...up.map(([x, y]) => `${x.toFixed(1)},${(middle - y).toFixed(1)}`), ...up.reverse().map(([x, y]) => `${x.toFixed(1)},${(middle + y).toFixed(1)}`)];
    if (list.length) children.push(draw("polygon", { points: points.join(" "), class: style }));
  }
  const named = sections.map((each, index) => ({ ...each, name: `section ${index + 1}` }));
  return [...(named.length ? [track("sections of the song", 22, blocks(named, 22, (each) => COLORS[each.kind % COLORS.length]))] : []), track("the song, its bars and beats", height, children)];
}

function lane(item) {
  const span = item.high - item.low || 1, down = (value) => LANE - 14 - ((value - item.low) / span) * (LANE - 28), points = item.points;
  const output = make("output"), key = item.key, list = points || [];
  const tell = (point) => { output.textContent = point ? `${short(point.at)} s: ${short(point.value)}${point.easing ? ` ${point.easing}` : ""}` : points || data.shots.length > 1 ? "" : item.text; };
  const curve = draw("polyline", { class: "curve", points: item.curve.map((value, index) => `${(PAD + (index / (item.curve.length - 1)) * wide()).toFixed(1)},${down(value).toFixed(1)}`).join(" ") });
  const svg = draw("svg", { height: LANE, role: "group", "aria-label": `${key} over time` }, ...(data.music ? lines(LANE) : []), curve, draw("text", { x: 4, y: 11 }, short(item.high)), draw("text", { x: 4, y: LANE - 3 }, short(item.low)));
  const ordered = () => list.sort((a, b) => a.at - b.at);
  const preview = () => { // straight lines until the program has answered
    const ends = [{ at: 0, value: list[0].value }, ...list, { at: data.seconds, value: list.at(-1).value }];
    curve.setAttribute("points", ends.map((each) => `${across(each.at)},${down(each.value)}`).join(" "));
  };
  const commit = () => {
    ordered();
    form.settings[key] = list.length > 1 ? list.map((each) => `${short(each.at)}s: ${short(each.value)}${each.easing ? ` ${each.easing}` : ""}`).join(", ") : short(list[0].value);
    preview();
    changed();
  };
  const add = (at, value) => { list.push({ at, value, easing: "" }); focused = [key, at]; commit(); show(); };
  const inside = (point) => {
    const [low, high] = item.limits;
    point.at = Math.min(Math.max(point.at, 0), data.seconds);
    point.value = Math.min(Math.max(point.value, low ?? -1e9), high ?? 1e9);
  };
  for (const point of list) {
    const dot = draw("circle", { class: "point", r: 7, cx: across(point.at), cy: down(point.value), tabindex: 0, role: "slider", "aria-label": `${key} at ${short(point.at)} seconds`, "aria-valuenow": point.value, "aria-valuetext": `${short(point.value)} ${point.easing}` });
    const place = () => { inside(point); dot.setAttribute("cx", across(point.at)); dot.setAttribute("cy", Math.min(LANE - 5, Math.max(5, down(point.value)))); tell(point); };
    dot.addEventListener("focus", () => tell(point));
    dot.addEventListener("pointerdown", (event) => { dot.setPointerCapture(event.pointerId); held = point; });
    dot.addEventListener("pointermove", (event) => {
      if (held !== point) return;
      const box = svg.getBoundingClientRect();
      point.at = snapped(((event.clientX - box.left - PAD) / wide()) * data.seconds);
      point.value = item.low + ((LANE - 14 - (event.clientY - box.top)) / (LANE - 28)) * span;
      place();
      ordered();
      preview();
    });
    dot.addEventListener("pointerup", () => { held = null; focused = [key, point.at]; commit(); });
    dot.addEventListener("dblclick", (event) => event.stopPropagation());
    dot.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 1, move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (move) { point.at += (move[0] * step) / data.fps; point.value += (move[1] * step * span) / 200; place(); }
      else if (event.key.toLowerCase() === "e") point.easing = EASINGS[(EASINGS.indexOf(point.easing) + 1) % EASINGS.length];
      else if ((event.key === "Delete" || event.key === "Backspace") && list.length > 1) list.splice(list.indexOf(point), 1);
      else return;
      event.preventDefault();
      focused = [key, point.at];
      tell(point);
      commit();
    });
    svg.append(dot);
    if (focused && focused[0] === key && Math.abs(focused[1] - point.at) < 0.002) setTimeout(() => dot.focus({ preventScroll: true }));
  }
  svg.addEventListener("dblclick", (event) => {
    if (!points) return;
    const box = svg.getBoundingClientRect();
    add(snapped(((event.clientX - box.left - PAD) / wide()) * data.seconds), item.low + ((LANE - 14 - (event.clientY - box.top)) / (LANE - 28)) * span);
  });
  const widest = () => { // the middle of the longest gap
    const ends = [...new Set([0, ...ordered().map((each) => each.at), data.seconds])];
    const [, at] = ends.slice(1).map((end, index) => [end - ends[index], (end + ends[index]) / 2]).sort((a, b) => b[0] - a[0])[0];
    add(snapped(at), item.curve[Math.round((at / data.seconds) * (item.curve.length - 1))]);
  };
  const sampled = () => { // an expression becomes points on its curve
    item.points = Array.from({ length: 9 }, (_, index) => ({ at: (data.seconds * index) / 8, value: item.curve[Math.round((index / 8) * (item.curve.length - 1))], easing: "" }));
    form.settings[key] = item.points.map((each) => `${short(each.at)}s: ${short(each.value)}`).join(", ");
    changed();
  };
  tell(null);
  const tool = points ? button("Add a point", widest, { "data-add": key }) : data.shots.length > 1 ? "" : button("Make points of it", sampled);
  const close = button("Close", () => { opened.delete(key); show(); }, { "aria-label": `Close ${key}` });
  return make("div", { class: "track", "data-lane": key }, make("h3", { title: item.help }, key, output, tool, close), svg);
}

function snapped(at) {
  const near = $("snap").checked && data.music ? data.music.beats.find((beat) => Math.abs(across(beat) - across(at)) < SNAP_PIXELS) : undefined;
  return near ?? Math.round(at * data.fps) / data.fps;
}

function show() {
  const named = data.lanes.filter((each) => opened.has(each.key));
  $("lane-choice").replaceChildren(make("option", { value: "" }, "…"), ...data.lanes.filter((each) => !opened.has(each.key)).map((each) => make("option", { value: each.key }, each.key)));
  $("snap").parentElement.hidden = !data.music;
  $("timeline-help").textContent = data.shots.length > 1 ? SHOTS_HELP : HELP;
  $("tracks").replaceChildren(ruler(), ...(data.shots.length > 1 ? [track("shots", 26, blocks(data.shots, 26, (each, index) => COLORS[index % COLORS.length]))] : []),
    ...(data.music ? song() : []), track("targets", 26, blocks(data.targets, 26, (each) => COLORS[[...each.name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % COLORS.length])), ...named.map(lane));
}

async function load() {
  if ($("timeline").hidden || held || !checked || checked.error) return;
  const mine = ++loading;
  try {
    const answer = await post("timeline", { words: words() });
    if (mine !== loading || held) return;
    data = answer;
    show();
  } catch (error) {
    if (mine === loading) $("tracks").replaceChildren(make("p", { class: "wrong" }, error.message));
  }
}

async function save(event) {
  event.preventDefault();
  const note = $("save-note");
  try {
    const made = await post("preset", { name: $("preset-file").value.trim(), words: words() });
    await loadSetup();
    drawWalls();
    use([`preset=${made.name}`]);
    note.className = "";
    note.textContent = `Saved as ${made.path}, and chosen.`;
  } catch (error) {
    note.className = "bad";
    note.textContent = error.message;
  }
}

export function startTimeline() {
  $("timeline-open").addEventListener("click", () => {
    const isOpen = $("timeline").toggleAttribute("hidden") === false;
    $("timeline-open").setAttribute("aria-expanded", String(isOpen));
    $("timeline-open").textContent = isOpen ? "Close the timeline" : "Open the timeline";
    load();
  });
  $("lane-choice").addEventListener("change", () => { opened.add($("lane-choice").value); show(); });
  $("save-preset").addEventListener("submit", save);
  events.addEventListener("checked", load);
  addEventListener("resize", () => { if (data && !$("timeline").hidden) show(); });
}
