import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type GraphQLInputField,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  isScalarType,
  parse,
  print,
  validate,
} from 'graphql';
import { versions } from '../../src/connectors/shopify/documents/document.ts';
import { sent } from '../../src/connectors/shopify/documents/sent.ts';
import { schema as ours } from '../../src/simulators/shopify/schema.ts';
import { hasRealSchema, realSchema } from './real-schema.ts';

const skip = hasRealSchema() ? false : 'the schema was not fetched: npm run conform:shopify';

const defaultOf = ({ default: given }: GraphQLInputField): string | null => {
  if (given === undefined) return null;
  return given.literal ? print(given.literal) : JSON.stringify(given.value);
};

/** Arguments or input fields: each of ours is theirs, and none that they demand is missing. */
function differentInputs(
  where: string,
  mine: readonly GraphQLInputField[],
  real: readonly GraphQLInputField[],
): string[] {
  const unlike = mine.flatMap((input) => {
    const other = real.find(({ name }) => name === input.name);
    if (!other) return [`${where}(${input.name}): Shopify has none`];
    if (String(other.type) !== String(input.type))
      return [`${where}(${input.name}): ${input.type}, but ${other.type} at Shopify`];
    const [own, theirs] = [defaultOf(input), defaultOf(other)];
    return own === theirs ? [] : [`${where}(${input.name}): default ${own}, but ${theirs} at Shopify`];
  });
  const demanded = real.filter(
    (input) => isNonNullType(input.type) && defaultOf(input) === null && !mine.some(({ name }) => name === input.name),
  );
  return [...unlike, ...demanded.map(({ name }) => `${where}(${name}): demanded by Shopify`)];
}

function differences(mine: GraphQLSchema, real: GraphQLSchema): string[] {
  return Object.values(mine.getTypeMap()).flatMap((type): string[] => {
    const { name } = type;
    if (name.startsWith('__')) return [];
    const other = real.getType(name);
    if (!other || other.constructor !== type.constructor) return [`${name}: no such type at Shopify`];
    if (isScalarType(type)) return [];
    if (isEnumType(type) && isEnumType(other)) {
      const values = other.getValues().map((value) => value.name);
      return type
        .getValues()
        .flatMap((value) => (values.includes(value.name) ? [] : [`${name}.${value.name}: no such value`]));
    }
    if (isInputObjectType(type) && isInputObjectType(other))
      return differentInputs(name, Object.values(type.getFields()), Object.values(other.getFields()));
    if (!(isObjectType(type) || isInterfaceType(type)) || !(isObjectType(other) || isInterfaceType(other)))
      return [`${name}: of a kind that is not compared`];
    const interfaces = type
      .getInterfaces()
      .filter((one) => !other.getInterfaces().some((two) => two.name === one.name));
    const fields = Object.values(type.getFields()).flatMap((field) => {
      const same = other.getFields()[field.name];
      if (!same) return [`${name}.${field.name}: Shopify has none`];
      const unlike =
        String(same.type) === String(field.type)
          ? []
          : [`${name}.${field.name}: ${field.type}, but ${same.type} at Shopify`];
      return [...unlike, ...differentInputs(`${name}.${field.name}`, field.args as never, same.args as never)];
    });
    return [...interfaces.map((one) => `${name}: is no ${one.name} at Shopify`), ...fields];
  });
}

test('every document that is sent is valid on the simulated shop', () => {
  const wrong = sent.flatMap(({ name, text }) =>
    validate(ours, parse(text)).map(({ message }) => `${name}: ${message}`),
  );
  assert.deepEqual(wrong, []);
});

for (const version of versions)
  test(`every type, field, argument and value of the simulated shop is Shopify's own in ${version}`, { skip }, () => {
    assert.deepEqual(differences(ours, realSchema(version)), []);
  });
