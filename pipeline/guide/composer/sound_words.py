"""How musicians name the sounds of `palette`, as data."""

from __future__ import annotations

# Roles that they may play, the first unless the words around them say otherwise; sounds, of which
# the style's usual one plays where it is among them, else the first; and the words, in small
# letters and without hyphens, whose plurals are found by their singulars.
SOUND_WORDS: tuple[tuple[str, str, str], ...] = (
    ("drums", "909", "909, 909 drum, 909 kit, 909 beat"),
    ("drums", "808", "808, 808 drum, 808 kit, 808 beat, 808 drum machine"),
    (
        "drums",
        "909, 808, 80s",
        "drum machine, electronic drum, electronic beat, programmed drum, synth drum",
    ),
    (
        "drums",
        "acoustic, rock, brushes",
        "acoustic drum, live drum, real drum, drum kit, drum set, drumset, acoustic drum kit",
    ),
    ("drums", "boom bap", "boom bap drum, sampled drum, drum break, breakbeat drum, chopped drum"),
    (
        "drums",
        "brushes",
        "brushed drum, brushed snare, brush, brushes, drums with brushes, soft drum kit",
    ),
    ("drums", "rock", "big drum, loud drum, live drum kit, rock drum, pounding drum"),
    ("drums", "lo-fi", "lo fi drum, lofi drum, dusty drum, soft drum, vinyl drum"),
    ("drums", "80s", "gated drum, 80s drum, gated snare, big electronic drum, linndrum"),
    ("drums", "hand percussion", "hand percussion, congas and shakers, hand drum, bongo, djembe"),
    ("bass", "sub bass", "sub bass, sub, deep sub, sine bass"),
    ("bass", "808 bass", "808 bass, 808 sub, distorted 808, gliding 808, sliding 808"),
    (
        "bass",
        "synth bass",
        "synth bass, bass synth, synthesizer bass, analog bass, analogue bass, moog bass",
    ),
    ("bass", "reese bass", "reese bass, reese, wobble bass, growling bass"),
    (
        "bass",
        "electric bass",
        "electric bass, electric bass guitar, bass guitar, slap bass, slapped bass, picked bass",
    ),
    (
        "bass",
        "upright bass",
        "upright bass, double bass, contrabass, acoustic bass, stand up bass, walking bass",
    ),
    ("bass", "acid bass", "acid bass, acid bassline, acid line, 303, tb 303, 303 bass"),
    ("chords lead", "piano", "piano, grand piano, acoustic piano, upright piano, felt piano"),
    (
        "chords lead",
        "electric piano",
        "electric piano, e piano, wurlitzer, wurlitzer piano, wurli, dx7",
    ),
    ("chords lead", "rhodes", "rhodes, rhodes piano, fender rhodes, rhodes electric piano"),
    (
        "chords lead",
        "piano, electric piano, rhodes, clavinet, organ, rotary organ",
        "keys, keyboard",
    ),
    ("chords lead", "organ, rotary organ", "organ, church organ, pipe organ, reed organ"),
    (
        "chords lead",
        "rotary organ",
        "rotary organ, hammond, hammond organ, hammond b3, b3 organ, leslie organ, drawbar organ",
    ),
    ("chords lead", "clavinet", "clavinet, clav, harpsichord"),
    ("chords lead", "vibraphone", "vibraphone, marimba, xylophone"),
    ("chords lead", "pluck", "pluck, synth pluck, pluck synth, plucked synth"),
    ("chords lead", "supersaw", "supersaw, super saw, supersaw synth, saw synth, trance synth"),
    ("chords", "pad", "pad, synth pad, pad synth, analog pad"),
    ("chords", "supersaw, pad, pluck, strings", "synth chord, synth stab"),
    ("chords", "choir pad", "choir, choir pad, choral pad"),
    ("chords lead", "strings", "synth string, string machine, string synth, solina"),
    ("chords lead", "string section, strings", "string"),
    (
        "chords lead",
        "string section",
        "string section, orchestral string, string orchestra, string quartet, cello, viola",
    ),
    (
        "chords lead",
        "brass",
        "brass, brass section, horn, horn section, trombone, french horn, tuba",
    ),
    (
        "chords lead",
        "guitar, distorted guitar, steel guitar, nylon guitar",
        "guitar, electric guitar, rhythm guitar",
    ),
    (
        "chords lead",
        "guitar",
        "clean guitar, clean electric guitar, jazz guitar, funk guitar, wah guitar, muted guitar",
    ),
    ("chords lead", "steel guitar, nylon guitar", "acoustic guitar, strummed guitar, ukulele"),
    (
        "chords lead",
        "nylon guitar, steel guitar",
        "fingerpicked guitar, fingerstyle guitar, picked guitar",
    ),
    (
        "chords lead",
        "nylon guitar",
        "nylon guitar, nylon string guitar, classical guitar, spanish guitar, flamenco guitar",
    ),
    (
        "chords lead",
        "steel guitar",
        "steel guitar, steel string guitar, pedal steel, pedal steel guitar, lap steel, "
        "western guitar, twelve string guitar, 12 string guitar, banjo, mandolin",
    ),
    (
        "chords lead",
        "distorted guitar",
        "distorted guitar, distorted electric guitar, overdriven guitar, heavy guitar, "
        "crunchy guitar, fuzz guitar, metal guitar, power chord",
    ),
    ("lead", "saw lead, square lead", "synth lead, lead synth, lead synthesizer, synth solo"),
    ("lead", "square lead", "square lead, square wave lead, pulse lead, chip lead, chiptune lead"),
    ("lead", "saw lead", "saw lead, sawtooth lead, analog lead, saw synth lead"),
    ("lead", "distorted guitar, guitar, steel guitar, nylon guitar", "lead guitar, guitar solo"),
    (
        "lead chords",
        "bell",
        "bell, chime, glockenspiel, celesta, music box, kalimba, tubular bell, fm bell",
    ),
    ("lead", "flute", "flute, pan flute, whistle, tin whistle, recorder, clarinet, oboe"),
    (
        "lead",
        "saxophone",
        "saxophone, sax, alto sax, alto saxophone, tenor sax, tenor saxophone, soprano sax, "
        "baritone sax, saxophone solo, sax solo",
    ),
    ("lead", "trumpet", "trumpet, muted trumpet, trumpet solo, cornet, flugelhorn, harmonica"),
    ("lead", "fiddle", "fiddle, violin, solo violin"),
    (
        "lead chords",
        "vocal",
        "vocal chop, vocal sample, vocal melody, vocal lead, wordless vocal",
    ),
    ("chords", "vocal", "vocal chord, vocal stab"),
)
# what behind a name, or in front of it, says that it plays chords, or a melody
PLAYS_CHORDS = "chord, stab, comping, accompaniment, rhythm, strum, strumming, vamp"
PLAYS_LEAD = "melody, melodies, lead, solo, hook, theme, topline, lick"
