import ts from 'typescript';
import type { Mutant } from './mutants.ts';
import { sqlMutants } from './sql.ts';

type Place = Omit<Mutant, 'line'>;

const { SyntaxKind: Kind } = ts;

const operators = new Map<ts.SyntaxKind, readonly string[]>([
  [Kind.EqualsEqualsEqualsToken, ['!==']],
  [Kind.ExclamationEqualsEqualsToken, ['===']],
  [Kind.LessThanToken, ['<=', '>=']],
  [Kind.LessThanEqualsToken, ['<', '>']],
  [Kind.GreaterThanToken, ['>=', '<=']],
  [Kind.GreaterThanEqualsToken, ['>', '<']],
  [Kind.AmpersandAmpersandToken, ['||']],
  [Kind.BarBarToken, ['&&']],
  [Kind.PlusToken, ['-']],
  [Kind.MinusToken, ['+']],
  [Kind.AsteriskToken, ['/']],
  [Kind.SlashToken, ['*']],
  [Kind.PercentToken, ['*']],
  [Kind.PlusEqualsToken, ['-=']],
  [Kind.MinusEqualsToken, ['+=']],
]);

const calls = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
  ['startsWith', 'endsWith'],
]);

/** What only people read: an error's words, a line of the log. */
function isProse(node: ts.Node): boolean {
  if (ts.isNewExpression(node)) return /Error$/.test(node.expression.getText());
  if (!ts.isCallExpression(node)) return false;
  const callee = node.expression.getText();
  return /\blog(\.\w+|\[.*\])$/.test(callee) || /^(rejected|report)$/.test(callee);
}

/** The named declarations, or the whole file. */
function partsOf(file: ts.SourceFile, names: readonly string[] | undefined): ts.Node[] {
  if (!names) return [file];
  const parts: ts.Node[] = [];
  const look = (node: ts.Node): void => {
    const name = (node as { name?: ts.Node }).name?.getText();
    const declares =
      ts.isFunctionDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isVariableDeclaration(node) ||
      ts.isPropertyAssignment(node);
    if (declares && names.includes(name!)) parts.push(node);
    else ts.forEachChild(node, look);
  };
  look(file);
  for (const name of names)
    if (!parts.some((part) => (part as { name?: ts.Node }).name?.getText() === name))
      throw new Error(`${file.fileName} declares no '${name}'`);
  return parts;
}

/** Whether a statement of its own does something: what the log says is not missed by anybody's data. */
const isDeed = (node: ts.Node): node is ts.ExpressionStatement => {
  if (!ts.isExpressionStatement(node)) return false;
  let { expression } = node;
  while (ts.isAwaitExpression(expression) || ts.isVoidExpression(expression)) expression = expression.expression;
  return (
    (ts.isCallExpression(expression) && expression.expression.kind !== Kind.SuperKeyword && !isProse(expression)) ||
    (ts.isBinaryExpression(expression) && !expression.left.getText().startsWith('this.#') && isAssigning(expression))
  );
};

const isAssigning = ({ operatorToken: { kind } }: ts.BinaryExpression): boolean =>
  kind >= Kind.FirstAssignment && kind <= Kind.LastAssignment;

const isText = (node: ts.Node): boolean => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);

/** A condition that has no operator of its own to turn round. */
const isPlain = (node: ts.Expression): boolean =>
  !ts.isBinaryExpression(node) && !(ts.isPrefixUnaryExpression(node) && node.operator === Kind.ExclamationToken);

function figure(text: string): string | null {
  const n = /^([\d_]+)(n?)$/.exec(text);
  if (!n || /^0[\d_]/.test(text)) return null;
  const value = BigInt(n[1]!.replaceAll('_', ''));
  return `${value < 100n ? value + 1n : value * 2n}${n[2]}`;
}

/** Every mistake that one place of a TypeScript source can be, outside of types, imports and what only people read. */
export function sourceMutants(name: string, text: string, within: readonly string[] | undefined): Place[] {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const found: Place[] = [];
  const put = (node: ts.Node, to: string): void => {
    const at = node.getStart(file);
    found.push({ at, from: text.slice(at, node.getEnd()), to });
  };
  const condition = (node: ts.Expression): void => {
    if (isPlain(node)) put(node, `!(${node.getText()})`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isImportDeclaration(node) || isProse(node)) return;
    if (ts.isIfStatement(node)) {
      put(node.expression, 'false');
      condition(node.expression);
    } else if (ts.isConditionalExpression(node)) condition(node.condition);
    else if (ts.isBinaryExpression(node)) binary(node);
    else if (ts.isPrefixUnaryExpression(node)) {
      if (node.operator === Kind.ExclamationToken) put(node, node.operand.getText());
      if (node.operator === Kind.MinusToken) put(node, `(${node.operand.getText()})`);
    } else if (node.kind === Kind.TrueKeyword) put(node, 'false');
    else if (node.kind === Kind.FalseKeyword) put(node, 'true');
    else if (ts.isNumericLiteral(node) || ts.isBigIntLiteral(node)) {
      const other = ts.isPropertyAssignment(node.parent) && node.parent.name === node ? null : figure(node.getText());
      if (other !== null) put(node, other);
    } else if (isDeed(node)) put(node, ';');
    else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name: method, expression: on } = node.expression;
      if (method.text === 'query' && node.arguments[1] && isText(node.arguments[1])) {
        found.push(...sqlMutants(text, node.arguments[1].getStart(file) + 1, node.arguments[1].getEnd() - 1));
        visit(on);
        for (const argument of node.arguments.slice(2)) visit(argument);
        return;
      }
      const other = calls.get(method.text);
      if (other) put(method, other);
      else if (['filter', 'slice'].includes(method.text)) put(node, on.getText());
    }
    ts.forEachChild(node, visit);
  };
  const binary = ({ left, operatorToken, right }: ts.BinaryExpression): void => {
    if (operatorToken.kind === Kind.QuestionQuestionToken) {
      const from = text.slice(left.getEnd(), right.getEnd());
      found.push({ at: left.getEnd(), from, to: '' });
    }
    if (operatorToken.kind === Kind.PlusToken && (isText(left) || isText(right))) return;
    for (const to of operators.get(operatorToken.kind) ?? []) put(operatorToken, to);
  };
  for (const part of partsOf(file, within)) visit(part);
  return found;
}
