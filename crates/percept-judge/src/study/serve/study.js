'use strict';
// One trial at a time: pictures pixel by pixel, moved together, and an answer that is sent until it is acknowledged.

const base = location.pathname.replace(/\/+$/, '');
const part = id => document.getElementById(id);
const stage = part('stage');
const { design, ties } = document.body.dataset;
const MARKS = ['Bad', 'Poor', 'Fair', 'Good', 'Excellent'];
// Keys that were still down when the pictures changed are no answer.
const TOO_SOON = 250;
const GAP = 10;

let state = null;
let panes = [];
let look = null; // What is shown in place of the choices: 'reference', 'input' or nothing.
let pan = { x: 0, y: 0 }; // Of the pictures' centre, in pixels of the screen.
let shownAt = 0;
let open = false; // Whether an answer is expected.
let ahead = []; // Pictures of the next trial, kept so that they stay decoded.

const wait = ms => new Promise(done => setTimeout(done, ms));

/** Asks the server until it answers; what cannot be answered is thrown. */
async function ask(path, options) {
  for (let pause = 1000; ; pause = Math.min(2 * pause, 10000)) {
    let response = null;
    try {
      response = await fetch(base + path, { cache: 'no-store', ...options });
    } catch {
      // No connection.
    }
    if (response?.ok) {
      const answer = await response.json();
      trouble('');
      return answer;
    }
    if (response?.status === 429) {
      pause = 1000 * (Number(response.headers.get('retry-after')) || 1);
    } else if (response && response.status < 500 && response.status !== 408) {
      throw new Error(await response.text());
    }
    trouble('The study cannot be reached. Nothing is lost: this page tries again by itself.');
    await wait(pause);
  }
}

function trouble(text) {
  const line = part('trouble');
  const changed = line.hidden === Boolean(text);
  line.textContent = text;
  line.hidden = !text;
  if (changed) layOut();
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function key(name) {
  return element('kbd', { textContent: name });
}

async function load(url) {
  const image = new Image();
  image.src = url;
  image.alt = '';
  image.draggable = false;
  await image.decode();
  return image;
}

/** Loads and shows what `state` says. */
async function show() {
  open = false;
  const { answered, total, trial } = state;
  part('bar').max = total;
  part('bar').value = answered;
  part('count').textContent = trial ? `${answered + 1} of ${total}` : `${answered} of ${total}`;
  if (!trial) return thank();
  let images;
  for (;;) {
    try {
      const urls = [...trial.pictures, trial.reference, ...(trial.input ? [trial.input] : [])];
      images = await Promise.all(urls.map(load));
      break;
    } catch {
      trouble('A picture could not be loaded. This page tries again by itself.');
      await wait(2000);
    }
  }
  trouble('');
  const [reference, input] = images.slice(trial.pictures.length);
  panes = trial.pictures.map((_, at) => makePane(at, images[at], reference, input, trial.pictures.length));
  part('input').hidden = !input;
  stage.replaceChildren(...panes.map(pane => pane.element));
  for (const button of part('marks').children) button.classList.remove('chosen');
  part('tie').classList.remove('chosen');
  pan = { x: 0, y: 0 };
  setLook(null);
  layOut();
  shownAt = performance.now();
  open = true;
  ahead = state.ahead.map(url => Object.assign(new Image(), { src: url }));
}

function makePane(at, image, reference, input, count) {
  const label = `Picture ${at + 1}`;
  // Copies: one element stands at one place.
  const layers = { main: image, reference: reference.cloneNode(), input: input?.cloneNode() };
  image.alt = label;
  const tag = element('span', { className: 'tag', hidden: true });
  const frame = element('div', { className: 'window' }, ...Object.values(layers).filter(Boolean), tag);
  const pane = { frame, layers, tag };
  pane.element = element('section', { className: 'pane', ariaLabel: label }, frame);
  if (count > 1) {
    const words = count > 2 ? `${label} is best` : 'This one';
    const button = element('button', { type: 'button', className: 'choose' }, key(at + 1), words);
    button.setAttribute('aria-label', `${label} is ${count > 2 ? 'best' : 'better'}`);
    button.onclick = () => answer(at + 1, button);
    pane.button = button;
    pane.element.append(button);
  }
  frame.onpointerdown = startDrag;
  return pane;
}

/** Sizes of windows so that most of the pictures is seen, one pixel of a picture on one of the screen. */
function layOut() {
  if (!panes.length || !state?.trial) return;
  const ratio = devicePixelRatio || 1;
  const { width, height } = state.trial;
  const [wide, high] = [width / ratio, height / ratio];
  const button = panes[0].button ? 52 : 0;
  const room = stageRoom();
  let best = null;
  for (let columns = 1; columns <= panes.length; columns++) {
    const rows = Math.ceil(panes.length / columns);
    const w = Math.min((room.width - (columns - 1) * GAP) / columns, wide);
    const h = Math.max(Math.min((room.height - (rows - 1) * GAP) / rows - button, high), Math.min(high, 120));
    // Side by side where it makes no difference: eyes jump more easily than they fall.
    if (!best || w * h > best.w * best.h * 0.999) best = { columns, w, h };
  }
  const whole = length => Math.floor(length * ratio) / ratio;
  const [w, h] = [whole(best.w), whole(best.h)];
  stage.style.gridTemplateColumns = `repeat(${best.columns}, ${Math.max(w, panes[0].button ? 88 : 0)}px)`;
  for (const { frame, layers } of panes) {
    frame.style.width = `${w}px`;
    frame.style.height = `${h}px`;
    frame.classList.toggle('wide', w < wide || h < high);
    for (const image of Object.values(layers).filter(Boolean)) {
      image.style.width = `${wide}px`;
      image.style.height = `${high}px`;
    }
  }
  hint(w < wide || h < high);
  scale();
  // Last: lines that come or go move the windows.
  place();
}

/** What is left for pictures between head and foot. */
function stageRoom() {
  const styles = getComputedStyle(document.body);
  const others = [...document.body.children].filter(child => child !== stage && child.offsetHeight);
  const used = others.reduce((sum, child) => sum + child.offsetHeight + parseFloat(styles.rowGap || 0), 0);
  const padding = parseFloat(styles.paddingTop) + parseFloat(styles.paddingBottom);
  return { width: stage.clientWidth, height: Math.max(innerHeight - used - padding, 0) };
}

/** Puts all pictures where `pan` says, on whole pixels of the screen. */
function place() {
  const ratio = devicePixelRatio || 1;
  const snap = value => Math.round(value * ratio) / ratio;
  for (const { frame, layers } of panes) {
    const box = frame.getBoundingClientRect();
    const image = layers.main;
    const [slackX, slackY] = [parseFloat(image.style.width) - box.width, parseFloat(image.style.height) - box.height];
    pan.x = Math.max(-slackX / 2, Math.min(slackX / 2, pan.x));
    pan.y = Math.max(-slackY / 2, Math.min(slackY / 2, pan.y));
    const x = snap(box.left + pan.x - slackX / 2) - box.left;
    const y = snap(box.top + pan.y - slackY / 2) - box.top;
    for (const layer of Object.values(layers).filter(Boolean)) layer.style.transform = `translate(${x}px, ${y}px)`;
  }
}

function startDrag(event) {
  const frame = event.currentTarget;
  if (!frame.classList.contains('wide') || event.button) return;
  const from = { x: event.clientX - pan.x, y: event.clientY - pan.y };
  frame.setPointerCapture(event.pointerId);
  frame.classList.add('moving');
  frame.onpointermove = move => {
    pan = { x: move.clientX - from.x, y: move.clientY - from.y };
    place();
  };
  frame.onpointerup = frame.onpointercancel = () => {
    frame.onpointermove = null;
    frame.classList.remove('moving');
  };
}

/** Says when what is seen is not what was stored. */
function scale() {
  const ratio = devicePixelRatio || 1;
  const pinch = visualViewport?.scale ?? 1;
  const whole = Math.abs(ratio - Math.round(ratio)) < 0.001;
  let text = '';
  if (Math.abs(pinch - 1) > 0.01) text = 'The page is zoomed in, so the pictures are scaled. Zoom out until this goes away.';
  else if (!whole) text = `Your browser scales this page to ${Math.round(100 * ratio)} %. Set its zoom to 100 % (Ctrl 0, or ⌘ 0).`;
  else if (ratio > 1) text = 'Pictures are shown pixel by pixel, so they are small on this fine screen.';
  const line = part('scale');
  const changed = line.hidden === Boolean(text);
  line.textContent = text;
  line.hidden = !text;
  line.classList.toggle('warn', Boolean(text) && (!whole || Math.abs(pinch - 1) > 0.01));
  // The line takes room from the pictures.
  if (changed) layOut();
}

function hint(cut) {
  const keys = { pairs: '← or 1, → or 2', 'best-of': `1 to ${panes.length}`, mos: '1 to 5' }[design];
  const touch = matchMedia('(pointer: coarse)').matches;
  const texts = [touch ? '' : `Keys: ${keys}.`, cut ? 'Drag a picture to see more of it.' : '', 'This address is your private link: it opens where you stopped.'];
  part('hint').textContent = texts.filter(Boolean).join(' ');
}

function setLook(to) {
  look = to === look ? null : to;
  for (const { layers, tag } of panes) {
    for (const [name, layer] of Object.entries(layers)) layer?.classList.toggle('on', name === (look ?? 'main'));
    tag.hidden = !look;
    tag.textContent = look === 'input' ? 'Input' : 'Reference';
  }
  for (const name of ['reference', 'input']) part(name).setAttribute('aria-pressed', String(look === name));
}

/** Sends an answer: 1 for the first picture and so on, 0 for a tie, or a mark. */
async function answer(choice, button) {
  const ms = Math.round(performance.now() - shownAt);
  if (!open || ms < TOO_SOON) return;
  open = false;
  button?.classList.add('chosen');
  const body = JSON.stringify({ trial: state.trial.number, choice, ms });
  const sent = ask('/vote', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  // Refused is what another tab has answered: what counts is what the server has.
  await follow(sent.then(acknowledged => acknowledged.state, () => ask('/state')));
}

/** Shows what is found to be open. */
async function follow(found) {
  try {
    state = await found;
  } catch (error) {
    return trouble(error.message);
  }
  await show();
}

function thank() {
  panes = [];
  stage.replaceChildren();
  for (const id of ['question', 'tools', 'marks', 'scale', 'stage']) part(id).hidden = true;
  part('thanks').hidden = false;
  part('thanks').querySelector('h2').tabIndex = -1;
  part('thanks').querySelector('h2').focus();
}

function press(event) {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || !state?.trial) return;
  const name = event.key.toLowerCase();
  if (event.shiftKey && name.startsWith('arrow')) {
    const step = { arrowleft: [64, 0], arrowright: [-64, 0], arrowup: [0, 64], arrowdown: [0, -64] }[name];
    pan = { x: pan.x + step[0], y: pan.y + step[1] };
    place();
  } else if (name === 'r') setLook('reference');
  else if (name === 'i' && !part('input').hidden) setLook('input');
  else if (name === 'escape') setLook(null);
  else {
    const arrow = design === 'pairs' ? { arrowleft: 1, arrowright: 2 }[name] : undefined;
    const number = arrow ?? (/^[0-9]$/.test(name) ? Number(name) : undefined);
    if (number === undefined) return;
    if (design === 'mos') {
      if (number >= 1 && number <= 5) answer(number, part('marks').children[number - 1]);
    } else if (design === 'pairs' && ties === 'true' && (number === 3 || number === 0)) answer(0, part('tie'));
    else if (number >= 1 && number <= panes.length) answer(number, panes[number - 1].button);
    else return;
  }
  event.preventDefault();
}

function begin() {
  part('reference').onclick = () => setLook('reference');
  part('input').onclick = () => setLook('input');
  part('tie').hidden = ties !== 'true';
  part('tie').onclick = () => answer(0, part('tie'));
  if (design === 'mos') {
    part('marks').hidden = false;
    part('marks').append(...MARKS.map((word, at) => {
      const label = [element('b', { textContent: at + 1 }), element('span', { textContent: word })];
      const button = element('button', { type: 'button' }, ...label);
      button.onclick = () => answer(at + 1, button);
      return button;
    }));
  }
  addEventListener('keydown', press);
  addEventListener('resize', layOut);
  visualViewport?.addEventListener('resize', scale);
  follow(ask('/state'));
}

begin();
