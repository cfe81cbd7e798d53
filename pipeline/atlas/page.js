"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
for (const chapter of data.sections) chapter.items = chapter.items.map((item, number) => ({ ...item, chapter, number }));
const items = data.sections.flatMap((chapter) => chapter.items);
const byTarget = new Map(items.map((item) => [item.target, item]));
let chosen = null, second = null;

function element(name, words, properties) {
  const made = document.createElement(name);
  if (words) made.textContent = words;
  return Object.assign(made, properties);
}

// A picture shows a part of its sprite; browsers decode a sprite when it is first visible.
function show(pic, item, copy) {
  const { columns, each, sprites, copies } = item.chapter;
  const part = Math.floor(item.number / each), place = item.number % each;
  const rows = Math.ceil(Math.min(each, item.chapter.items.length - part * each) / columns);
  const x = place % columns, y = Math.floor(place / columns);
  const across = Math.min(columns, item.chapter.items.length - part * each);
  pic.style.backgroundImage = `url("${sprites[part * copies + copy]}")`;
  pic.style.backgroundSize = `${across * 100}% ${rows * 100}%`;
  pic.style.backgroundPosition = `${across > 1 ? (x / (across - 1)) * 100 : 0}% ${rows > 1 ? (y / (rows - 1)) * 100 : 0}%`;
}

function picture(item, copy) {
  const pic = element("span", "", { className: "pic" });
  pic.setAttribute("role", "img");
  pic.setAttribute("aria-label", `picture of ${item.words}${copy ? `, picture ${copy + 1}` : ""}`);
  return pic;
}

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    near.unobserve(entry.target);
    show(entry.target, byTarget.get(entry.target.parentNode.dataset.target), 0);
  }
}, { rootMargin: "400px" });

function tile(item, small) {
  const made = element("button", "", { type: "button", className: item.silent ? "tile silent" : "tile" });
  made.dataset.target = item.target;
  made.title = item.silent ? `${item.target}: no picture activates it` : item.target;
  const pic = picture(item, 0);
  made.append(pic, element("span", item.words));
  if (small) show(pic, item, 0);
  else near.observe(pic);
  made.addEventListener("click", () => pressed(item));
  return made;
}

for (const chapter of data.sections) {
  const section = element("section", "", { id: `layer-${chapter.name}` });
  const grid = element("div", "", { className: "grid" });
  grid.append(...chapter.items.map((item) => tile(item)));
  grid.childNodes.forEach((each, number) => { each.tabIndex = number ? -1 : 0; });
  section.append(element("h2", chapter.name), element("p", chapter.facts), grid);
  section.setAttribute("aria-label", chapter.name);
  $("chapters").append(section);
  $("layers").append(element("a", chapter.name, { href: `#layer-${chapter.name}` }));
}

function pressed(item) {
  if ($("pick").getAttribute("aria-pressed") === "true" && chosen && item !== chosen) {
    second = item;
    picking(false);
    blend();
    $("blend").scrollIntoView({ block: "nearest" });
    return;
  }
  copy(item.target);
  open(item);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // some browsers block the clipboard for pages on disk
    const box = element("textarea", "", { value: text });
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  $("toast").textContent = `copied ${text}`;
  $("toast").classList.add("shown");
  clearTimeout(copy.timer);
  copy.timer = setTimeout(() => $("toast").classList.remove("shown"), 1600);
}

function open(item) {
  chosen = item;
  second = null;
  $("panel").hidden = false;
  document.body.classList.add("open");
  for (const each of document.querySelectorAll("main .tile")) each.setAttribute("aria-pressed", String(each.dataset.target === item.target));
  $("name").textContent = item.words;
  const pictures = Array.from({ length: item.chapter.copies }, (_, number) => picture(item, number));
  pictures.forEach((pic, number) => show(pic, item, number));
  $("large").replaceChildren(...pictures);
  $("large").classList.toggle("several", pictures.length > 1);
  $("target").textContent = item.target;
  $("film").textContent = film(item.target);
  $("kin").replaceChildren(...item.kin.map((number) => tile(item.chapter.items[number], true)));
  $("alike").parentNode.hidden = !item.kin.length;
  $("blend").hidden = true;
  picking(false);
  $("panel").scrollTop = 0;
}

const quoted = (words) => `'${words.replaceAll("'", "'\\''")}'`;

function film(targets) {
  return `python -m pipeline.render ${data.network} score=constant ${quoted(`score.targets=["${targets}"]`)}`;
}

function close() {
  $("panel").hidden = true;
  document.body.classList.remove("open", "picking");
  const tiles = [...document.querySelectorAll("main .tile")];
  for (const each of tiles) each.removeAttribute("aria-pressed");
  const last = chosen && tiles.find((each) => each.dataset.target === chosen.target);
  if (last) last.focus({ preventScroll: true });
  chosen = null;
}

function picking(on) {
  $("pick").setAttribute("aria-pressed", String(on));
  $("pick").textContent = on ? "Now choose the other picture" : "Blend with another …";
  document.body.classList.toggle("picking", on);
}

// The larger weight is 1, as in a score.
function weighted(weight) {
  const [first, other] = [1 - weight, weight].map((each) => each / Math.max(weight, 1 - weight));
  const written = (weight, target) => (weight === 1 ? target : `${Number(weight.toFixed(2))}*${target}`);
  return [[first, chosen], [other, second]].filter(([weight]) => weight > 0).map(([w, item]) => written(w, item.target)).join(" + ");
}

function blend() {
  $("blend").hidden = false;
  $("pair").replaceChildren(tile(chosen, true), tile(second, true));
  const there = data.blends.filter((each) => each.pair.includes(chosen.target) && each.pair.includes(second.target));
  $("mixed").replaceChildren(...there.map((each) => {
    const made = element("button", "", { type: "button", className: "tile" });
    const pic = element("span", "", { className: "pic" });
    pic.setAttribute("role", "img");
    pic.setAttribute("aria-label", each.target);
    pic.style.backgroundImage = `url("${each.picture}")`;
    pic.style.backgroundSize = "cover";
    made.append(pic, element("span", each.target));
    made.title = each.target;
    made.addEventListener("click", () => copy(each.target));
    return made;
  }));
  $("undrawn").hidden = there.length > 0;
  $("draw").textContent = `python -m pipeline.atlas ${data.network} ${quoted(`blend=[${chosen.target},${second.target}]`)}`;
  mix();
}

function mix() {
  $("sum").textContent = weighted(Number($("share").value) / 100);
  $("film").textContent = film($("sum").textContent);
}

function search() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const section of $("chapters").querySelectorAll("section")) {
    let here = 0;
    for (const each of section.querySelectorAll(".tile")) {
      const text = `${each.dataset.target} ${byTarget.get(each.dataset.target).words}`.toLowerCase();
      each.hidden = !words.every((word) => text.includes(word));
      here += !each.hidden;
    }
    section.hidden = !here;
    const shown = [...section.querySelectorAll(".tile:not([hidden])")];
    shown.forEach((each, number) => { each.tabIndex = number ? -1 : 0; });
    count += here;
  }
  $("count").textContent = words.length ? `${count} of ${items.length}` : "";
}

// Within a layer arrows move; Tab goes from layer to layer.
$("chapters").addEventListener("keydown", (event) => {
  const grid = event.target.closest(".grid");
  if (!grid) return;
  const shown = [...grid.querySelectorAll(".tile:not([hidden])")];
  const here = shown.indexOf(event.target.closest(".tile"));
  const across = shown.filter((each) => each.offsetTop === shown[0].offsetTop).length;
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -here, End: shown.length - 1 - here };
  const next = event.key in moves && shown[here + moves[event.key]];
  if (!next) return;
  event.preventDefault();
  shown[here].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== $("search")) {
    event.preventDefault();
    $("search").focus();
  } else if (event.key === "Escape") {
    if ($("panel").hidden) return;
    close();
  }
});
document.addEventListener("click", (event) => {
  const button = event.target.closest(".copy");
  if (button) copy($(button.dataset.from).textContent);
});
$("close").addEventListener("click", close);
$("pick").addEventListener("click", () => picking($("pick").getAttribute("aria-pressed") !== "true"));
$("share").addEventListener("input", mix);
$("search").addEventListener("input", search);

const links = new Map([...$("layers").children].map((link) => [link.hash.slice(1), link]));
const inView = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    for (const link of links.values()) link.removeAttribute("aria-current");
    links.get(entry.target.id).setAttribute("aria-current", "true");
  }
}, { rootMargin: "-30% 0px -69% 0px" });
for (const section of $("chapters").querySelectorAll("section")) inView.observe(section);
