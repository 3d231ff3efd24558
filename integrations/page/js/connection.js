// The daemon's messages, as OSC has them: an address and its arguments.

const FIRST_PAUSE = 250; // milliseconds before a lost connection is tried again
const LONGEST_PAUSE = 5000;
// all but `insert`: who hears that puts clips in
const TOPICS = "queued note progress preview clip finished fail cancelled state favourite inserted tempo pad preparing bank param";
const TRY_AGAIN_LATER = 1013; // another page took its place

export class Connection extends EventTarget {
  #socket = null;
  #pause = FIRST_PAUSE;
  #listeners = new Map(); // by address
  isOpen = false;

  open() {
    const url = new URL("/messages", location.href);
    url.protocol = "ws:";
    this.#socket = new WebSocket(url);
    this.#socket.addEventListener("open", () => {
      this.#pause = FIRST_PAUSE;
      this.isOpen = true;
      this.send("/ace/notify", 1, 0, TOPICS);
      this.dispatchEvent(new Event("open"));
    });
    this.#socket.addEventListener("message", ({ data }) => {
      for (const [address, ...values] of JSON.parse(data)) this.#tell(address, values);
    });
    this.#socket.addEventListener("close", ({ code }) => {
      if (this.isOpen) {
        this.isOpen = false;
        this.dispatchEvent(new Event("close"));
      }
      if (code === TRY_AGAIN_LATER) this.#pause = LONGEST_PAUSE;
      setTimeout(() => this.open(), this.#pause);
      this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
    });
  }

  /** Returns whether it was sent: what is said while the daemon is away is not kept. */
  send(address, ...values) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify([[address, ...values]]));
    return true;
  }

  /** `address` may end in `*`. */
  on(address, listener) {
    const listeners = this.#listeners.get(address) ?? [];
    this.#listeners.set(address, [...listeners, listener]);
  }

  #tell(address, values) {
    for (const [pattern, listeners] of this.#listeners) {
      const isMeant = pattern.endsWith("*")
        ? address.startsWith(pattern.slice(0, -1))
        : address === pattern;
      if (isMeant) for (const listener of listeners) listener(values, address);
    }
  }
}
