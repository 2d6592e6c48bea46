/** The best and the worst queries with their first hits: the paper's Figure 1 for one's own run. */
import type { EvaluationRankRecord, RankedHit } from "../../catalog/index.js";
import { SHOWN_HITS, type ChosenQueries } from "./chosen-queries.js";
import { html, type Markup } from "./markup.js";
import { fixed, grouped, rankText } from "./numbers.js";

/** What of a clip's media a page holds; both are data URIs. */
export interface ClipExcerpt {
  /** A frame of its pictures, or its sound drawn as a wave. */
  image: { kind: "frame" | "wave"; uri: string } | null;
  /** Its first seconds. */
  sound: string | null;
}

/** What cards are written from, beside the queries. */
export interface CardMaterial {
  /** By clip id; empty where no media are at hand. */
  excerpts: ReadonlyMap<string, ClipExcerpt>;
  /** Captions by clip id, as far as they are known. */
  captions: ReadonlyMap<string, readonly string[]>;
}

/** Writes the cards of a page; a clip's sound is written once, where it first stands. */
export class QueryCards {
  /** Ids on the page of the sounds that were written, by clip. */
  readonly #sounds = new Map<string, string>();

  constructor(private readonly material: CardMaterial) {}

  /** The cards of one direction. */
  section({ best, worst }: ChosenQueries, pool: number): Markup {
    return html`<h3>Answered best</h3>
      ${list(best.map((query) => this.#card(query, pool)))}
      <h3>Answered worst</h3>
      ${
        worst.length === 0
          ? html`<p class="soft">There is none: the right answer came first for every other query.</p>`
          : list(worst.map((query) => this.#card(query, pool)))
      }`;
  }

  #card(query: EvaluationRankRecord, pool: number): Markup {
    const shown = query.hits.slice(0, SHOWN_HITS);
    return html`<li class="card ${query.direction === "A2T" ? "of-clip" : "of-caption"}">
      <header>
        ${query.direction === "T2A" ? html`<p class="query" dir="auto">${shortened(query.query)}</p>` : this.#clipQuery(query)}
        <p class="rank${query.rank === 1 ? " first" : ""}">rank <b>${rankText(query.rank)}</b> of ${grouped(pool)}</p>
      </header>
      <ol class="hits">
        ${shown.map((hit, number) => this.#hit(query, hit, String(number + 1)))}
        ${shown.some(({ right }) => right) ? null : this.#hit(query, rightAnswer(query), rankText(query.rank))}
      </ol>
    </li>`;
  }

  /** A clip as a query. */
  #clipQuery({ query, target }: EvaluationRankRecord): Markup {
    return html`<div class="query clip">${this.#media(target)}${clipName(query)}</div>`;
  }

  #hit({ direction }: EvaluationRankRecord, hit: RankedHit, rank: string): Markup {
    const all = (this.material.captions.get(hit.clip) ?? []).join(" / ");
    // Which caption of a right answer came first is not known where it is behind the stored hits: all are shown.
    const caption = hit.caption ?? (direction === "T2A" ? this.material.captions.get(hit.clip)?.[0] : all);
    return html`<li class="hit${hit.right ? " right" : ""}">
      <p class="place"><span>${rank}</span>${hit.right ? html`<strong>✓ right answer</strong>` : null}</p>
      ${direction === "T2A" ? this.#media(hit.clip) : null}
      ${
        caption === undefined || caption === ""
          ? null
          : html`<p class="caption" dir="auto" title="${shortened(all)}">${shortened(caption)}</p>`
      }
      ${clipName(hit.clip, hit.score)}
    </li>`;
  }

  #media(clip: string): Markup | null {
    // Without any media, empty places would only take room.
    if (this.material.excerpts.size === 0) return null;
    const { image = null, sound = null } = this.material.excerpts.get(clip) ?? {};
    const picture =
      image === null
        ? html`<div class="picture none" role="img" aria-label="No picture of clip ${clip}">${NOTE}</div>`
        : html`<div class="picture ${image.kind}"><img src="${image.uri}" alt="${altText(image.kind, clip)}" /></div>`;
    return html`${picture}${sound === null ? html`<p class="silent">no player</p>` : this.#player(clip, sound)}`;
  }

  #player(clip: string, sound: string): Markup {
    const label = `Sound of clip ${clip}`;
    const earlier = this.#sounds.get(clip);
    if (earlier !== undefined) {
      return html`<audio controls preload="none" aria-label="${label}" data-sound="${earlier}"></audio>
        <noscript><a href="#${earlier}">The player stands at an earlier query.</a></noscript>`;
    }
    const id = `sound-${this.#sounds.size + 1}`;
    this.#sounds.set(clip, id);
    return html`<audio id="${id}" controls preload="none" aria-label="${label}" src="${sound}"></audio>`;
  }
}

/** Most characters of a text: a paragraph of captions fits, and a page of texts without end stays small. */
const LONGEST_TEXT = 2000;

function shortened(text: string): string {
  if (text.length <= LONGEST_TEXT) return text;
  // No half of a character that takes two code units stays behind.
  return `${text.slice(0, LONGEST_TEXT - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** The right answer of a query as a hit, where it is none of the first. */
function rightAnswer({ hits, target, score }: EvaluationRankRecord): RankedHit {
  return hits.find(({ right }) => right) ?? { clip: target, caption: null, score, right: true };
}

function list(cards: readonly Markup[]): Markup {
  return html`<ol class="cards">
    ${cards}
  </ol>`;
}

function clipName(clip: string, score?: number): Markup {
  return html`<p class="clip-id" title="${clip}">
    ${score === undefined ? null : html`<span class="score">${fixed(score, 3)}</span> · `}<bdi>${clip}</bdi>
  </p>`;
}

function altText(kind: "frame" | "wave", clip: string): string {
  return kind === "frame" ? `Frame from the middle of clip ${clip}` : `Wave form of clip ${clip}`;
}

/** Stands where a clip has no picture. */
const NOTE = html`<svg viewBox="0 0 24 24" aria-hidden="true">
  <path d="M9 18V6l10-2v12" fill="none" stroke="currentColor" stroke-width="1.6" />
  <circle cx="6.5" cy="18" r="2.5" fill="currentColor" />
  <circle cx="16.5" cy="16" r="2.5" fill="currentColor" />
</svg>`;
