// A line over steps, in SVG.

const NS = "http://www.w3.org/2000/svg";
const [WIDE, HIGH, LEFT, LOW] = [360, 150, 46, 20];

function svg(name, props, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(props)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Few digits, as many as tell values apart. */
export function number(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(2) : size >= 1 ? value.toFixed(3) : value.toFixed(4);
}

/** For an axis. */
function short(value) {
  return value === 0 || (Math.abs(value) < 1e5 && Math.abs(value) >= 1e-3) ? String(Number(value.toPrecision(3))) : value.toExponential(0);
}

export function chart(title, points, total) {
  const figure = document.createElement("figure");
  figure.className = "chart";
  const head = document.createElement("figcaption");
  head.className = "head";
  const last = points.at(-1);
  head.append(Object.assign(document.createElement("span"), { textContent: title }),
    Object.assign(document.createElement("b"), { className: "num", textContent: last ? number(last[1]) : "–" }));
  const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" });
  drawing.append(svg("title", {}, `${title}, over steps`));
  figure.append(head, drawing);
  if (points.length === 0) return figure;
  // The first steps of a loss may be far off all others.
  const values = points.map(([, value]) => value).sort((a, b) => a - b);
  let [low, high] = [values[Math.floor(values.length * 0.01)], values[Math.ceil(values.length * 0.98) - 1] ?? values.at(-1)];
  if (values.length < 20) [low, high] = [values[0], values.at(-1)];
  if (high - low < 1e-12) [low, high] = [low - Math.abs(low) * 0.05 - 1e-6, high + Math.abs(high) * 0.05 + 1e-6];
  const end = Math.max(total, last[0]);
  const x = (at) => LEFT + (at / end) * (WIDE - LEFT - 6);
  const y = (value) => 6 + (1 - (Math.min(Math.max(value, low), high) - low) / (high - low)) * (HIGH - LOW - 12);
  for (const [value, at] of [[high, y(high)], [(low + high) / 2, y((low + high) / 2)], [low, y(low)]]) {
    drawing.append(svg("line", { class: "axis", x1: LEFT, x2: WIDE - 6, y1: at, y2: at }),
      svg("text", { x: LEFT - 6, y: at + 4, "text-anchor": "end" }, short(value)));
  }
  drawing.append(svg("text", { x: LEFT, y: HIGH - 4 }, "0"), svg("text", { x: WIDE - 6, y: HIGH - 4, "text-anchor": "end" }, end.toLocaleString("en")));
  drawing.append(svg("polyline", { class: "line", points: points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
  if (points.length < 40) for (const [at, value] of points) drawing.append(svg("circle", { class: "dot", cx: x(at), cy: y(value), r: 2.6 }));
  return figure;
}
