// Drives the page of `percept web` in a headless Chromium, as a person would: drops photos, compares, downloads, cancels,
// closes the page, and pulls the plug.
//
//   node crates/percept-cli/tests/web.mjs target/release/percept [FOLDER FOR SCREENSHOTS] [FOLDER OF RUNS]
//
// Needs Node 20 and Chromium (CHROMIUM says where it is, if it is not `chromium`), and nothing else: it speaks to the browser
// over a pipe. The photos are those in assets/photos.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync, copyFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [percept, shots, runs] = process.argv.slice(2);
if (!percept) {
  console.error("usage: node web.mjs PERCEPT [SHOTS] [RUNS]");
  process.exit(2);
}
const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const work = mkdtempSync(join(tmpdir(), "percept-web-"));
const downloads = join(work, "downloads");
mkdirSync(downloads);
if (shots) mkdirSync(shots, { recursive: true });

let failed = 0;
function check(what, fine, more = "") {
  console.log(`${fine ? "ok  " : "FAIL"} ${what}${fine ? "" : ` ${more}`}`);
  failed += fine ? 0 : 1;
}
const pause = (ms) => new Promise((then) => setTimeout(then, ms));

// The server

function serve(...more) {
  const child = spawn(percept, ["web", "--listen", "127.0.0.1:0", ...more], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((then) => child.stdout.once("data", (line) => then({ child, url: String(line).trim() })));
}

// The browser, over a pipe: messages end in a zero byte.

class Browser {
  constructor() {
    const flags = ["--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
      `--user-data-dir=${join(work, "profile")}`, "about:blank"];
    this.child = spawn(process.env.CHROMIUM ?? "chromium", flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    this.number = 0;
    this.waiting = new Map();
    this.heard = [];
    let rest = "";
    this.child.stdio[4].on("data", (data) => {
      const parts = (rest + data).split("\0");
      rest = parts.pop();
      for (const part of parts) {
        const message = JSON.parse(part);
        if (message.id === undefined) this.heard.forEach((listener) => listener(message));
        else {
          const { then, fail } = this.waiting.get(message.id);
          this.waiting.delete(message.id);
          message.error ? fail(new Error(message.error.message)) : then(message.result);
        }
      }
    });
  }

  send(method, params = {}, sessionId) {
    const id = ++this.number;
    this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((then, fail) => this.waiting.set(id, { then, fail }));
  }

  async page(url) {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, targetId, sessionId);
    await page.send("Page.enable");
    await page.send("Network.enable");
    await page.send("Runtime.enable");
    await page.go(url);
    return page;
  }
}

class Page {
  constructor(browser, target, session) {
    Object.assign(this, { browser, target, session, requests: [], errors: [] });
    browser.heard.push(({ sessionId, method, params }) => {
      if (sessionId !== session) return;
      if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
      if (method === "Runtime.exceptionThrown") this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
      if (method === "Runtime.consoleAPICalled" && params.type === "error") this.errors.push(params.args.map((a) => a.value).join(" "));
    });
  }

  send(method, params) {
    return this.browser.send(method, params, this.session);
  }

  async go(url) {
    await this.send("Page.navigate", { url });
    await this.until("document.readyState === 'complete' && !document.querySelector('main#photos')?.hidden", 20000).catch(() => {});
  }

  async run(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(expression, ms = 120000) {
    const end = Date.now() + ms;
    while (Date.now() < end) {
      const value = await this.run(expression);
      if (value) return value;
      await pause(100);
    }
    throw new Error(`not within ${ms} ms: ${expression}`);
  }

  async files(paths) {
    const { root } = await this.send("DOM.getDocument");
    const { nodeId } = await this.send("DOM.querySelector", { nodeId: root.nodeId, selector: "#files" });
    await this.send("DOM.setFileInputFiles", { nodeId, files: paths });
  }

  async drop(paths) {
    const data = { items: [], files: paths, dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) await this.send("Input.dispatchDragEvent", { type, x: 300, y: 200, data });
  }

  async key(key, code = key) {
    for (const type of ["keyDown", "keyUp"]) await this.send("Input.dispatchKeyEvent", { type, key, code, text: type === "keyDown" && key.length === 1 ? key : undefined, windowsVirtualKeyCode: { Escape: 27 }[key] });
  }

  async look(name, { width = 1280, height = 860, scale = 1, mobile = false, dark = false, whole = false } = {}) {
    if (!shots) return;
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: scale, mobile });
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] });
    await pause(500);
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: whole });
    writeFileSync(join(shots, `${name}.png`), Buffer.from(data, "base64"));
  }

  async everywhere(name, more = {}) {
    await this.look(`${name}-phone`, { width: 390, height: 800, scale: 2, mobile: true, ...more });
    await this.look(`${name}-phone-dark`, { width: 390, height: 800, scale: 2, mobile: true, dark: true, ...more });
    await this.look(`${name}-dark`, { dark: true, ...more });
    await this.look(name, more);
  }

  /** Whether something is wider than the screen. */
  async overflows() {
    return this.run("document.documentElement.scrollWidth > innerWidth");
  }
}

const row = (name) => `[...document.querySelectorAll('.row')].find((row) => row.querySelector('.name').textContent === ${JSON.stringify(name)})`;
const isDone = (name) => `${row(name)}?.classList.contains('done')`;

async function main() {
  const photos = readdirSync(join(root, "assets/photos/val")).filter((name) => name.endsWith(".jpg"));
  // Small parts of photos, made by percept itself, so that this takes a minute: degraded as for training, a quarter as wide.
  const inputs = join(work, "in");
  mkdirSync(inputs);
  const large = join(root, "assets/photos/val", photos[0]);
  execFileSync(percept, ["apply", "classic-x4-psnr", ...photos.map((name) => join(root, "assets/photos/val", name)), "--outscale", "0.3", "-o", inputs], { stdio: "ignore" });
  const small = photos.map((name) => join(inputs, name));
  const named = join(inputs, "süß & klein.jpg");
  copyFileSync(small[0], named);
  writeFileSync(join(inputs, "text.jpg"), "this is no photo");

  const server = await serve(...(runs ? ["--runs", runs] : []));
  const browser = new Browser();
  try {
    const page = await browser.page(server.url);
    await browser.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: downloads });
    check("models are offered", (await page.run("document.querySelectorAll('.model').length")) >= 3);
    await page.everywhere("1-empty");
    check("nothing is wider than a desktop", !(await page.overflows()));

    // A photo is dropped, restored, downloaded, and equal to apply's.
    await page.drop([named]);
    await page.until(isDone("süß & klein.jpg"));
    await page.run(`${row("süß & klein.jpg")}.querySelector('a').click()`);
    const got = join(downloads, "süß & klein-x4.jpg");
    for (let i = 0; i < 100 && !existsSync(got); i++) await pause(100);
    execFileSync(percept, ["apply", named], { stdio: "ignore" });
    check("a dropped photo's download is apply's", existsSync(got) && readFileSync(got).equals(readFileSync(join(inputs, "süß & klein-x4.jpg"))), readdirSync(downloads).join(", "));

    // Before and after.
    await page.run(`${row("süß & klein.jpg")}.querySelector('button').click()`);
    await page.until("document.getElementById('before').complete && [...document.querySelectorAll('#after img')].slice(1).every((img) => img.complete) && document.querySelectorAll('#after img').length > 1");
    await page.look("3-viewer-phone", { width: 390, height: 800, scale: 2, mobile: true });
    await page.look("3-viewer");
    const side = "document.querySelector('#after img + img').getBoundingClientRect().width * devicePixelRatio / document.querySelector('#after img + img').naturalWidth";
    check("1:1 is a pixel of the screen for one of the picture", Math.abs((await page.run(side)) - 1) < 1e-3, await page.run(side));
    const divider = () => page.run("Number(document.getElementById('divider').ariaValueNow)");
    const before = await divider();
    await page.key("ArrowRight");
    check("keys move the divider", (await divider()) === before + 2);
    await page.key("f", "KeyF");
    await page.look("3-viewer-fit");
    check("F fits it in", await page.run("document.querySelector('[data-zoom=fit]').ariaPressed === 'true'"));
    await page.key("4", "Digit4");
    await page.look("3-viewer-4");
    await page.key("Escape");
    check("Escape closes it", !(await page.run("document.getElementById('viewer').open")));

    // Ten at once, one that is no photo among them, and one that is cancelled.
    const ten = [];
    for (let i = 0; i < 10; i++) {
      const path = join(inputs, `ten-${i}.jpg`);
      copyFileSync(small[i % small.length], path);
      ten.push(path);
    }
    await page.files([...ten, join(inputs, "text.jpg"), large]);
    await page.until("document.querySelectorAll('.row').length === 13");
    await page.until("document.querySelector('.row.working')");
    await page.everywhere("2-queue", { whole: true });
    const last = photos[0];
    await page.until(`${row(last)}?.classList.contains('waiting') || ${row(last)}?.classList.contains('working')`);
    await page.run(`[...${row(last)}.querySelectorAll('button')].find((button) => button.textContent === 'Cancel').click()`);
    await page.until(`${row(last)}?.classList.contains('cancelled')`, 5000);
    check("one is cancelled", true);
    for (let i = 0; i < 10; i++) await page.until(isDone(`ten-${i}.jpg`));
    check("ten at once are done", true);
    await page.until(`${row("text.jpg")}?.classList.contains('failed')`);
    check("what is no photo says why", (await page.run(`${row("text.jpg")}.querySelector('.state').textContent`)).includes("text.jpg: "));
    check("what was cancelled stays so", await page.run(`${row(last)}.classList.contains('cancelled')`));
    await page.everywhere("2-done", { whole: true });
    await page.send("Emulation.setDeviceMetricsOverride", { width: 340, height: 700, deviceScaleFactor: 1, mobile: true });
    check("nothing is wider than a small phone", !(await page.overflows()));
    await page.send("Emulation.clearDeviceMetricsOverride");

    // Trainings.
    if (runs) {
      await page.run("location.hash = '#trainings'");
      await page.until("document.querySelector('.run')");
      await page.everywhere("4-trainings");
      await page.run("document.querySelector('.run').click()");
      await page.until("document.querySelector('.chart')");
      await pause(1500);
      await page.everywhere("5-training", { whole: true });
      check("a training has charts", (await page.run("document.querySelectorAll('.chart polyline').length")) > 0);
      await page.run("location.hash = '#photos'");
    }

    // A page that is closed takes its photos with it.
    const result = await page.run("document.querySelector('.row.done a').href");
    check("a result is there", (await fetch(result)).status === 200);
    const elsewhere = page.requests.filter((url) => !url.startsWith(server.url) && !/^(blob|data|about):/.test(url));
    check("nothing is asked of anyone else", elsewhere.length === 0, elsewhere.join(" "));
    check("the page has no errors", page.errors.length === 0, page.errors.join("\n"));
    await browser.send("Target.closeTarget", { targetId: page.target });
    let gone = 0;
    for (let i = 0; i < 50 && gone !== 410; i++) {
      await pause(100);
      gone = (await fetch(result)).status;
    }
    check("a closed page takes its photos with it", gone === 410, gone);

    // The plug is pulled.
    const second = await browser.page(server.url);
    await second.files([named]);
    await second.until("document.querySelector('.row')");
    server.child.kill("SIGKILL");
    await second.until("!document.getElementById('trouble').hidden", 15000);
    check("a server that was killed is missed", (await second.run("document.getElementById('trouble').textContent")).startsWith("The server has gone"));
    await second.look("6-gone");
  } finally {
    browser.child.kill();
    server.child.kill();
    await pause(300);
    rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  console.log(failed ? `${failed} checks failed` : "All is well.");
  process.exit(failed ? 1 : 0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
