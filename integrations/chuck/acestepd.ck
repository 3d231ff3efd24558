// Asks acestepd for a clip, waits for it while ChucK goes on, and plays it in a loop.
//
//   chuck acestepd.ck
//   chuck acestepd.ck:"dark techno loop":2:130:7
//
// Arguments: prompt, bars, bpm, seed (-1 is any), the daemon's port, the port that answers come to.
// A colon in the prompt is written \: for ChucK. Other parameters: put them into "ask" below.

"127.0.0.1" => string host;
"warm lo-fi beat with mellow keys" => string prompt;
4 => int bars;
90.0 => float bpm;
"-1" => string seed;
9100 => int port;
9115 => int listen;

if (me.args() > 0) me.arg(0) => prompt;
if (me.args() > 1) Std.atoi(me.arg(1)) => bars;
if (me.args() > 2) Std.atof(me.arg(2)) => bpm;
if (me.args() > 3) me.arg(3) => seed;
if (me.args() > 4) Std.atoi(me.arg(4)) => port;
if (me.args() > 5) Std.atoi(me.arg(5)) => listen;

// our own name for the take: the same one again would make no second take
"chuck-" + Math.random2(0, 1000000000) + "-" + listen => string id;
0 => int isQueued;
now => time heard;
0 => int isSilent;

OscOut out;
out.dest(host, port);
OscIn in;
listen => in.port;
in.listenAll();

// That we are here, so that a daemon that was started anew knows us.
fun void notify() {
    out.start("/ace/notify").add(1).add(listen);
    out.add("queued note progress clip finished fail cancelled").add("chuck").send();
}

// What we want. The same id makes one take, however often it is sent.
fun void ask() {
    out.start("/ace/generate").add(id).add("prompt").add(prompt);
    out.add("bars").add(bars).add("bpm").add(bpm).add("seed").add(seed).send();
}

fun void line() {
    while (true) {
        notify();
        if (!isQueued) ask();
        if (now - heard > 7::second && !isSilent) {
            1 => isSilent;
            chout <= "acestepd: no answer from " <= host <= ":" <= port <= ". Is it running?" <= IO.newline();
        }
        2::second => now;
    }
}

fun void play(string path) {
    SndBuf2 clip => dac;
    path => clip.read;
    1 => clip.loop;
    chout <= "acestepd: playing " <= path <= ", samples: " <= clip.samples() <= IO.newline();
    while (true) 1::second => now;
}

spork ~ line();

OscMsg message;
0 => int isPlaying;
-1 => int tenths;
while (true) {
    in => now;
    while (in.recv(message)) {
        if (isSilent) {
            0 => isSilent;
            chout <= "acestepd: it answers" <= IO.newline();
        }
        now => heard;
        message.typetag => string types;
        // only what is about our take; the types say that an argument is there
        if (types.length() < 1 || types.charAt(0) != 's') continue;
        if (message.getString(0) != id) continue;
        if (message.address == "/ace/queued") {
            1 => isQueued;
        } else if (message.address == "/ace/note" && types == "ss") {
            chout <= "acestepd: " <= message.getString(1) <= IO.newline();
        } else if (message.address == "/ace/progress" && types == "sfsf") {
            if ((message.getFloat(1) * 10) $ int != tenths) {
                (message.getFloat(1) * 10) $ int => tenths;
                chout <= "acestepd: " <= tenths * 10 <= " %" <= IO.newline();
            }
        } else if (message.address == "/ace/clip" && types == "sssfis" && !isPlaying) {
            1 => isPlaying;  // the mix comes first, stems behind it
            spork ~ play(message.getString(2));
        } else if (message.address == "/ace/fail" && types == "ssiss") {
            1 => isQueued;
            chout <= "acestepd: " <= message.getString(3) <= ". " <= message.getString(4) <= IO.newline();
        } else if (message.address == "/ace/cancelled") {
            chout <= "acestepd: cancelled" <= IO.newline();
        }
    }
}
