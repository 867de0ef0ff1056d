import { randomUUID } from 'node:crypto';
import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql';
import { linesOf, pageOfBulk, wrongWithBulk } from './bulk-query.ts';
import { refusal } from './pages.ts';
import type { Shop } from './shop.ts';

type Status = 'CREATED' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELING' | 'CANCELED' | 'EXPIRED';

export interface BulkOperation {
  readonly id: string;
  readonly query: string;
  readonly createdAt: Date;
  status: Status;
  errorCode: 'ACCESS_DENIED' | 'INTERNAL_SERVER_ERROR' | 'TIMEOUT' | null;
  completedAt: Date | null;
  objects: number;
  roots: number;
  /** What was written until now; null before anything was. */
  file: Buffer | null;
  /** Last part of the file's address, which cannot be guessed. */
  readonly name: string;
}

interface BulkOptions {
  readonly schema: GraphQLSchema;
  execute(document: DocumentNode): Promise<ExecutionResult>;
  /** Where files are read, without the name. */
  readonly address: () => string;
}

/** How the next operation goes wrong: after so many objects at the top, with this code. */
export interface BulkFailure {
  readonly after: number;
  readonly code: NonNullable<BulkOperation['errorCode']>;
}

/** Operations that run at a time for one app, since version 2026-01. */
const MOST_RUNNING = 5;

/**
 * Bulk operations: a query is taken, run on its own time, and its result lies in a file of one JSON object a line, parts below what they belong to and
 * naming it (`__parentId`), at an address that is good for seven days.
 *
 * @see https://shopify.dev/docs/api/usage/bulk-operations/queries
 */
export class Bulk {
  readonly #shop: Shop;
  readonly #options: BulkOptions;
  readonly operations = new Map<string, BulkOperation>();
  /** Of the next operations, in turn; each is used up by one. */
  readonly failures: BulkFailure[] = [];
  /** Milliseconds an operation waits before it runs, and for each page; may be changed at any time. */
  pace = 5;

  constructor(shop: Shop, options: BulkOptions) {
    this.#shop = shop;
    this.#options = options;
  }

  run({ query, groupObjects }: { query: string; groupObjects: boolean }) {
    const refused = (code: string, message: string) => ({
      bulkOperation: null,
      userErrors: [{ code, field: ['query'], message }],
    });
    const wrong = wrongWithBulk(this.#options.schema, query);
    if (wrong) return refused('INVALID', wrong);
    const running = [...this.operations.values()].filter(({ status }) => status === 'CREATED' || status === 'RUNNING');
    if (running.length >= MOST_RUNNING)
      return refused('LIMIT_REACHED', 'Bulk operations limit reached. Please try again later.');
    const operation: BulkOperation = {
      id: this.#shop.id('BulkOperation'),
      query,
      createdAt: this.#shop.now(),
      status: 'CREATED',
      errorCode: null,
      completedAt: null,
      objects: 0,
      roots: 0,
      file: null,
      name: randomUUID(),
    };
    this.operations.set(operation.id, operation);
    void this.#work(operation, groupObjects).catch((error: unknown) => {
      Object.assign(operation, { status: 'FAILED', errorCode: 'INTERNAL_SERVER_ERROR' });
      console.error('a simulated bulk operation failed', error);
    });
    return { bulkOperation: this.view(operation), userErrors: [] };
  }

  view = (one: BulkOperation) => {
    const url = one.file && one.file.length > 0 ? `${this.#options.address()}${one.name}` : null;
    const time = (date: Date | null): string | null => date?.toISOString().replace('.000Z', 'Z') ?? null;
    return {
      __typename: 'BulkOperation',
      id: one.id,
      status: one.status,
      errorCode: one.errorCode,
      type: 'QUERY',
      query: one.query,
      createdAt: time(one.createdAt),
      completedAt: time(one.completedAt),
      objectCount: String(one.objects),
      rootObjectCount: String(one.roots),
      fileSize: one.status === 'COMPLETED' && one.file ? String(one.file.length) : null,
      url: one.status === 'COMPLETED' ? url : null,
      partialDataUrl: one.status === 'FAILED' ? url : null,
    };
  };

  /** Operations that a search finds, newest first. Of Shopify's search syntax only this is simulated. */
  matching(search: string): BulkOperation[] {
    const found = /^operation_type:query created_at:>='([0-9TZ:.+-]+)'$/.exec(search);
    const since = search === '' ? 0 : Date.parse(found?.[1] ?? '');
    if (Number.isNaN(since))
      throw refusal(`the simulated shop does not understand the search '${search}'`, 'BAD_REQUEST');
    return [...this.operations.values()].filter(({ createdAt }) => createdAt.getTime() >= since).reverse();
  }

  /** A file by the last part of its address; undefined once that leads nowhere. */
  file(name: string): Buffer | undefined {
    const one = [...this.operations.values()].find((candidate) => candidate.name === name);
    return one?.status === 'EXPIRED' ? undefined : (one?.file ?? undefined);
  }

  async #work(operation: BulkOperation, grouped: boolean): Promise<void> {
    const failure = this.failures.shift();
    await this.#rest();
    operation.status = 'RUNNING';
    const [parents, parts]: [string[], string[]] = [[], []];
    const close = (status: Status): void => {
      operation.file = Buffer.from([...parents, ...parts].join(''));
      Object.assign(operation, { status, completedAt: this.#shop.now() });
    };
    for (let after: string | null = null; ; ) {
      const { data, errors } = await this.#options.execute(pageOfBulk(this.#options.schema, operation.query, after));
      if (errors) {
        operation.errorCode = errors.some(({ extensions }) => extensions.code === 'ACCESS_DENIED')
          ? 'ACCESS_DENIED'
          : 'INTERNAL_SERVER_ERROR';
        return close('FAILED');
      }
      const [page] = Object.values(data as Record<string, TopPage>);
      for (const { node } of page!.edges) {
        if (failure && operation.roots === failure.after) {
          operation.errorCode = failure.code;
          // In the middle of an object.
          if (grouped && parents.length > 1) parents.pop();
          return close('FAILED');
        }
        operation.roots += 1;
        for (const { line, depth } of linesOf(node, null)) {
          operation.objects += 1;
          (grouped || depth === 0 ? parents : parts).push(`${JSON.stringify(line).replaceAll('/', '\\/')}\n`);
        }
      }
      if (!page!.pageInfo.hasNextPage) return close('COMPLETED');
      after = page!.pageInfo.endCursor;
      await this.#rest();
    }
  }

  #rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, this.pace).unref());
}

interface TopPage {
  readonly edges: readonly { readonly node: Record<string, unknown> & { id: string } }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}
