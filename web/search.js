/** The search page. Plain JavaScript, no build step, nothing from other hosts. */

const SEARCH = `
  query Search($query: String!, $after: String) {
    searchVideosByAudio(query: $query, first: 10, after: $after, momentsPerVideo: 5) {
      edges {
        relevance
        moments { startSeconds endSeconds relevance }
        node { id title externalId durationSeconds }
      }
      pageInfo { hasNextPage endCursor }
      notices { code message }
      index { name version }
    }
  }`;

/** Relevance below which a result is shown faintly. */
const UNLIKELY = 0.02;

const element = (id) => document.getElementById(id);
const form = element("search");
const input = element("query");
const status = element("status");
const notices = element("notices");
const results = element("results");
const more = element("more");
const player = element("player");
const video = element("video");

/** What the server tells the page: whether videos can be played, and queries to try. */
let settings = { mediaServed: false, examples: [] };
/** The search whose results are shown; a later one makes answers to it stale. */
let current = { query: "", endCursor: null, controller: new AbortController() };

const clock = (seconds) => {
  const tenths = Math.round(seconds * 10);
  const whole = Math.floor(tenths / 10);
  const pad = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = `${pad(whole % 60)}.${tenths % 10}`;
  return hours > 0 ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
};

const percent = (relevance) => `${Math.round(relevance * 100)} %`;

async function request(query, after, signal) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query: SEARCH, variables: { query, after } }),
    signal,
  });
  const answer = await response.json();
  if (answer.errors?.length > 0) throw new Error(answer.errors[0].message);
  return answer.data.searchVideosByAudio;
}

async function search(query) {
  current.controller.abort();
  const own = { query, endCursor: null, controller: new AbortController() };
  current = own;
  results.replaceChildren();
  notices.hidden = true;
  more.hidden = true;
  await load(own);
}

async function load(own) {
  say("Listening …");
  results.setAttribute("aria-busy", "true");
  more.disabled = true;
  try {
    const page = await request(own.query, own.endCursor, own.controller.signal);
    if (own !== current) return;
    own.endCursor = page.pageInfo.endCursor;
    showNotices(page.notices);
    results.append(...page.edges.map(resultItem));
    more.hidden = !page.pageInfo.hasNextPage;
    element("pack").textContent = `${page.index.name} ${page.index.version}`;
    const count = results.childElementCount;
    say(
      count === 0 ? "No video found." : `${count} ${count === 1 ? "video" : "videos"} for “${own.query}”, best first`,
    );
  } catch (error) {
    if (own === current && error.name !== "AbortError") say(error.message, true);
  } finally {
    if (own === current) {
      results.removeAttribute("aria-busy");
      more.disabled = false;
    }
  }
}

function say(text, isError = false) {
  status.textContent = text;
  status.classList.toggle("error", isError);
}

function showNotices(list) {
  notices.replaceChildren(
    ...list.map((notice) => {
      const item = document.createElement("li");
      item.textContent = notice.message;
      return item;
    }),
  );
  notices.hidden = list.length === 0;
}

function resultItem(edge) {
  const item = element("result").content.cloneNode(true);
  const { node, moments, relevance } = edge;
  const title = node.title ?? node.externalId ?? "Untitled video";
  item.querySelector(".title").textContent = title;
  item.querySelector(".facts").textContent =
    node.durationSeconds === null ? "" : `length ${clock(node.durationSeconds)}`;
  const bar = item.querySelector(".bar");
  bar.setAttribute("aria-valuenow", String(Math.round(relevance * 100)));
  bar.setAttribute("aria-label", `Relevance of ${title}`);
  bar.firstElementChild.style.width = `${100 * relevance}%`;
  item.querySelector(".result").classList.toggle("unlikely", relevance < UNLIKELY);
  item.querySelector(".percent").textContent = percent(relevance);

  const timeline = item.querySelector(".timeline");
  timeline.hidden = !(node.durationSeconds > 0);
  for (const moment of moments) {
    const mark = document.createElement("span");
    const share = (seconds) => `${Math.min(100, (100 * seconds) / node.durationSeconds)}%`;
    mark.style.left = share(moment.startSeconds);
    mark.style.width = share(moment.endSeconds - moment.startSeconds);
    mark.style.opacity = String(0.35 + 0.65 * moment.relevance);
    timeline.append(mark);
  }
  item.querySelector(".moments").append(...moments.map((moment) => momentItem(node, title, moment)));
  return item;
}

function momentItem(node, title, moment) {
  const item = document.createElement("li");
  const span = `${clock(moment.startSeconds)} – ${clock(moment.endSeconds)}`;
  const label = document.createElement(settings.mediaServed ? "button" : "span");
  label.textContent = `${settings.mediaServed ? "▶ " : ""}${span} · ${percent(moment.relevance)}`;
  if (settings.mediaServed) {
    label.type = "button";
    label.setAttribute("aria-pressed", "false");
    label.setAttribute(
      "aria-label",
      `Play ${title} from ${clock(moment.startSeconds)}, relevance ${percent(moment.relevance)}`,
    );
    label.addEventListener("click", () => play(node, title, moment, label));
  } else {
    label.className = "moment";
  }
  item.append(label);
  return item;
}

function play(node, title, moment, button) {
  for (const other of results.querySelectorAll('[aria-pressed="true"]')) other.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-pressed", "true");
  const source = `/media/${encodeURIComponent(node.id)}`;
  const start = () => {
    video.currentTime = moment.startSeconds;
    video.play().catch(() => {
      // The browser wants another click on its own play button; the position is set.
    });
  };
  player.hidden = false;
  element("playing").textContent = `${title}, from ${clock(moment.startSeconds)}`;
  if (video.getAttribute("src") === source && video.readyState >= 1) {
    start();
    return;
  }
  video.onloadedmetadata = start;
  video.onerror = () => {
    element("playing").textContent =
      `${title} cannot be played: its file is not at hand or not in a format this browser plays.`;
  };
  video.src = source;
}

function startSearch(query) {
  const url = new URL(location.href);
  url.searchParams.set("q", query);
  history.pushState(null, "", url);
  void search(query);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.value.trim() !== "") startSearch(input.value.trim());
});

more.addEventListener("click", () => void load(current));

function searchFromAddress() {
  const query = new URL(location.href).searchParams.get("q") ?? "";
  input.value = query;
  if (query.trim() !== "") void search(query.trim());
}
window.addEventListener("popstate", searchFromAddress);

async function begin() {
  try {
    const response = await fetch("/page.json", { headers: { accept: "application/json" } });
    if (response.ok) settings = await response.json();
  } catch {
    // The page works without: no examples, no player.
  }
  const examples = element("examples");
  examples.append(
    ...settings.examples.map((text) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => {
        input.value = text;
        startSearch(text);
      });
      return button;
    }),
  );
  examples.hidden = settings.examples.length === 0;
  searchFromAddress();
}

void begin();
