import type { Context } from '../../../core/connector.ts';
import { type Fault, FaultError, rejected } from '../../../core/fault.ts';
import { silenceOf } from '../../../core/silence.ts';
import type { Settings } from '../shop.ts';

/** One line of a file: an object of Shopify's, or part of the one above it. */
export type Row = Readonly<Record<string, unknown>> & { readonly id?: string; readonly __typename?: string };

/** An object with the parts that follow it. */
export interface Whole {
  readonly record: Row;
  readonly parts: readonly Row[];
  /** Place in the file, in bytes, where the next object begins. */
  readonly end: number;
}

/** A file is read for this long at a stretch; then on from where it was. */
const LONGEST_READ = '15m';
/** No object of a shop is as large; what is would fill the memory. Bytes. */
const LONGEST_LINE = 16 * 1024 * 1024;
const NEWLINE = 10;

const gone: Fault = {
  kind: 'transient',
  message: 'the file of a bulk operation is no longer there; it is asked for anew',
};
/** Whether an error says that the file's address does not lead to it any more. */
export const isGone = (error: unknown): boolean => error instanceof FaultError && error.fault === gone;

const cut = (how: string, cause?: unknown): FaultError =>
  new FaultError(
    { kind: 'transient', message: `the file of a bulk operation broke off (${how}); it is read on` },
    { cause },
  );

/**
 * The objects of a bulk operation's file from byte `from` on (the `end` of the last one that was read), each with the parts below it, one at a time: the file may be larger
 * than memory. `whole` says that the file is; of one that broke off at Shopify the last object may lack parts, and is left out.
 *
 * The address is given by Shopify, not by the estate, so that it must be on the open internet, by https; but for where the estate names another address of the
 * shop itself. It is signed, and is sent no token.
 */
export async function* readBulkFile(
  settings: Settings,
  url: string,
  from: number,
  whole: boolean,
  cx: Context,
): AsyncGenerator<Whole> {
  let open: { record: Row; parts: Row[] } | null = null;
  let end = from;
  for await (const { line, start, next } of linesOf(await fileFrom(settings, url, from, cx), from)) {
    const row = rowOf(line);
    if (row.__parentId === undefined) {
      if (open) yield { ...open, end: start };
      open = { record: row, parts: [] };
    } else if (open) open.parts.push(row);
    else throw rejected('a bulk file begins with part of an object: it is not grouped', 'not-understood', 'bulk');
    end = next;
  }
  if (open && whole) yield { ...open, end };
}

async function fileFrom(
  { url: shop, domain }: Settings,
  url: string,
  from: number,
  cx: Context,
): Promise<AsyncIterable<Uint8Array>> {
  const named = URL.canParse(url) ? new URL(url) : null;
  const isShops = named?.origin === new URL(shop).origin && named?.hostname !== domain;
  if (!named || (named.protocol !== 'https:' && !isShops))
    throw rejected('the address of a bulk file is none that is safe to read', 'not-understood', 'url');
  let response: Response;
  try {
    response = await cx.fetch(url, {
      headers: from > 0 ? { range: `bytes=${from}-` } : {},
      timeout: LONGEST_READ,
      reach: isShops ? 'any' : 'public',
    });
  } catch (error) {
    throw error instanceof FaultError ? error : cut(silenceOf(error).how, error);
  }
  // Nothing lies behind the last byte.
  if (response.status === 416) return none();
  if (response.status !== 200 && response.status !== 206) await response.body?.cancel();
  if ([400, 403, 404, 410].includes(response.status)) throw new FaultError(gone);
  if ((response.status !== 200 && response.status !== 206) || !response.body) throw cut(`HTTP ${response.status}`);
  return bytesFrom(response.body as unknown as AsyncIterable<Uint8Array>, response.status === 206 ? 0 : from);
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** A body without its first bytes. */
async function* bytesFrom(body: AsyncIterable<Uint8Array>, skip: number): AsyncGenerator<Uint8Array> {
  let left = skip;
  try {
    for await (const chunk of body) {
      const rest = chunk.subarray(Math.min(left, chunk.length));
      left -= chunk.length - rest.length;
      if (rest.length > 0) yield rest;
    }
  } catch (error) {
    throw error instanceof FaultError ? error : cut(silenceOf(error).how, error);
  }
}

/** Lines with the places in the file where each begins and where the next one does. */
async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  from: number,
): AsyncGenerator<{ line: Buffer; start: number; next: number }> {
  let held: Uint8Array[] = [];
  let length = 0;
  let start = from;
  for await (const chunk of chunks) {
    let rest = chunk;
    for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE)) {
      const line = Buffer.concat([...held, rest.subarray(0, at)]);
      const next = start + line.length + 1;
      rest = rest.subarray(at + 1);
      [held, length] = [[], 0];
      if (line.length > 0) yield { line, start, next };
      start = next;
    }
    held.push(rest);
    length += rest.length;
    if (length > LONGEST_LINE) throw rejected('a line of a bulk file is larger than 16 MiB', 'too-large', 'bulk');
  }
  if (length > 0) yield { line: Buffer.concat(held), start, next: start + length };
}

function rowOf(line: Buffer): Row {
  let row: unknown;
  try {
    row = JSON.parse(line.toString('utf8'));
  } catch (error) {
    throw cut('in the middle of a line', error);
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw rejected('a line of a bulk file is no object', 'not-understood', 'bulk');
  return row as Row;
}
