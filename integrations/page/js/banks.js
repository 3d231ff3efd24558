// Banks of pads: which there are; they are loaded, saved, renamed and thrown away.

import { $, confirm, hush, make, say } from "./elements.js";

export class Banks {
  #connection;
  #answers = []; // of the daemon, until it says that these are all
  #banks = []; // {name, program, isPlayed}
  #renaming = ""; // the name of the bank that gets another one
  #renamed = ""; // what it is to be called

  constructor(connection) {
    this.#connection = connection;
    connection.on("/ace/banks", ([name, program, played]) => {
      this.#answers.push({ name, program, isPlayed: Boolean(played) });
    });
    connection.on("/ace/done", ([command]) => {
      if (command === "/ace/bank/rename") this.#endRenaming(this.#renamed);
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
    this.#renaming = "";
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

  async #delete(name) {
    this.#forget();
    if (!(await confirm(`Move bank ${name} to the trash?`, "Move to the trash"))) return;
    this.#send("/ace/bank/delete", name);
  }

  #rename(name, other) {
    this.#forget();
    this.#renamed = other;
    if (other === name) this.#endRenaming(name);
    else this.#send("/ace/bank/rename", name, other);
  }

  /** The row of the bank that is called so has no field any more. */
  #endRenaming(name) {
    this.#banks = this.#banks.map((bank) => (bank.name === this.#renaming ? { ...bank, name } : bank));
    this.#renaming = "";
    this.#show(this.#banks);
    $("bank-list").querySelector(`[aria-label="Rename ${CSS.escape(name)}"]`)?.focus();
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
    const focused = document.activeElement;
    const [label, text] = [focused.getAttribute("aria-label"), focused.value];
    const isInList = $("bank-list").contains(focused);
    this.#banks = banks;
    $("bank-list").replaceChildren(...banks.map((bank) => this.#buildRow(bank)));
    if (!isInList) return;
    const again = label && $("bank-list").querySelector(`[aria-label="${CSS.escape(label)}"]`);
    if (again?.tagName === "INPUT") again.value = text;
    (again || $("bank-name")).focus();
  }

  #buildRow({ name, program, isPlayed }) {
    if (name === this.#renaming) return this.#buildField(name);
    const button = (word, act, attributes = {}) =>
      make("button", { type: "button", "aria-label": `${word} ${name}`, onclick: act, ...attributes }, word);
    const rename = () => {
      this.#renaming = name;
      this.#show(this.#banks);
      $("bank-list").querySelector("input").select();
    };
    const facts = isPlayed ? `program ${program} · now` : `program ${program}`;
    const undeletable = { disabled: isPlayed, title: isPlayed ? "It is played now: load another one first" : "" };
    return make("li", { "aria-current": isPlayed ? "true" : null }, make("span", { class: "title" }, name),
      make("span", { class: "quiet" }, facts),
      make("span", { class: "line" }, button(isPlayed ? "Load anew" : "Load", () => this.#load(name)),
        button("Rename", rename, { class: "ghost" }), button("Delete", () => this.#delete(name), { class: "ghost", ...undeletable })));
  }

  #buildField(name) {
    const label = `Another name for ${name}`;
    const field = make("input", { value: name, maxlength: "64", required: true, "aria-label": label });
    const leave = (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // the dialog stays
      this.#endRenaming(name);
    };
    const submit = (event) => {
      event.preventDefault();
      this.#rename(name, field.value.trim());
    };
    return make("li", {}, make("form", { class: "line", onsubmit: submit, onkeydown: leave, autocomplete: "off" }, field,
      make("button", {}, "Rename"), make("button", { type: "button", class: "ghost", onclick: () => this.#endRenaming(name) }, "Keep it")));
  }
}
