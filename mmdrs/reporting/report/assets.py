"""Style and script of the page. They stand in it: the page asks for no other file."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f6f7f8; --text: #1d2329; --quiet: #58636e; --rule: #d9dee3;
  --link: #0a5fa3; --heat: 10 75 135; --on-heat: #ffffff;
  --line-0: #0072b2; --line-1: #d55e00; --line-2: #009e73;
  --line-3: #a8588a; --line-4: #7a6a00; --line-5: #56707f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15181b; --raised: #1e2327; --text: #e4e8eb; --quiet: #9aa6b0; --rule: #343c43;
    --link: #7cc0f5; --heat: 110 185 240; --on-heat: #0d1216;
    --line-0: #56b4e9; --line-1: #f0883e; --line-2: #2fc79a;
    --line-3: #d995bf; --line-4: #d9c74a; --line-5: #9db3c0;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 3.2rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif;
}
main, .page-head { max-width: 1240px; margin: 0 auto; padding: 0 16px; }
.page-head { padding-top: 20px; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 40px 0 8px; padding-top: 10px; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 24px 0 6px; }
p { margin: 6px 0 10px; max-width: 80ch; }
.quiet, .facts, figcaption span, caption { color: var(--quiet); }
a { color: var(--link); }
code { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: .88em; }
nav {
  position: sticky; top: 0; z-index: 3; background: var(--ground);
  border-bottom: 1px solid var(--rule); margin-top: 12px;
}
nav ul {
  display: flex; gap: 4px 18px; list-style: none; max-width: 1240px; margin: 0 auto;
  padding: 8px 16px; overflow-x: auto; white-space: nowrap;
}
nav a { text-decoration: none; }
nav a:hover, nav a:focus-visible { text-decoration: underline; }
.notice {
  border-left: 3px solid var(--line-1); background: var(--raised); padding: 8px 14px;
  margin: 14px 0;
}
.notice ul { margin: 4px 0; padding-left: 18px; }
.scroll { overflow-x: auto; margin: 10px 0 18px; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 6px; font-size: .9rem; }
caption span { display: inline-block; max-width: calc(100vw - 32px); position: sticky; left: 0; }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid var(--rule); }
thead th { color: var(--quiet); font-weight: 600; vertical-align: bottom; white-space: nowrap; }
tbody th {
  text-align: left; font-weight: 500; position: sticky; left: 0; background: var(--ground);
  white-space: nowrap;
}
thead th:first-child { text-align: left; position: sticky; left: 0; background: var(--ground); }
thead th.left, td.left { text-align: left; }
table.lines td { white-space: nowrap; }
table.wrapped { width: 100%; }
table.wrapped th:first-child { width: 12em; }
table.wrapped td { overflow-wrap: anywhere; }
.bar-cell { white-space: nowrap; text-align: left; min-width: 130px; }
.bar {
  display: inline-block; width: 90px; height: 9px; background: var(--raised);
  border-radius: 2px; vertical-align: middle; overflow: hidden;
}
.bar i { display: block; height: 100%; }
.bars .bar { width: 140px; }
.bars .bar-cell { min-width: 225px; }
.figure { display: inline-block; min-width: 2.6em; text-align: right; margin-right: 10px; }
.matrix td { background: rgb(var(--heat) / calc(var(--share, 0) * .92)); min-width: 44px; }
.matrix td.strong { color: var(--on-heat); }
.legend {
  display: flex; flex-wrap: wrap; gap: 2px 14px; list-style: none; margin: 4px 0; padding: 0;
}
.legend li { font-size: .88rem; }
.legend i, .swatch {
  display: inline-block; width: 11px; height: 11px; margin-right: 6px; border-radius: 2px;
  border: 1px solid rgb(128 128 128 / .6); vertical-align: -1px;
}
.charts {
  display: grid; gap: 20px 26px;
  grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr));
}
.chart { margin: 0; min-width: 0; }
.chart svg { display: block; width: 100%; height: auto; max-width: 460px; }
.chart text { fill: var(--quiet); font-size: 11.5px; }
.chart .grid { stroke: var(--rule); stroke-width: 1; }
.chart .mark { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 3 3; }
.chart .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.tools { display: flex; flex-wrap: wrap; gap: 8px 18px; align-items: center; margin: 12px 0; }
select {
  font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--rule);
  border-radius: 4px; padding: 3px 6px; max-width: 100%;
}
.card { border-top: 1px solid var(--rule); padding: 10px 0 14px; }
.card[hidden] { display: none; }
.card header {
  display: flex; flex-wrap: wrap; gap: 2px 20px; align-items: baseline; margin-bottom: 6px;
}
.card h3 { margin: 0; font-size: .95rem; overflow-wrap: anywhere; }
.scores { margin: 0; color: var(--quiet); display: flex; flex-wrap: wrap; gap: 0 16px; }
.scores b { color: var(--text); }
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 8px; }
.strip figure { margin: 0; min-width: 0; }
.strip img { display: block; width: 100%; height: auto; }
.strip img.exact { image-rendering: pixelated; }
.strip figcaption { font-size: .78rem; color: var(--quiet); }
@media (min-width: 900px) {
  .strip { grid-template-columns: repeat(var(--pictures), minmax(0, 208px)); }
}
@media (max-width: 600px) {
  .bars .bar { width: 64px; }
  .bars .bar-cell { min-width: 0; }
}
summary { cursor: pointer; color: var(--link); }
footer {
  max-width: 1240px; margin: 40px auto 30px; padding: 0 16px; color: var(--quiet);
  font-size: .88rem;
}
@media print { nav, .tools { display: none; } }
"""

SCRIPT = """
(function () {
  'use strict';
  var list = document.getElementById('cards');
  if (!list) { return; }
  var cards = Array.prototype.slice.call(list.children);
  var classes = document.getElementById('by-class');
  var order = document.getElementById('order');
  var shown = document.getElementById('shown');

  function score(card) {
    var value = parseFloat(card.dataset.score);
    return isNaN(value) ? Infinity : value;
  }
  var orders = {
    worst: function (a, b) { return score(a) - score(b); },
    best: function (a, b) {
      // Cards without a score stay at the end.
      var x = score(a), y = score(b);
      if (x === Infinity || y === Infinity) { return x === y ? 0 : x === Infinity ? 1 : -1; }
      return y - x;
    },
    name: function (a, b) {
      return a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true });
    }
  };
  function update() {
    var wanted = classes.value, count = 0;
    cards.slice().sort(orders[order.value]).forEach(function (card) {
      card.hidden = wanted !== '' && card.dataset.classes.split(' ').indexOf(wanted) < 0;
      count += card.hidden ? 0 : 1;
      list.appendChild(card);
    });
    shown.textContent = count + ' of ' + cards.length + ' shown';
  }
  classes.addEventListener('change', update);
  order.addEventListener('change', update);
  // A browser that comes back to the page keeps what was chosen.
  document.getElementById('tools').hidden = false;
  update();
}());
"""
