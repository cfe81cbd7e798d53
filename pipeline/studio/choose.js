// Presets, looks, and the photograph, clip and song of the film.
import { $, button, changed, chosenPreset, events, form, get, make, post, send, setup } from "./core.js";

const ICONS = { photograph: "▦", clip: "▶", song: "♪" };
let uploads = [], wasChosen = false;

function hue(name) {
  return [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);
}

function tile(group, entry, onClick) {
  const label = make("span", {}, entry.name.replaceAll("_", " ")), needs = entry.needs.map((key) => setup.file_kinds[key] || key);
  const element = button(label, onClick, { "data-name": entry.name, title: entry.words, class: entry.picture ? null : "plain" });
  if (entry.picture) element.style.backgroundImage = `url("gallery/${group}/${entry.name}.jpg")`;
  else element.style.background = `linear-gradient(135deg, hsl(${hue(entry.name)} 32% 30%), hsl(${hue(entry.name) + 50} 40% 16%))`;
  if (needs.length) element.append(make("em", {}, needs.join(", ")));
  else if (entry.own) element.append(make("em", {}, "yours"));
  return element;
}

export function drawWalls() {
  $("presets").replaceChildren(...setup.presets.map((entry) => tile("preset", entry, () => {
    form.preset = form.preset === entry.name ? "" : entry.name;
    wasChosen = Boolean(form.preset);
    changed();
  })));
  $("looks").replaceChildren(...setup.looks.map((entry) => tile("look", entry, () => {
    form.look = form.look === entry.name ? "" : entry.name;
    changed();
  })));
}

function showChosen() {
  for (const [id, name] of [["presets", form.preset], ["looks", form.look]])
    for (const each of $(id).children) each.setAttribute("aria-pressed", String(each.dataset.name === name));
  const preset = chosenPreset(), look = setup.looks.find((each) => each.name === form.look);
  const missing = (preset?.needs || []).map((key) => setup.file_kinds[key]).filter((kind) => kind && !form.files[kind]);
  $("preset-words").textContent = preset ? `${preset.words}${missing.length ? ` It needs a ${missing.join(" and a ")}.` : ""}` : "None chosen: a plain zoom.";
  $("look-words").textContent = look ? look.words : "None chosen: what the preset says.";
  const others = Object.entries(form.files).filter(([, path]) => !uploads.some((each) => each.path === path));
  $("files").replaceChildren(...others.map(([kind, path]) => fileTile({ kind, path, name: path })), ...uploads.map(fileTile));
}

function fileTile(each) {
  const isUsed = form.files[each.kind] === each.path, isUpload = uploads.includes(each);
  const picture = each.has_picture ? make("img", { src: `uploads/${encodeURIComponent(each.name)}`, alt: "" }) : make("i", { "aria-hidden": "true" }, ICONS[each.kind]);
  const use = button(picture, () => {
    if (isUsed) delete form.files[each.kind];
    else assign(each);
    changed();
  }, { "aria-pressed": String(isUsed), title: isUsed ? "Press to leave it out" : "Press to use it", "data-kind": each.kind });
  use.append(make("span", {}, each.name, make("small", {}, `${each.kind}${isUsed ? ", in this film" : ""}`)));
  return make("div", { class: "file" }, use, isUpload ? button("✕", () => deleteUpload(each), { class: "delete", "aria-label": `Delete the upload ${each.name}`, title: "Delete this upload" }) : "");
}

async function deleteUpload(upload) {
  try {
    await post("delete", { name: upload.name });
    uploads = uploads.filter((each) => each !== upload);
    if (form.files[upload.kind] === upload.path) delete form.files[upload.kind];
    $("drop-note").textContent = "";
  } catch (error) {
    $("drop-note").className = "";
    $("drop-note").textContent = error.message;
  }
  changed();
}

// A clip or a song chooses the preset that is made for it, unless somebody chose one.
function assign(upload) {
  form.files[upload.kind] = upload.path;
  const made = { clip: "footage", song: "music_video", photograph: "portrait" }[upload.kind];
  const others = Object.keys(form.files).filter((kind) => kind !== upload.kind);
  if (!wasChosen && !form.preset && (upload.kind !== "photograph" || !others.length)) form.preset = made;
  else if (!wasChosen && form.preset === "portrait" && upload.kind !== "photograph") form.preset = made;
}

async function sendAll(files) {
  const wrong = [], note = (words, style) => { $("drop-note").textContent = words; $("drop-note").className = style; };
  for (const file of files) {
    const tell = (fraction) => note(fraction < 1 ? `Sending ${file.name}, ${Math.floor(100 * fraction)} %` : `Reading ${file.name} …`, "busy");
    tell(0);
    try {
      const upload = await send(file, tell);
      uploads = [upload, ...uploads.filter((each) => each.path !== upload.path)];
      assign(upload);
    } catch (error) {
      wrong.push(error.message);
    }
    note(wrong.join(" "), "");
    changed();
  }
}

export async function startChoose() {
  drawWalls();
  uploads = await get("uploads.json");
  wasChosen = Boolean(form.preset);
  events.addEventListener("form", showChosen);
  $("pick").addEventListener("change", () => { sendAll([...$("pick").files]).then(() => { $("pick").value = ""; }); });
  for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => { event.preventDefault(); $("drop").classList.add("over"); });
  for (const name of ["dragleave", "drop"]) document.addEventListener(name, () => $("drop").classList.remove("over"));
  document.addEventListener("drop", (event) => { event.preventDefault(); sendAll([...event.dataTransfer.files]); });
}
