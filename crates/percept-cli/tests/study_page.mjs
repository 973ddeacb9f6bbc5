// Drives the page of a study in headless Chromium through the DevTools protocol: two participants answer everything, on
// a desktop by keys and on a phone by touch, with a reload, and with a server that is killed and comes back.
//
//   node study_page.mjs CHROMIUM URL FOLDER
//
// Writes screenshots into FOLDER. When it prints `restart`, the server must be killed and started again at the same
// address; a line on stdin says that this was done. At the end it prints what it saw as one line of JSON. Node's own
// modules suffice: Chromium is spoken to over a pipe.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [chromium, url, folder] = process.argv.slice(2);
// For everything, and for one thing that a page should come to show; a busy machine needs a hundredth of it.
const [ALL, ONE] = [300_000, 60_000];
const origin = new URL(url).origin;
const profile = mkdtempSync(join(tmpdir(), 'percept-page-'));
const browser = spawn(chromium, [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
  '--no-first-run', '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank',
], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true });

const waiting = new Map();
const heard = [];
let last = 0;
let rest = '';
let gone = null; // Why the browser answers no more.
browser.stdio[4].on('data', data => {
  const messages = (rest + data).split('\0');
  rest = messages.pop();
  for (const text of messages) {
    const message = JSON.parse(text);
    if (message.id) {
      const { done, failed } = waiting.get(message.id);
      waiting.delete(message.id);
      message.error ? failed(new Error(message.error.message)) : done(message.result);
    } else heard.push(message);
  }
});

/** Ends all waiting for the browser. */
function abandon(why) {
  gone ??= new Error(why);
  for (const { failed } of waiting.values()) failed(gone);
  waiting.clear();
}

browser.once('error', error => abandon(error.message));
const ended = new Promise(done => browser.once('close', done)).then(() => abandon('the browser ended'));
browser.stdio[3].on('error', () => abandon('the browser listens no more'));
setTimeout(() => abandon(`not done after ${ALL / 1000} s`), ALL).unref();

function send(method, params = {}, sessionId = undefined) {
  const id = ++last;
  if (gone) return Promise.reject(gone);
  browser.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  return new Promise((done, failed) => waiting.set(id, { done, failed }));
}

const pause = ms => new Promise(done => setTimeout(done, ms));
const input = createInterface({ input: process.stdin }).on('close', () => abandon('nobody waits for the result'));
const lines = input[Symbol.asyncIterator]();

function check(truth, what) {
  if (!truth) throw new Error(what);
}

class Page {
  static async open(name, metrics, scheme) {
    const { browserContextId } = await send('Target.createBrowserContext');
    const { targetId } = await send('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
    const page = Object.assign(new Page(), { name, sessionId, votes: 0 });
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await page.send(`${domain}.enable`);
    await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await page.size(metrics);
    return page;
  }

  send(method, params) {
    return send(method, params, this.sessionId);
  }

  async size(metrics) {
    await this.send('Emulation.setDeviceMetricsOverride', { deviceScaleFactor: 1, mobile: false, ...metrics });
    await this.send('Emulation.setTouchEmulationEnabled', { enabled: Boolean(metrics.mobile) });
  }

  async go(address) {
    await this.send('Page.navigate', { url: address });
    await this.until('document.readyState === "complete"', 'the page');
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    check(!exceptionDetails, `${expression}: ${exceptionDetails?.exception?.description}`);
    return result.value;
  }

  async until(expression, what) {
    for (const start = Date.now(); Date.now() < start + ONE;) {
      if (await this.evaluate(expression).catch(() => false)) return;
      if (gone) throw gone;
      await pause(50);
    }
    throw new Error(`${this.name}: waited in vain for ${what}`);
  }

  async picture(name) {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    writeFileSync(join(folder, `${name}.png`), Buffer.from(data, 'base64'));
  }

  async key(key, modifiers = 0) {
    const code = /^[0-9]$/.test(key) ? `Digit${key}` : key.length === 1 ? `Key${key.toUpperCase()}` : key;
    const text = key.length === 1 ? { text: key } : {};
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code, modifiers, ...text });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code, modifiers });
  }

  async middle(selector) {
    return this.evaluate(`(() => {
      const box = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
      return { x: box.left + box.width / 2, y: box.top + box.height / 2, width: box.width, height: box.height };
    })()`);
  }

  async tap(selector) {
    await this.evaluate(`document.querySelector(${JSON.stringify(selector)}).scrollIntoView({ block: 'nearest' })`);
    const { x, y, width, height } = await this.middle(selector);
    check(width >= 44 && height >= 43.9, `${selector} is too small to touch: ${width}×${height}`);
    await this.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y }] });
    await this.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  }

  async click(selector) {
    const { x, y } = await this.middle(selector);
    const mouse = { x, y, button: 'left', clickCount: 1 };
    await this.send('Input.dispatchMouseEvent', { type: 'mousePressed', ...mouse });
    await this.send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...mouse });
  }

  async drag(selector, dx, dy) {
    const { x, y } = await this.middle(selector);
    const mouse = { button: 'left', buttons: 1, clickCount: 1 };
    await this.send('Input.dispatchMouseEvent', { type: 'mousePressed', x, y, ...mouse });
    await this.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x: x + dx, y: y + dy, ...mouse });
    await this.send('Input.dispatchMouseEvent', { type: 'mouseReleased', x: x + dx, y: y + dy, ...mouse });
  }

  /** From the consent page to the first trial. */
  async begin(act) {
    await this.go(url);
    await this.picture(`${this.name}-consent`);
    await act('button[type=submit]');
    await pause(200);
    check(await this.evaluate('location.pathname') === '/', 'nobody begins without consent');
    await act('.agree');
    await act('button[type=submit]');
    await this.until('location.pathname.startsWith("/s/")', 'the private link');
    this.link = await this.evaluate('location.href');
  }

  count() {
    return this.evaluate('document.getElementById("count").textContent');
  }

  /** Waits until trial `number` is open, and sees that its pictures are shown pixel by pixel. */
  async trial(number) {
    await this.until(`document.getElementById('count').textContent.startsWith('${number} of')
      && document.querySelectorAll('.window img.on').length > 0 && open`, `trial ${number}`);
    const ratio = await this.evaluate('devicePixelRatio');
    const seen = await this.evaluate(`[...document.querySelectorAll('.window img.on')].map(image => {
      const box = image.getBoundingClientRect(), frame = image.parentElement.getBoundingClientRect();
      return { natural: [image.naturalWidth, image.naturalHeight], shown: [box.width, box.height].map(side => side * devicePixelRatio),
        at: [box.left, box.top].map(place => place * devicePixelRatio), inside: [box.left - frame.left, box.top - frame.top] };
    })`);
    // Layout counts in 64ths of a point.
    const close = (a, b) => Math.abs(a - b) < 0.01 + ratio / 64;
    for (const { natural, shown, at } of seen) {
      for (const axis of [0, 1]) {
        check(natural[axis] > 0 && close(natural[axis], shown[axis]), `not pixel by pixel: ${natural} shown as ${shown}`);
        check(close(at[axis], Math.round(at[axis])), `between the screen's pixels: ${at}`);
      }
    }
    // The same part of all pictures, up to the pixel they are put on.
    for (const { inside } of seen) check(inside.every((value, axis) => Math.abs(value - seen[0].inside[axis]) <= 1.01), 'other parts');
    const wide = await this.evaluate('document.documentElement.scrollWidth > innerWidth');
    check(!wide, `${this.name}: the page is wider than the screen`);
    // Pictures that have just changed take no answer.
    await pause(300);
    return seen;
  }
}

async function run() {
  const desktop = await Page.open('desktop', { width: 1280, height: 800 }, 'light');
  await desktop.begin(selector => desktop.click(selector));
  await desktop.trial(1);
  await desktop.picture('desktop-light');
  const total = Number((await desktop.count()).split(' of ')[1]);

  // The reference and the input in place of the pictures, by key and by button.
  const on = page => page.evaluate(`[...document.querySelectorAll('.window')].map(frame =>
    [...frame.querySelectorAll('img')].findIndex(image => getComputedStyle(image).visibility === 'visible'))`);
  const expect = async (at, what) => {
    const seen = await on(desktop);
    check(seen.length === 2 && seen.every(index => index === at), `${what}: ${seen}`);
  };
  await expect(0, 'pictures');
  await desktop.key('r');
  await expect(1, 'reference');
  await desktop.picture('desktop-reference');
  await desktop.key('i');
  await expect(2, 'input');
  await desktop.key('i');
  await expect(0, 'pictures again');
  await desktop.click('#reference');
  check(await desktop.evaluate(`document.getElementById('reference').getAttribute('aria-pressed')`) === 'true', 'pressed');
  await desktop.key('Escape');
  await expect(0, 'pictures after Escape');

  // Both pictures move together.
  const places = () => desktop.evaluate(`[...document.querySelectorAll('.window img.on')].map(image => image.style.transform)`);
  const before = await places();
  await desktop.drag('.window', -80, -40);
  const moved = await places();
  check(moved.every((place, at) => place !== before[at]), `a drag moves nothing: ${before} ${moved}`);
  await desktop.trial(1);

  // A browser that scales is found out.
  const notice = page => page.evaluate(`(() => { const line = document.getElementById('scale'); return line.hidden ? '' : line.textContent; })()`);
  check(await notice(desktop) === '', 'no notice at 100 %');
  await desktop.size({ width: 1164, height: 727, deviceScaleFactor: 1.1 });
  await desktop.until(`!document.getElementById('scale').hidden`, 'the notice');
  check((await notice(desktop)).includes('110 %'), await notice(desktop));
  await desktop.picture('desktop-scaled');
  await desktop.size({ width: 1280, height: 800 });
  await desktop.until(`document.getElementById('scale').hidden`, 'no notice');

  const keys = ['1', '2', 'ArrowLeft', 'ArrowRight'];
  const sent = { desktop: [], phone: [] };
  for (let number = 1; number <= total; number++) {
    await desktop.trial(number);
    if (number === 3) {
      await desktop.go(desktop.link);
      await desktop.trial(3);
    }
    if (number === 5) {
      // The answer is given while nobody listens, and arrives when the server is back.
      console.log('restart');
      await lines.next();
    }
    const at = number % keys.length;
    if (number === 5) {
      await desktop.key(keys[at]);
      await desktop.until(`!document.getElementById('trouble').hidden`, 'the notice that the server is away');
      await desktop.picture('desktop-away');
      console.log('start');
      await lines.next();
    } else await desktop.key(keys[at]);
    sent.desktop.push(1 + (at % 2));
  }
  await desktop.until(`!document.getElementById('thanks').hidden`, 'thanks');
  await desktop.picture('desktop-thanks');

  const phone = await Page.open('phone', { width: 390, height: 844, deviceScaleFactor: 3, mobile: true }, 'dark');
  await phone.begin(selector => phone.tap(selector));
  for (let number = 1; number <= total; number++) {
    await phone.trial(number);
    if (number === 1) await phone.picture('phone-dark');
    if (number === 2) {
      await phone.tap('#reference');
      check((await on(phone)).every(index => index === 1), 'the reference by touch');
      await phone.picture('phone-reference');
      await phone.tap('#reference');
    }
    const side = 1 + (number % 3 ? 1 : 0);
    await phone.tap(`.pane:nth-child(${side}) .choose`);
    sent.phone.push(side);
  }
  await phone.until(`!document.getElementById('thanks').hidden`, 'thanks');

  // What else was asked for, and what the browser complained about.
  const requests = heard.filter(({ method }) => method === 'Network.requestWillBeSent').map(({ params }) => params.request.url);
  const foreign = requests.filter(address => !address.startsWith(`${origin}/`) && !address.startsWith('about:'));
  const errors = heard.filter(({ method }) => method === 'Runtime.exceptionThrown').map(({ params }) => params.exceptionDetails.text);
  const complaints = heard.filter(({ method, params }) => method === 'Log.entryAdded' && params.entry.level === 'error'
    && !/ERR_CONNECTION|ERR_EMPTY_RESPONSE/.test(params.entry.text)).map(({ params }) => params.entry.text);
  console.log(JSON.stringify({ total, sent, requests: requests.length, foreign, errors: [...errors, ...complaints] }));
}

run().then(() => 0, error => { console.error(error.stack); return 1; }).then(async code => {
  if (!gone) {
    send('Browser.close').catch(() => {});
    await Promise.race([ended, pause(5000)]);
  }
  try {
    // The browser and its helpers are one group.
    process.kill(-browser.pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
  try {
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  } catch {
    // A folder that stays in the system's temporary one is no fault of the page.
  }
  process.exit(code);
});
