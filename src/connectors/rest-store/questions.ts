import type { Context, RawRequest } from '../../core/connector.ts';
import type { BodyOf } from '../../core/document.ts';
import type { Answer, Asked, Inquiry, Question } from '../../core/lookup.ts';
import { PriceDocument } from '../../model/price.ts';
import { StockLevelDocument } from '../../model/stock-level.ts';
import { readAsked } from './figures-contract.ts';

export type StoreQuestions = {
  /** What may be sold, by `location/sku`. */
  readonly stockLevels: Question<typeof StockLevelDocument>;
  /** What it costs, by `list/sku`. */
  readonly prices: Question<typeof PriceDocument>;
};

/** What a store asks the hub at `POST /in/{connection}/figures`: the question that the hub asks a store at `/figures`, answered in the same shapes. `locationOf` is the hub's code of a place. */
export function storeQuestions(
  verify: (request: RawRequest, cx: Context) => boolean,
  locationOf: (code: string) => string,
): { readonly questions: StoreQuestions; readonly inquiries: readonly Inquiry[] } {
  const questions: StoreQuestions = {
    stockLevels: { name: 'stockLevels', gives: StockLevelDocument },
    prices: { name: 'prices', gives: PriceDocument },
  };
  const read = ({ body }: Pick<RawRequest, 'body'>): Asked => {
    const asked = readAsked(body);
    if ('levels' in asked) {
      const keys = asked.levels.map(({ location, sku }) => `${locationOf(location)}/${sku.toUpperCase()}`);
      return {
        question: questions.stockLevels,
        keys,
        tell: (answers) => ({ levels: answers.map((one, n) => figureOf(asked.levels[n]!, one, levelOf)) }),
      };
    }
    return {
      question: questions.prices,
      keys: asked.prices.map(({ list, sku }) => `${list}/${sku.toUpperCase()}`),
      tell: (answers) => ({ prices: answers.map((one, n) => figureOf(asked.prices[n]!, one, priceOf)) }),
    };
  };
  return { questions, inquiries: [{ topic: 'figures', accepts: ['application/json'], verify, read }] };
}

/** One figure by the names that it was asked for by; null: it is not there. */
function figureOf<Body>(names: object, answer: Answer, figure: (body: Body) => object | null): object | null {
  const { body, problem, from, age } = answer;
  if (problem !== null) return { ...names, problem };
  const told = body === null ? null : figure(body as Body);
  return told && { ...names, ...told, age, ...(from === 'stale' ? { stale: true } : {}) };
}

const levelOf = ({ available, asOf }: BodyOf<typeof StockLevelDocument>): object => ({ available, asOf });

const priceOf = (price: BodyOf<typeof PriceDocument>): object | null => {
  const { currency, amount, compareAt, includesTax, withdrawn } = price;
  return withdrawn ? null : { currency, amount, compareAt, includesTax };
};
