// The film over time: shots, song, targets, and numbers whose keyframes are dragged.
import { $, button, changed, checked, clock, events, form, loadSetup, make, post, use, words } from "./core.js";
import { drawWalls } from "./choose.js";
import { drawShots, moveBorder, setShots, shotsOf } from "./shots.js";

const EASINGS = ["", "in", "out", "in-out", "hold"], PAD = 12, LANE = 110, SNAP_PIXELS = 9;
const COLORS = ["#5b4b8a", "#3f6f6a", "#8a5b4b", "#4b6a8a", "#7d7440", "#7a4468", "#4f7a47", "#6a6f80"];
const HELP = "Double-click a lane to add a point, drag points to move them. With the keyboard: arrow keys move a point, E changes how it is reached (in, out, in-out, hold), Delete removes it.";
const SHOTS_HELP = "The shots of this film come from a preset or from the setting film: their numbers are shown here, not changed.";
const opened = new Set(["camera.zoom"]);
let data = null, dragged = null, focused = null, refused = null, loading = 0;

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
  const svg = draw("svg", { height, role: "group", "aria-label": name }, ...children);
  return make("div", { class: "track" }, svg);
}

// Borders between shots can be moved where the page has made the list.
function shotTrack() {
  const height = 26, starts = data.shots.map((each) => each.start), children = blocks(data.shots, height, (each, index) => COLORS[index % COLORS.length]);
  const borders = shotsOf() ? starts.slice(1).map((start, index) => {
    const line = draw("line", { x1: across(start), x2: across(start), y1: 0, y2: height, class: "border", tabindex: 0, role: "slider", "aria-label": `End of shot ${index + 1}`, "aria-valuenow": start });
    let to = start;
    line.addEventListener("pointerdown", (event) => { line.setPointerCapture(event.pointerId); dragged = line; });
    line.addEventListener("pointermove", (event) => {
      if (dragged !== line) return;
      to = snapped(((event.clientX - line.ownerSVGElement.getBoundingClientRect().left - PAD) / wide()) * data.seconds);
      line.setAttribute("x1", across(to));
      line.setAttribute("x2", across(to));
    });
    line.addEventListener("pointerup", () => { dragged = null; if (to !== start) moveBorder(index, to - start, starts); });
    line.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) { event.preventDefault(); focused = ["shots", index]; moveBorder(index, (by * (event.shiftKey ? 10 : 1)) / data.fps, starts); }
    });
    if (focused && focused[0] === "shots" && focused[1] === index) setTimeout(() => line.focus({ preventScroll: true }));
    return line;
  }) : [];
  return track("shots", height, [...children, ...borders]);
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

// Lines through the points of each shot, straight until the program has answered; expressions keep their curve.
function pathOf(item, down) {
  const sampled = item.curve.map((value, index) => ({ at: (index / (item.curve.length - 1)) * data.seconds, value }));
  const path = item.shots.flatMap(({ start, seconds, points }, index) => {
    const end = item.shots[index + 1]?.start ?? start + seconds;
    if (!points) return sampled.filter((each) => each.at >= start && each.at <= end);
    return [{ at: Math.max(0, start), value: points[0].value }, ...points.filter((each) => each.at <= end), { at: end, value: points.at(-1).value }];
  });
  return path.map((each) => `${across(each.at).toFixed(1)},${down(each.value).toFixed(1)}`).join(" ");
}

function store(item, shot) {
  const { points, start } = shot, list = points.sort((a, b) => a.at - b.at);
  const text = list.length > 1 ? list.map((each) => `${short(Math.max(0, each.at - start))}s: ${short(each.value)}${each.easing ? ` ${each.easing}` : ""}`).join(", ") : short(list[0].value);
  const shots = shotsOf();
  if ((shots?.length || 1) !== item.shots.length) return; // the list has changed; the program has not answered yet
  if (shots) {
    shots[item.shots.indexOf(shot)][item.key] = text;
    setShots(shots);
  } else {
    form.settings[item.key] = text;
    changed();
  }
}

function dotOf(item, shot, point, svg, { down, up, tell, preview }) {
  const { key } = item, list = shot.points, [low, high] = item.limits;
  const dot = draw("circle", { class: "point", r: 7, cx: across(point.at), cy: down(point.value), tabindex: 0, role: "slider", "aria-label": `${key} at ${short(point.at)} seconds`, "aria-valuenow": point.value, "aria-valuetext": `${short(point.value)} ${point.easing}` });
  const place = () => {
    point.at = Math.min(Math.max(point.at, shot.start, 0), shot.start + shot.seconds);
    point.value = Math.min(Math.max(point.value, low ?? -1e9), high ?? 1e9);
    dot.setAttribute("cx", across(point.at));
    dot.setAttribute("cy", Math.min(LANE - 5, Math.max(5, down(point.value))));
    tell(point);
  };
  const commit = () => { focused = [key, point.at]; store(item, shot); preview(); };
  dot.addEventListener("focus", () => tell(point));
  dot.addEventListener("pointerdown", (event) => { dot.setPointerCapture(event.pointerId); dragged = point; });
  dot.addEventListener("pointermove", (event) => {
    if (dragged !== point) return;
    const box = svg.getBoundingClientRect();
    point.at = snapped(((event.clientX - box.left - PAD) / wide()) * data.seconds);
    point.value = up(event.clientY - box.top);
    place();
    list.sort((a, b) => a.at - b.at);
    preview();
  });
  dot.addEventListener("pointerup", () => { dragged = null; commit(); });
  dot.addEventListener("dblclick", (event) => event.stopPropagation());
  dot.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 1, move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (move) { point.at += (move[0] * step) / data.fps; point.value += (move[1] * step * (item.high - item.low || 1)) / 200; place(); }
    else if (event.key.toLowerCase() === "e") point.easing = EASINGS[(EASINGS.indexOf(point.easing) + 1) % EASINGS.length];
    else if ((event.key === "Delete" || event.key === "Backspace") && list.length > 1) list.splice(list.indexOf(point), 1);
    else return;
    event.preventDefault();
    tell(point);
    commit();
  });
  if (focused && focused[0] === key && Math.abs(focused[1] - point.at) < 0.002) setTimeout(() => dot.focus({ preventScroll: true }));
  return dot;
}

function lane(item) {
  const span = item.high - item.low || 1, { key, shots, curve } = item, isOpen = shots.length === 1 || Boolean(shotsOf());
  const down = (value) => LANE - 14 - ((value - item.low) / span) * (LANE - 28), up = (y) => item.low + ((LANE - 14 - y) / (LANE - 28)) * span;
  const output = make("output"), sample = (at, round = Math.round) => curve[round((at / data.seconds) * (curve.length - 1))];
  const tell = (point) => { output.textContent = point ? `${short(point.at)} s: ${short(point.value)}${point.easing ? ` ${point.easing}` : ""}` : shots.length === 1 && !shots[0].points ? shots[0].text : ""; };
  const samples = curve.map((value, index) => `${(PAD + (index / (curve.length - 1)) * wide()).toFixed(1)},${down(value).toFixed(1)}`).join(" ");
  const line = draw("polyline", { class: "curve", points: samples }), preview = () => line.setAttribute("points", pathOf(item, down));
  const edges = shots.slice(1).map(({ start }) => draw("line", { x1: across(start), x2: across(start), y1: 0, y2: LANE, class: "edge" }));
  const svg = draw("svg", { height: LANE, role: "group", "aria-label": `${key} over time` }, ...(data.music ? lines(LANE) : []), ...edges, line, draw("text", { x: 4, y: 11 }, short(item.high)), draw("text", { x: 4, y: LANE - 3 }, short(item.low)));
  const tools = { down, up, tell, preview };
  if (isOpen) for (const shot of shots) svg.append(...(shot.points || []).map((point) => dotOf(item, shot, point, svg, tools)));
  const add = (at, value) => {
    const shot = shots.findLast((each) => each.start <= at) || shots[0];
    if (!isOpen || !shot.points) return;
    shot.points.push({ at, value, easing: "" });
    focused = [key, at];
    store(item, shot);
    show();
  };
  svg.addEventListener("dblclick", (event) => {
    const box = svg.getBoundingClientRect();
    add(snapped(((event.clientX - box.left - PAD) / wide()) * data.seconds), up(event.clientY - box.top));
  });
  const widest = () => { // the middle of the longest gap
    const ends = [...new Set([0, ...shots.flatMap((shot) => shot.points || []).map((each) => each.at), data.seconds])].sort((a, b) => a - b);
    const [, at] = ends.slice(1).map((end, index) => [end - ends[index], (end + ends[index]) / 2]).sort((a, b) => b[0] - a[0])[0];
    add(snapped(at), sample(at));
  };
  const sampled = () => { // expressions become points on their curves
    for (const [index, shot] of shots.entries()) {
      const end = Math.min(shots[index + 1]?.start ?? data.seconds, data.seconds), start = Math.max(0, shot.start);
      if (shot.points) continue;
      shot.points = Array.from({ length: 9 }, (_, part) => {
        const at = start + ((end - start) * part) / 8;
        return { at, value: sample(at, part === 0 ? Math.ceil : Math.floor), easing: "" };
      });
      store(item, shot);
    }
  };
  tell(null);
  const tool = !isOpen ? "" : shots.every((shot) => shot.points) ? button("Add a point", widest, { "data-add": key }) : button("Make points of it", sampled);
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
  $("timeline-help").textContent = data.shots.length > 1 && !shotsOf() ? SHOTS_HELP : HELP;
  $("tracks").replaceChildren(ruler(), ...(data.shots.length > 1 ? [shotTrack()] : []),
    ...(data.music ? song() : []), track("targets", 26, blocks(data.targets, 26, (each) => COLORS[[...each.name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % COLORS.length])), ...named.map(lane));
}

async function load() {
  if (!$("timeline").hidden) drawShots({ isTyping: $("shots").contains(document.activeElement) });
  if ($("timeline").hidden || dragged || !checked || checked.error) return;
  const mine = ++loading;
  try {
    const answer = await post("timeline", { words: words() });
    if (mine !== loading || dragged) return;
    if (answer.error) throw new Error(answer.error);
    data = answer;
    show();
  } catch (error) {
    if (mine === loading) $("tracks").replaceChildren(make("p", { class: "wrong" }, error.message));
  }
}

async function save(event) {
  event.preventDefault();
  const note = $("save-note"), name = $("preset-file").value.trim();
  try {
    const made = await post("preset", { name, words: words(), overwrite: refused === name });
    refused = null;
    await loadSetup();
    drawWalls();
    use([`preset=${made.name}`]);
    note.className = "";
    note.textContent = `Saved as ${made.path}, and chosen.`;
  } catch (error) {
    refused = name; // a second press replaces a preset of this name
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
