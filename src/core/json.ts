import { rejected } from './fault.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
const DEEPEST = 64;

/**
 * JSON of a stranger. Throws `rejected` for what is not UTF-8, not JSON, nested deeper than 64 levels (whatever walks it would run out of
 * stack), or has a field `__proto__`, which no system means well. Lone surrogates stay as they are.
 */
export function readJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw rejected('the body is not UTF-8', 'not-json');
  }
  if (depthOf(text) > DEEPEST) throw rejected(`the body is nested deeper than ${DEEPEST} levels`, 'not-json');
  try {
    return /__proto__|\\u005f/i.test(text) ? JSON.parse(text, withoutProto) : JSON.parse(text);
  } catch {
    throw rejected('the body is not JSON that can be taken', 'not-json');
  }
}

function withoutProto(name: string, value: unknown): unknown {
  if (name === '__proto__') throw new SyntaxError('a field is called __proto__');
  return value;
}

/** How deep brackets are nested outside of strings. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x22) {
      at = endOfString(text, at);
    } else if (character === 0x5b || character === 0x7b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (character === 0x5d || character === 0x7d) depth -= 1;
  }
  return deepest;
}

/** Where the string that begins at `from` ends; beyond the text where it does not. */
function endOfString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from + 1); quote > 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
  }
  return text.length;
}
