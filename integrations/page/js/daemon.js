// How the daemon stands: its engine, its tempo, who is connected, what is wrong.

import { $, make, saying } from "./elements.js";
import { askJson } from "./http.js";

export class Daemon {
  #connection;
  #heard = new Map(); // by address: what answers came

  constructor(connection) {
    this.#connection = connection;
    connection.on("/ace/state", ([state, model, waiting]) => {
      const queue = waiting ? `, ${waiting} waiting` : "";
      this.#showEngine(state, `${state}: ${model}${queue}`);
    });
    connection.on("/ace/tempo", ([bpm, source]) => {
      $("tempo").textContent = `${Math.round(bpm * 100) / 100} bpm (${source})`;
    });
    connection.addEventListener("close", () => {
      this.#showEngine("away", "the daemon is away; it is looked for");
    });
    for (const kind of ["client", "worn", "finding", "cache"])
      connection.on(`/ace/${kind}`, (values) => {
        this.#heard.set(kind, [...(this.#heard.get(kind) ?? []), values]);
        this.#draw();
      });
    $("open-daemon").addEventListener("click", () => this.open());
  }

  open() {
    this.#heard = new Map();
    for (const command of ["clients", "adapters", "doctor", "status"])
      this.#connection.send(`/ace/${command}`);
    this.#load();
    this.#draw();
    $("daemon").showModal();
  }

  #facts = null;

  #load = saying(async () => {
    this.#facts = await askJson("/daemon");
    this.#draw();
  });

  #showEngine(state, text) {
    $("engine").dataset.state = state;
    $("engine-text").textContent = text;
  }

  #draw() {
    const facts = this.#facts;
    const findings = this.#heard.get("finding") ?? [];
    $("daemon-body").replaceChildren(
      facts ? table(facts.facts) : "",
      heading("Findings"),
      list(findings.map(([what, path, problem, hint]) =>
        problem ? `${what}: ${[path, problem, hint].filter(Boolean).join("; ")}` : `${what}: works`)),
      heading("Connected"),
      list((this.#heard.get("client") ?? []).map(([name, client]) => `${name} (${client})`)),
      heading("Adapters"),
      list((this.#heard.get("worn") ?? []).map(([path, scale]) => `${path} at ${scale}`)),
      heading("Waiting"),
      list((facts?.queue ?? []).map(({ id, state }) => `${id}: ${state}`)),
      heading("Log"),
      make("pre", { tabindex: "0", class: "log" }, (facts?.log ?? []).join("\n")),
    );
  }
}

function heading(text) {
  return make("h3", {}, text);
}

function list(texts) {
  if (!texts.length) return make("p", { class: "quiet" }, "none");
  return make("ul", {}, ...texts.map((text) => make("li", {}, text)));
}

function table(facts) {
  return make("dl", {}, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}
