'use strict';

// The viewer: two versions of one photo under one divider, moved and enlarged together.
(() => {
  const { columns, photos } = JSON.parse(document.getElementById('data').textContent);
  const viewer = document.querySelector('.viewer');
  const stage = viewer.querySelector('.stage');
  const handle = viewer.querySelector('.handle');
  const images = [...stage.querySelectorAll('.pane img')];
  const tags = [...stage.querySelectorAll('.tag')];
  const zoomed = viewer.querySelector('.zoom');
  const sides = ['left', 'right'];
  const MOST = 16;
  // `k` screen pixels a photo's pixel, whose corner is at (x, y) of the stage; `split` is the divider's place.
  const view = { photo: 0, split: 0.5, k: 1, x: 0, y: 0, width: 0, height: 0, fitted: true };

  const source = (photo, column) =>
    document.querySelector(`.layers img[data-photo="${photo}"][data-column="${column}"]`).src;
  const chosen = side => Number(viewer.querySelector(`input[name="${side}"]:checked`).value);
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const fit = () => {
    const photo = photos[view.photo];
    return Math.min(view.width / photo.width, view.height / photo.height);
  };

  function draw() {
    const photo = photos[view.photo];
    const least = fit();
    view.k = clamp(view.k, Math.min(least, 1), MOST);
    const place = (at, length, whole) =>
      length <= whole ? (whole - length) / 2 : clamp(at, whole - length, 0);
    view.x = place(view.x, photo.width * view.k, view.width);
    view.y = place(view.y, photo.height * view.k, view.height);
    for (const image of images) {
      image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.k})`;
    }
    const movable = photo.width * view.k > view.width + 1 || photo.height * view.k > view.height + 1;
    stage.classList.toggle('zoomed', movable);
    stage.classList.toggle('pixels', view.k >= 2);
    stage.style.setProperty('--split', `${view.split * 100}%`);
    const share = Math.round(view.split * 100);
    handle.setAttribute('aria-valuenow', share);
    handle.setAttribute('aria-valuetext', `${share} % ${columns[chosen('left')]}`);
    zoomed.value = `${Math.round(view.k * 100)} %`;
  }

  function show() {
    const photo = photos[view.photo];
    sides.forEach((side, at) => {
      const column = chosen(side);
      const image = images[at];
      image.src = source(view.photo, column);
      image.alt = `${photo.name}: ${columns[column]}`;
      image.width = photo.width;
      image.height = photo.height;
      tags[at].textContent = columns[column];
    });
    viewer.querySelectorAll('.thumb').forEach((thumb, at) =>
      thumb.setAttribute('aria-pressed', String(at === view.photo)));
    stage.style.aspectRatio = `${photo.width} / ${photo.height}`;
    measure();
  }

  function measure() {
    const { width, height } = stage.getBoundingClientRect();
    const kept = view.fitted ? null : [(view.width / 2 - view.x) / view.k, (view.height / 2 - view.y) / view.k];
    view.width = width;
    view.height = height;
    if (kept) {
      view.x = width / 2 - kept[0] * view.k;
      view.y = height / 2 - kept[1] * view.k;
    } else {
      view.k = fit();
    }
    draw();
  }

  function zoom(k, x = view.width / 2, y = view.height / 2) {
    k = clamp(k, Math.min(fit(), 1), MOST);
    view.x = x - (x - view.x) * k / view.k;
    view.y = y - (y - view.y) * k / view.k;
    view.k = k;
    view.fitted = Math.abs(k - fit()) < 1e-6;
    draw();
  }
  const home = () => { view.fitted = true; view.k = fit(); draw(); };
  const select = photo => { view.photo = (photo + photos.length) % photos.length; view.fitted = true; show(); };
  function swap() {
    const [left, right] = sides.map(chosen);
    const check = (side, value) => { viewer.querySelector(`input[name="${side}"][value="${value}"]`).checked = true; };
    check('left', right);
    check('right', left);
    show();
  }
  const actions = {
    in: () => zoom(view.k * 1.5), out: () => zoom(view.k / 1.5), fit: home, one: () => zoom(1), swap,
  };
  viewer.querySelectorAll('[data-do]').forEach(button =>
    button.addEventListener('click', () => actions[button.dataset.do]()));
  viewer.querySelectorAll('.thumb').forEach(thumb =>
    thumb.addEventListener('click', () => select(Number(thumb.dataset.photo))));
  viewer.querySelectorAll('.choice input').forEach(input => input.addEventListener('change', show));

  // One pointer moves the divider, or the photo where it is larger than the stage; two enlarge it.
  const pointers = new Map();
  let dragging = null;
  const spot = event => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const divide = x => { view.split = clamp(x / view.width, 0, 1); draw(); };
  stage.addEventListener('pointerdown', event => {
    if (event.button > 0) return;
    const onHandle = handle.contains(event.target);
    pointers.set(event.pointerId, spot(event));
    stage.setPointerCapture(event.pointerId);
    dragging = onHandle || !stage.classList.contains('zoomed') ? 'divider' : 'photo';
    if (pointers.size > 1) dragging = 'pinch';
    if (dragging === 'divider') divide(spot(event)[0]);
    stage.classList.toggle('moving', dragging === 'photo');
    handle.focus({ preventScroll: true, focusVisible: false });
    event.preventDefault();
  });
  stage.addEventListener('pointermove', event => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = spot(event);
    if (dragging === 'divider') {
      divide(now[0]);
    } else if (dragging === 'photo') {
      view.x += now[0] - before[0];
      view.y += now[1] - before[1];
      draw();
    } else if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const distance = at => Math.hypot(at[0] - other[0], at[1] - other[1]) || 1;
      view.x += (now[0] - before[0]) / 2;
      view.y += (now[1] - before[1]) / 2;
      zoom(view.k * distance(now) / distance(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    }
    pointers.set(event.pointerId, now);
  });
  const release = event => {
    pointers.delete(event.pointerId);
    dragging = pointers.size ? dragging : null;
    stage.classList.remove('moving');
  };
  stage.addEventListener('pointerup', release);
  stage.addEventListener('pointercancel', release);
  stage.addEventListener('dblclick', event => {
    if (!handle.contains(event.target)) view.fitted ? zoom(Math.max(4, 2 * fit()), ...spot(event)) : home();
  });

  // A wheel that is scrolling the page past the viewer goes on scrolling it.
  let scrolled = -Infinity;
  addEventListener('scroll', () => { scrolled = performance.now(); }, { passive: true });
  stage.addEventListener('wheel', event => {
    const smallest = view.k <= Math.min(fit(), 1) + 1e-6 || (view.fitted && event.deltaY > 0);
    const passing = performance.now() - scrolled < 300;
    if (!event.ctrlKey && (passing || (smallest && event.deltaY > 0))) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const k = view.k * Math.exp(-clamp(event.deltaY * lines, -120, 120) * 0.0025);
    zoom(event.deltaY > 0 ? Math.max(k, Math.min(fit(), view.k)) : k, ...spot(event));
  }, { passive: false });

  handle.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const keys = {
      Home: () => divide(0), End: () => divide(view.width),
      PageUp: () => divide((view.split + 0.1) * view.width), PageDown: () => divide((view.split - 0.1) * view.width),
      '+': actions.in, '=': actions.in, '-': actions.out, 0: home, 1: actions.one,
      x: swap, X: swap, n: () => select(view.photo + 1), p: () => select(view.photo - 1),
    };
    const arrow = arrows[event.key];
    if (arrow && event.shiftKey) {
      view.x -= arrow[0] * 48;
      view.y -= arrow[1] * 48;
      draw();
    } else if (arrow) {
      divide((view.split + (arrow[0] - arrow[1]) * 0.02) * view.width);
    } else if (keys[event.key]) {
      keys[event.key]();
    } else {
      return;
    }
    event.preventDefault();
  });

  document.querySelectorAll('.closer').forEach(button => button.addEventListener('click', () => {
    select(Number(button.dataset.photo));
    const [x, y, width, height] = photos[view.photo].crop;
    const k = Math.min(view.width / width, view.height / height) * 0.62;
    view.k = clamp(k, Math.min(fit(), 1), MOST);
    view.x = view.width / 2 - (x + width / 2) * view.k;
    view.y = view.height / 2 - (y + height / 2) * view.k;
    view.fitted = false;
    draw();
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    viewer.scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'start' });
    handle.focus({ preventScroll: true });
  }));

  viewer.hidden = false;
  new ResizeObserver(measure).observe(stage);
  show();
})();

// The table of scores against another baseline.
(() => {
  const base = document.querySelector('.base');
  const select = base.querySelector('select');
  const update = () => document.querySelectorAll('table.scores').forEach(table => {
    table.hidden = table.dataset.base !== select.value;
  });
  base.hidden = document.querySelectorAll('table.scores').length < 3;
  select.addEventListener('change', update);
  update();
})();

// Charts that answer to the pointer and to arrow keys.
document.querySelectorAll('figure.chart').forEach(figure => {
  const { plot: [left, top, right, bottom], x: [x0, x1], lines, share } = JSON.parse(figure.dataset.chart);
  const svg = figure.querySelector('svg');
  const mark = svg.querySelector('.at');
  const steps = [...new Set(lines.flatMap(line => line.points.map(point => point[0])))].sort((a, b) => a - b);
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  figure.append(tip);
  figure.setAttribute('aria-live', 'polite');
  let at = -1;

  const words = value => value === null ? 'no number'
    : share ? `${(100 * value).toFixed(1)} %` : String(Number(value.toPrecision(4)));

  function show(index) {
    at = index;
    const step = steps[index];
    const x = left + (step - x0) / (x1 - x0) * (right - left);
    const line = document.createElementNS(svg.namespaceURI, 'line');
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: top, y2: bottom })) line.setAttribute(name, value);
    mark.replaceChildren(line);
    const rows = lines.flatMap(({ name, colour, points }) => {
      const point = points.find(point => point[0] === step);
      if (!point) return [];
      const row = document.createElement('div');
      const key = document.createElement('i');
      key.className = colour;
      row.append(key, `${name} ${words(point[1])}`);
      return [row];
    });
    tip.replaceChildren(`step ${step}`, ...rows);
    tip.hidden = false;
    const box = svg.getBoundingClientRect();
    const outer = figure.getBoundingClientRect();
    const px = box.left - outer.left + x / svg.viewBox.baseVal.width * box.width;
    const fits = px + 14 + tip.offsetWidth <= outer.width;
    tip.style.left = `${Math.max(0, fits ? px + 14 : px - 14 - tip.offsetWidth)}px`;
    tip.style.top = `${box.top - outer.top + 12}px`;
  }
  function hide() {
    at = -1;
    tip.hidden = true;
    mark.replaceChildren();
  }
  svg.addEventListener('pointermove', event => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const step = x0 + (x - left) / (right - left) * (x1 - x0);
    let best = 0;
    steps.forEach((value, index) => { if (Math.abs(value - step) < Math.abs(steps[best] - step)) best = index; });
    show(best);
  });
  svg.addEventListener('pointerleave', hide);
  svg.addEventListener('blur', hide);
  svg.addEventListener('keydown', event => {
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: steps.length - 1 };
    if (event.key === 'Escape') hide();
    if (!(event.key in moves)) return;
    show(Math.min(Math.max(moves[event.key], 0), steps.length - 1));
    event.preventDefault();
  });
});
