"""The style sheet of the HTML report: system fonts, light and dark by the reader's own setting."""

CSS = """
:root { color-scheme: light dark; --ink: #1d2126; --soft: #626b75; --line: #dfe3e8; --paper: #ffffff; --wash: #f6f7f9;
  --good: #1c7443; --bad: #b3322b; --warn: #8a5a00; --banner: #fdf3dc; --link: #2c5f94; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e6ea; --soft: #9aa4af; --line: #343b43; --paper: #15181c;
  --wash: #1c2026; --good: #62c48c; --bad: #f08d85; --warn: #e0b25c; --banner: #3a2f15; --link: #8fbcea; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 3.5rem; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
nav { position: sticky; top: 0; z-index: 1; display: flex; gap: 1.1rem; overflow-x: auto; padding: .6rem 1.25rem;
  background: var(--paper); border-bottom: 1px solid var(--line); font-size: .82rem; white-space: nowrap; }
nav a { color: var(--soft); text-decoration: none; max-width: 17rem;
  overflow: hidden; text-overflow: ellipsis; flex: none; }
nav a:hover, nav a:focus { color: var(--link); text-decoration: underline; }
main { max-width: 76rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 1.2rem 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.8rem 0 .5rem; padding-top: .9rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.7rem 0 .4rem; }
p, ul { max-width: 50rem; margin: .5rem 0; }
ul { padding-left: 1.2rem; }
li { margin: .2rem 0; }
.note { color: var(--soft); font-size: .88rem; }
.banner { background: var(--banner); border-left: 4px solid var(--warn); padding: .7rem 1rem; max-width: none; }
.scroll { overflow-x: auto; margin: 1rem 0 1.4rem; }
table { border-collapse: collapse; font-size: .86rem; line-height: 1.4; min-width: min(100%, 34rem); }
caption { text-align: left; font-weight: 600; padding: 0 0 .45rem; }
th, td { padding: .32rem .65rem; text-align: left; vertical-align: top; }
thead th { border-bottom: 1px solid var(--soft); color: var(--soft); font-weight: 600; white-space: nowrap; }
thead th.group { border-bottom: 1px solid var(--line); text-align: center; }
tbody th { font-weight: 500; white-space: nowrap; }
tbody tr { border-bottom: 1px solid var(--line); }
tbody tr:hover { background: var(--wash); }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.n.muted { white-space: normal; }
.g { border-left: 1px solid var(--line); }
td.good, th.good { color: var(--good); }
td.bad, th.bad { color: var(--bad); }
td.warn, th.warn { color: var(--warn); }
td.muted, th.muted { color: var(--soft); }
td.strong, th.strong { font-weight: 600; }
td.good, td.bad { font-weight: 600; white-space: nowrap; }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; background: var(--wash); padding: .05em .3em; }
details { border-bottom: 1px solid var(--line); padding: .35rem 0; }
summary { cursor: pointer; font-size: .92rem; }
details > :not(summary) { margin-left: 1.1rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); gap: 1.2rem;
  margin: 1rem 0; }
figure { margin: 0; max-width: 34rem; }
figure svg { width: 100%; height: auto; display: block; }
@media print { nav { display: none; } .scroll { overflow: visible; } }
"""
