import type { Incoming, PersonalNames } from '../core/connector.ts';
import type { AnyDocumentType } from '../core/document.ts';
import type { Estate } from '../core/estate.ts';
import { pseudonym, type Vault } from '../ledger/vault.ts';
import type { Wiring } from './wiring.ts';

/**
 * Names as the ledger keeps them. Keys, subjects and labels that tell who a person is stand there as keyed digests (`~` and 32 hex digits); flows and
 * connectors know them as they are. The words themselves are in the sealed body of the record only.
 */
export class Names {
  readonly #vault: Pick<Vault, 'digest'>;
  readonly #wiring: Pick<Wiring, 'type'>;
  readonly #remembered = new Set<string>();

  constructor(vault: Pick<Vault, 'digest'>, wiring: Pick<Wiring, 'type'>) {
    this.#vault = vault;
    this.#wiring = wiring;
  }

  /** Kinds whose keys this ledger keeps as digests, also where no flow of the estate carries them any more. */
  remember(kinds: Iterable<string>): void {
    for (const kind of kinds) this.#remembered.add(kind);
  }

  /** A document's key as the ledger keeps it. */
  key(kind: string, key: string): string {
    const type = this.#wiring.type(kind);
    return (type ? isPersonal(type) : this.#remembered.has(kind)) ? pseudonym(this.#vault, key) : key;
  }
}

export const isPersonal = ({ keyClassification }: AnyDocumentType): boolean => keyClassification === 'personal';

/** What a person may have meant: the name itself, or the one that the ledger keeps in its place. */
export const meantBy = (vault: Pick<Vault, 'digest'>, name: string): string[] => [name, pseudonym(vault, name)];

/** Which names of a source's events are personal. */
export const personalNamesOf = (estate: Estate, connection: string, source: string): PersonalNames =>
  Object.values(estate.connections[connection]?.sources ?? {}).find(({ name }) => name === source)?.personal ?? {};

/** An Incoming with the names that the ledger keeps. */
export function withKeptNames(
  vault: Pick<Vault, 'digest'>,
  { subject = false, labels = [] }: PersonalNames,
  incoming: Incoming,
): Incoming {
  if (!subject && labels.length === 0) return incoming;
  const kept = Object.entries(incoming.labels ?? {}).map(([name, value]) => [
    name,
    labels.includes(name) ? pseudonym(vault, value) : value,
  ]);
  return {
    ...incoming,
    subject: subject ? pseudonym(vault, incoming.subject) : incoming.subject,
    labels: Object.fromEntries(kept),
  };
}
