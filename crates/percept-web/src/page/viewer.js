// Before and after under a divider, pixel by pixel.

import * as server from "/server.js";

const $ = (id) => document.getElementById(id);

export class Viewer {
  constructor(neighbour) {
    this.neighbour = neighbour;
    this.stage = $("stage");
    this.after = $("after");
    this.cut = $("cut");
    this.before = $("before");
    this.layer = this.before.parentElement;
    this.share = 0.5;
    this.zoom = "1";
    this.pointers = new Map();
    this.events();
  }

  open(row) {
    const { id, from, to, views, result } = row.told;
    this.to = to;
    this.views = views;
    this.path = `/photos/${id}`;
    this.squares = new Map();
    $("viewed").textContent = result;
    $("facts").textContent = `${from[0]}×${from[1]} → ${to[0]}×${to[1]}. Before is the photo, enlarged by the browser.`;
    $("save").href = row.save.href;
    $("save").download = result;
    $("save").onclick = () => (row.saved = true);
    this.before.src = server.at(`${this.path}/before`);
    this.before.width = to[0];
    this.before.height = to[1];
    this.glance = Object.assign(new Image(to[0], to[1]), { src: server.at(`${this.path}/glance`), alt: "" });
    this.after.replaceChildren(this.glance);
    if (!$("viewer").open) $("viewer").showModal();
    this.stage.focus();
    this.centre = [to[0] / 2, to[1] / 2];
    this.set(this.zoom);
    this.divide(this.share);
  }

  /** Screen pixels of CSS for a pixel of the result. 1:1 is one pixel of the screen itself. */
  scale() {
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
    if (this.zoom === "fit") return Math.min(width / this.to[0], height / this.to[1], 1);
    return Number(this.zoom) / devicePixelRatio;
  }

  set(zoom) {
    this.zoom = zoom;
    for (const button of document.querySelectorAll(".zooms button")) button.ariaPressed = String(button.dataset.zoom === zoom);
    this.stage.classList.toggle("large", Number(zoom) >= 2);
    this.place();
  }

  place() {
    const scale = this.scale();
    const view = [this.stage.clientWidth, this.stage.clientHeight];
    const from = this.centre.map((at, axis) => {
      const [half, side] = [view[axis] / 2 / scale, this.to[axis]];
      // The picture stays in sight; a small one stays in the middle.
      this.centre[axis] = 2 * half >= side ? side / 2 : Math.min(Math.max(at, half), side - half);
      return Math.round((view[axis] / 2 - this.centre[axis] * scale) * devicePixelRatio) / devicePixelRatio;
    });
    const transform = `translate(${from[0]}px, ${from[1]}px) scale(${scale})`;
    this.after.style.transform = this.layer.style.transform = transform;
    if (this.zoom !== "fit") this.load(from, scale, view);
  }

  /** The squares that are in sight. */
  load(from, scale, view) {
    const { side, columns, squares } = this.views;
    const range = (axis) => [Math.floor(-from[axis] / scale / side), Math.floor((view[axis] - from[axis]) / scale / side)];
    const [[left, right], [top, bottom]] = [range(0), range(1)];
    for (let y = Math.max(0, top); y <= bottom; y++) {
      for (let x = Math.max(0, left); x <= Math.min(right, columns - 1); x++) {
        const at = y * columns + x;
        if (at >= squares || this.squares.has(at)) continue;
        const square = Object.assign(new Image(), { src: server.at(`${this.path}/square/${at}`), alt: "" });
        square.style.left = `${x * side}px`;
        square.style.top = `${y * side}px`;
        this.squares.set(at, square);
        this.after.append(square);
      }
    }
  }

  divide(share) {
    this.share = Math.min(1, Math.max(0, share));
    const percent = `${this.share * 100}%`;
    this.cut.style.clipPath = `inset(0 ${100 - this.share * 100}% 0 0)`;
    $("divider").style.left = percent;
    $("divider").ariaValueNow = String(Math.round(this.share * 100));
  }

  /** While a key or a finger says so, the photo alone. */
  peek(on) {
    this.cut.style.clipPath = on ? "none" : `inset(0 ${100 - this.share * 100}% 0 0)`;
  }

  move(x, y) {
    const scale = this.scale();
    this.centre = [this.centre[0] - x / scale, this.centre[1] - y / scale];
    this.place();
  }

  events() {
    const { stage, pointers } = this;
    const divider = $("divider");
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, { divides: divider.contains(event.target), at: [event.clientX, event.clientY] });
      stage.classList.add("moving");
    });
    stage.addEventListener("pointermove", (event) => {
      const pointer = pointers.get(event.pointerId);
      if (!pointer) return;
      const box = stage.getBoundingClientRect();
      if (pointer.divides) this.divide((event.clientX - box.left) / box.width);
      else this.move(event.clientX - pointer.at[0], event.clientY - pointer.at[1]);
      pointer.at = [event.clientX, event.clientY];
    });
    const up = (event) => {
      pointers.delete(event.pointerId);
      stage.classList.toggle("moving", pointers.size > 0);
    };
    stage.addEventListener("pointerup", up);
    stage.addEventListener("pointercancel", up);
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.move(-event.deltaX, -event.deltaY);
    }, { passive: false });
    stage.addEventListener("dblclick", () => this.set(this.zoom === "fit" ? "1" : "fit"));
    for (const button of document.querySelectorAll(".zooms button")) button.onclick = () => this.set(button.dataset.zoom);
    $("shut").onclick = () => $("viewer").close();
    $("viewer").addEventListener("close", () => this.after.replaceChildren());
    $("viewer").addEventListener("keydown", (event) => this.key(event));
    $("viewer").addEventListener("keyup", (event) => event.key === " " && this.peek(false));
    addEventListener("resize", () => $("viewer").open && this.place());
  }

  key(event) {
    const step = event.shiftKey ? 0.1 : 0.02;
    const act = {
      ArrowLeft: () => this.divide(this.share - step),
      ArrowRight: () => this.divide(this.share + step),
      ArrowUp: () => this.move(0, 80),
      ArrowDown: () => this.move(0, -80),
      Home: () => this.divide(0),
      End: () => this.divide(1),
      f: () => this.set("fit"),
      1: () => this.set("1"),
      2: () => this.set("2"),
      4: () => this.set("4"),
      n: () => this.neighbour(1),
      p: () => this.neighbour(-1),
    }[event.key];
    const pressed = event.target.closest("button, a");
    if (event.key === " " && !pressed) this.peek(true);
    else if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    else act();
    event.preventDefault();
  }
}
