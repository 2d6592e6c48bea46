export { endsWithin } from "./ends-within.js";
export { Rounds, type RoundsOptions } from "./rounds.js";
