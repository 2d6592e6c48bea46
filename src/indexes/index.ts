export { LiveIndex, type LiveIndexParts } from "./live-index.js";
