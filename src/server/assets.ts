/** Tokens are those of the console's visual language; no value is set inline, so the CSP needs no exception. */
export const css = `:root {
  color-scheme: light dark;
  --ground: #f5f5f2; --surface: #ffffff; --line: #dcdcd6; --control: #85857d;
  --text: #17191c; --text-2: #4c5158; --text-3: #666b72; --accent: #2547c9;
  --kept: #0a6b4b; --risk: #8a5200; --broken: #b4231a; --waiting: #3e5c8f; --paused: #5a626c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1012; --surface: #15181b; --line: #2b3035; --control: #6f7882;
    --text: #eceef1; --text-2: #b0b7c0; --text-3: #909aa5; --accent: #8faaff;
    --kept: #4fc98f; --risk: #edb23c; --broken: #ff8379; --waiting: #8db2ee; --paused: #a2abb5;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 13px/20px Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums;
}
header, main, footer { max-width: 1040px; margin: 0 auto; padding: 0 16px; }
header { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 4px 16px; padding-top: 12px; }
nav { display: flex; align-items: center; gap: 16px; }
form { margin: 0; }
h1, h2, h3, p { margin: 0; overflow-wrap: anywhere; }
.brand { font-weight: 600; font-size: 14px; }
.brand span { color: var(--text-2); font-weight: 400; }
a { color: var(--accent); text-underline-offset: 2px; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 16px; top: 8px; background: var(--surface); padding: 4px 8px; }
button {
  font: inherit; color: var(--text); background: var(--surface); border: 1px solid var(--control); border-radius: 6px;
  padding: 4px 12px; min-height: 28px; cursor: pointer;
}
button.main { margin-top: 16px; min-height: 36px; padding: 6px 20px; font-weight: 600; color: var(--surface); background: var(--accent); border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; margin-top: 12px; }
h1 { font-size: 20px; line-height: 28px; font-weight: 600; }
h2 { font-size: 14px; line-height: 20px; font-weight: 600; margin-bottom: 8px; }
h3 { font-size: 13px; line-height: 20px; font-weight: 600; }
h3 span { font-weight: 400; color: var(--text-2); }
.verdict { padding: 16px; border-left-width: 4px; }
.verdict h1 { font-size: 24px; line-height: 32px; }
.verdict p { color: var(--text-2); margin-top: 4px; }
.verdict.kept { border-left-color: var(--kept); }
.verdict.risk { border-left-color: var(--risk); }
.verdict.broken { border-left-color: var(--broken); }
.verdict.waiting { border-left-color: var(--waiting); }
.mark.kept { color: var(--kept); }
.mark.risk { color: var(--risk); }
.mark.broken { color: var(--broken); }
.mark.waiting { color: var(--waiting); }
.mark.paused { color: var(--paused); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 0 12px; align-items: stretch; }
dl { margin: 0; }
dl div { display: flex; justify-content: space-between; gap: 16px; padding: 2px 0; }
dt { color: var(--text-2); }
dd { margin: 0; font-weight: 500; }
.zero dt, .zero dd { color: var(--text-3); font-weight: 400; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: 6px 12px 6px 0; vertical-align: top; overflow-wrap: anywhere; }
thead th { color: var(--text-2); font-weight: 500; font-size: 12px; line-height: 16px; border-bottom: 1px solid var(--line); }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody th { font-weight: 500; }
.figure { text-align: right; }
th:last-child, td:last-child { padding-right: 0; }
.note, .empty { color: var(--text-2); font-size: 12px; line-height: 16px; margin-top: 4px; }
code { font-family: "JetBrains Mono", ui-monospace, Consolas, monospace; font-size: 12px; user-select: all; overflow-wrap: anywhere; }
ol.exceptions { list-style: none; margin: 0; padding: 0; }
ol.exceptions li { padding: 8px 0; }
ol.exceptions li + li { border-top: 1px solid var(--line); }
ol.exceptions li:first-child { padding-top: 0; }
footer { padding-top: 12px; padding-bottom: 24px; color: var(--text-2); font-size: 12px; line-height: 16px; }
.narrow { max-width: 480px; padding-top: 15vh; }
.narrow h1 { margin: 8px 0; }
.narrow p + p { margin-top: 12px; }
@media (max-width: 560px) {
  button { min-height: 36px; }
  nav a { padding: 8px 0; }
  .verdict h1 { font-size: 20px; line-height: 28px; }
  thead { position: absolute; left: -9999px; }
  table, tbody, tr, tbody th, td { display: block; }
  tbody tr { padding: 6px 0; }
  tbody tr + tr { border-top: 1px solid var(--line); }
  tbody tr + tr > * { border-top: 0; }
  tbody th, td { padding: 2px 0; }
  td { display: flex; justify-content: space-between; gap: 16px; text-align: right; }
  td::before { content: attr(data-title); color: var(--text-2); text-align: left; flex: none; }
}
@media (forced-colors: active) { .verdict { border-left-color: CanvasText; } }
`;

export const favicon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#2547c9" d="M1 3h6v4H1zm8 6h6v4H9zM9 3h6v2H9zM1 11h6v2H1z"/></svg>';
