import { buildASTSchema, type GraphQLSchema, Kind, parse, visit } from 'graphql';
import { sdl } from './schema.ts';

interface Named {
  readonly name: { readonly value: string };
}

/**
 * The schema of a version in which Shopify took things away, each named as `ProductVariant.barcode`: fields, fields of inputs, values of enums. Throws for what is
 * not there.
 */
export function schemaWithout(names: readonly string[]): GraphQLSchema {
  const left = new Set(names);
  let owner = '';
  const enter = ({ name }: Named): void => {
    owner = name.value;
  };
  const drop = ({ name }: Named): null | false => (left.delete(`${owner}.${name.value}`) ? null : false);
  const document = visit(parse(sdl), {
    [Kind.OBJECT_TYPE_DEFINITION]: enter,
    [Kind.INTERFACE_TYPE_DEFINITION]: enter,
    [Kind.INPUT_OBJECT_TYPE_DEFINITION]: enter,
    [Kind.ENUM_TYPE_DEFINITION]: enter,
    [Kind.FIELD_DEFINITION]: drop,
    [Kind.INPUT_VALUE_DEFINITION]: drop,
    [Kind.ENUM_VALUE_DEFINITION]: drop,
  });
  if (left.size > 0) throw new Error(`the simulated shop has no ${[...left].join(', ')}`);
  return buildASTSchema(document);
}
