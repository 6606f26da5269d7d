import { css } from '../lit/lit-element.js';

/** What all components look like. */
export const style = css`
  :host { display: block; }
  * { box-sizing: border-box; }
  h1 { font-size: 1.35rem; margin: 0 0 .6rem; overflow-wrap: anywhere; }
  h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
  a { color: var(--accent); }
  p { margin: .3rem 0; }
  .quiet { color: var(--quiet); }
  .mono, pre, textarea { font-family: var(--mono); font-size: .85rem; }
  pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24rem; overflow: auto; background: var(--page);
    border: 1px solid var(--line); border-radius: 6px; padding: .5rem .6rem; }
  .box { background: var(--box); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 0 0 1rem; }
  .row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
  .grow { flex: 1 1 12rem; min-width: 0; }
  button, input, select, textarea { font: inherit; color: var(--text); background: var(--box); border: 1px solid var(--line);
    border-radius: 6px; padding: .4rem .7rem; }
  textarea, input.mono { font-family: var(--mono); font-size: .85rem; }
  button { cursor: pointer; }
  button.main { background: var(--accent); color: var(--on-accent); border-color: var(--accent); }
  button[aria-pressed="true"], [aria-selected="true"] { outline: 2px solid var(--accent); outline-offset: -1px; }
  button:disabled { opacity: .5; cursor: default; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
  label { display: block; color: var(--quiet); font-size: .85rem; margin: 0 0 .6rem; }
  label > * { display: block; width: 100%; margin-top: .15rem; font-size: 1rem; }
  .error { border-left: 4px solid var(--failed); padding: .5rem .8rem; background: var(--box); margin: 0 0 1rem; overflow-wrap: anywhere; }
  .mark { white-space: nowrap; font-weight: 600; }
  .completed { color: var(--completed); } .failed { color: var(--failed); } .running { color: var(--running); }
  .pending, .cancelled, .compensating, .buffered, .missed, .paused { color: var(--waiting); } .started { color: var(--completed); } .skipped { color: var(--quiet); }
  table { width: 100%; border-collapse: collapse; }
  th { text-align: left; font-weight: 600; font-size: .8rem; color: var(--quiet); }
  th, td { padding: .4rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
  tbody tr:hover { background: var(--page); }
  .scroll { overflow-x: auto; }
  .boxes { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
  .boxes > .box { margin: 0; min-width: 0; }
  .right { margin-left: auto; }
  button.small { padding: .15rem .5rem; font-size: .85rem; }
  .chip { border: 1px solid var(--line); border-radius: 1rem; padding: .1rem .3rem .1rem .7rem; background: var(--box); }
  .chip button { border: 0; background: none; padding: 0 .4rem; }
  .number { font-variant-numeric: tabular-nums; white-space: nowrap; }
  progress { width: 100%; height: .7rem; accent-color: var(--accent); }
  @media (max-width: 640px) {
    table.cards thead { display: none; }
    table.cards tr { display: block; padding: .3rem 0; border-bottom: 1px solid var(--line); }
    table.cards td { display: block; border: 0; padding: .1rem .3rem; }
    table.cards td.wide { display: none; }
    td[data-of]::after { content: ' ' attr(data-of); color: var(--quiet); }
    .wide { display: none; }
    .box { padding: .7rem; }
    th, td { padding: .35rem .3rem; }
  }
`;
