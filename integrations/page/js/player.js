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
  #volume = 0.9;
  take = null;
  part = null; // what is looped of a take: {start, end, of}, in seconds, of one that has `of` seconds
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

  /** Seconds from the beginning of the take. */
  get position() {
    return this.isPlaying ? this.#placeAt(this.#context.currentTime) : 0;
  }

  get clock() {
    return this.#context?.currentTime ?? 0;
  }

  get began() {
    return this.#began;
  }

  set volume(value) {
    this.#volume = value;
    this.#gain?.gain.setTargetAtTime(value, this.#context.currentTime, FADE);
  }

  isHeard(take) {
    return this.isPlaying && this.take.number === take.number;
  }

  /** Play these stems of a take together, from `from`, 0..1 of its length. Where that is not said
   * and one of its length is heard, it goes on in the beat, looping or not. */
  async play(take, stems = ["mix"], from = null) {
    const chosen = stems.filter((stem) => take.stems.includes(stem));
    const named = chosen.length ? chosen : take.stems.slice(0, 1);
    const paths = named.map((stem) => soundPath(take, stem));
    await this.#play(take, named, paths, from);
  }

  /** Play what is heard of a take before it is made. */
  async playPreview(take) {
    await this.#play(take, ["preview"], [`/takes/${take.number}/preview?step=${take.step}`], null);
  }

  /** Go on there, 0..1 of what is heard. */
  seek(from) {
    if (!this.isPlaying) return;
    const buffers = this.#sources.map(({ source }) => source.buffer);
    this.#change(this.take, this.stems, buffers, from);
  }

  /** Loop a part of the take: it goes on in the beat, at once where the part is heard now. All of
   * it again: null. */
  loopPart(part) {
    const now = this.clock;
    const { position } = this;
    this.part = part;
    if (part) this.isLooping = true;
    this.#began = now - position;
    if (this.isPlaying && this.#wrap(position, this.seconds) !== position) {
      const buffers = this.#sources.map(({ source }) => source.buffer);
      this.#change(this.take, this.stems, buffers, null);
      return;
    }
    for (const { source } of this.#sources) this.#setLoop(source);
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
    this.loopPart(null);
  }

  /** Browsers allow sound while a hand does something: to be called then, where it is heard later.
   * Resolves once there may be sound. */
  async open() {
    if (!this.#context) this.#build();
    await this.#context.resume();
  }

  async #play(take, stems, paths, from) {
    this.#request += 1;
    const request = this.#request;
    await this.open();
    const buffers = await Promise.all(paths.map((path) => this.#load(path)));
    if (request !== this.#request) return; // another was chosen meanwhile
    this.#change(take, stems, buffers, from);
  }

  #change(take, stems, buffers, from) {
    const starts = this.#context.currentTime + AHEAD;
    const { duration } = buffers[0];
    const isInSync = this.isPlaying && Math.abs(duration - this.seconds) < SAME;
    const inBeat = isInSync ? this.#placeAt(starts) : 0;
    const offset = from === null ? this.#wrap(inBeat, duration) : this.#clamp(from * duration, duration);
    this.#end(starts);
    this.#began = starts - offset;
    this.take = take;
    this.stems = stems;
    this.#sources = stems.map((stem, index) => this.#start(stem, buffers[index], starts, offset));
    this.dispatchEvent(new Event("change"));
  }

  /** The part that is looped of a take of so many seconds; null where all of it is. */
  findPart(seconds) {
    return this.part && Math.abs(this.part.of - seconds) < SAME ? this.part : null;
  }

  /** The place in the take at a time of the clock. */
  #placeAt(time) {
    const passed = Math.max(0, time - this.#began);
    if (!this.isLooping) return Math.min(passed, this.seconds);
    const { start, end } = this.findPart(this.seconds) ?? { start: 0, end: this.seconds };
    return passed < end ? passed : start + ((passed - start) % (end - start));
  }

  /** A place in the part that is looped, in the beat of one that may be outside. */
  #wrap(place, seconds) {
    const { start, end } = this.findPart(seconds) ?? { start: 0, end: Infinity };
    if (start <= place && place < end) return place;
    const length = end - start;
    return start + ((((place - start) % length) + length) % length);
  }

  /** The same for one that is chosen by itself: outside, it begins anew. */
  #clamp(place, seconds) {
    return this.#wrap(place, seconds) === place ? place : this.part.start;
  }

  #setLoop(source) {
    source.loop = this.isLooping;
    const part = this.findPart(source.buffer.duration);
    source.loopStart = part?.start ?? 0;
    source.loopEnd = part?.end ?? 0; // 0: the end of the sound
  }

  #build() {
    if (navigator.audioSession) navigator.audioSession.type = "playback"; // or an iPhone's switch mutes it
    this.#context = new AudioContext({ sampleRate: 48000 });
    this.#gain = new GainNode(this.#context, { gain: this.#volume });
    this.analyser = new AnalyserNode(this.#context);
    this.#gain.connect(this.analyser).connect(this.#context.destination);
  }

  #start(stem, buffer, starts, offset) {
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    this.#setLoop(source);
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

  async #load(path) {
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

export function soundPath(take, stem) {
  return `/takes/${take.number}/sound/${encodeURIComponent(stem)}`;
}
