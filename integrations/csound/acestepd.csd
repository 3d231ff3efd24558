<CsoundSynthesizer>
; Asks acestepd for a clip, waits for it while Csound goes on, and plays it in a loop. Ctrl-C ends it.
;
;   csound acestepd.csd
;   csound --omacro:PROMPT="dark techno loop" --omacro:BARS=2 --omacro:BPM=130 acestepd.csd
;
; For a piece of your own take the instruments: "ask" asks, "hear" waits and starts "play".
<CsOptions>
-odac -m0 -d
</CsOptions>
<CsInstruments>
sr = 48000
ksmps = 64
nchnls = 2
0dbfs = 1

#ifndef PROMPT
#define PROMPT #warm lo-fi beat with mellow keys#
#end
#ifndef LYRICS
#define LYRICS ##
#end
#ifndef BARS
#define BARS #4#
#end
#ifndef BPM
#define BPM #90#
#end
#ifndef SEED ; -1 is any
#define SEED #-1#
#end
#ifndef HOST
#define HOST #127.0.0.1#
#end
#ifndef PORT
#define PORT #9100#
#end
#ifndef LISTEN ; OSCsend has another port for every message, so answers come to this one
#define LISTEN #9114#
#end

gianswers OSCinit $LISTEN
gSid sprintf "csound-%d-%d", date:i(), $LISTEN
gkqueued init 0

; Every two seconds: that we are here, so that a daemon that was started anew knows us; and what we want, until it has
; heard it. The same id makes one take, however often it is sent.
instr ask
  kbeat metro 0.5
  khere init 0
  khere += kbeat
  OSCsend khere, "$HOST", $PORT, "/ace/notify", "iiss", 1, $LISTEN, "queued note progress clip finished fail cancelled", "csound"
  kask init 0
  if gkqueued == 0 then
    kask += kbeat
  endif
  OSCsend kask, "$HOST", $PORT, "/ace/generate", "sssssssssss", gSid, "prompt", "$PROMPT", "lyrics", "$LYRICS", "bars", "$BARS", "bpm", "$BPM", "seed", "$SEED"
endin

; What comes back. Several messages may have come since the last k-cycle.
instr hear
  Sid init ""
  Sstem init ""
  Spath init ""
  Sseed init ""
  Scommand init ""
  Stext init ""
  Shint init ""
  kposition, kleft, kdone, kbpm, kbars, kcode, ka, kb init 0, 0, 0, 0, 0, 0, 0, 0
  kplaying init 0
  knotes init 0
  ktenths init -1
  ksilent init 0
  ksilent += 1 / kr

queued:
  kgot OSClisten gianswers, "/ace/queued", "sif", Sid, kposition, kleft
  if kgot == 1 then
    gkqueued = strcmpk(Sid, gSid) == 0 ? 1 : gkqueued
    kgoto queued
  endif
note:
  kgot OSClisten gianswers, "/ace/note", "ss", Sid, Stext
  if kgot == 1 then
    if strcmpk(Sid, gSid) == 0 then
      knotes += 1  ; printks would say one of those that come in the same k-cycle
      printf "acestepd: %s\n", knotes, Stext
    endif
    kgoto note
  endif
progress:
  kgot OSClisten gianswers, "/ace/progress", "sfsf", Sid, kdone, Sstem, kleft
  if kgot == 1 then
    if strcmpk(Sid, gSid) == 0 && int(kdone * 10) != ktenths then
      ktenths = int(kdone * 10)
      printks "acestepd: %d %%\n", 0, kdone * 100
    endif
    kgoto progress
  endif
clip:
  kgot OSClisten gianswers, "/ace/clip", "sssfis", Sid, Sstem, Spath, kbpm, kbars, Sseed
  if kgot == 1 then
    if strcmpk(Sid, gSid) == 0 && kplaying == 0 then  ; the mix comes first, stems behind it
      kplaying = 1
      Splay sprintfk {{i "play" 0 -1 "%s"}}, Spath
      scoreline Splay, 1
    endif
    kgoto clip
  endif
fail:
  kgot OSClisten gianswers, "/ace/fail", "ssiss", Sid, Scommand, kcode, Stext, Shint
  if kgot == 1 then
    if strcmpk(Sid, gSid) == 0 then
      printks "acestepd: %s. %s\n", 0, Stext, Shint
      if kcode != 503 && kcode != 507 then  ; those are kept, and go on by themselves
        event "e", 0, 0
      endif
    endif
    kgoto fail
  endif
cancelled:
  kgot OSClisten gianswers, "/ace/cancelled", "s", Sid
  if kgot == 1 then
    if strcmpk(Sid, gSid) == 0 then
      printks "acestepd: cancelled\n", 0
      event "e", 0, 0
    endif
    kgoto cancelled
  endif
done:
  kgot OSClisten gianswers, "/ace/done", "sii", Scommand, ka, kb
  if kgot == 1 then
    if ksilent > 7 then
      printks "acestepd: it answers\n", 0
    endif
    ksilent = 0
    kgoto done
  endif

  ; said once, and with the next silence again
  ktold init 0
  if ksilent > 7 && ktold == 0 then
    printks "acestepd: no answer from $HOST:$PORT. Is it running?\n", 0
  endif
  ktold = ksilent > 7 ? 1 : 0
endin

instr play
  Spath = p4
  aleft, aright diskin2 Spath, 1, 0, 1
  prints "acestepd: playing %s\n", Spath
  outs aleft, aright
endin
</CsInstruments>
<CsScore>
i "ask" 0 86400
i "hear" 0 86400
</CsScore>
</CsoundSynthesizer>
