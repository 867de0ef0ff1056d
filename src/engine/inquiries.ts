import type { RawRequest } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import type { Answer, Asked, LookupRule, Question } from '../core/lookup.ts';
import { scrubbed } from '../core/mask.ts';
import { askFor } from './asked.ts';
import { contextFor } from './context.ts';
import type { Parts } from './parts.ts';
import { named } from './webhooks.ts';
import type { InquiryPort } from './wiring.ts';

/** The doors at which systems ask the hub (Request-Reply): verifies, and has the look-ups of the estate answer. Knows nothing of HTTP but a request's raw parts. */
export class Inquiries {
  readonly #parts: Parts;
  readonly #signal: AbortSignal;

  constructor(parts: Parts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Where an address leads, or undefined when nothing is answered there. */
  port(connection: string, topic: string): InquiryPort | undefined {
    return this.#parts.wiring.inquiry(connection, topic);
  }

  /** What is asked. Throws HubError SIGNATURE, MALFORMED, or CONNECTOR_CONTRACT for a defect of the connector's. */
  async read({ connection, inquiry }: InquiryPort, request: RawRequest): Promise<Asked> {
    const cx = contextFor(this.#parts, connection, this.#signal, () => true);
    if (!(await inquiry.verify(request, cx)))
      throw new HubError('SIGNATURE', 'the signature is missing, wrong or too old');
    return named(() => inquiry.read(request), `inquiry '${inquiry.topic}'`);
  }

  /** Each look-up is asked for its own keys. Throws HubError LOOKUP_UNANSWERED when for one key nothing may be said. */
  async answer({ connection }: InquiryPort, { question, keys, tell }: Asked): Promise<object> {
    const asker = { actor: `connection:${connection}`, ledger: this.#parts.db };
    const byRule = Map.groupBy(keys, (key) => this.#ruleFor(question, key));
    const answers = new Map<string, Answer>();
    await Promise.all(
      [...byRule].map(async ([rule, own]) => {
        const all = rule ? await askFor(this.#parts, rule, [...new Set(own)], asker) : own.map(unanswerable(question));
        for (const answer of all) answers.set(answer.key, answer);
      }),
    );
    return tell(
      keys.map((key) => {
        const answer = answers.get(key)!;
        return answer.problem === null ? answer : { ...answer, body: null, problem: scrubbed(answer.problem, []) };
      }),
    );
  }

  #ruleFor(question: Question, key: string): LookupRule | null {
    const answering = this.#parts.estate.lookups?.find(({ answers = [] }) =>
      answers.some((one) => one.question === question && (one.keys?.(key) ?? true)),
    );
    return answering ?? null;
  }
}

const unanswerable =
  ({ name }: Question) =>
  (key: string): Answer => ({
    key,
    body: null,
    problem: `no look-up of the hub answers question '${name}' for '${key}'`,
    from: 'memory',
    age: 0,
  });
