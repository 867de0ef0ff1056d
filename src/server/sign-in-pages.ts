import { type Html, html, page } from './html.ts';

const simple = (title: string, content: Html): string =>
  page(
    `Crossdock · ${title}`,
    html`<main id="main" class="narrow"><p class="brand">Crossdock</p><h1>${title}</h1>${content}</main>`,
  );

/** Asks before the link is used up, so that a preview of it does not. */
export const confirmPage = (token: string): string =>
  simple(
    'Sign in',
    html`<p>This link signs you in once, in this browser.</p>
<form method="post" action="/sign-in"><input type="hidden" name="token" value="${token}"><button class="main">Sign in</button></form>`,
  );

const newLink = html`<p>The hub can print a new link where it runs: only who sees its terminal can use it.</p>
<form method="post" action="/sign-in-links"><button class="main">Print a new link</button></form>`;

/** Tells who has no session how to get one. `canAnnounce`: the hub has a terminal to print a new link on. */
export const signedOutPage = (canAnnounce: boolean): string =>
  simple(
    'You are not signed in',
    html`<p>Open the sign-in link that the hub printed when it started. Signed in already? <a href="/">Open the status page</a>.</p>
${canAnnounce ? newLink : null}`,
  );

export const spentPage = (canAnnounce: boolean): string =>
  simple(
    'This link no longer works',
    html`<p>A sign-in link works once, within 15 minutes. Signed in already? <a href="/">Open the status page</a>.</p>
${canAnnounce ? newLink : html`<p>The hub prints a new one at its next start.</p>`}`,
  );

export const announcedPage = (): string =>
  simple('A new link was printed', html`<p>Look where the hub runs, and open the link it printed last.</p>`);
