// One acestepd, by its address. Everything returns at once; what the daemon answers comes by OSC.
Acestepd {
	classvar default, <>pause = 3, <>patience = 7;  // seconds: between two notifies, of silence
	classvar count = 0;
	var <addr, <name, <takes, cache, stamp, heart, responders;
	var lastHeard, isSilent = false, onInsert;

	*initClass {
		StartUp.add {
			SynthDef(\acestepd, { |out = 0, bufnum = 0, amp = 0.5, pan = 0, rate = 1, start = 0, loop = 1, gate = 1|
				var speed = BufRateScale.kr(bufnum) * rate;
				var first = start * BufSampleRate.kr(bufnum);
				var sound = PlayBuf.ar(2, bufnum, speed, 1, first, loop, Done.freeSelf);
				var level = amp * Env.asr(0.002, 1, 0.01).kr(Done.freeSelf, gate);
				Out.ar(out, Balance2.ar(sound[0], sound[1], pan, level));
			}).add;
			ServerTree.add({ |server|
				SynthDescLib.global[\acestepd] !? { |desc| desc.def.send(server) }
			}, \all);
			ServerQuit.add({ |server| default !? { default.forgetBuffers(server) } }, \all);
			Event.addEventType(\ace, { |server| Acestepd.playEvent(currentEnvironment, server) }, (
				prompt: "", bars: 4, with: (), amp: 0.5, legato: 1
			));
		};
	}

	*default { ^default ?? { default = this.new } }
	*default_ { |daemon|
		default !? { default.close };
		default = daemon;
		daemon !? { daemon.notify };  // the one before may have been the same
	}

	*new { |host = "127.0.0.1", port = 9100, name = "sclang"|
		^super.new.init(NetAddr(host, port), name)
	}

	*ask { |prompt, bars = 4, with, clock| ^this.default.ask(prompt, bars, with, clock) }
	*listen { |function| this.default.listen(function) }
	*cancel { this.default.cancel }

	init { |address, clientName|
		addr = address;
		name = clientName;
		takes = Dictionary.new;  // those that have not ended, by id
		cache = Dictionary.new;  // those of events, by what was asked for
		stamp = Date.getDate.stamp;
		responders = [\queued, \note, \progress, \clip, \finished, \fail, \cancelled, \insert, \done].collect { |kind|
			OSCFunc({ |message| this.receive(kind, message) }, "/ace/" ++ kind, addr).permanent_(true)
		};
		lastHeard = SystemClock.seconds;
		this.notify;
		heart = SkipJack({ this.beat }, pause, name: \acestepd);
	}

	close {
		heart.stop;
		responders.do(_.free);
		addr.sendMsg("/ace/notify", 0);
	}

	// --- asking ---------------------------------------------------------------------------------

	// A take of so many bars at the clock's tempo. `with`: an Event of other parameters.
	ask { |prompt, bars = 4, with, clock|
		var parameters = this.parametersOf(prompt, bars, with, clock);
		^this.start(["/ace/generate", this.nextId] ++ parameters)
	}

	// The take that an event plays: asked for once, then the same.
	takeOf { |prompt, bars, with, clock|
		var key = this.parametersOf(prompt, bars, with, clock);
		var take = cache[key];
		if(take.isNil or: { take.hasFailed }) {
			take = this.start(["/ace/generate", this.nextId] ++ key);
			cache[key] = take;
		};
		^take
	}

	parametersOf { |prompt, bars, with, clock|
		var pairs = (bars: bars);
		clock = clock ? TempoClock.default;
		pairs[\bpm] = (clock.tempo * 60).round(0.001);
		if(#[2, 3, 4].includesEqual(clock.beatsPerBar)) {
			pairs[\time_signature] = clock.beatsPerBar.asInteger.asString;
		} {
			if((2..16).includesEqual(clock.beatsPerBar)) {
				pairs[\time_signature] = clock.beatsPerBar.asInteger.asString ++ "/4";
			};
		};
		pairs.putAll(with ? ());
		^["prompt", prompt.asString] ++ pairs.asSortedArray.collect { |pair|
			[pair[0].asString, if(pair[1].isNumber) { pair[1] } { pair[1].asString }]
		}.flatten
	}

	// Another seed of a take. The seed is chosen here, so that asking twice means one take.
	reroll { |take, seed|
		^this.start(["/ace/reroll", this.nextId, take.id, seed ?? { (2 ** 24).asInteger.rand }])
	}

	start { |message|
		var take = AcestepdTake(this, message);
		takes[take.id] = take;
		addr.sendMsg(*message);
		^take
	}

	cancel { takes.copy.do(_.cancel) }

	// Clips that others made come here: of pads, of a page. nil ends that.
	listen { |function|
		onInsert = function;
		this.notify;
	}

	nextId {
		count = count + 1;
		^"sc-%-%".format(stamp, count)
	}

	// --- events ---------------------------------------------------------------------------------

	*playEvent { |event, server|
		var take = this.default.takeOf(event[\prompt], event[\bars], event[\with]);
		var buffer = take.buffers[server];
		case
		{ buffer.notNil and: { buffer.numFrames.notNil } } {
			event[\instrument] = \acestepd;
			event[\bufnum] = buffer.bufnum;
			event[\eventTypes][\note].value(server);
		}
		{ buffer.isNil and: { take.isWaiting.not } } {
			take.then({}, server)  // it is heard the next time round
		};
	}

	forgetBuffers { |server| cache.do { |take| take.buffers.removeAt(server) } }

	// --- the line -------------------------------------------------------------------------------

	notify {
		var topics = if(onInsert.isNil) { "favourite" } { "favourite insert" };
		addr.sendMsg("/ace/notify", 1, 0, topics, name);
	}

	// Every few seconds: a daemon that was started anew knows nobody.
	beat {
		this.notify;
		if(isSilent.not and: { SystemClock.seconds - lastHeard > patience }) {
			isSilent = true;
			"acestepd: no answer from % port %. Is it running?".format(addr.ip, addr.port).postln;
		};
	}

	receive { |kind, message|
		lastHeard = SystemClock.seconds;
		if(isSilent) {
			isSilent = false;
			"acestepd: it answers.".postln;
			// The same ids again make no second take: those that it lost are made, of the others it says how they are.
			takes.do { |take| if(take.hasFailed.not) { addr.sendMsg(*take.message) } };
		};
		case
		{ kind == \insert } { if(message.size > 4) { this.insert(message[1].asString, message[4].asString) } }
		{ kind == \fail and: { message.size > 5 } } {
			var take = takes[message[1].asString];
			"acestepd: %".format(message[4..5].select { |words| words != '' }.join(". ")).warn;
			take !? { take.receive(kind, message) };
		}
		{ takes[message[1].asString] !? { |take| take.receive(kind, message) } };
	}

	remove { |take| takes.removeAt(take.id) }

	insert { |id, path|
		var isOwn = id.beginsWith("sc-" ++ stamp);
		if(onInsert.isNil) { ^this };
		if(isOwn) { ^addr.sendMsg("/ace/inserted", id, name, "its own take") };
		if(Server.default.serverRunning.not) {
			"acestepd: % is there. Boot the server to hear it: s.boot".format(path).postln;
			^addr.sendMsg("/ace/inserted", id, name)  // it could not
		};
		Buffer.read(Server.default, path, action: { |buffer|
			onInsert.value(buffer, path);
			addr.sendMsg("/ace/inserted", id, name, "buffer" + buffer.bufnum);
		});
	}
}

// One take: what it was asked with, how far it is, and its files and buffers when it is there.
AcestepdTake {
	var <daemon, <message, <id, <state = \asked, <progress = 0, <stage = "";
	var <path, <seed, <clips, <notes, <text, <hint, <buffers, waiting, onFail;

	*new { |daemon, message| ^super.newCopyArgs(daemon, message).init }

	init {
		id = message[1];
		clips = Dictionary.new;  // paths, by stem
		notes = List.new;  // what was read out of the request
		buffers = IdentityDictionary.new;  // by server
		waiting = List.new;
	}

	// Call the function with its Buffer and itself, when the take and the server are there.
	then { |function, server|
		waiting.add([function, server ? Server.default]);
		if(state == \finished) { this.callWaiting };
	}

	// Call the function with the message and the hint if it fails.
	fail { |function|
		onFail = function;
		if(state == \failed) { function.value(text, hint) };
	}

	reroll { |seed| ^daemon.reroll(this, seed) }
	cancel { daemon.addr.sendMsg("/ace/cancel", id) }
	favourite { |on = true| daemon.addr.sendMsg("/ace/favourite", id, on.binaryValue) }
	free {
		buffers.do(_.free);
		buffers.clear;
	}

	hasFailed { ^#[\failed, \cancelled].includes(state) }
	isWaiting { ^waiting.notEmpty }

	receive { |kind, values|
		switch(kind,
			\queued, { if(state != \rendering) { state = \queued } },
			\note, {
				var note = values[2].asString;
				if(notes.includesEqual(note).not) {  // else it was asked again
					notes.add(note);
					"acestepd: %".format(note).postln;
				}
			},
			\progress, {
				state = \rendering;
				progress = values[2];
				stage = values[3].asString;
			},
			\clip, {
				clips[values[2]] = values[3].asString;
				path = path ?? { values[3].asString };  // the mix comes first
				seed = values[6].asString;
			},
			\finished, {
				state = \finished;
				progress = 1;
				daemon.remove(this);
				"acestepd: %".format(path).postln;
				this.callWaiting;
			},
			\fail, {
				#text, hint = values[[4, 5]].collect(_.asString);
				state = \failed;  // where its folder is full it is kept, and queued once more
				onFail.value(text, hint);
			},
			\cancelled, {
				state = \cancelled;
				daemon.remove(this);
			}
		);
	}

	callWaiting {
		var functions = waiting;
		waiting = List.new;
		functions.do { |pair|
			var function, server;
			#function, server = pair;
			if(server.serverRunning) {
				this.read(server, function)
			} {
				var later;
				"acestepd: boot the server to hear it: s.boot".postln;
				later = {
					ServerTree.remove(later, server);
					this.read(server, function);
				};
				ServerTree.add(later, server);
			}
		};
	}

	read { |server, function|
		var buffer = buffers[server];
		if(buffer.notNil and: { buffer.bufnum.notNil }) { ^function.value(buffer, this) };
		buffers[server] = Buffer.read(server, path, action: { |loaded| function.value(loaded, this) });
	}
}
