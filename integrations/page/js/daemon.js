// How the daemon stands: its engine, its tempo, who is connected, what is wrong.

import { $, count, make, round, say, saying } from "./elements.js";
import { askJson } from "./http.js";
import { Models } from "./models.js";

const SECOND = 1000; // milliseconds
const ANSWERED = ["client", "finding"]; // what is asked for when the dialog opens
const CHANGES = ["/ace/model", "/ace/adapter", "/ace/adapters"]; // commands after which it is otherwise
const UNWELL = { error: "The engine is in trouble", loading: "The engine loads", cold: "No model is loaded" };
const WORDS = { cold: "cold", loading: "loads", warm: "ready", busy: "at work", error: "in trouble" };
const SOURCES = { explicit: "set here", link: "Ableton Link", midi: "MIDI clock", default: "bpm" };

export class Daemon {
  #connection;
  #heard = new Map(); // by kind: what answers came
  #facts = null;
  #nameJob;
  #models;
  #state = ""; // in words
  #loadingSince = 0; // milliseconds; 0 while it does not load
  #isDoctorOpen = false;

  /** `nameJob` gives the text of a job's id. */
  constructor(connection, nameJob) {
    this.#connection = connection;
    this.#nameJob = nameJob;
    this.#models = new Models(connection);
    setInterval(() => this.#tellLoading(), SECOND);
    connection.on("/ace/state", ([state, model, waiting]) => {
      const queue = waiting ? ` · ${waiting} waiting` : "";
      this.#showEngine(state, `${WORDS[state] ?? state}${queue} · ${model}`);
      this.#state = WORDS[state] ?? state;
      this.#loadingSince = state === "loading" ? this.#loadingSince || Date.now() : 0;
      this.#tellLoading();
      if ($("daemon").open) this.#load();
    });
    connection.on("/ace/tempo", ([bpm, source]) => {
      const field = $("tempo-bpm");
      if (field !== document.activeElement) field.value = source === "default" ? "" : round(bpm);
      field.placeholder = round(bpm);
      $("tempo-source").textContent = SOURCES[source] ?? source;
    });
    connection.addEventListener("close", () => {
      this.#showEngine("away", "the daemon is away; what you type is kept");
    });
    for (const kind of ANSWERED)
      connection.on(`/ace/${kind}`, (values) => {
        this.#heard.set(kind, [...(this.#heard.get(kind) ?? []), values]);
        if ($("daemon").open) this.#draw();
      });
    for (const [kind, at] of [["done", 0], ["fail", 1]])
      connection.on(`/ace/${kind}`, (values) => {
        if (!CHANGES.includes(values[at]) || !$("daemon").open) return;
        if (kind === "fail") this.#models.forget();
        this.#load();
      });
    $("open-daemon").addEventListener("click", () => this.open());
    $("tempo").addEventListener("submit", (event) => event.preventDefault());
    $("tempo-bpm").addEventListener("change", () => this.#setTempo());
  }

  open() {
    this.#heard = new Map();
    for (const command of ["clients", "doctor"])
      this.#connection.send(`/ace/${command}`);
    $("daemon").querySelector(".told").textContent = "";
    this.#load();
    this.#draw();
    $("daemon").showModal();
  }

  /** Nothing follows Link or the MIDI clock again. */
  #setTempo() {
    const sent = this.#connection.send("/ace/tempo", Number($("tempo-bpm").value));
    if (!sent) say("the daemon is away: the tempo was not sent");
  }

  #load = saying(async () => {
    this.#facts = await askJson("/daemon");
    this.#draw();
  });

  #tellLoading() {
    const seconds = Math.floor((Date.now() - this.#loadingSince) / SECOND);
    const text = this.#loadingSince ? `for ${seconds} s` : "";
    if ($("loading").textContent !== text) $("loading").textContent = text;
    this.#models.tell([this.#state, text].filter(Boolean).join(" "));
  }

  #showEngine(state, text) {
    $("engine").dataset.state = state;
    if ($("engine-text").textContent !== text) $("engine-text").textContent = text;
    $("engine").title = text;
  }

  #draw() {
    const facts = this.#facts;
    const findings = this.#heard.get("finding") ?? [];
    const state = $("engine").dataset.state;
    const wrong = findings.filter(([, , problem]) => problem);
    if (facts) {
      this.#models.show(facts, this.#state);
      this.#tellLoading();
    }
    $("daemon-body").replaceChildren(
      heading("This daemon"),
      facts ? table(facts.facts) : "",
      heading("What doctor finds"),
      UNWELL[state] ? make("p", { class: state === "error" ? "problem" : "quiet" }, UNWELL[state]) : "",
      ...wrong.map((finding) => make("p", {}, ...describeFinding(finding))),
      findings.length ? this.#buildFindings(findings, wrong.length) : "",
      heading("Queue"),
      list((facts?.queue ?? []).map(({ id, state }) => [`${this.#nameJob(id)}: ${state} `, this.#buildCancel(id)])),
      heading("Programs that are connected"),
      list((this.#heard.get("client") ?? []).map(([name, client, seconds]) =>
        [`${name} (${client}), heard ${Math.round(seconds)} s ago`])),
      heading("Log"),
      make("pre", { tabindex: "0", class: "log" }, (facts?.log ?? []).join("\n") || "It is shown on the daemon's own machine."),
    );
    const log = $("daemon-body").lastChild;
    log.scrollTop = log.scrollHeight;
  }

  /** All that was looked at, folded. */
  #buildFindings(findings, wrong) {
    const things = count(findings.length, "thing");
    const isWell = !wrong && !UNWELL[$("engine").dataset.state];
    const how = wrong ? `${wrong} of ${things} ${wrong === 1 ? "is" : "are"} wrong` : `${isWell ? "All is well: " : ""}${things} looked at`;
    const keepOpen = ({ target }) => (this.#isDoctorOpen = target.open);
    return make("details", { open: this.#isDoctorOpen, ontoggle: keepOpen }, make("summary", {}, how),
      make("ul", { id: "findings" }, ...findings.map((finding) => make("li", {}, ...describeFinding(finding)))));
  }

  #buildCancel(id) {
    const cancel = () => this.#connection.send("/ace/cancel", id);
    return make("button", { type: "button", "aria-label": `Cancel ${this.#nameJob(id)}`, onclick: cancel }, "Cancel");
  }
}

/** A setting, what it names, and what is wrong with it, if anything. */
function describeFinding([what, path, problem, hint]) {
  if (!problem) return [`${what}: `, make("span", { class: "quiet" }, `${path} works`.trim())];
  return [make("strong", { class: "problem" }, `${what}: ${problem}`), ` ${path} `, make("span", { class: "quiet" }, hint)];
}

function heading(text) {
  return make("h3", {}, text);
}

function list(items) {
  if (!items.length) return make("p", { class: "quiet" }, "none");
  return make("ul", {}, ...items.map((parts) => make("li", {}, ...parts)));
}

function table(facts) {
  return make("dl", {}, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}
