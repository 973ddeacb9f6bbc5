// Asks the server. It knows whether the server is there, and says so once for the whole page.

const token = new URLSearchParams(location.search).get("token");
const listeners = new Set();
let visit = null;
let gone = false;

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** Hears of `true` when the server has gone and of `false` when it is there again. */
export function onGone(listener) {
  listeners.add(listener);
}

function tell(now) {
  if (gone === now) return;
  gone = now;
  listeners.forEach((listener) => listener(now));
}

/** A request; what is refused is an error with a sentence for people. */
async function ask(path, options = {}) {
  let reply;
  try {
    reply = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    tell(true);
    throw error;
  }
  tell(false);
  if (!reply.ok) throw new Refused(reply.status, await reply.text());
  return reply;
}

/** Begins a visit: what the page offers. */
export async function enter() {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const offer = await (await ask("/visit", { method: "POST", headers })).json();
  visit = offer.visit;
  return offer;
}

/** The address of something of this visit. */
export function at(path) {
  return `/v/${visit}${path}`;
}

export async function get(path) {
  return (await ask(at(path))).json();
}

export async function post(path) {
  await ask(at(path), { method: "POST" });
}

/** Sends a file; `heard` gets the share that is sent. Aborts with `signal`. */
export function send(path, file, heard, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", at(path));
    request.upload.onprogress = (event) => event.lengthComputable && heard(event.loaded / event.total);
    request.onload = () => {
      tell(false);
      if (request.status === 200) resolve(JSON.parse(request.responseText));
      else reject(new Refused(request.status, request.responseText));
    };
    request.onerror = () => reject(new Error("The photo could not be sent."));
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** The page is closed: the server forgets all photos. */
export function leave() {
  if (visit) navigator.sendBeacon(at("/leave"));
  visit = null;
}

export function isOver() {
  return visit === null;
}
