// Banks of pads: which there are, loaded and saved by name.

import { $, confirm, hush, make, say } from "./elements.js";

export class Banks {
  #connection;
  #answers = []; // of the daemon, until it says that these are all
  #banks = []; // {name, program, isPlayed}

  constructor(connection) {
    this.#connection = connection;
    connection.on("/ace/banks", ([name, program, played]) => {
      this.#answers.push({ name, program, isPlayed: Boolean(played) });
    });
    connection.on("/ace/done", ([command]) => {
      if (command === "/ace/bank/list") this.#show(this.#answers);
      else if (command === "/ace/bank/save" && $("banks").open) $("bank-name").value = "";
      else return;
      if (command === "/ace/bank/list") this.#answers = [];
    });
    connection.on("/ace/bank", () => this.#list()); // it is loaded or saved, here or elsewhere
    $("bank").addEventListener("click", () => this.open());
    $("bank-save").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save($("bank-name").value.trim());
    });
  }

  open() {
    this.#forget();
    $("banks").showModal();
    this.#list();
  }

  #list() {
    if (!$("banks").open) return;
    this.#answers = [];
    this.#send("/ace/bank/list");
  }

  async #save(name) {
    this.#forget();
    const isOther = this.#banks.some((bank) => bank.name === name && !bank.isPlayed);
    if (isOther && !(await confirm(`Save these pads in place of bank ${name}?`, "Replace it"))) return;
    this.#send("/ace/bank/save", name);
  }

  #load(name) {
    this.#forget();
    this.#send("/ace/bank/load", name);
  }

  /** What was refused before. */
  #forget() {
    $("banks").querySelector(".told").textContent = "";
    hush();
  }

  #send(address, ...values) {
    if (!this.#connection.send(address, ...values)) say("the daemon is away: nothing was sent");
  }

  #show(banks) {
    this.#banks = banks;
    const focused = document.activeElement.dataset?.bank;
    $("bank-list").replaceChildren(...banks.map((bank) => this.#buildRow(bank)));
    if (focused) $("bank-list").querySelector(`[data-bank="${CSS.escape(focused)}"]`)?.focus();
  }

  #buildRow({ name, program, isPlayed }) {
    const word = isPlayed ? "Load anew" : "Load";
    const load = make("button", { type: "button", "data-bank": name, "aria-label": `${word} ${name}`,
      onclick: () => this.#load(name) }, word);
    const facts = isPlayed ? `program ${program} · now` : `program ${program}`;
    return make("li", { "aria-current": isPlayed ? "true" : null }, make("span", { class: "title" }, name),
      make("span", { class: "quiet" }, facts), load);
  }
}
