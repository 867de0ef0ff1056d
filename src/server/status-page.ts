import { storedText } from '../core/money.ts';
import { TRACE_LABEL } from '../core/trace.ts';
import type { ExceptionRow } from '../ledger/exceptions.ts';
import type { Vault } from '../ledger/vault.ts';
import type { Reading } from '../watch/reading.ts';
import { type Summary, summarise } from '../watch/summary.ts';
import { type Html, html, page } from './html.ts';

export interface StatusView {
  estate: string;
  /** What was read last, or null when the ledger was never reached. */
  reading: Reading | null;
  /** Why the figures are old, in an operator's words; null while they are fresh. */
  away: string | null;
  now: Date;
  vault: Pick<Vault, 'unseal'>;
  /** True: the page stays as it is until the reader wants it otherwise. */
  held: boolean;
}

const REFRESH = 5;

/** What came in, what arrived, what waits and what needs a person. */
export function statusPage(view: StatusView): string {
  const { estate, reading, away, now, held } = view;
  const summary = reading && summarise(reading.figures);
  const body = html`<a class="skip" href="#main">Skip to the figures</a>
<header>
<p class="brand">Crossdock <span>${estate}</span></p>
<nav aria-label="This page">
${held ? html`<a href="/">Update by itself</a>` : html`<a href="/?hold=1">Stop updating</a>`}
<form method="post" action="/sign-out"><button>Sign out</button></form>
</nav>
</header>
<main id="main">
${verdict(view, summary)}
${reading && summary ? figures(view, reading, summary) : null}
</main>
<footer><p>${reading ? html`Figures of ${time(reading.at)}` : html`No figures yet`}, this page of ${time(now)}.
${held || away ? null : 'It updates every 5 seconds.'}</p></footer>`;
  return page(`Crossdock · ${estate}`, body, held ? undefined : REFRESH);
}

/** What the figures come to. */
interface Standing {
  /** Events to route and deliveries that have not arrived. */
  moving: number;
  open: number;
  paused: number;
  /** Deliveries past their promise. */
  late: number;
  /** Amounts by currency that are neither posted nor at an Exception though nothing moves. */
  unaccounted: [currency: string, difference: string][];
}

function standingOf({ figures, connections, vitals, steady }: Reading, summary: Summary): Standing {
  const moving = figures.events.waiting + summary.deliveries.waiting;
  const differences = Object.entries(summary.money).map(([currency, { difference }]): [string, string] => [
    currency,
    difference,
  ]);
  return {
    moving,
    open: figures.exceptions.reduce((total, { count }) => total + count, 0),
    paused: connections.filter(({ state }) => state === 'paused').length,
    late: vitals.lateDeliveries,
    unaccounted: moving === 0 && steady ? differences.filter(([, difference]) => isSome(difference)) : [],
  };
}

const isSome = (amount: string): boolean => /[1-9]/.test(amount);

function verdict({ away, reading }: StatusView, summary: Summary | null): Html {
  if (away || !reading || !summary)
    return headline(
      'broken',
      'The ledger cannot be reached',
      html`<p>${away ?? 'It gives no answer.'} Nothing is lost: what was acknowledged is in the ledger, and the hub goes on by itself when it is back.
${reading ? 'The figures below are the last that were read.' : null}</p>`,
    );
  const { moving, open, paused, late, unaccounted } = standingOf(reading, summary);
  const words = html`${paused > 0 ? html`<p>${counted(paused, 'connection is', 'connections are')} paused: what is for it waits.</p>` : null}${
    moving > 0 ? html`<p>${number(moving)} on the way: events to route and deliveries that have not arrived.</p>` : null
  }${late > 0 ? html`<p>${counted(late, 'delivery is', 'deliveries are')} past what the flow promises.</p>` : null}`;
  if (unaccounted.length > 0)
    return headline(
      'broken',
      'Money is unaccounted for',
      html`<p>${unaccounted.map(([currency, difference]) => `${currency} ${grouped(difference)}`).join(', ')} came in and is neither posted nor held by an Exception. Nothing is on the way that could explain it: please report this.</p>${words}`,
    );
  if (open > 0)
    return headline(
      'risk',
      `${counted(open, 'Exception needs', 'Exceptions need')} a person`,
      html`${words}<p>Everything else goes on. What and why stands below.</p>`,
    );
  if (moving > 0 && late > 0) return headline('risk', `${counted(late, 'delivery is', 'deliveries are')} late`, words);
  if (moving > 0) return headline('waiting', 'On its way', words);
  return headline(
    'kept',
    summary.events.received === 0 ? 'Ready: nothing has come in yet' : 'Everything received has arrived',
    words,
  );
}

const headline = (state: keyof typeof marks, title: string, content: Html): Html =>
  html`<section class="verdict ${state}"><h1>${mark(state)} ${title}</h1>${content}</section>`;

const figures = (view: StatusView, reading: Reading, summary: Summary): Html => html`${moneySection(summary, reading)}
<div class="pair">
${linesSection(summary)}
${eventsSection(reading)}
${deliveriesSection(reading)}
${documentsSection(summary)}
</div>
${awaitedSection(reading)}
${connectionsSection(reading)}
${causesSection(summary)}
${exceptionsSection(view, reading)}`;

function moneySection(summary: Summary, reading: Reading): Html {
  const { unaccounted } = standingOf(reading, summary);
  const wordOf = (currency: string, difference: string): Html => {
    if (!isSome(difference)) return mark('kept');
    if (unaccounted.some(([lost]) => lost === currency)) return html`${mark('broken')} unaccounted for`;
    return html`${mark('waiting')} on its way`;
  };
  const rows = Object.entries(summary.money).map(
    ([currency, { received, posted, excepted, difference }]) =>
      html`<tr><th scope="row">${currency}</th>${cell('Received', grouped(received))}${cell('Posted', grouped(posted))}${cell(
        'At an Exception',
        grouped(excepted),
      )}${cell('Difference', html`<span>${grouped(difference)} ${wordOf(currency, difference)}</span>`)}</tr>`,
  );
  return section(
    'Money',
    rows.length === 0
      ? html`<p class="empty">No money has come in yet.</p>`
      : html`<table><thead><tr><th scope="col">Currency</th>${heads('Received', 'Posted', 'At an Exception', 'Difference')}</tr></thead><tbody>${rows}</tbody></table>`,
  );
}

const linesSection = ({ lines }: Summary): Html =>
  section(
    'Lines',
    list([
      ['received', lines.received],
      ['posted', lines.posted],
      ['adjusted in stock', lines.adjusted],
      ['at an Exception', lines.excepted],
    ]),
  );

const eventsSection = ({ figures: { events } }: Reading): Html =>
  section(
    'Events',
    list([
      ['received', events.received],
      ['routed', events.routed],
      ['duplicate', events.duplicate],
      ['too late to matter', events.late],
      ['our own echo', events.echo],
      ['waiting', events.waiting],
      ['held', events.parked],
      ['dismissed', events.dismissed],
    ]),
  );

const deliveriesSection = ({ figures: { deliveries }, vitals }: Reading): Html =>
  section(
    'Deliveries',
    html`${list([
      ['delivered', deliveries.delivered],
      ['waiting', deliveries.waiting],
      ['sending', deliveries.leased],
      ['answer lost', deliveries.unknown],
      ['held', deliveries.parked],
      ['replaced', deliveries.superseded],
      ['dismissed', deliveries.dismissed],
    ])}${vitals.oldestWaitingSeconds > 0 ? html`<p class="note">The oldest has waited ${duration(vitals.oldestWaitingSeconds)}.</p>` : null}`,
  );

const documentsSection = ({ documents }: Summary): Html =>
  section(
    'Documents',
    Object.keys(documents).length === 0
      ? html`<p class="empty">None yet.</p>`
      : list(Object.entries(documents).map(([kind, count]) => [kind.replaceAll('-', ' '), count])),
  );

const connectionsSection = ({ connections }: Reading): Html =>
  section(
    'Connections',
    html`<table><thead><tr><th scope="col">Name</th><th scope="col">System</th><th scope="col">Entity</th><th scope="col">State</th></tr></thead><tbody>${connections.map(
      ({ name, connector, entity, state, reason }) =>
        html`<tr><th scope="row">${name}</th>${words('System', connector)}${words('Entity', entity)}${words(
          'State',
          state === 'active'
            ? html`<span>${mark('kept')} active</span>`
            : html`<span>${mark('paused')} paused${reason ? html`: ${reason}` : null}</span>`,
        )}</tr>`,
    )}</tbody></table>`,
  );

function awaitedSection({ awaited }: Reading): Html | null {
  if (awaited.length === 0) return null;
  return section(
    'Waiting for another record',
    html`<table><thead><tr><th scope="col">What waits</th><th scope="col">For which record</th>${heads('Count', 'Longest')}</tr></thead><tbody>${awaited.map(
      ({ connection, kind, key, needs, needKey, count, age, late }) =>
        html`<tr><th scope="row">${kind} ${key}</th>${words('For which record', `${needs} ${needKey} in ${connection}`)}${cell(
          'Count',
          number(count),
        )}${cell('Longest', html`<span>${duration(age)}${late ? html` ${mark('risk')} late` : null}</span>`)}</tr>`,
    )}</tbody></table>
<p class="note">Each goes by itself once its record is there. Where nothing brings it, that becomes the Exception <code>awaits-nobody</code>.</p>`,
  );
}

function causesSection({ exceptions }: Summary): Html | null {
  if (exceptions.length === 0) return null;
  return section(
    'Open Exceptions by cause',
    html`<table><thead><tr><th scope="col">Cause</th>${heads('Count', 'Value')}</tr></thead><tbody>${exceptions.map(
      ({ cause, count, value, currency }) =>
        html`<tr><th scope="row">${cause}</th>${cell('Count', number(count))}${cell('Value', value === null ? 'no money' : `${currency} ${grouped(value)}`)}</tr>`,
    )}</tbody></table>`,
  );
}

function exceptionsSection(view: StatusView, { exceptions }: Reading): Html | null {
  if (exceptions.length === 0) return null;
  return section(
    'Latest Exceptions',
    html`<ol class="exceptions">${exceptions.map((row) => exceptionItem(view, row))}</ol>
<p class="note">All of them: <code>crossdock exceptions list</code></p>`,
  );
}

function exceptionItem({ vault, now }: StatusView, row: ExceptionRow): Html {
  const labels = Object.entries(row.labels)
    .filter(([name]) => name !== TRACE_LABEL)
    .map(([name, value]) => `${name} ${value}`);
  const about = labels.join(', ') || row.subject || row.key || row.connection;
  const value = row.currency
    ? `${row.currency} ${grouped(storedText({ minor: row.minor, currency: row.currency }))}`
    : 'no money';
  const age = (now.getTime() - row.opened_at.getTime()) / 1000;
  return html`<li>
<h3>${about} <span>${row.cause}</span></h3>
<p>${messageOf(vault, row)}</p>
<p class="note">${value}, ${counted(row.lines, 'line', 'lines')} · for ${row.owner} · opened ${duration(age)} ago${
    row.due_at < now ? html` · ${mark('risk')} overdue` : null
  }</p>
<p class="note">What to do: <code>crossdock exceptions show ${row.id.slice(-12)}</code>${
    row.delivery_id === null
      ? null
      : html`; if it is in ${row.connection} already: <code>crossdock exceptions dismiss ${row.id.slice(-12)} --bound-to ID --reason …</code>`
  }</p>
</li>`;
}

function messageOf(vault: StatusView['vault'], row: ExceptionRow): string {
  try {
    return vault.unseal(row.message_sealed, `exception:${row.id}`).toString();
  } catch {
    return 'The message cannot be read: it was altered, or sealed with another key.';
  }
}

const section = (title: string, content: Html): Html => {
  const id = title.toLowerCase().replaceAll(' ', '-');
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${content}</section>`;
};

const heads = (...titles: string[]): Html[] =>
  titles.map((title) => html`<th scope="col" class="figure">${title}</th>`);
const cell = (title: string, value: string | Html): Html =>
  html`<td class="figure" data-title="${title}">${value}</td>`;
const words = (title: string, value: string | Html): Html => html`<td data-title="${title}">${value}</td>`;

/** Figures with their words; zeros after the first line are left to the eye as quiet. */
const list = (rows: readonly (readonly [name: string, count: number])[]): Html =>
  html`<dl>${rows.map(
    ([name, count]) =>
      html`<div${count === 0 ? html` class="zero"` : null}><dt>${name}</dt><dd>${number(count)}</dd></div>`,
  )}</dl>`;

const marks = {
  kept: ['✓', 'in order'],
  risk: ['▲', 'attention'],
  broken: ['⬣', 'broken'],
  waiting: ['◷', 'waiting'],
  paused: ['▣', 'paused'],
} as const;

/** Shape first, colour third; the word is there for those who see neither. */
const mark = (state: keyof typeof marks): Html =>
  html`<span class="mark ${state}" role="img" aria-label="${marks[state][1]}">${marks[state][0]}</span>`;

const number = (count: number): string => count.toLocaleString('en-GB');
/** "-1234567.50" as "-1,234,567.50". */
const grouped = (amount: string): string => amount.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',');
const counted = (count: number, one: string, many: string): string => `${number(count)} ${count === 1 ? one : many}`;
const time = (at: Date): Html =>
  html`<time datetime="${at.toISOString()}">${at.toISOString().slice(0, 19).replace('T', ' ')} UTC</time>`;

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
