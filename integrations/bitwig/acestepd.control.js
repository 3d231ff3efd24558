/* acestepd in Bitwig Studio: a finished clip is put into the selected launcher slot, or the next empty
 * one; buttons at the side ask for more; the project's tempo is sent. acestep_osc.js lies beside it.
 */
loadAPI(10);
load('acestep_osc.js');

host.setShouldFailOnDeprecatedUse(true);
host.defineController('acestepd', 'acestepd', '1.0', '7f1c1c0e-5b0b-4d7e-9d2b-0a6f6f2c9113', 'acestepd');
host.defineMidiPorts(0, 0);

// where acestepd listens: Bitwig connects before it reads settings, so these two are changed here
var DAEMON_HOST = '127.0.0.1';
var DAEMON_PORT = 9100;

var PORT = 9113; // where this script listens, unless its setting says otherwise
var TOPICS = 'clip finished insert fail note';
var SCENES = 128; // of the selected track that are looked at
var TRACKS = 16; // and of so many others
var THEIR_SCENES = 32;
var TICK = 1000; // milliseconds
var TEMPO_PAUSE = 200; // milliseconds between two tempos that are sent
var LOOK = 300; // milliseconds after which a slot says whether the clip is in
var LOOKS = 10;
var OUR_IDS = 'bitwig-'; // what they begin with
var OURS = /^\/ace\/(go|reroll|favourite|insert|tempo|notify)$/; // what it sends without an id
var SAME_SEED = /^\d+$/;

var client = null;
var connection = null;
var server = null;
var cursor = null; // the track that is selected
var tracks = null;
var ids = 0; // of jobs that were asked for
var waiting = []; // takes that are to be put in, one after the other
var settings = { prompt: '', bars: 4, seed: '', launch: false, followsTempo: true };
var tempo = { bpm: 0, sent: 0, isWaiting: false };

function init() {
  var osc = host.getOscModule();
  var space = osc.createAddressSpace();
  space.setName('acestepd');
  space.registerDefaultMethod(function (source, message) { receive(message); });
  server = osc.createUdpServer(space);
  connection = osc.connectToUdpServer(DAEMON_HOST, DAEMON_PORT, space);

  cursor = host.createCursorTrack('acestepd', 'acestepd', 0, SCENES, true);
  observeTrack(cursor);
  tracks = host.createMainTrackBank(TRACKS, 0, THEIR_SCENES);
  for (var i = 0; i < TRACKS; i++) observeTrack(tracks.getItemAt(i));

  addSettings();
  host.createTransport().tempo().value().addRawValueObserver(function (bpm) {
    tempo.bpm = bpm;
    sendTempo();
  });
  host.scheduleTask(tick, TICK);
}

function flush() {
}

function exit() {
  if (!client) return;
  if (settings.followsTempo) client.send('/ace/tempo', [0]);
  client.stop();
}

function observeTrack(track) {
  track.exists().markInterested();
  track.name().markInterested();
  track.canHoldAudioData().markInterested();
  var slots = track.clipLauncherSlotBank();
  for (var i = 0; i < slots.getCapacityOfBank(); i++) {
    var slot = slots.getItemAt(i);
    slot.exists().markInterested();
    slot.hasContent().markInterested();
    slot.isSelected().markInterested();
  }
}

function addSettings() {
  var port = host.getPreferences().getNumberSetting('Port', 'acestepd', 1024, 65535, 1, '', PORT);
  port.addRawValueObserver(listen);

  var panel = host.getDocumentState();
  panel.getStringSetting('Prompt', 'acestepd', 200, '')
    .addValueObserver(function (text) { settings.prompt = String(text); });
  panel.getNumberSetting('Bars', 'acestepd', 1, 64, 1, '', 4)
    .addRawValueObserver(function (bars) { settings.bars = Math.round(bars); });
  panel.getStringSetting('Seed (empty: another each time)', 'acestepd', 10, '')
    .addValueObserver(function (text) { settings.seed = String(text); });
  panel.getSignalSetting('Go', 'acestepd', 'Go').addSignalObserver(go);
  panel.getSignalSetting('Reroll', 'acestepd', 'Reroll')
    .addSignalObserver(function () { ask('/ace/reroll', [newId()]); });
  panel.getSignalSetting('Favourite', 'acestepd', 'Favourite')
    .addSignalObserver(function () { ask('/ace/favourite', []); });
  panel.getBooleanSetting('Launch what comes', 'acestepd', false)
    .addValueObserver(function (on) { settings.launch = on; });
  panel.getBooleanSetting('Send the tempo', 'acestepd', true)
    .addValueObserver(function (on) {
      if (client && settings.followsTempo && !on) client.send('/ace/tempo', [0]);
      settings.followsTempo = on;
      sendTempo();
    });
}

// --- acestepd -------------------------------------------------------------------------------------

/** The setting says at which port: a new client begins. */
function listen(port) {
  port = Math.round(port);
  if (client) client.stop();
  try {
    server.start(port);
  } catch (error) {
    say('acestepd: port ' + port + ' is taken; choose another in the settings of this controller');
    return;
  }
  client = new AcestepOsc.Client({
    name: 'bitwig',
    topics: TOPICS,
    port: port,
    send: function (address, args) {
      connection.sendMessage.apply(connection, [address].concat(args));
    },
    now: function () { return new Date().getTime(); },
    on: {
      note: function (id, text) {
        if (id.indexOf(OUR_IDS) !== 0) return;
        println('acestepd: ' + text);
        // a popup takes the place of the one before it
        host.showPopupNotification('acestepd: ' + client.notesOf(id).join('. '));
      },
      fail: function (id, command, code, message, hint) {
        // others' jobs and messages fail on their own screens
        var isOurs = id ? id.indexOf(OUR_IDS) === 0 : OURS.test(command);
        if (isOurs) say('acestepd: ' + message + (hint ? '. ' + hint : ''));
      }
    },
    onThere: function () {
      say('acestepd is there');
      sendTempo();
    },
    onGone: function () { say('acestepd does not answer: is it running?'); },
    onPut: function (take) {
      waiting.push(take);
      if (waiting.length === 1) putNext();
    },
    onError: function (error) { errorln('acestepd: ' + error); }
  });
  client.start();
}

function receive(message) {
  var args;
  try {
    args = readArguments(message);
  } catch (error) {
    return; // not one of acestepd's
  }
  if (client) client.receive(String(message.getAddressPattern()), args);
}

function readArguments(message) {
  var types = String(message.getTypeTag()); // what comes from Java may be no text of JavaScript's
  if (types.charAt(0) === ',') types = types.substr(1);
  var args = [];
  for (var i = 0; i < types.length; i++) {
    var type = types.charAt(i);
    if (type === 's') args.push(String(message.getString(i)));
    else if (type === 'i') args.push(message.getInt(i));
    else if (type === 'f') args.push(message.getFloat(i));
    else throw new Error(type);
  }
  return args;
}

function tick() {
  host.scheduleTask(tick, TICK);
  if (client) client.tick();
}

function go() {
  var prompt = settings.prompt.replace(/^\s+|\s+$/g, '');
  if (!prompt) {
    say('acestepd: write a prompt first');
    return;
  }
  var args = [newId(), prompt, settings.bars];
  if (SAME_SEED.test(settings.seed)) args.push(settings.seed);
  ask('/ace/go', args);
}

function newId() {
  ids += 1;
  return OUR_IDS + new Date().getTime().toString(36) + '-' + ids;
}

function ask(address, args) {
  if (!client || !client.isThere) say('acestepd does not answer: is it running?');
  if (client) client.send(address, args);
}

/** The newest tempo, not more often than every TEMPO_PAUSE. */
function sendTempo() {
  if (!client || !client.isThere || !settings.followsTempo || !tempo.bpm || tempo.isWaiting) return;
  tempo.isWaiting = true;
  client.send('/ace/tempo', [tempo.bpm]);
  tempo.sent = tempo.bpm;
  host.scheduleTask(function () {
    tempo.isWaiting = false;
    if (tempo.sent !== tempo.bpm) sendTempo();
  }, TEMPO_PAUSE);
}

function say(text) {
  host.showPopupNotification(text);
  println(text);
}

// --- the launcher ---------------------------------------------------------------------------------

function putNext() {
  var take = waiting[0];
  var place = findPlace(take);
  if (!place) {
    finish(take, '', 'no empty slot on an audio track');
    return;
  }
  place.slot.replaceInsertionPoint().insertFile(take.path);
  host.scheduleTask(function () { look(take, place, LOOKS); }, LOOK);
}

/** Bitwig says nothing of a file that it does not take: the slot stays empty. */
function look(take, place, looks) {
  if (place.slot.hasContent().get()) {
    if (settings.launch) place.slot.launch();
    finish(take, place.where, '');
  } else if (looks > 1) {
    host.scheduleTask(function () { look(take, place, looks - 1); }, LOOK);
  } else {
    finish(take, '', 'Bitwig did not take it');
  }
}

function finish(take, where, trouble) {
  waiting.shift();
  client.inserted(take, where);
  say(where ? 'acestepd: ' + where : 'acestepd: ' + trouble + '; drag it in: ' + take.path);
  if (waiting.length) putNext();
}

/** The slot that was named, the selected one, or the next empty one below; where the track takes no
 * audio or is full, the same on the first one that does. */
function findPlace(take) {
  var first = Math.max(0, take.slot);
  if (take.track >= 0) {
    return take.track < TRACKS ? findOnTrack(tracks.getItemAt(take.track), first) : null;
  }
  if (take.slot < 0) first = findSelected(cursor);
  var place = findOnTrack(cursor, first);
  for (var i = 0; i < TRACKS && !place; i++) place = findOnTrack(tracks.getItemAt(i), first);
  return place;
}

function findSelected(track) {
  var slots = track.clipLauncherSlotBank();
  for (var i = 0; i < slots.getCapacityOfBank(); i++) {
    if (slots.getItemAt(i).isSelected().get()) return i;
  }
  return 0;
}

function findOnTrack(track, first) {
  if (!track.exists().get() || !track.canHoldAudioData().get()) return null;
  var slots = track.clipLauncherSlotBank();
  for (var i = first; i < slots.getCapacityOfBank(); i++) {
    var slot = slots.getItemAt(i);
    if (slot.exists().get() && !slot.hasContent().get()) {
      return { slot: slot, where: track.name().get() + ', slot ' + (i + 1) };
    }
  }
  return null;
}
