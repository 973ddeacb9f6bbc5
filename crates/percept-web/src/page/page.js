// Which page is shown, and what is said where the server has gone.

import * as server from "/server.js";
import { Photos } from "/photos.js";
import { Runs } from "/runs.js";

const $ = (id) => document.getElementById(id);
const trouble = $("trouble");
let photos, runs;

function say(text) {
  trouble.textContent = text ?? "";
  trouble.hidden = !text;
}

function show() {
  $("viewer").close();
  const [page, run] = location.hash.slice(1).split("/", 2);
  const trainings = page === "trainings" && runs;
  $("photos").hidden = trainings;
  $("trainings").hidden = !trainings;
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.hash === (trainings ? "#trainings" : "#photos")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (trainings) runs.show(run === undefined ? null : decodeURIComponent(location.hash.slice("#trainings/".length)));
  else runs?.rest();
}

async function begin() {
  let offer;
  try {
    offer = await server.enter();
  } catch (error) {
    say(error.message || "The server cannot be reached. Start `percept web` and load this page again.");
    return;
  }
  say(null);
  photos = new Photos(offer, (why) => say(why));
  if (offer.runs) {
    runs = new Runs($("trainings"));
    $("nav").hidden = false;
  }
  if (offer.models.length === 0 && !location.hash) location.hash = "#trainings";
  show();
}

server.onGone((gone) => {
  say(gone ? "The server has gone. Results that you have not downloaded are lost with it, and photos that wait are not restored. Start percept web again and load this page." : null);
});
addEventListener("hashchange", show);
// A page that is kept for the way back has lost its photos too.
addEventListener("pagehide", () => server.leave());
addEventListener("pageshow", (event) => event.persisted && location.reload());
begin();
