// Photos: added, watched, downloaded.

import * as server from "/server.js";
import { Viewer } from "/viewer.js";

const $ = (id) => document.getElementById(id);
const OFTEN = 500;

export function size(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${(seconds / 86400).toFixed(1)} days`;
}

export function element(name, props = {}, ...children) {
  const made = Object.assign(document.createElement(name), props);
  made.append(...children.filter((child) => child != null));
  return made;
}

export class Photos {
  constructor(offer, say) {
    this.offer = offer;
    this.say = say;
    /** Rows by the photo's id; those that are being sent have a number of their own. */
    this.rows = new Map();
    this.sending = [];
    this.viewer = new Viewer((step) => this.neighbour(step));
    this.models();
    this.inputs();
    const { photo, held } = offer.limits;
    $("limits").textContent = `Up to ${size(photo)} each, ${size(held)} in all with their results. They stay in this machine’s memory and are gone when you close this page.`;
    $("foot").textContent = `Results are those of percept apply, byte for byte. percept ${offer.version}`;
    $("files").accept = offer.endings.map((ending) => `.${ending}`).join(",");
    // Browsers ask before they close a page with work in it.
    addEventListener("beforeunload", (event) => this.unsaved() && event.preventDefault());
    this.watch();
  }

  unsaved() {
    return [...this.rows.values()].some((row) => (row.told.state === "done" ? !row.saved : ["sending", "waiting", "working"].includes(row.told.state)));
  }

  // What becomes of photos

  models() {
    const set = $("models");
    this.offer.models.forEach((model, at) => {
      const facts = [model.scale > 1 ? `×${model.scale}` : "same size", model.licence].filter(Boolean).join(" · ");
      set.append(element("label", { className: "model" },
        element("input", { type: "radio", name: "model", value: model.name, checked: at === 0 }),
        element("b", { textContent: model.name }), element("span", { textContent: model.title }), element("span", { textContent: facts })));
    });
    $("wish").hidden = $("drop").hidden = this.offer.models.length === 0;
    set.addEventListener("change", () => this.options());
    $("strength").addEventListener("input", () => this.options());
    $("wish").addEventListener("submit", (event) => event.preventDefault());
    this.options();
  }

  model() {
    const name = document.querySelector("#models input:checked")?.value;
    return this.offer.models.find((model) => model.name === name);
  }

  options() {
    const model = this.model();
    if (!model) return;
    $("strength-label").hidden = !model.mild;
    $("strength-shown").textContent = `${Math.round($("strength").value * 100)} %`;
    const times = $("times"), chosen = times.value;
    const word = (n) => (n === 1 ? "as the photo" : `${n} times`);
    const others = [1, 2, 3, 4].filter((n) => n !== model.scale);
    times.replaceChildren(element("option", { value: "", textContent: word(model.scale) }),
      ...others.map((n) => element("option", { value: n, textContent: word(n) })));
    times.value = [...times.options].some((option) => option.value === chosen) ? chosen : "";
  }

  wish() {
    const model = this.model();
    const wish = new URLSearchParams({ model: model.name, strip: $("strip").checked });
    if ($("times").value) wish.set("times", $("times").value);
    if ($("format").value) wish.set("format", $("format").value);
    if (model.mild && $("strength").value < 1) wish.set("strength", $("strength").value);
    return [wish, Number($("times").value) || model.scale, model];
  }

  // Photos that come

  inputs() {
    $("files").addEventListener("change", () => {
      this.add([...$("files").files]);
      $("files").value = "";
    });
    let depth = 0;
    const over = (on) => document.body.classList.toggle("over", on);
    const files = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragenter", (event) => files(event) && (event.preventDefault(), over(++depth > 0)));
    addEventListener("dragleave", (event) => files(event) && over(--depth > 0));
    addEventListener("dragover", (event) => files(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      over((depth = 0) > 0);
      this.add([...event.dataTransfer.files]);
    });
    addEventListener("paste", (event) => this.add([...(event.clipboardData?.files ?? [])]));
    $("all").addEventListener("click", () => this.downloadAll());
    $("clear").addEventListener("click", () => {
      for (const row of this.rows.values()) if (["done", "cancelled", "failed"].includes(row.told.state)) this.remove(row);
    });
  }

  add(files) {
    if (files.length === 0 || this.offer.models.length === 0) return;
    location.hash = "#photos";
    for (const file of files) {
      const [wish, times, model] = this.wish();
      wish.set("name", file.name);
      const row = new Row(file, this);
      $("rows").append(row.element);
      this.sending.push({ file, wish, times, model, row });
      this.rows.set(row.key, row);
    }
    this.count();
    this.sendNext();
  }

  /** Sends one photo after the other, so that the first is soon at work. */
  async sendNext() {
    if (this.busy) return;
    const next = this.sending.shift();
    if (!next) return;
    const { file, wish, times, row } = next;
    this.busy = true;
    try {
      if (row.abort.signal.aborted) throw new DOMException("aborted", "AbortError");
      await this.refuseEarly(file, times);
      row.show({ state: "sending", share: 0 });
      const { id } = await server.send(`/photos?${wish}`, file, (share) => row.show({ state: "sending", share }), row.abort.signal);
      this.rows.delete(row.key);
      row.key = id;
      this.rows.set(id, row);
      row.show({ state: "waiting" });
    } catch (error) {
      if (error.name === "AbortError") row.show({ state: "cancelled" });
      else row.show({ state: "failed", why: error.message });
      if (error.status === 410) this.over();
    }
    this.busy = false;
    this.count();
    this.sendNext();
  }

  /** What can be told before anything is sent. */
  async refuseEarly(file, times) {
    const { photo, pixels } = this.offer.limits;
    if (file.size > photo) throw new Error(`A photo may have at most ${size(photo)}, and this one has ${size(file.size)}. Make it smaller first.`);
    if (file.size === 0) throw new Error("This file is empty.");
    const picture = await createImageBitmap(file).catch(() => null);
    if (!picture || !pixels) return;
    const wanted = picture.width * picture.height * times * times;
    const [wide, high] = [picture.width * times, picture.height * times];
    picture.close();
    if (wanted > pixels) throw new Error(`The result would have ${Math.round(wide)}×${Math.round(high)} pixels, more than this machine’s memory holds now (${Math.round(pixels / 1e6)} megapixels). Choose a smaller size, or use percept apply.`);
  }

  // Photos that are there

  async watch() {
    const open = [...this.rows.values()].some((row) => ["waiting", "working"].includes(row.told.state));
    try {
      const { photos } = await server.get("");
      for (const told of photos) this.rows.get(told.id)?.show(told);
      this.count();
    } catch (error) {
      if (error.status === 410) return this.over();
    }
    // A page with nothing to wait for only says that it is there.
    setTimeout(() => this.watch(), open || this.busy ? OFTEN : 4 * OFTEN);
  }

  over() {
    this.say("This visit is over, and its photos are gone: the server was started anew, or this page was away for long. Load the page again.");
  }

  count() {
    const rows = [...this.rows.values()];
    const done = rows.filter((row) => row.told.state === "done").length;
    $("list").hidden = rows.length === 0;
    $("summary").textContent = `${done} of ${rows.length} done`;
    $("all").hidden = done < 2;
    $("clear").hidden = rows.every((row) => ["sending", "waiting", "working"].includes(row.told.state));
  }

  async cancel(row) {
    row.abort.abort();
    if (["waiting", "working"].includes(row.told.state)) {
      await server.post(`/photos/${row.key}/cancel`).catch(() => {});
      row.show({ ...row.told, state: "cancelled" });
    } else if (row.told.state === "queued") row.show({ state: "cancelled" });
    this.count();
  }

  remove(row) {
    if (typeof row.key === "string") server.post(`/photos/${row.key}/remove`).catch(() => {});
    this.rows.delete(row.key);
    row.forget();
    this.count();
  }

  view(row) {
    this.viewed = row;
    this.viewer.open(row);
  }

  neighbour(step) {
    const done = [...this.rows.values()].filter((row) => row.told.state === "done");
    const at = done.indexOf(this.viewed);
    if (done.length) this.view(done[(at + step + done.length) % done.length]);
  }

  async downloadAll() {
    for (const row of this.rows.values()) {
      if (row.told.state !== "done") continue;
      row.save.click();
      // Browsers drop downloads that come all at once.
      await new Promise((then) => setTimeout(then, 400));
    }
  }
}

let number = 0;

class Row {
  constructor(file, photos) {
    this.key = ++number;
    this.file = file;
    this.told = { state: "queued" };
    this.abort = new AbortController();
    const url = URL.createObjectURL(file);
    this.url = url;
    this.thumb = element("img", { className: "thumb", alt: "", src: url });
    this.thumb.onerror = () => (this.thumb.onerror = null, this.thumb.src = "/icon.svg");
    this.state = element("div", { className: "state" });
    this.bar = element("progress", { max: 1, hidden: true });
    this.bar.ariaLabel = file.name;
    const button = (text, act) => element("button", { type: "button", textContent: text, onclick: act, ariaLabel: `${text}: ${file.name}` });
    this.look = button("Compare", () => photos.view(this));
    this.save = element("a", { className: "button primary", textContent: "Download", ariaLabel: `Download: ${file.name}` });
    this.save.onclick = () => (this.saved = true);
    this.stop = button("Cancel", () => photos.cancel(this));
    this.drop = button("Remove", () => photos.remove(this));
    this.element = element("li", { className: "row" }, this.thumb, element("div", { className: "name", textContent: file.name, title: file.name }),
      element("div", {}, this.state, this.bar), element("div", { className: "acts" }, this.look, this.save, this.stop, this.drop));
    this.thumb.onclick = () => this.told.state === "done" && photos.view(this);
    this.show(this.told);
  }

  show(told) {
    // What was cancelled here may still be on its way there.
    if (this.told.state === "cancelled" && told.state !== "done") told = { ...told, state: "cancelled" };
    this.told = told;
    const state = told.state;
    this.element.className = `row ${state}`;
    this.state.textContent = this.words();
    this.bar.hidden = !["sending", "working"].includes(state);
    if (!this.bar.hidden) this.bar.value = told.share ?? 0;
    this.look.hidden = this.save.hidden = state !== "done";
    this.stop.hidden = !["queued", "sending", "waiting", "working"].includes(state);
    this.drop.hidden = !this.stop.hidden;
    if (state === "done" && !this.save.href) {
      this.save.href = server.at(`/photos/${told.id}/result`);
      this.save.download = told.result;
    }
  }

  words() {
    const told = this.told;
    const left = told.left == null ? "" : ` · about ${duration(told.left)} left`;
    switch (told.state) {
      case "queued": return "Will be sent";
      case "sending": return `Being sent, ${Math.round(told.share * 100)} %`;
      case "waiting": return told.place > 0 ? `Waits for ${told.place === 1 ? "one" : told.place} before it${left}` : `Is next${left}`;
      case "working": return told.share > 0 ? `${Math.round(told.share * 100)} %${left}` : "Begins";
      case "done": {
        const [from, to] = [told.from, told.to].map(([w, h]) => `${w}×${h}`);
        return [`${from} → ${to}, ${told.result}, ${size(told.bytes)}, in ${duration(told.seconds)}`, ...told.notes].join(". ");
      }
      case "failed": return told.why;
      default: return "Cancelled";
    }
  }

  forget() {
    URL.revokeObjectURL(this.url);
    this.element.remove();
  }
}
