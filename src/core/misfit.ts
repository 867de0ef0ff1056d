/** What a compiled schema says of a value that does not fit it: as TypeBox and Ajv do. */
export interface SchemaError {
  readonly keyword: string;
  /** JSON pointer of what does not fit. */
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** Where a value does not fit its schema (a JSON pointer, '' for the whole of it), and how, in words that follow it: `/limit`, 'must be 200 at most'. */
export interface Misfit {
  readonly at: string;
  readonly words: string;
}

/** The first misfit among the errors. What nobody knows comes before all else: it is most often what was meant for something that is missing. */
export function misfit(errors: readonly SchemaError[]): Misfit {
  const unknown = errors.find(({ message }) => message === 'schema is false');
  if (unknown) return { at: unknown.instancePath, words: 'is not known here' };
  const [first] = errors;
  if (!first) return { at: '', words: 'does not fit' };
  const { instancePath: at } = first;
  if (first.keyword === 'required') {
    const [name] = (first.params as { requiredProperties: string[] }).requiredProperties;
    return { at: `${at}/${name}`, words: 'is missing' };
  }
  // Of what may be one or the other, each is told.
  const kinds = errors.filter(({ keyword, instancePath }) => keyword === 'type' && instancePath === at).map(typeOf);
  return { at, words: kinds.length > 0 ? `must be ${either(kinds)}` : (wordsOf(first) ?? first.message) };
}

const typeOf = ({ params }: SchemaError): string => {
  const { type } = params as { type: string | string[] };
  return either([type].flat().map((name) => ({ integer: 'a whole number', string: 'text' })[name] ?? name));
};

const either = (all: readonly string[]): string => [...new Set(all)].join(' or ');

const formats: Readonly<Record<string, string>> = {
  'date-time': 'a time such as 2026-11-25T08:00:00Z',
  date: 'a day such as 2026-11-25',
  uuid: 'an id such as 0199b3c4-5d6e-7f80-9a1b-2c3d4e5f6071',
};

function wordsOf({ keyword, params }: SchemaError): string | null {
  const { limit, format, allowedValues } = params as { limit?: number; format?: string; allowedValues?: unknown[] };
  switch (keyword) {
    case 'enum':
      return `must be one of ${allowedValues!.join(', ')}`;
    case 'format':
      return Object.hasOwn(formats, format!) ? `must be ${formats[format!]}` : null;
    case 'minimum':
      return `must be ${limit} at least`;
    case 'maximum':
      return `must be ${limit} at most`;
    case 'minLength':
      return limit === 1 ? 'must not be empty' : `must have ${limit} characters at least`;
    case 'maxLength':
      return `must have ${limit} characters at most`;
    case 'minItems':
      return limit === 1 ? 'must not be empty' : `must have ${limit} items at least`;
    case 'maxItems':
      return `must have ${limit} items at most`;
    default:
      return null;
  }
}
