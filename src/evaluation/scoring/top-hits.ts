/** Answers that are kept of each query. */
export const TOP_HITS = 10;
