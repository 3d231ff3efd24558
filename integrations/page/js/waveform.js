// Waveforms, drawn from the peaks that the daemon has computed.

import { askJson } from "./http.js";

const MOST_KEPT = 400;
const kept = new Map(); // by address; the one that was used last is last

/** {seconds, peaks}: peaks are pairs of lowest and highest sample, -127..127. */
export async function readWaveform(number, stem) {
  const path = `/takes/${number}/waveform/${encodeURIComponent(stem)}`;
  const known = kept.get(path);
  kept.delete(path);
  const waveform = known ?? (await askJson(path).then(decode));
  kept.set(path, waveform);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return waveform;
}

function decode({ seconds, peaks }) {
  const bytes = Uint8Array.from(atob(peaks), (character) => character.charCodeAt(0));
  return { seconds, peaks: new Int8Array(bytes.buffer) };
}

/** Draw it as wide as the canvas is; `played` is 0..1, `bars` lines are drawn where there are. */
export function drawWaveform(canvas, waveform, { played = 0, bars = 0, selection = null } = {}) {
  const scale = devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * scale));
  const height = Math.max(1, Math.round(canvas.clientHeight * scale));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const [plain, bright, line, chosen] = ["--wave", "--accent", "--line", "--chosen"].map((name) =>
    style.getPropertyValue(name),
  );
  context.clearRect(0, 0, width, height);
  if (selection) {
    context.fillStyle = chosen;
    context.fillRect(selection[0] * width, 0, (selection[1] - selection[0]) * width, height);
  }
  const columns = waveform.peaks.length / 2;
  for (let x = 0; x < width; x += 1) {
    const column = Math.min(columns - 1, Math.floor((x / width) * columns));
    const lowest = waveform.peaks[2 * column] / 127;
    const highest = waveform.peaks[2 * column + 1] / 127;
    context.fillStyle = x / width < played ? bright : plain;
    const top = ((1 - highest) / 2) * height;
    context.fillRect(x, top, 1, Math.max(1, ((highest - lowest) / 2) * height));
  }
  context.fillStyle = line;
  for (let bar = 1; bar < bars; bar += 1) context.fillRect((bar / bars) * width, 0, scale, height);
}
