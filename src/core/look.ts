import type { Context } from './connector.ts';
import { HubError } from './errors.ts';

/**
 * The context of a mere look: whatever would change something is refused before it is sent, whichever connector forgot that it is only a look. By HTTP that is every call that is neither GET
 * nor HEAD, nor declared to read (`reads`); by other ways every act. Throws HubError CONNECTOR_CONTRACT.
 */
export const onlyLooking = (cx: Context): Context => ({
  ...cx,
  look: true,
  fetch: async (url, init = {}) => {
    const method = (init.method ?? 'GET').toUpperCase();
    if (method !== 'GET' && method !== 'HEAD' && init.reads !== true) throw refusal(method, new URL(url).host);
    return cx.fetch(url, init);
  },
  call: async ({ verb, to }) => {
    throw refusal(verb, to);
  },
});

const refusal = (verb: string, to: string): HubError =>
  new HubError(
    'CONNECTOR_CONTRACT',
    `this is a look, which changes nothing: '${verb}' to ${to} was not sent. A connector does without it where \`cx.look\` is set, and says \`reads: true\` of a call that changes nothing`,
  );
