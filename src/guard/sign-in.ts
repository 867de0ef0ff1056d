import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { sameBytes, sha256 } from '../core/seal.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LINK_LIFE = 15 * MINUTE;
const IDLE_LIFE = 8 * HOUR;
const WHOLE_LIFE = 7 * 24 * HOUR;
const MOST_LINKS = 20;
const MOST_SESSIONS = 200;

interface Session {
  digest: Buffer;
  endsAt: number;
  idleAt: number;
}

const newToken = (): string => randomBytes(32).toString('base64url');

/**
 * One-time sign-in links and the sessions they open, in this process's memory: a restart signs everybody out. Tokens are 256 random bits, kept
 * only as SHA-256 and compared in constant time. A link lives 15 minutes; a session ends 8 hours after it was last used, and after 7 days.
 */
export class SignIn {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #links: { digest: Buffer; endsAt: number }[] = [];
  #sessions: Session[] = [];

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** A token for a link. The oldest unused one is forgotten when there are more than 20. */
  issue(): string {
    const token = newToken();
    this.#links = [...this.#liveLinks(), { digest: sha256(token), endsAt: this.#clock.monotonic() + LINK_LIFE }].slice(
      -MOST_LINKS,
    );
    return token;
  }

  /** Whether `redeem` would accept the token; uses nothing up. */
  accepts(token: string): boolean {
    return find(this.#liveLinks(), token) !== null;
  }

  /** Uses the link's token up and returns a new session's cookie value, or null when it was used, is too old or was never given. */
  redeem(token: string): string | null {
    const links = this.#liveLinks();
    const link = find(links, token);
    if (!link) return null;
    this.#links = links.filter((other) => other !== link);
    const value = newToken();
    const now = this.#clock.monotonic();
    const session = { digest: sha256(value), endsAt: now + WHOLE_LIFE, idleAt: now + IDLE_LIFE };
    this.#sessions = [...this.#liveSessions(), session].slice(-MOST_SESSIONS);
    return value;
  }

  /** Whether the cookie value belongs to a live session, which this use keeps from idling. */
  use(value: string): boolean {
    const session = find(this.#liveSessions(), value);
    if (!session) return false;
    session.idleAt = this.#clock.monotonic() + IDLE_LIFE;
    return true;
  }

  /** Ends a session. */
  end(value: string): void {
    const session = find(this.#sessions, value);
    this.#sessions = this.#sessions.filter((other) => other !== session);
  }

  #liveLinks(): { digest: Buffer; endsAt: number }[] {
    const now = this.#clock.monotonic();
    return this.#links.filter(({ endsAt }) => endsAt > now);
  }

  #liveSessions(): Session[] {
    const now = this.#clock.monotonic();
    return this.#sessions.filter(({ endsAt, idleAt }) => endsAt > now && idleAt > now);
  }
}

/** The entry whose digest is the token's; looks at all of them, whichever it is. */
function find<Entry extends { digest: Buffer }>(entries: readonly Entry[], token: string): Entry | null {
  const digest = sha256(token);
  let found: Entry | null = null;
  for (const entry of entries) if (sameBytes(entry.digest, digest)) found = entry;
  return found;
}
