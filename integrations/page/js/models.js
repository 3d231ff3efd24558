// The model that plays and its adapters: which there are, and how they stand.

import { $, hush, make, say } from "./elements.js";

const MOST = 10; // a scale, on either side of 0

export class Models {
  #connection;
  #shown = ""; // what the lists were made of

  constructor(connection) {
    this.#connection = connection;
    $("adapter-add").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send("/ace/adapter", $("adapter-path").value.trim(), 1);
    });
  }

  /** `state` is how the model stands, in words. Lists that say the same stay as they are. */
  show({ models, adapters }, state) {
    const shown = JSON.stringify([models, adapters]);
    if (shown !== this.#shown) {
      this.#shown = shown;
      const focused = document.activeElement.dataset?.name;
      $("models").replaceChildren(...models.map((model) => this.#buildModel(model)));
      $("adapters").replaceChildren(...adapters.map((adapter) => this.#buildAdapter(adapter)));
      $("no-adapters").hidden = adapters.length > 0;
      if (focused) $("daemon").querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
    }
    this.tell(state);
  }

  /** What is typed there is refused: it is shown again what holds. */
  forget() {
    this.#shown = "";
  }

  tell(state) {
    const place = $("model-state");
    if (place && place.textContent !== state) place.textContent = state;
  }

  /** What is not on this machine cannot be loaded: it would take the place of what plays. */
  #buildModel({ name, isPlayed, variant, missing }) {
    const load = () => this.#send("/ace/model", name, ...(variant ? [variant] : []));
    const word = isPlayed ? "Load anew" : "Load";
    return make("li", { "aria-current": isPlayed ? "true" : null },
      make("span", { class: "title" }, [name, variant].filter(Boolean).join("/")),
      isPlayed ? make("span", { id: "model-state", class: "quiet", role: "status" }) : "",
      missing ? make("span", { class: "quiet missing" }, missing)
        : make("button", { type: "button", "data-name": name, onclick: load, "aria-label": `${word} ${name}` }, word));
  }

  #buildAdapter({ path, scale }) {
    const isWorn = scale !== 0;
    const name = path.split("/").pop().replace(/\.safetensors$/i, "");
    const field = make("input", { type: "number", step: "0.05", min: String(-MOST), max: String(MOST),
      value: String(isWorn ? scale : 1), "aria-label": `Scale of ${name}`, "data-name": `${path} scale` });
    const wear = (to) => this.#send("/ace/adapter", path, to);
    field.addEventListener("change", () => isWorn && wear(Number(field.value)));
    const change = make("button", { type: "button", "data-name": path, "aria-label": `${isWorn ? "Take off" : "Put on"} ${name}`,
      onclick: () => wear(isWorn ? 0 : Number(field.value)) }, isWorn ? "Take off" : "Put on");
    return make("li", { "aria-current": isWorn ? "true" : null },
      make("span", { class: "title", title: path }, name), field, change);
  }

  #send(address, ...values) {
    this.#shown = ""; // where it is refused, the lists are as they were, and the field is not
    $("daemon").querySelector(".told").textContent = "";
    hush();
    if (!this.#connection.send(address, ...values)) say("the daemon is away: nothing was sent");
  }
}
