/** The page allows this style alone, by its hash. Each colour has a value for light and one for dark, and enough contrast on both. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: light-dark(#fafaf9, #131417);
  --card: light-dark(#ffffff, #1c1e22);
  --text: light-dark(#1d1f23, #e9e9e6);
  --quiet: light-dark(#5a5e66, #a6abb4);
  --line: light-dark(#dfe0e3, #34373d);
  --track: light-dark(#e9eaec, #2b2e33);
  --link: light-dark(#0b57a4, #8dbcf5);
  --covered: light-dark(#2f7d5b, #58b88c);
  --gap: light-dark(#c43d2b, #ff8a75);
  --inserted: light-dark(#2a6fbb, #6aa9ee);
  --updated: light-dark(#b57a14, #e5b45a);
  --rejected: light-dark(#c43d2b, #ff8a75);
  --billed: light-dark(#6b53b5, #a993ee);
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .5rem; z-index: 1; }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.75rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; overflow-wrap: anywhere; }
h4 { font-size: .9rem; margin: 1rem 0 .4rem; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
header p, .note, .empty, footer { color: var(--quiet); overflow-wrap: anywhere; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; padding: 0; margin: .9rem 0 0; }
section { overflow-x: clip; min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.25rem; margin: 1.1rem 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; margin: 1.1rem 0; padding: 0; }
.facts div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .7rem .9rem; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.facts dt { color: var(--quiet); font-size: .82rem; }
.facts dd { margin: 0; font-size: 1.45rem; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.facts .bad dd { color: var(--gap); }
figure { margin: 0 0 1.5rem; }
figcaption { font-weight: 600; margin-bottom: .35rem; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; padding: 0; margin: 0 0 .6rem; font-size: .85rem; color: var(--quiet); }
.legend svg { vertical-align: -2px; }
.chart { display: grid; grid-template-columns: 64px minmax(0, 1fr); }
.marks { position: absolute; }
svg { display: block; overflow: visible; }
.legend svg { display: inline-block; }
.label { fill: var(--quiet); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); stroke-width: 1; }
.track { fill: var(--track); }
.covered { fill: var(--covered); }
.gap { fill: var(--card); stroke: var(--gap); stroke-width: 2; }
.mark { fill: var(--inserted); }
.mark.updated { fill: var(--updated); }
.mark.rejected { fill: var(--rejected); }
.mark.billed { fill: var(--billed); }
.run-done { fill: var(--covered); fill-opacity: .75; }
.run-failed { stroke: var(--gap); stroke-width: 2.5; fill: none; }
.run-open { fill: none; stroke: var(--quiet); stroke-width: 2; }
.run-undone { fill: none; stroke: var(--updated); stroke-width: 2; }
.streams { list-style: none; padding: 0; margin: 0; }
.streams li { margin-bottom: .7rem; }
.name { display: flex; flex-wrap: wrap; gap: 0 .6rem; align-items: baseline; margin-bottom: .15rem; font-size: .88rem; overflow-wrap: anywhere; }
.name span { color: var(--quiet); }
.name .end { margin-left: auto; font-size: .82rem; }
.scroll { overflow-x: auto; max-height: 32rem; overflow-y: auto; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; }
th { text-align: left; font-weight: 600; color: var(--quiet); white-space: nowrap; position: sticky; top: 0; background: var(--card); }
th, td { padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { font-variant-numeric: tabular-nums; white-space: nowrap; }
td > .error { display: inline-block; white-space: normal; min-width: 16rem; overflow-wrap: anywhere; }
td:has(> ul) { white-space: normal; min-width: 20rem; overflow-wrap: anywhere; }
td ul { margin: 0; padding-left: 1rem; }
.number { text-align: right; }
td .bar { min-width: 7rem; margin-top: .3rem; }
code { font: .92em ui-monospace, monospace; }
.outcome::before { content: "● "; color: var(--quiet); }
.outcome.done::before, .outcome.accepted::before { color: var(--covered); }
.outcome.failed::before, .outcome.died::before, .outcome.refused::before { content: "✕ "; color: var(--gap); font-weight: 700; }
.outcome.undone::before { content: "◻ "; color: var(--updated); }
.outcome.running::before, .outcome.unknown::before { content: "○ "; }
details { margin-top: .6rem; }
summary { cursor: pointer; color: var(--link); width: fit-content; }
footer { padding-bottom: 2rem; font-size: .85rem; }
@media (max-width: 40rem) {
  header, main, footer { padding-left: .8rem; padding-right: .8rem; }
  section { padding: .9rem; }
  .minor { display: none; }
  .name .end { margin-left: 0; width: 100%; }
}
@media print {
  :root { color-scheme: light; }
  body { font-size: 10pt; background: none; }
  nav, .skip { display: none; }
  section, .facts div { border: 0; padding: 0; }
  section { margin: 1.5rem 0; }
  .scroll { max-height: none; overflow: visible; }
  th { position: static; }
  table { font-size: 8pt; }
  td, td > .error { white-space: normal; min-width: 0; overflow-wrap: break-word; }
  figure, .streams li, tr, h2, h3 { break-inside: avoid; }
  h2, h3, figcaption { break-after: avoid; }
  details:not([open]) { display: none; }
  .covered, .gap, .mark, .track { print-color-adjust: exact; }
}
`
