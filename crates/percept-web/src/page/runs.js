// Trainings: which there are, and how one goes, live.

import * as server from "/server.js";
import { duration, element } from "/photos.js";
import { chart, number } from "/chart.js";

const OFTEN = 3000;

export class Runs {
  constructor(place) {
    this.place = place;
    this.open = undefined;
    // Stripes are drawn in the colours of the day.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.told && this.open !== undefined && this.draw(this.told));
  }

  show(run) {
    if (this.open === run) return;
    this.open = run;
    this.iter = this.name = this.told = this.news = null;
    this.place.replaceChildren(element("p", { className: "soft", textContent: "Reading…" }));
    clearTimeout(this.timer);
    this.read();
  }

  /** Another page is shown. */
  rest() {
    this.open = undefined;
    clearTimeout(this.timer);
  }

  async read() {
    const run = this.open;
    if (run === undefined) return;
    if (!document.hidden) {
      try {
        const told = run === null ? await server.get("/runs") : await server.get(`/run?run=${encodeURIComponent(run)}`);
        if (run !== this.open) return;
        // Nothing is drawn anew under a hand that is at work, and nothing where there is no news.
        const news = JSON.stringify(told.told ?? told.runs) + this.mood(told);
        if (news !== this.news && !this.held) {
          this.draw(told);
          [this.news, this.told] = [news, told];
        }
      } catch (error) {
        if (error.status) this.place.replaceChildren(this.back(), element("p", { className: "soft", textContent: error.message }));
      }
    }
    this.timer = setTimeout(() => this.read(), OFTEN);
  }

  mood(told) {
    return told.runs ? "" : mood(told.told, told.quiet).textContent;
  }

  draw(told) {
    const at = scrollY;
    this.place.replaceChildren(...(this.open === null ? this.list(told) : this.one(told)));
    scrollTo(0, at);
  }

  back() {
    return element("p", {}, element("a", { href: "#trainings", textContent: "‹ All trainings" }));
  }

  list({ folder, runs }) {
    if (runs.length === 0) return [element("h1", { textContent: "No trainings yet" }), element("p", { className: "soft", textContent: `There is no run in ${folder}. One appears here when percept train begins it.` })];
    const cards = runs.map(({ run, quiet, told }) => {
      const card = element("a", { className: "run", href: `#trainings/${encodeURIComponent(run)}` });
      if (told.trouble) {
        card.append(element("b", { textContent: run }), element("span", { className: "soft", textContent: told.trouble }));
      } else {
        const scores = Object.entries(told.scores).map(([name, value]) => `${name} ${number(value)}`).join(" · ");
        card.append(
          element("div", {}, element("b", { textContent: run === "." ? told.name : run }), element("div", { className: "soft", textContent: `${told.task} · ${told.network} · ${told.losses.join(", ")}` })),
          element("div", {}, mood(told, quiet), element("progress", { max: told.total, value: told.finished ? told.total : told.iter, ariaLabel: "steps" })),
          element("div", { className: "soft num", textContent: scores }));
      }
      return element("li", {}, card);
    });
    return [element("h1", { textContent: "Trainings" }), element("p", { className: "soft", textContent: folder }), element("ol", { className: "cards" }, ...cards)];
  }

  one({ run, quiet, told }) {
    const fact = (name, value) => value == null ? null : element("div", {}, element("span", { textContent: name }), element("b", { textContent: value }));
    const head = element("section", { className: "panel" },
      element("div", {}, element("h1", { textContent: run === "." ? told.name : run }), element("p", { className: "soft", textContent: `${told.task} · ${told.network} · ${told.losses.join(", ")}` })),
      mood(told, quiet),
      element("progress", { max: told.total, value: told.finished ? told.total : told.iter, ariaLabel: "steps" }),
      element("div", { className: "facts" }, fact("step", `${told.iter.toLocaleString("en")} of ${told.total.toLocaleString("en")}`), fact("a step", told.seconds == null ? null : `${number(told.seconds)} s`),
        fact("left", told.left == null || told.finished ? null : `about ${duration(told.left)}`), fact("saved up to", told.finished ? null : `step ${told.saved.toLocaleString("en")}`)));
    const parts = [this.back(), head];
    const charts = (title, curves, note) => {
      const drawn = Object.entries(curves).map(([name, points]) => chart(name, points, told.total));
      if (drawn.length) parts.push(element("section", { className: "panel" }, element("h2", { textContent: title }), note && element("p", { className: "soft", textContent: note }), element("div", { className: "grid" }, ...drawn)));
    };
    charts("Scores on validation photos", told.scores);
    if (told.pictures.iters.length) parts.push(this.pictures(run, told));
    if (told.selection) parts.push(selection(told));
    charts("Losses", told.terms, "l_g: terms of the loss, weighted as they are summed. l_sel, l_d: what the selection and the discriminator descend.");
    return parts;
  }

  pictures(run, told) {
    const { iters, names, gt, lq } = told.pictures;
    if (!names.includes(this.name)) this.name = names[0];
    // Whoever has not chosen a step sees the newest one.
    const chosen = () => (iters.includes(this.iter) ? this.iter : iters.at(-1));
    const url = (kind) => server.at(`/run/picture?${new URLSearchParams({ run, kind, name: this.name })}`);
    const figure = (caption) => element("figure", {}, element("img", { alt: caption, loading: "lazy" }), element("figcaption", { textContent: caption }));
    const [input, restored, target] = [lq && figure("input"), figure(""), gt && figure("target")];
    const slide = element("input", { type: "range", min: 0, max: iters.length - 1, step: 1, ariaLabel: "Validation" });
    const show = () => {
      const iter = chosen();
      slide.value = iters.indexOf(iter);
      restored.firstChild.src = url(iter);
      restored.lastChild.textContent = `restored at step ${iter.toLocaleString("en")}`;
      if (input) input.firstChild.src = url("lq");
      if (target) target.firstChild.src = url("gt");
    };
    slide.oninput = () => {
      const at = Number(slide.value);
      this.iter = at === iters.length - 1 ? null : iters[at];
      show();
    };
    slide.onpointerdown = () => (this.held = true);
    slide.onpointerup = slide.onpointercancel = () => (this.held = false);
    const pick = element("select", { ariaLabel: "Photo" }, ...names.map((name) => element("option", { textContent: name, selected: name === this.name })));
    pick.onchange = () => (this.name = pick.value, show());
    pick.onfocus = () => (this.held = true);
    pick.onblur = () => (this.held = false);
    show();
    return element("section", { className: "panel" }, element("h2", { textContent: "Validation photos" }), element("div", { className: "choose" }, pick, slide),
      element("div", { className: "pictures" }, ...[input, restored, target].filter(Boolean)));
  }
}

/** Whether a run is at work, as far as its log tells: it writes, is quiet, or is done. */
function mood(told, quiet) {
  const words = (text, live) => element("span", { className: live ? "live" : "soft", textContent: text });
  if (told.finished) return words(`finished, ${told.total.toLocaleString("en")} steps`);
  const percent = `${Math.floor((100 * told.iter) / Math.max(1, told.total))} %`;
  if (quiet == null) return words("has not written anything yet");
  // A validation or a line that comes seldom is no reason to call it quiet.
  if (quiet < Math.max(90, 60 * (told.seconds ?? 0))) return words(told.left == null ? percent : `${percent}, about ${duration(told.left)} left`, true);
  return words(`${percent}, has written nothing for ${duration(quiet)}`);
}

/** What the selection switches on: a stripe of channels a tap, the strongest first. */
function selection(told) {
  const { taps, iter, backbone, active, idle } = told.selection;
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const stripe = (weights) => {
    const sorted = [...weights].sort((a, b) => b - a);
    const canvas = element("canvas", { width: sorted.length, height: 1 });
    canvas.role = "img";
    canvas.ariaLabel = `${sorted.filter((weight) => weight > 1).length} of ${sorted.length} channels count more than the mean`;
    const pen = canvas.getContext("2d");
    sorted.forEach((weight, at) => {
      pen.fillStyle = colour("--line");
      pen.fillRect(at, 0, 1, 1);
      pen.globalAlpha = Math.min(1, Math.sqrt(weight / 4));
      pen.fillStyle = colour("--accent");
      pen.fillRect(at, 0, 1, 1);
      pen.globalAlpha = 1;
    });
    return canvas;
  };
  const rows = taps.map((tap) => element("div", { className: "tap" }, element("span", { textContent: tap.name }), stripe(tap.weights),
    element("span", { className: "num soft", textContent: `${tap.effective.toFixed(0)} of ${tap.weights.length} channels` })));
  const charts = taps.filter((tap) => tap.curve.length > 1).map((tap) => chart(`${tap.name}: effective channels`, tap.curve, told.total));
  const facts = [`At step ${iter.toLocaleString("en")}, in ${backbone}`, active == null ? null : `${Math.round(active * 100)} % active`, idle ? "it was idle for a while: hardly anything was active" : null];
  return element("section", { className: "panel" }, element("h2", { textContent: "What the selection switches on" }),
    element("p", { className: "soft", textContent: `${facts.filter(Boolean).join(" · ")}. A stripe has every channel of a tap, the strongest first; the darker, the more it counts.` }),
    ...rows, charts.length ? element("div", { className: "grid" }, ...charts) : null);
}
