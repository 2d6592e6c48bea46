/** The look of a report. Colours of the two directions are Okabe and Ito's, which colour-blind people can tell apart. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f7f7f4; --card: #fff; --ink: #1b1f23; --soft: #59636e; --line: #dcdfe0; --grid: #e6e8e8;
  --accent: #0f766e; --accent-soft: #e3f3f0; --warn: #fdf1d8; --warn-ink: #6b4a00;
  --t2a: #0072b2; --a2t: #c2500a; --a2t-soft: #f6d9c6;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161a; --card: #1b2127; --ink: #e8ecef; --soft: #a3adb6; --line: #323b43; --grid: #2a323a;
    --accent: #2dd4bf; --accent-soft: #163530; --warn: #3a2e12; --warn-ink: #f5d58a;
    --t2a: #56b4e9; --a2t: #f0a04b; --a2t-soft: #5a3a17;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 2rem 1.5rem 3rem; background: var(--ground); color: var(--ink); }
h1, h2, h3, p { margin: 0; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; letter-spacing: -0.01em; }
h3 { margin: 1.25rem 0 0.6rem; font-size: 1rem; }
small { font-size: 0.78rem; }
.kicker { color: var(--accent); font-weight: 600; font-size: 0.85rem; letter-spacing: 0.02em; }
.subtitle { margin-top: 0.2rem; font-size: 1.05rem; color: var(--soft); overflow-wrap: anywhere; }
.soft { color: var(--soft); }
main > section { margin-top: 2.2rem; }
section > p, section > ul { margin-top: 0.4rem; max-width: 60rem; }
ul { padding-left: 1.2rem; }
.facts {
  display: flex; flex-wrap: wrap; gap: 1px; margin: 1.4rem 0 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 10px; overflow: hidden;
}
.facts > div { flex: 1 1 12rem; background: var(--card); padding: 0.55rem 0.9rem 0.65rem; }
.facts dt { color: var(--soft); font-size: 0.78rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.facts dd.mark { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 0.82rem; }
.notices { list-style: none; padding: 0; margin: 1.2rem 0 0; }
.notices li { background: var(--warn); color: var(--warn-ink); border-radius: 8px; padding: 0.5rem 0.9rem; margin-top: 0.4rem; }
.wide { margin-top: 0.8rem; overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.metrics { width: 100%; font-size: 0.94rem; }
.metrics th, .metrics td { padding: 0.45rem 0.32rem; text-align: right; white-space: nowrap; vertical-align: top; }
.metrics thead th { color: var(--soft); font-weight: 600; font-size: 0.82rem; vertical-align: bottom; }
.metrics thead th[scope="colgroup"] { text-align: left; color: var(--ink); font-size: 0.9rem; padding-bottom: 0; }
.metrics tbody tr { border-top: 1px solid var(--line); }
.metrics .label { text-align: left; padding-left: 0.9rem; white-space: normal; min-width: 9rem; font-weight: 600; }
.metrics .group { border-left: 1px solid var(--line); padding-left: 0.7rem; }
.metrics tr > :last-child { padding-right: 0.9rem; }
.metrics small { display: block; color: var(--soft); font-weight: 400; font-size: 0.74rem; }
.metrics td b { font-weight: 600; }
.metrics .pool { color: var(--soft); }
.metrics .paper .label, .metrics .paper b { font-weight: 400; }
.metrics .matched .label, .metrics .matched b { font-weight: 600; }
.metrics tr.run:first-child { background: var(--accent-soft); }
.metrics .clear b { color: var(--accent); }
.nothing { color: var(--soft); }
.legend { display: flex; flex-wrap: wrap; gap: 0.4rem 1.4rem; list-style: none; padding: 0; margin-top: 0.6rem; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: 0.5rem; }
.legend svg { width: 34px; height: 14px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; margin-top: 0.8rem; }
figure { margin: 0; padding: 0.9rem 1rem 0.8rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
figcaption { font-weight: 600; margin-bottom: 0.3rem; }
.chart { display: block; width: 100%; height: auto; overflow: visible; font-size: 12px; fill: var(--soft); }
.chart .grid { stroke: var(--grid); }
.chart .axis { stroke: var(--soft); }
.chart .name { fill: var(--ink); }
.chart .chance { fill: none; stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 1 4; stroke-linecap: round; }
.T2A { --series: var(--t2a); }
.A2T { --series: var(--a2t); }
.series polyline { fill: none; stroke: var(--series); stroke-width: 2.2; stroke-linejoin: round; }
.series.A2T polyline { stroke-dasharray: 7 4; }
.series .whisker { stroke: var(--series); stroke-width: 1.4; opacity: 0.75; }
.series .dot { fill: var(--card); stroke: var(--series); stroke-width: 2; }
.series .bar { fill: var(--series); }
.series.A2T .bar { fill: url(#hatching); stroke: var(--a2t); }
.hatch-ground { fill: var(--a2t-soft); }
.hatch-line { stroke: var(--a2t); stroke-width: 4; }
.chart .count { font-size: 11px; fill: var(--ink); }
details { margin-top: 0.6rem; }
summary { cursor: pointer; color: var(--soft); font-size: 0.88rem; }
.cards { list-style: none; padding: 0; margin: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 34rem), 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 0.9rem 1rem 1rem; break-inside: avoid; }
.card header { display: flex; justify-content: space-between; gap: 1rem; align-items: flex-start; }
.query { font-size: 1.05rem; font-weight: 600; line-height: 1.35; overflow-wrap: anywhere; }
.query:not(.clip)::before { content: "“"; }
.query:not(.clip)::after { content: "”"; }
.of-clip { display: grid; grid-template-columns: 12rem minmax(0, 1fr); gap: 1rem; align-items: start; }
.card.of-clip header { flex-direction: column; gap: 0.5rem; }
.of-clip .query { width: 100%; min-width: 0; }
.of-clip .hits { grid-template-columns: 1fr; margin: 0; gap: 0.4rem; }
@media (max-width: 34rem) { .of-clip { grid-template-columns: 1fr; } }
.rank { white-space: nowrap; color: var(--soft); font-size: 0.88rem; padding: 0.1rem 0.6rem; border: 1px solid var(--line); border-radius: 99px; }
.rank b { color: var(--ink); }
.rank.first { border-color: var(--accent); }
.hits { list-style: none; padding: 0; margin: 0.7rem 0 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: 0.6rem; }
.hit { border: 1px solid var(--line); border-radius: 8px; padding: 0.45rem 0.5rem 0.5rem; min-width: 0; }
.hit.right { border: 2px solid var(--accent); background: var(--accent-soft); padding: calc(0.45rem - 1px) calc(0.5rem - 1px); }
.place { display: flex; flex-wrap: wrap; gap: 0 0.5rem; align-items: baseline; font-size: 0.8rem; color: var(--soft); }
.place > span:first-child { font-weight: 700; color: var(--ink); font-size: 0.9rem; }
.place strong { color: var(--accent); font-weight: 700; }
.score { font-variant-numeric: tabular-nums; color: var(--ink); }
.picture { aspect-ratio: 16 / 9; margin-top: 0.35rem; border-radius: 5px; overflow: hidden; background: var(--ground); display: grid; place-items: center; }
.picture img { width: 100%; height: 100%; object-fit: contain; display: block; }
.picture.wave img { object-fit: fill; }
.picture.none svg { width: 1.8rem; color: var(--soft); }
audio { display: block; width: 100%; height: 30px; margin-top: 0.35rem; }
.silent { font-size: 0.78rem; color: var(--soft); margin-top: 0.35rem; }
.caption { margin-top: 0.35rem; font-size: 0.84rem; line-height: 1.35; overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
.clip-id { margin-top: 0.15rem; font-size: 0.74rem; color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 400; }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.86rem; }
footer p { margin-top: 0.35rem; max-width: 60rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@page { size: landscape; margin: 12mm; }
@media print {
  :root { color-scheme: light; --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --grid: #ddd;
    --accent: #0f766e; --accent-soft: #eef7f5; --warn: #fff6e0; --warn-ink: #4a3300; --t2a: #0072b2; --a2t: #c2500a; --a2t-soft: #f6d9c6; font-size: 11px; }
  * { print-color-adjust: exact; }
  body { padding: 0; max-width: none; }
  audio, noscript, audio::-webkit-media-controls-current-time-display, audio::-webkit-media-controls-time-remaining-display { display: none; }
.silent { display: none; }
  figure, .wide, tr { break-inside: avoid; }
  .wide { overflow: visible; }
  .metrics th, .metrics td { padding: 0.3rem; }
}
`;
