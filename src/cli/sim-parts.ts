/** What `crossdock sim` is told. */
export interface SimOptions {
  readonly version: '18' | '19';
  readonly port?: string;
  readonly data?: string;
  readonly currency: string;
  /** A second. */
  readonly rate: string;
  readonly json?: boolean;
}

/** A simulated system at work. */
export interface Simulated {
  /** For programs: one JSON line. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** For people: what a hub needs. */
  readonly words: string;
  stop(): Promise<void>;
}

export const environment = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/** Does something so many times a second, never for 0. Returns how to end it. */
export function every(rate: string, act: () => void): () => void {
  if (Number(rate) === 0) return () => undefined;
  const timer = setInterval(act, 1000 / Number(rate));
  return () => clearInterval(timer);
}
