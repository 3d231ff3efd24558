/* acestepd in Open Stage Control: custom module of the session acestepd.json. Widgets whose addresses
 * begin with /ui speak with this module; it speaks with acestepd. acestep_osc.js lies beside it.
 */
'use strict';

var AcestepOsc = require('./acestep_osc.js');

var TAKES = 12; // rows of the list
var BARS = [1, 2, 4, 8, 16];
var PART = 900; // bytes of lyrics in one message: whole lines
var TICK = 1000; // milliseconds
var PROMPT = 'dusty lo-fi beat, warm piano, vinyl';
var TOPICS = 'queued note progress clip finished fail cancelled favourite inserted state pad preparing param';
var LIT = '#dd8833';
var UNLIT = '#4a5568';
var COLOURS = { // of the pads, by their states: as a controller shows them
  empty: '#000000',
  queued: '#786a00',
  rendering: '#ffe000',
  ready: '#00e564',
  favourite: '#ff00e1',
  failed: '#ff0000'
};

var target = ((settings.read('send') || [])[0] || '127.0.0.1:9100').split(':');
var HOST = target[0];
var DAEMON_PORT = Number(target[1]);
var OWN_PORT = Number(settings.read('osc-port') || settings.read('port') || 8080);

var shown = {}; // the newest message of each address, for pages that are opened later
var takes = []; // {id, name, seed, isFavourite, where}, the newest first
var panel = { prompt: PROMPT, bars: 4, keep: false, mark: false, another: false };
var ids = 0;
var timer = null;

var client = new AcestepOsc.Client({
  name: 'openstagecontrol',
  topics: TOPICS,
  port: OWN_PORT,
  hearsReplies: true, // it sends from the port that it listens on
  send: function (address, args) {
    send.apply(null, [HOST, DAEMON_PORT, address].concat(args.map(typed)));
  },
  now: Date.now,
  onThere: function () {
    show('/ui/hint', '');
    client.send('/ace/history', ['', TAKES]);
  },
  onGone: function () { show('/ui/hint', 'acestepd does not answer: is it running?'); },
  onError: function (error) { console.error('(ERROR) acestepd: ' + error); },
  on: {
    queued: function (id, position) {
      show('/ui/stage', position > 0 ? 'waiting: ' + position + ' before it' : 'waiting');
      show('/ui/hint', '');
    },
    note: function (id) { show('/ui/hint', client.notesOf(id).join('. ')); },
    progress: function (id, fraction, stage, eta) {
      show('/ui/progress', fraction);
      show('/ui/stage', stage + (eta > 0 ? ', ' + Math.ceil(eta) + ' s' : ''));
    },
    clip: function (id, stem, path, bpm, bars, seed) {
      if (stem === 'mix') addTake(id, path, seed);
    },
    finished: function () { end('finished'); },
    cancelled: function () { end('cancelled'); },
    fail: function (id, command, code, message, hint) {
      end('failed (' + code + ')');
      show('/ui/hint', message + (hint ? '. ' + hint : ''));
      if (command.indexOf('/ace/lyrics/') === 0) show('/ui/lyrics/state', message);
    },
    favourite: function (id, on) { change(id, { isFavourite: on === 1 }); },
    inserted: function (id, program, where) {
      change(id, { where: where ? 'in ' + program + ': ' + where : program + ' could not put it in' });
    },
    past: function (id, state, seed, path) {
      if (path && !takes.some(function (take) { return take.id === id; })) {
        takes.push({ id: id, name: nameOf(path), seed: seed, isFavourite: false, where: '' });
        takes = takes.slice(0, TAKES);
      }
    },
    done: function (command, first) {
      if (command === '/ace/history') showTakes();
      if (command === '/ace/lyrics/end') show('/ui/lyrics/state', first + ' part(s) arrived');
    },
    pad: function (number, state, progress) {
      if (!COLOURS[state]) return;
      show('/ui/colour/' + number, COLOURS[state]);
      show('/ui/label/' + number,
        number + ' ' + (state === 'rendering' ? Math.floor(progress * 100) + ' %' : state));
    },
    preparing: function (pad) { show('/ui/preparing', pad > 0 ? 'preparing pad ' + pad : ''); },
    'param/prompt': function (text) {
      if (text && panel.prompt === PROMPT) setPrompt(text);
    }
  }
});

// --- what is shown --------------------------------------------------------------------------------

function show(address, value) {
  shown[address] = value;
  receive(address, value);
}

function end(stage) {
  show('/ui/progress', 0);
  show('/ui/stage', stage);
}

function nameOf(path) {
  return String(path).replace(/^.*[/\\]/, '').replace(/\.\w+$/, '');
}

function addTake(id, path, seed) {
  var name = nameOf(path);
  takes = takes.filter(function (take) { return take.id !== id || take.name !== name; });
  takes.unshift({ id: id, name: name, seed: seed, isFavourite: false, where: '' });
  takes = takes.slice(0, TAKES);
  show('/ui/clip', name);
  showTakes();
}

function change(id, values) {
  takes.forEach(function (take) {
    if (take.id === id) Object.assign(take, values);
  });
  showTakes();
}

function showTakes() {
  for (var row = 1; row <= TAKES; row++) {
    var take = takes[row - 1];
    show('/ui/take/name/' + row, take ? take.name + (take.where ? '  ' + take.where : '') : '');
    receive('/ui/take/heart', row, { type: 'i', value: take && take.isFavourite ? 1 : 0 });
  }
  show('/ui/where', takes.length ? takes[0].where : '');
}

function setPrompt(text) {
  panel.prompt = text;
  show('/ui/prompt', text);
}

function setBars(bars) {
  panel.bars = bars;
  BARS.forEach(function (number) { show('/ui/lit/bars' + number, number === bars ? LIT : UNLIT); });
}

// --- what is touched ------------------------------------------------------------------------------

var touched = {
  go: function () {
    var text = panel.prompt.trim();
    if (!text) {
      show('/ui/hint', 'write a prompt first');
      return;
    }
    var args = [newId(), text, panel.bars];
    if (panel.keep && takes.length) args.push(takes[0].seed);
    client.send('/ace/go', args);
  },
  reroll: function () { client.send('/ace/reroll', [newId()]); },
  heart: function () { client.send('/ace/favourite'); },
  stop: function () { client.send('/ace/cancel', ['*']); },
  fill: function () { client.send('/ace/bank/fill', [panel.prompt, panel.bars, 16]); },
  shuffle: function () { client.send('/ace/bank/reroll'); },
  undo: function () { client.send('/ace/bank/undo'); },
  redo: function () { client.send('/ace/bank/redo'); },
  keep: function (on) { panel.keep = on === 1; },
  mark: function (on) { panel.mark = on === 1; },
  another: function (on) { panel.another = on === 1; },
  prompt: function (text) { panel.prompt = String(text); },
  chosen: function (text) { setPrompt(String(text)); },
  bars: function (bars) { setBars(Math.round(bars)); },
  pad: function (number) {
    var deed = panel.mark ? 'favourite' : panel.another ? 'reroll' : 'hit';
    client.send('/ace/pad/' + deed, [Math.round(number)]);
  },
  'take/heart': function (row, on) {
    var take = takes[row - 1];
    if (take) client.send('/ace/favourite', [take.id, on]);
    else showTakes();
  },
  'take/reroll': function (row) {
    var take = takes[row - 1];
    if (take) client.send('/ace/reroll', [newId(), take.id]);
  },
  'take/insert': function (row) {
    var take = takes[row - 1];
    if (take) client.send('/ace/insert', [take.id]);
  },
  lyrics: function (text) { sendLyrics(String(text)); }
};

/** A datagram is too small for some: whole lines, as many as fit, one message after the other. */
function sendLyrics(text) {
  if (!text.trim()) {
    client.send('/ace/set/lyrics', ['']);
    show('/ui/lyrics/state', 'none: instrumental');
    return;
  }
  var parts = [];
  text.split(/\r?\n/).forEach(function (line) {
    var longer = parts.length ? parts[parts.length - 1] + '\n' + line : line;
    if (parts.length && countBytes(longer) <= PART) parts[parts.length - 1] = longer;
    else parts.push(line);
  });
  client.send('/ace/lyrics/begin', [client.name]);
  parts.forEach(function (part, index) {
    client.send('/ace/lyrics/append', [client.name, index + 1, part]);
  });
  client.send('/ace/lyrics/end', [client.name, parts.length]);
}

function countBytes(text) {
  return encodeURIComponent(text).replace(/%../g, '.').length;
}

function newId() {
  ids += 1;
  return 'page-' + Date.now().toString(36) + '-' + ids;
}

function typed(value) {
  if (typeof value !== 'number') return { type: 's', value: String(value) };
  return { type: value === (value | 0) ? 'i' : 'f', value: value };
}

function valueOf(argument) {
  return argument.value;
}

// --- the server's ---------------------------------------------------------------------------------

function start() {
  setPrompt(panel.prompt);
  setBars(panel.bars);
  client.start();
  timer = setInterval(function () { client.tick(); }, TICK);
}

function stop() {
  clearInterval(timer);
  client.stop();
}

app.on('sessionOpened', function () {
  Object.keys(shown).forEach(function (address) { receive(address, shown[address]); });
  showTakes();
  if (client.isThere) client.notify(); // what the parameters are
});

module.exports = {
  init: start,
  reload: start,
  unload: stop,
  stop: stop,

  oscInFilter: function (data) {
    if (data.address.indexOf('/ace/') !== 0) return data;
    var args = data.args.map(valueOf);
    client.receive(data.address, args);
    var name = /^\/ace\/param\/(\w+)$/.exec(data.address);
    // shown by the widgets that set it
    if (name && args.length === 1) receive('/ace/set/' + name[1], data.args[0]);
    return undefined;
  },

  oscOutFilter: function (data) {
    if (data.address.indexOf('/ui/') !== 0) return data;
    var name = data.address.substr(4);
    if (Object.prototype.hasOwnProperty.call(touched, name)) {
      touched[name].apply(null, data.args.map(valueOf));
    }
    return undefined;
  }
};
