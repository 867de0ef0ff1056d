import type { Static, TObject, TSchema } from 'typebox';
import type { Parts } from '../../engine/parts.ts';
import type { Decision } from '../../engine/resolve.ts';
import type { Bearer, TokenScope } from '../../guard/tokens.ts';
import type { Ledger } from '../../ledger/database.ts';

/** Who may use a route: whoever asks, every live token, or tokens with all of these scopes. `allEntities`: tokens for every entity only. */
export type Access = 'public' | 'any-token' | { readonly scopes: readonly TokenScope[]; readonly allEntities?: true };

/** The part of a Hub that the API works with. */
export type ApiParts = Parts;

/** One request as a route sees it. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly parts: ApiParts;
  readonly bearer: Bearer;
  /** The ledger as the bearer may see it. In a route that writes, all of it is one transaction with the Idempotency-Key. */
  readonly ledger: Ledger;
  /** Wakes the hub's loops; in a route that writes, once the transaction is committed. */
  readonly bell: Pick<Parts['bell'], 'ring'>;
  /** Who acts, for the audit. */
  readonly actor: string;
  /** Where the request's lists are: path and filters; cursors belong to it. */
  readonly place: string;
  decision(reason: string): Decision;
}

interface Shape<Params extends TObject, Query extends TObject, Body extends TSchema, Answer extends TSchema> {
  readonly method: 'GET' | 'POST';
  /** Under /api/v1, parameters as `:name`. */
  readonly path: string;
  readonly access: Access;
  readonly tag: string;
  readonly summary: string;
  readonly about?: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly bodyLimit?: number;
  readonly answer: Answer;
  /** 200 unless it says otherwise. */
  readonly status?: 200 | 201;
  /** Changes the ledger, in one transaction; takes an Idempotency-Key. */
  readonly writes?: true;
  /** Works longer than others, one at a time: those who ask the ledger do not queue behind it. */
  readonly slow?: true;
}

/** A route of the API: its schemas are checked on the way in, made into the OpenAPI document, and checked on the way out in tests. */
export interface ApiRoute extends Shape<TObject, TObject, TSchema, TSchema> {
  run(call: Call): Promise<unknown>;
}

/** Declares a route: the compiler holds `run` to the schemas. */
export function route<
  Answer extends TSchema,
  Params extends TObject = TObject,
  Query extends TObject = TObject,
  Body extends TSchema = TSchema,
>(
  declared: Shape<Params, Query, Body, Answer> & {
    run(call: Call<Static<Params>, Static<Query>, Static<Body>>): Promise<Static<Answer>>;
  },
): ApiRoute {
  return declared as unknown as ApiRoute;
}
