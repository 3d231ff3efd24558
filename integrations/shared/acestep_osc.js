/* acestepd's OSC messages in ES5, with nothing but the language: for Bitwig, Open Stage Control
 * and Node. `encode` and `decode` are the wire; `Client` keeps in touch with the daemon, and collects
 * the files of a take until they are to be put in. It owns no socket and no timer: its host sends,
 * says what came, and calls `tick` about once a second.
 */
var AcestepOsc = (function () {
  'use strict';

  var PING = 4000; // milliseconds between two questions: the daemon wants one in 5 s
  var SILENCE = 10000; // milliseconds without a word after which the daemon is gone
  var MAX_TAKES = 64; // takes that are collected; the oldest goes
  var MAX_PATHS = 1000; // files that are known to be in already
  var MAX_NOTES = 16; // of one job; the oldest goes

  // --- the wire -----------------------------------------------------------------------------------

  function utf8(text) {
    var bytes = [];
    var escaped;
    try {
      escaped = encodeURIComponent(text);
    } catch (error) { // half a surrogate pair
      escaped = encodeURIComponent(text.replace(/[\ud800-\udfff]/g, '\ufffd'));
    }
    for (var i = 0; i < escaped.length; i++) {
      if (escaped.charAt(i) === '%') {
        bytes.push(parseInt(escaped.substr(i + 1, 2), 16));
        i += 2;
      } else {
        bytes.push(escaped.charCodeAt(i));
      }
    }
    return bytes;
  }

  function textOf(bytes) {
    var escaped = '';
    var latin = '';
    for (var i = 0; i < bytes.length; i++) {
      escaped += (bytes[i] < 16 ? '%0' : '%') + bytes[i].toString(16);
      latin += String.fromCharCode(bytes[i]);
    }
    try {
      return decodeURIComponent(escaped);
    } catch (error) {
      return latin;
    }
  }

  function padded(bytes) {
    bytes = bytes.concat([0]);
    while (bytes.length % 4) bytes.push(0);
    return bytes;
  }

  function int32(value) {
    return [(value >> 24) & 255, (value >> 16) & 255, (value >> 8) & 255, value & 255];
  }

  /** IEEE 754, single precision: four bytes, rounded to the nearest. */
  function float32(value) {
    var sign = value < 0 || (value === 0 && 1 / value < 0) ? 0x80 : 0;
    var size = Math.abs(value);
    if (value !== value) return [0x7f, 0xc0, 0, 0];
    if (size === 0) return [sign, 0, 0, 0];
    var exponent = Math.max(-126, Math.floor(Math.log(Math.min(size, 3.5e38)) / Math.LN2));
    if (size / Math.pow(2, exponent) >= 2) exponent += 1; // where the logarithm was a hair off
    if (size / Math.pow(2, exponent) < 1 && exponent > -126) exponent -= 1;
    var mantissa = halfToEven(size / Math.pow(2, exponent - 23));
    if (mantissa >= 0x1000000) {
      mantissa = 0x800000;
      exponent += 1;
    }
    if (exponent > 127) return [sign | 0x7f, 0x80, 0, 0]; // too much is infinite
    var biased = mantissa < 0x800000 ? 0 : exponent + 127;
    return [sign | (biased >> 1), ((biased & 1) << 7) | ((mantissa >> 16) & 127),
      (mantissa >> 8) & 255, mantissa & 255];
  }

  function halfToEven(value) {
    var below = Math.floor(value);
    if (value - below !== 0.5) return Math.round(value);
    return below % 2 ? below + 1 : below;
  }

  /** A float of `size` bytes at `at`. */
  function readFloat(bytes, at, size) {
    var fraction = size === 8 ? 52 : 23;
    var high = ((bytes[at] & 127) << 8) | bytes[at + 1];
    var shift = size === 8 ? 4 : 7;
    var exponent = high >> shift;
    var bias = size === 8 ? 1023 : 127;
    var mantissa = high & ((1 << shift) - 1);
    for (var i = 2; i < size; i++) mantissa = mantissa * 256 + bytes[at + i];
    var value = exponent === 2 * bias + 1
      ? (mantissa ? NaN : Infinity)
      : exponent
        ? (1 + mantissa / Math.pow(2, fraction)) * Math.pow(2, exponent - bias)
        : mantissa / Math.pow(2, fraction) * Math.pow(2, 1 - bias);
    return bytes[at] & 128 ? -value : value;
  }

  function readInt(bytes, at) {
    return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }

  /** The type tags of arguments that name none: whole numbers are `i` where they fit. */
  function guessTypes(values) {
    var types = '';
    for (var i = 0; i < values.length; i++) {
      var value = values[i];
      if (typeof value !== 'number') types += 's';
      else types += value === (value | 0) ? 'i' : 'f';
    }
    return types;
  }

  /** A message as an array of bytes. `types` are of i, f and s. */
  function encode(address, values, types) {
    values = values || [];
    types = types || guessTypes(values);
    var bytes = padded(utf8(address)).concat(padded(utf8(',' + types)));
    for (var i = 0; i < values.length; i++) {
      var type = types.charAt(i);
      if (type === 'i') bytes = bytes.concat(int32(Math.round(Number(values[i])) | 0));
      else if (type === 'f') bytes = bytes.concat(float32(Number(values[i])));
      else if (type === 's') bytes = bytes.concat(padded(utf8(String(values[i]).replace(/\0/g, ''))));
      else throw new Error('no type tag of ours: ' + type);
    }
    return bytes;
  }

  /** The messages of a packet, {address, types, args} each, bundles opened. What is no OSC gives
   * none; it never throws. `bytes` is anything with a length and numbers. */
  function decode(bytes) {
    var messages = [];
    if (bytes && bytes.length % 4 === 0) decodeInto(messages, bytes, 0, bytes.length, 0);
    return messages;
  }

  function decodeInto(messages, bytes, start, end, depth) {
    var head = readText(bytes, start, end);
    if (head && head.text === '#bundle') {
      var at = start + 16;
      while (depth < 8 && at + 4 <= end) {
        var size = readInt(bytes, at);
        if (size < 0 || size % 4 || at + 4 + size > end) return;
        decodeInto(messages, bytes, at + 4, at + 4 + size, depth + 1);
        at += 4 + size;
      }
      return;
    }
    var message = decodeMessage(bytes, start, end);
    if (message) messages.push(message);
  }

  function decodeMessage(bytes, start, end) {
    var address = readText(bytes, start, end);
    if (!address || address.text.charAt(0) !== '/') return null;
    var tags = address.next < end ? readText(bytes, address.next, end) : { text: ',', next: end };
    if (!tags || tags.text.charAt(0) !== ',') return null;
    var args = [];
    var at = tags.next;
    for (var i = 1; i < tags.text.length; i++) {
      var value = readValue(tags.text.charAt(i), bytes, at, end);
      if (!value) return null;
      args.push(value.value);
      at = value.next;
    }
    return { address: address.text, types: tags.text.substr(1), args: args };
  }

  function readValue(type, bytes, at, end) {
    if (type === 'T' || type === 'F') return { value: type === 'T', next: at };
    if (type === 's') {
      var text = readText(bytes, at, end);
      return text && { value: text.text, next: text.next };
    }
    var size = type === 'i' || type === 'f' ? 4 : type === 'h' || type === 'd' ? 8 : 0;
    if (!size || at + size > end) return null;
    if (type === 'i') return { value: readInt(bytes, at), next: at + 4 };
    if (type === 'h') {
      return {
        value: readInt(bytes, at) * 4294967296 + (readInt(bytes, at + 4) >>> 0),
        next: at + 8
      };
    }
    return { value: readFloat(bytes, at, size), next: at + size };
  }

  function readText(bytes, at, end) {
    var stop = at;
    while (stop < end && bytes[stop] !== 0) stop += 1;
    if (stop >= end) return null;
    var found = [];
    for (var i = at; i < stop; i++) found.push(bytes[i]);
    return { text: textOf(found), next: at + (stop - at + 4 - (stop - at) % 4) };
  }

  // --- the client ---------------------------------------------------------------------------------

  /**
   * @param {object} options
   *   name: what the daemon calls this client, like "bitwig"
   *   topics: "clip finished insert ...", what it hears
   *   port: where it listens, 0 where that is where it sends from
   *   hearsReplies: whether it hears what the daemon sends to where a message came from; without it,
   *     as with port 0
   *   send(address, args): sends a message; may throw
   *   now(): milliseconds, any clock that goes on
   *   on: functions by the name behind /ace/, called with the message's arguments
   *   onThere(), onGone(): the daemon answers, or does not any more
   *   onPut(take): put these files in, then call `inserted`; take has id, track, slot (-1: where the
   *     cursor is), path (the mix), manifest and clips, each {stem, path, bpm, bars, seed}
   *   onError(error): one of these functions threw it
   */
  function Client(options) {
    this.name = options.name;
    this.isThere = null; // not known yet
    this._topics = options.topics;
    this._port = options.port || 0;
    this._hearsReplies = options.hearsReplies === undefined ? !options.port : options.hearsReplies;
    this._send = options.send;
    this._now = options.now;
    this._on = options.on || {};
    this._options = options;
    this._takes = []; // the newest last
    this._paths = []; // of mixes: {path, where}; where is null while it is being put in
    this._heard = 0;
    this._asked = null; // when it asked last; null: before its start
    this._names = null; // of clients, since it asked
    this._noted = { id: '', notes: [] }; // of the job that was accepted last
  }

  Client.prototype.start = function () {
    this._heard = this._asked = this._now();
    this.notify();
  };

  Client.prototype.stop = function () {
    if (this._asked === null) return;
    this._asked = null;
    this.send('/ace/notify', this._port ? [0, this._port] : [0]);
  };

  Client.prototype.notify = function () {
    this._names = null;
    this.send('/ace/notify', [1, this._port, this._topics, this.name]);
  };

  /** Sends a message; one that cannot be sent is lost, as UDP's are. */
  Client.prototype.send = function (address, args) {
    try {
      this._send(address, args || []);
      return true;
    } catch (error) {
      return false;
    }
  };

  /** Call it about once a second. */
  Client.prototype.tick = function () {
    if (this._asked === null) return;
    var now = this._now();
    if (this.isThere !== false && now - this._heard >= SILENCE) {
      this.isThere = false;
      this._call(this._options, 'onGone', []);
    }
    if (now - this._asked < PING) return;
    this._asked = now;
    if (this.isThere && this._hearsReplies) {
      // a daemon that was restarted in between answers, and does not know this name
      this._names = [];
      this.send('/ace/clients');
    } else {
      this.notify();
    }
  };

  /** A message came. Whatever it is, this does not throw. */
  Client.prototype.receive = function (address, args) {
    if (this._asked === null || typeof address !== 'string' || address.indexOf('/ace/') !== 0) return;
    this._heard = this._now();
    if (!this.isThere) {
      this.isThere = true;
      this._call(this._options, 'onThere', []);
    }
    var kind = address.substr(5);
    if (has(COLLECT, kind)) COLLECT[kind].call(this, args);
    this._call(this._on, kind, args);
  };

  /** Tells the daemon that the files of `take` are in, and where; without `where` that they are not
   * and will not be. */
  Client.prototype.inserted = function (take, where) {
    this._paths = this._paths.filter(function (known) { return known.path !== take.path; });
    if (where) {
      this._paths.push({ path: take.path, where: where });
      this._paths = this._paths.slice(-MAX_PATHS);
    }
    this.send('/ace/inserted', where ? [take.id, this.name, where] : [take.id, this.name]);
  };

  /** What was read out of the request that was accepted last, or was not understood: sentences. */
  Client.prototype.notesOf = function (id) {
    return this._noted.id === id ? this._noted.notes : [];
  };

  Client.prototype._call = function (functions, name, args) {
    if (!has(functions, name)) return;
    try {
      functions[name].apply(null, args);
    } catch (error) {
      if (this._options.onError) this._options.onError(error);
    }
  };

  /** The take of this id with this file; without a path the one whose files are still coming. */
  Client.prototype._take = function (id, path) {
    for (var i = this._takes.length - 1; i >= 0; i--) {
      var take = this._takes[i];
      if (take.id !== id) continue;
      for (var k = 0; k < take.clips.length; k++) if (take.clips[k].path === path) return take;
      if (!take.isWhole && path === undefined) return take;
    }
    return null;
  };

  var COLLECT = {
    clip: function (args) {
      if (args.length < 6) return;
      var id = String(args[0]);
      if (this._take(id, String(args[2]))) return; // sent again
      var take = this._take(id) || { id: id, isWhole: false, manifest: '', clips: [] };
      if (this._takes.indexOf(take) < 0) this._takes = this._takes.concat([take]).slice(-MAX_TAKES);
      take.clips.push({
        stem: String(args[1]), path: String(args[2]), bpm: Number(args[3]), bars: Number(args[4]),
        seed: String(args[5])
      });
    },

    finished: function (args) {
      var take = args.length < 3 ? null : this._take(String(args[0]));
      if (!take) return;
      take.isWhole = true;
      take.manifest = String(args[2]);
    },

    insert: function (args) {
      if (args.length < 4 || !has(this._options, 'onPut')) return;
      var path = String(args[3]);
      var take = this._take(String(args[0]), path);
      var put = {
        id: String(args[0]),
        track: indexOf(args[1]),
        slot: indexOf(args[2]),
        path: path,
        manifest: take ? take.manifest : '',
        clips: take ? take.clips : [{ stem: 'mix', path: path, bpm: 0, bars: 0, seed: '' }]
      };
      for (var i = 0; i < this._paths.length; i++) {
        var known = this._paths[i];
        if (known.path !== path) continue;
        if (known.where) this.inserted(put, known.where); // it is in already
        return;
      }
      this._paths.push({ path: path, where: null });
      this._call(this._options, 'onPut', [put]);
    },

    note: function (args) {
      if (args.length < 2) return;
      var id = String(args[0]);
      var text = String(args[1]);
      var notes = id ? this.notesOf(id) : []; // what is about no job is said once
      if (notes.indexOf(text) < 0) notes = notes.concat([text]).slice(-MAX_NOTES);
      this._noted = { id: id, notes: notes };
    },

    client: function (args) {
      if (this._names) this._names.push(String(args[0]));
    },

    done: function (args) {
      if (args[0] !== '/ace/clients' || !this._names) return;
      var names = this._names;
      this._names = null;
      if (names.length === Number(args[1]) && names.indexOf(this.name) < 0) this.notify();
    }
  };

  /** A place counted from 0; -1 where it is none. */
  function indexOf(value) {
    return value >= 0 && Number(value) === (value | 0) ? Number(value) : -1;
  }

  function has(object, key) {
    return Object.prototype.hasOwnProperty.call(object, key);
  }

  return { encode: encode, decode: decode, Client: Client };
}());

if (typeof module !== 'undefined' && module.exports) module.exports = AcestepOsc;
