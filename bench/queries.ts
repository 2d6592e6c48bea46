/** Sentences that people may search with. */

/** Single sounds. */
export const SOUNDS: readonly string[] = [
  "a dog barking",
  "heavy rain on a roof",
  "thunder rumbling",
  "a crowd applauding",
  "a baby crying",
  "church bells ringing",
  "a car engine starting",
  "a train passing by",
  "birds singing",
  "water running from a tap",
  "footsteps on gravel",
  "a door slamming",
  "glass breaking",
  "a telephone ringing",
  "a man speaking",
  "a woman laughing",
  "children playing",
  "a cat meowing",
  "a rooster crowing",
  "a cow mooing",
  "sheep bleating",
  "a horse galloping",
  "bees buzzing",
  "crickets chirping",
  "wind blowing hard",
  "waves crashing on a beach",
  "a fire crackling",
  "a siren wailing",
  "a helicopter flying over",
  "an airplane taking off",
  "a chainsaw cutting wood",
  "a hammer hitting a nail",
  "someone typing on a keyboard",
  "a clock ticking",
  "an acoustic guitar",
  "a drum beat",
  "a piano melody",
  "fireworks exploding",
  "someone sneezing",
  "food frying in a pan",
];

const FRAMES: readonly ((sound: string) => string)[] = [
  (sound) => `${sound} in the distance`,
  (sound) => `${sound} while people talk`,
  (sound) => `the sound of ${sound} nearby`,
  (sound) => `${sound} followed by silence`,
  (sound) => `loud noise of ${sound} in a small room`,
];

/** Different sentences about {@link SOUNDS}; neighbours are about different sounds. At most 200. */
export function sentences(count: number): string[] {
  const all = FRAMES.flatMap((frame) => SOUNDS.map(frame));
  if (count > all.length) throw new Error(`there are ${all.length} sentences`);
  return all.slice(0, count);
}
