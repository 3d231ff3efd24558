// The parts of the page, and how they are wired.

import { Banks } from "./banks.js";
import { Connection } from "./connection.js";
import { Daemon } from "./daemon.js";
import { Detail } from "./detail.js";
import { $, changeIcon, count, formatSeconds, hush, say, saying } from "./elements.js";
import { command, hidden, key, leaveDown, leaveField, openKeys } from "./keys.js";
import { Pads } from "./pads.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { nameTake, Takes } from "./takes.js";

const PANIC_PAUSE = 30; // seconds in which the daemon prepares nothing
const VIEWS = ["ask", "takes", "take", "pads"];

const connection = new Connection();
const player = new Player();
const panel = new Panel(connection);
const takes = new Takes(connection, player);
const detail = new Detail(connection, takes, player, panel);
const pads = new Pads(connection, panel);
const banks = new Banks(connection);
const daemon = new Daemon(connection, (id) => {
  const take = takes.all.find((one) => one.id === id);
  return take ? nameTake(take) : id;
});

connection.on("/ace/fail", ([, name, , message, hint]) => {
  const text = [message, hint].filter(Boolean).join("; ");
  if (detail.refuse(name, text)) return;
  if (!panel.refuse(name, text)) say(text, name);
});
connection.on("/ace/note", ([id, text]) => {
  if (!id) say(text); // of no take: what a command came to
});
connection.on("/ace/queued", ([id]) => {
  if (panel.findOwn(id)) hush(); // what was wrong before is mended
});
connection.on("/ace/tempo", () => hush("/ace/tempo"));
connection.on("/ace/done", ([command, jobs]) => {
  hush(command);
  if (command !== "/ace/panic") return;
  const cancelled = jobs ? `: ${count(jobs, "take")} cancelled` : "";
  say(`Everything is stopped${cancelled}; no pad is made in advance for ${PANIC_PAUSE} seconds`);
});
$("notice").addEventListener("click", () => hush());

// --- on a narrow screen, one part at a time --------------------------------------------------------

function showView() {
  const view = location.hash.slice(1);
  if (VIEWS.includes(view)) document.body.dataset.view = view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${document.body.dataset.view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (document.body.dataset.view === "take") $("ready").textContent = "";
}
addEventListener("hashchange", showView);
showView();

const hasTabs = () => getComputedStyle(document.querySelector("nav")).display !== "none";

// --- takes ----------------------------------------------------------------------------------------

const showProgress = () => ($("badge").textContent = takes.tellProgress());
takes.addEventListener("change", showProgress);
takes.addEventListener("progress", showProgress);
takes.addEventListener("choose", ({ detail: take }) => {
  takes.select(take);
  playOn();
  if (hasTabs()) location.hash = "#take";
});
takes.addEventListener("hear", ({ detail: take }) => player.isHeard(take) || detail.play(take));
takes.addEventListener("play", ({ detail: take }) => {
  takes.select(take);
  if (player.isHeard(take)) player.stop();
  else detail.play(take);
});
takes.addEventListener("favourite", ({ detail: take }) => detail.favourite(take));
takes.addEventListener("cancel", ({ detail: take }) => detail.cancel(take));
detail.addEventListener("edit", () => focus("prompt", "ask"));
pads.addEventListener("hit", () => player.open()); // its sound comes when no hand does anything
pads.addEventListener("finished", saying(async ({ detail: id }) => {
  const take = await takes.fetch(id);
  if (!take) return;
  takes.select(take);
  await detail.play(take);
}));

let awaited = ""; // the id of what was asked for last, as long as no take is chosen

panel.addEventListener("go", ({ detail: id }) => (awaited = id));
takes.addEventListener("select", () => {
  awaited = "";
  $("ready").textContent = "";
});
connection.on("/ace/finished", saying(async ([id]) => {
  const isAwaited = () => awaited && panel.findOwn(id) === awaited;
  const take = isAwaited() && (await takes.fetch(id));
  if (!take || !isAwaited()) return;
  takes.select(take);
  if (hasTabs() && document.body.dataset.view !== "take") $("ready").textContent = "new";
}));

// --- the player -----------------------------------------------------------------------------------

function togglePlaying() {
  if (player.isPlaying) return player.stop();
  if (!takes.selected) takes.select(takes.all.find((take) => take.stems.length) ?? null);
  detail.play();
}

let nextFrame = 0;

function showPosition() {
  const { isPlaying, position, seconds } = player;
  $("position").value = isPlaying ? position / seconds : 0;
  const time = isPlaying ? `${formatSeconds(position)} / ${formatSeconds(seconds)}` : "0:00";
  if ($("time").textContent !== time) $("time").textContent = time;
  detail.showPosition();
  cancelAnimationFrame(nextFrame);
  if (isPlaying) nextFrame = requestAnimationFrame(showPosition); // nothing moves while nothing plays
}

player.addEventListener("change", () => {
  const { isPlaying, take } = player;
  $("loop").checked = player.isLooping;
  changeIcon($("play"), isPlaying ? "stop" : "play", isPlaying ? "Stop" : "Play");
  pads.showHeard(isPlaying ? take : null);
  $("playing").textContent = isPlaying ? `${nameTake(take)}, seed ${take.seed}` : "";
  showPosition();
});
$("play").addEventListener("click", togglePlaying);
$("loop").addEventListener("change", () => player.setLooping($("loop").checked));
$("position").addEventListener("input", () => player.seek(Number($("position").value)));
$("volume").addEventListener("input", () => (player.volume = Number($("volume").value)));

// --- buttons and keys -------------------------------------------------------------------------------

const send = (...message) => connection.send(...message) || say("the daemon is away: nothing was sent");
const panic = () => {
  player.stop();
  send("/ace/panic");
};
const reroll = () => {
  const take = takes.selected ?? takes.all[0];
  if (take) detail.reroll(take);
  else say("there is no take to be rerolled yet");
};
/** Never one that is not seen to be chosen. */
const deleteTake = () => {
  if (takes.isHidden(takes.selected)) say("the search hides the take that is chosen: choose one that it shows");
  else detail.delete();
};
$("panic").addEventListener("click", panic);
$("cancel").addEventListener("click", () => send("/ace/cancel", "*"));
$("reroll").addEventListener("click", reroll);

/** Where a take is heard, the chosen one goes on in its beat. */
function playOn() {
  const take = takes.selected;
  if (player.isPlaying && take?.stems.length && !player.isHeard(take)) detail.play(take);
}

function moveAndPlay(rows) {
  takes.move(rows);
  playOn();
}

/** What is opened is seen. */
document.addEventListener("click", ({ target }) => {
  const details = target.closest("summary")?.parentElement;
  if (details) requestAnimationFrame(() => details.open && details.scrollIntoView({ block: "nearest" }));
});

$("fold-pads").addEventListener("click", () => {
  const isShown = !$("pads").classList.toggle("folded");
  $("fold-pads").setAttribute("aria-expanded", String(isShown));
  $("fold-pads").textContent = isShown ? "Fold" : "Unfold";
});

/** What a tab may hide. */
function open(view) {
  if (hasTabs()) location.hash = `#${view}`;
  showView();
}

function focus(id, view) {
  open(view);
  $(id).focus();
}

openKeys([
  command("Ctrl or ⌘ Enter", "Enter", "Go: make a take", () => panel.go()),
  leaveField(),
  leaveDown("words", saying(async () => {
    await takes.search(); // for all that was typed
    takes.focus();
  })),
  key("Space", " ", "Play the take, or stop", togglePlaying),
  key("↓ J", "ArrowDown", "The next take; while one plays, in its beat", () => moveAndPlay(1)),
  key("↑ K", "ArrowUp", "The take before", () => moveAndPlay(-1)),
  hidden("j", () => moveAndPlay(1)),
  hidden("k", () => moveAndPlay(-1)),
  key("Enter", "Enter", "Play the chosen take from its beginning", () => detail.play(undefined, 0)),
  key("L", "l", "Loop, or not; where bars are chosen, those", () => detail.toggleLoop() || $("loop").click()),
  key("← →", "ArrowRight", "Choose bars: the one before, or behind; with Shift fewer, or more", ({ shiftKey }) => detail.moveBars(1, shiftKey)),
  hidden("ArrowLeft", ({ shiftKey }) => detail.moveBars(-1, shiftKey)),
  key("B", "b", "Repaint the bars that are chosen", () => detail.repaintBars()),
  key("S", "s", "To the stems, where S hears one alone, M mutes it, and ↑ ↓ lead to the others", () => {
    open("take");
    detail.focusStems();
  }),
  key("R", "r", "Reroll: the take with another seed", reroll),
  key("E", "e", "Edit: all that the take was asked for with, and its seed, in the form again", () => detail.edit()),
  key("F", "f", "Favourite, or not", () => detail.favourite()),
  key("X", "x", "Cancel the chosen take, or the one that is being made", () => detail.cancelWhatRuns()),
  key("Delete", "Delete", "Move the take to the trash", deleteTake),
  hidden("Backspace", deleteTake),
  key("P", "p", "Write the prompt", () => focus("prompt", "ask")),
  key("/", "/", "Search the takes", () => focus("words", "takes")),
  key("D", "d", "Dice: draw a seed, and keep it", () => panel.rollSeed()),
  key("1 to 9", "1", "Hit a pad; with R on a pad, reroll it, with F or Shift and Enter, mark it", () => pads.hit(1)),
  ...[2, 3, 4, 5, 6, 7, 8, 9].map((number) => hidden(String(number), () => pads.hit(number))),
  key("Shift+Esc", "Escape", "Panic: stop everything", panic, { shift: true }),
  key("Esc again", "Escape", "Search no more: all takes are shown", saying(() => takes.clearSearch())),
  key("?", "?", "These keys", () => $("help").showModal()),
]);

window.acestepd = { connection, player, panel, takes, detail, pads, banks, daemon }; // for tests and consoles
connection.open();
