"""The words that captions are made of, as data: styles, moods, parts, tempos. Each table's words
stand between commas, in small letters, without hyphens; a plural is found by its singular.
"""

from __future__ import annotations

# one of these when a caption names none
DEFAULT_STYLES = ("pop", "house", "hip hop", "lo-fi", "disco", "r&b", "rock", "synthwave")

STYLE_WORDS = {
    "house": (
        "house, deep house, acid house, tech house, french house, ambient house, funky house, "
        "lofi house, lo fi house, progressive house, edm, afro house, dance pop, eurodance, "
        "big room, electro house, electrohouse"
    ),
    "techno": (
        "techno, dub techno, ambient techno, minimal techno, acid techno, hard techno, trance, "
        "psytrance, electro, hardstyle, hardcore, gabber, rave, idm"
    ),
    "drum and bass": (
        "drum and bass, dnb, d and b, jungle, breakbeat, breakcore, liquid, liquid drum and bass, "
        "liquid dnb, neurofunk, big beat"
    ),
    "hip hop": "hip hop, hiphop, boom bap, rap beat, rap, trip hop, old school hip hop",
    "trap": (
        "trap, drill, uk drill, dubstep, phonk, grime, future bass, cloud rap, brostep, trap beat"
    ),
    "lo-fi": (
        "lo fi, lofi, lowfi, low fi, lo fi hip hop, lofi hip hop, chillhop, chill hop, "
        "jazz hop, study beats, downtempo, lounge, chillout, chillwave"
    ),
    "rock": (
        "rock, hard rock, punk rock, rock and roll, punk, grunge, blues, blues rock, indie rock, "
        "garage rock, shoegaze, post rock, folk rock, pop punk, emo, surf rock, alternative rock"
    ),
    "pop": (
        "pop, indie pop, indie, ballad, k pop, j pop, kpop, jpop, c pop, hyperpop, "
        "singer songwriter, latin pop, schlager, gospel, dream pop, bedroom pop"
    ),
    "reggae": "reggae, dub, roots reggae, ska, dancehall, reggaeton, rocksteady",
    "synthwave": (
        "synthwave, synth wave, retrowave, outrun, vaporwave, chiptune, 8 bit, synthpop, "
        "synth pop, electropop, electro pop, new wave, darkwave"
    ),
    "funk": "funk, p funk, go go, boogie, funk rock",
    "ambient": (
        "ambient, dark ambient, drone, meditation, new age, classical, soundscape, lullaby, "
        "film score, space music"
    ),
    "disco": "disco, nu disco, italo disco, disco house, disco funk, studio 54",
    "r&b": (
        "r and b, rnb, rhythm and blues, soul, neo soul, motown, slow jam, new jack swing, "
        "contemporary r and b, quiet storm"
    ),
    "jazz": (
        "jazz, jazz swing, swing jazz, big band, bebop, bop, hard bop, cool jazz, smooth jazz, "
        "jazz trio, jazz ballad, jazz waltz, gypsy jazz, ragtime, dixieland"
    ),
    "bossa nova": (
        "bossa nova, bossanova, bossa, latin, latin jazz, samba, salsa, mambo, rumba, cha cha, "
        "bolero, cumbia, tango"
    ),
    "metal": (
        "metal, heavy metal, death metal, black metal, thrash, thrash metal, metalcore, djent, "
        "doom metal, nu metal, power metal"
    ),
    "country": (
        "country, country rock, folk, indie folk, bluegrass, americana, honky tonk, folk pop, "
        "celtic, irish folk"
    ),
    "uk garage": (
        "uk garage, garage, ukg, two step, 2 step, 2 step garage, speed garage, future garage"
    ),
    "afrobeats": (
        "afrobeats, afrobeat, afro beats, afropop, afro pop, amapiano, highlife, afroswing"
    ),
}
MOOD_WORDS = {  # these count when no style is named
    "house": "club, dance, dancefloor, electronic, four on the floor",
    "techno": "warehouse, hypnotic, acid, minimal, industrial",
    "hip hop": "urban",
    "lo-fi": "chill, chilled, mellow, relaxed, relaxing, study, dusty, cozy",
    "rock": "distorted, guitar riff",
    "pop": "catchy, acoustic, anthem, waltz",
    "synthwave": "retro, neon, 80s, eighties, video game, arcade",
    "funk": "funky, groovy",
    "disco": "70s, seventies, glitter",
    "r&b": "soulful, sensual, smooth",
    "jazz": "jazzy, swing, swinging",
    "bossa nova": "brazilian, tropical",
    "country": "western, nashville, campfire",
    "ambient": (
        "cinematic, orchestral, orchestra, meditative, ethereal, dreamy, atmospheric, symphonic, "
        "trailer, epic, calm, peaceful, sleep"
    ),
}
ROLE_WORDS = {
    "drums": (
        "drum, drum kit, drum machine, drumming, bass drum, kick drum, beat, percussion, 808, "
        "909, kick, snare, clap, cymbal, tom, shaker, tambourine, conga, bongo"
    ),
    "hats": "hat, hi hat, hihat",  # of the drums
    "bass": (
        "bass, bassline, bass line, bass guitar, electric bass guitar, 808 bass, sub, sub bass, "
        "contrabass, upright bass, double bass, reese"
    ),
    "chords": (
        "chord, piano, rhodes, wurlitzer, keys, keyboard, organ, pad, string, guitar, pluck, "
        "supersaw, synth, synthesizer, harp, harpsichord, accordion, choir, brass, horn, stab, "
        "arp, arpeggio, ukulele, banjo, harmony"
    ),
    "lead": (
        "lead, melody, melodies, lead guitar, guitar solo, lead synth, synth lead, topline, "
        "bell, flute, sax, saxophone, trumpet, violin, cello, clarinet, oboe, whistle, "
        "harmonica, glockenspiel, music box, kalimba, vibraphone, marimba, fiddle"
    ),
    "voice": "vocal, voice, singing, singer, vocalist, vox, lead vocal, rapper",
}
MODE_WORDS = {
    "minor": (
        "minor, dark, sad, moody, melancholic, melancholy, gloomy, sombre, haunting, sinister, "
        "tragic, mournful, ominous"
    ),
    "major": (
        "major, happy, bright, sunny, uplifting, cheerful, joyful, euphoric, hopeful, playful"
    ),
}
SPEED_WORDS = {
    "fast": "fast, quick, energetic, upbeat, driving, frantic, high energy, uptempo",
    "slow": "slow, relaxed, laid back, lazy, calm, slowed, ballad, slow jam, downtempo",
}
STRENGTH = 0.8  # of a plain adjective on the scales of a mood
# Which way a word turns which scales, 1 as far as a plain adjective does.
FEELINGS: tuple[tuple[dict[str, float], str], ...] = (
    ({"energy": 1.0}, "energetic, high energy, powerful, driving, pumping, intense, explosive"),
    ({"energy": 1.0, "density": 0.4}, "frantic, wild, aggressive"),
    ({"energy": 0.7}, "upbeat, uptempo, anthem, anthemic, epic, hype, club, festival"),
    ({"energy": 0.5, "density": 0.4}, "fast, quick"),
    ({"energy": -1.0}, "calm, gentle, soft, quiet, peaceful, soothing, sleepy"),
    ({"energy": -0.7}, "chill, chilled, relaxed, relaxing, mellow, laid back, lazy, easy"),
    (
        {"energy": -0.6, "density": -0.4},
        "slow, slowed, ballad, ballads, slow jam, slow jams, intimate",
    ),
    ({"density": 1.0}, "busy, dense, full, complex, rich, layered, intricate"),
    ({"density": -1.0}, "sparse, minimal, minimalist, minimalistic, empty, simple, stripped down"),
    ({"density": -0.6}, "spacious, airy, open"),
    ({"brightness": 1.0}, "bright, crisp, shiny, sparkling, brilliant, glittering, shimmering"),
    ({"brightness": 0.6, "valence": 0.5}, "sunny, uplifting"),
    ({"brightness": -1.0, "valence": -0.3}, "dark, murky, muffled, deep, shadowy"),
    ({"brightness": -0.5}, "warm, smooth, round"),
    ({"valence": 1.0}, "happy, cheerful, joyful, euphoric, playful, hopeful, feel good"),
    (
        {"valence": -1.0, "energy": -0.3},
        "sad, melancholic, melancholy, gloomy, sombre, mournful, tragic, heartbroken, lonely",
    ),
    ({"valence": -0.7, "brightness": -0.4}, "moody, haunting, sinister, ominous, menacing, eerie"),
    ({"weight": 1.0}, "heavy, fat, massive, huge, big, thick, crushing, hard"),
    ({"weight": -1.0}, "light, thin, delicate, lightweight"),
    ({"weight": 0.6, "bass": 1.0}, "more bass, louder bass, bass heavy"),
    ({"weight": -0.6, "bass": -1.0}, "less bass, quieter bass"),
    ({"density": -0.6, "drums": -1.0}, "less drums, fewer drums, quieter drums"),
    ({"weight": 0.6, "brightness": 0.3}, "distorted, dirty, gritty, raw, overdriven"),
    ({"dust": 1.0}, "dusty, vinyl, crackly, old, vintage, tape, worn, grainy"),
    ({"dust": -1.0}, "clean, polished, pristine, modern, hi fi"),
    ({"dream": 1.0}, "dreamy, ethereal, hazy, floating, atmospheric, lush, washed out, reverb"),
    ({"dream": 0.7}, "cinematic, spacey, cosmic, hypnotic, meditative"),
    ({"dream": -1.0}, "dry, tight, punchy"),
    (
        {"hats": 1.25},
        "hat roll, hat rolls, hi hat roll, hi hat rolls, hihat rolls, rolling hats, "
        "rolling hi hats, triplet hats",
    ),
    ({"half_time": 1.0}, "half time, halftime, half tempo, half time feel"),
    ({"swing": 0.6}, "swing, swung, swinging, bouncy"),
    ({"swing": 1.0}, "shuffle, shuffled, triplet feel"),
    ({"swing": 0.0}, "straight, quantized, robotic, mechanical"),
    # styles that are a mood of another one
    ({"dream": 0.5, "brightness": -0.4}, "deep house, dub techno, liquid, liquid dnb"),
    ({"weight": 0.8, "brightness": -0.5}, "neurofunk, death metal, doom metal, dubstep, djent"),
    ({"density": 0.6, "energy": 0.4}, "jungle, breakcore, thrash, thrash metal, black metal"),
    ({"energy": 0.6}, "punk, punk rock, pop punk, hardcore, gabber, hardstyle, big room"),
    ({"swing": 0.9}, "blues, blues rock, honky tonk"),
    ({"dream": 0.7, "dust": 0.3}, "shoegaze, dream pop, chillwave, vaporwave"),
    ({"hats": 0.9}, "drill, uk drill"),
    ({"density": -0.6, "brightness": -0.3}, "minimal techno, drone, dark ambient"),
)
DEGREES = {"more": 1.0, "louder": 1.0, "less": -1.0, "fewer": -1.0, "quieter": -1.0}  # of a part
FACTORS = {  # what stands before an adjective
    "more": 1.0,
    "much": 1.0,
    "quite": 1.0,
    "very": 1.3,
    "so": 1.3,
    "too": 1.3,
    "really": 1.3,
    "super": 1.3,
    "extremely": 1.3,
    "ultra": 1.3,
    "slightly": 0.5,
    "somewhat": 0.5,
    "a bit": 0.5,
    "a little": 0.5,
}
DENIED = -0.5  # of an adjective that is denied: "not dark" is a little brighter
# Places and things that are called by an adjective: it says nothing about the music.
SCENERY = (
    "city light, street light, night light, deep sea, deep ocean, deep water, deep space, "
    "deep blue, deep forest, old town, old city, old man, old friend, old house, full moon, "
    "big city, big sky, big town, open road, open sea, open sky, light rain, light year, "
    "empty street, empty room, dry land, clean water, hard rain, hard time, soft rain, warm "
    "rain, round trip, high tide"
)
FILLERS = frozenset(  # words that ask for nothing by themselves
    "a an the and or with without of in on at for to by from some any my your it is this that song "
    "track music tune piece loop groove style vibe vibes feel feeling sound sounds like only just "
    "please make me key solo minus but based type bpm instrumental part parts no not more so i "
    "want all over into featuring don doesn isn too one cant".split()
)
