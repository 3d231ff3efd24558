// One take at a time, in a loop without a gap; another take of the same length goes on in the beat.

import { ask } from "./http.js";

const AHEAD = 0.03; // seconds from a decision to its sound
const FADE = 0.005; // seconds
const MOST_BYTES = 400 * 2 ** 20; // of decoded sound that is kept
const SAME = 0.002; // seconds by which lengths may differ that are the same

export class Player extends EventTarget {
  #context = null;
  #gain = null;
  #buffers = new Map(); // by address; the one that was used last is last
  #sources = []; // {source, gain, stem}
  #began = 0; // when position 0 was, on the context's clock
  #request = 0;
  take = null;
  stems = [];
  levels = new Map(); // by stem, 0..1
  analyser = null;
  isLooping = true;

  get isPlaying() {
    return this.#sources.length > 0;
  }

  get seconds() {
    return this.#sources[0]?.source.buffer.duration ?? 0;
  }

  /** Seconds from the beginning of the loop. */
  get position() {
    if (!this.isPlaying) return 0;
    const passed = Math.max(0, this.#context.currentTime - this.#began);
    return this.isLooping ? passed % this.seconds : Math.min(passed, this.seconds);
  }

  get clock() {
    return this.#context?.currentTime ?? 0;
  }

  get began() {
    return this.#began;
  }

  set volume(value) {
    this.#open();
    this.#gain.gain.setTargetAtTime(value, this.#context.currentTime, FADE);
  }

  /** Play these stems of a take together. Where as long a one is heard, it goes on in its beat. */
  async play(take, stems = ["mix"]) {
    this.#open();
    this.#request += 1;
    const request = this.#request;
    await this.#context.resume();
    const chosen = stems.filter((stem) => take.stems.includes(stem));
    const named = chosen.length ? chosen : take.stems.slice(0, 1);
    const buffers = await Promise.all(named.map((stem) => this.#load(take.number, stem)));
    if (request !== this.#request) return; // another was chosen meanwhile
    const starts = this.#context.currentTime + AHEAD;
    const isInSync =
      this.isPlaying && Math.abs(buffers[0].duration - this.seconds) < SAME && this.isLooping;
    const offset = isInSync ? (starts - this.#began) % buffers[0].duration : 0;
    this.#end(starts);
    this.#began = starts - offset;
    this.take = take;
    this.stems = named;
    this.#sources = named.map((stem, index) => this.#start(stem, buffers[index], starts, offset));
    this.dispatchEvent(new Event("change"));
  }

  stop() {
    this.#request += 1;
    if (!this.isPlaying) return;
    this.#end(this.#context.currentTime);
    this.#sources = [];
    this.dispatchEvent(new Event("change"));
  }

  setLevel(stem, level) {
    this.levels.set(stem, level);
    for (const { stem: other, gain } of this.#sources)
      if (other === stem) gain.gain.setTargetAtTime(level, this.#context.currentTime, FADE);
  }

  setLooping(isLooping) {
    this.isLooping = isLooping;
    if (!this.isPlaying) return;
    const { seconds, position } = this;
    for (const { source } of this.#sources) source.loop = isLooping;
    if (!isLooping) this.#began = this.#context.currentTime - (position % seconds);
  }

  #open() {
    if (this.#context) return;
    this.#context = new AudioContext({ sampleRate: 48000 });
    this.#gain = new GainNode(this.#context);
    this.analyser = new AnalyserNode(this.#context);
    this.#gain.connect(this.analyser).connect(this.#context.destination);
  }

  #start(stem, buffer, starts, offset) {
    const source = new AudioBufferSourceNode(this.#context, { buffer, loop: this.isLooping });
    const gain = new GainNode(this.#context, { gain: this.levels.get(stem) ?? 1 });
    source.connect(gain).connect(this.#gain);
    source.start(starts, offset);
    source.addEventListener("ended", () => {
      if (this.#sources.some((one) => one.source === source)) this.stop();
    });
    return { source, gain, stem };
  }

  #end(when) {
    for (const { source, gain } of this.#sources) {
      gain.gain.setTargetAtTime(0, when, FADE);
      source.stop(when + 8 * FADE);
    }
  }

  async #load(number, stem) {
    const path = `/takes/${number}/sound/${encodeURIComponent(stem)}`;
    let buffer = this.#buffers.get(path);
    if (!buffer) {
      const response = await ask(path);
      buffer = await this.#context.decodeAudioData(await response.arrayBuffer());
    }
    this.#buffers.delete(path);
    this.#buffers.set(path, buffer);
    this.#forget();
    return buffer;
  }

  #forget() {
    const size = (buffer) => buffer.length * buffer.numberOfChannels * 4;
    let bytes = [...this.#buffers.values()].reduce((sum, buffer) => sum + size(buffer), 0);
    for (const [path, buffer] of this.#buffers) {
      if (bytes <= MOST_BYTES || this.#buffers.size === 1) return;
      bytes -= size(buffer);
      this.#buffers.delete(path);
    }
  }
}
