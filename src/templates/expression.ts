import { TemplateProblem } from './problem.ts'

/** The tree of what stands between the brackets of `[…]`. */
export type Expression =
  | { readonly is: 'string'; readonly value: string }
  | { readonly is: 'number'; readonly value: number }
  | { readonly is: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly is: 'property'; readonly of: Expression; readonly name: string }
  | { readonly is: 'index'; readonly of: Expression; readonly at: Expression }

/** Azure's own bound of one expression. */
const expressionCharsMax = 24_576
/** Deeper than anybody writes, and far from the end of the stack. */
const expressionDepthMax = 100

/** True for `[…]`, but not for `[[…]`, which is the text `[…]`. */
export function isExpression(text: string): boolean {
  return text.startsWith('[') && text.endsWith(']') && !text.startsWith('[[') && text.length > 1
}

/** The text that a string which is no expression stands for. */
export function literalOf(text: string): string {
  return text.startsWith('[[') && text.endsWith(']') ? text.slice(1) : text
}

/** A text as a template has to write it, so that it is not taken for an expression. */
export function protectedText(text: string): string {
  return text.startsWith('[') && text.endsWith(']') ? `[${text}` : text
}

/** Reads `[…]`. Throws TemplateProblem in Azure's words. */
export function parseExpression(text: string): Expression {
  if (text.length > expressionCharsMax)
    throw new TemplateProblem(
      `The template language expression is too long: ${text.length} characters, and the most is ${expressionCharsMax}.`,
    )
  const tokens = tokensOf(text.slice(1, -1), text)
  const reader: Reader = { text, tokens, at: 0 }
  const expression = readOperand(reader, 0)
  expect(reader, 'EndOfData')
  return expression
}

/** The same expression as text, in brackets: parsing it gives an equal tree. */
export function printExpression(expression: Expression): string {
  return `[${print(expression)}]`
}

function print(expression: Expression): string {
  switch (expression.is) {
    case 'string':
      return `'${expression.value.replaceAll("'", "''")}'`
    case 'number':
      return String(expression.value)
    case 'call':
      return `${expression.name}(${expression.args.map(print).join(', ')})`
    case 'property':
      return `${print(expression.of)}.${expression.name}`
    case 'index':
      return `${print(expression.of)}[${print(expression.at)}]`
  }
}

type TokenKind =
  | 'Literal'
  | 'Integer'
  | 'Float'
  | 'Identifier'
  | 'LeftParenthesis'
  | 'RightParenthesis'
  | 'LeftSquareBracket'
  | 'RightSquareBracket'
  | 'Comma'
  | 'Dot'
  | 'EndOfData'

type Token = { readonly kind: TokenKind; readonly text: string }
type Reader = { readonly text: string; readonly tokens: readonly Token[]; at: number }

const punctuation: Readonly<Record<string, TokenKind>> = {
  '(': 'LeftParenthesis',
  ')': 'RightParenthesis',
  '[': 'LeftSquareBracket',
  ']': 'RightSquareBracket',
  ',': 'Comma',
  '.': 'Dot',
}
const tokenForm =
  /\s*(?:(?<literal>'(?:[^']|'')*')|(?<float>-?\d+\.\d+(?:[eE][+-]?\d+)?)|(?<integer>-?\d+)|(?<identifier>[A-Za-z_$][\w$]*)|(?<mark>[()[\],.]))/y

function tokensOf(inner: string, whole: string): Token[] {
  const tokens: Token[] = []
  const end = inner.trimEnd().length
  tokenForm.lastIndex = 0
  while (tokenForm.lastIndex < end) {
    const at = tokenForm.lastIndex
    const found = tokenForm.exec(inner)?.groups
    if (found === undefined)
      throw new TemplateProblem(
        `The language expression '${shown(whole)}' is not valid: the string character '${inner.slice(at).trimStart()[0]}' at position '${at + 1}' is not expected.`,
      )
    tokens.push(tokenOf(found))
  }
  return tokens
}

function tokenOf(found: Record<string, string | undefined>): Token {
  if (found.literal !== undefined)
    return { kind: 'Literal', text: found.literal.slice(1, -1).replaceAll("''", "'") }
  if (found.float !== undefined) return { kind: 'Float', text: found.float }
  if (found.integer !== undefined) return { kind: 'Integer', text: found.integer }
  if (found.identifier !== undefined) return { kind: 'Identifier', text: found.identifier }
  const mark = found.mark ?? ''
  return { kind: punctuation[mark] ?? 'EndOfData', text: mark }
}

function readOperand(reader: Reader, depth: number): Expression {
  if (depth > expressionDepthMax)
    throw new TemplateProblem(
      `The language expression '${shown(reader.text)}' is nested more than ${expressionDepthMax} deep.`,
    )
  let operand = readPrimary(reader, depth)
  for (let links = 0; links < expressionDepthMax; links++) {
    if (take(reader, 'Dot')) {
      operand = { is: 'property', of: operand, name: expect(reader, 'Identifier') }
    } else if (take(reader, 'LeftSquareBracket')) {
      operand = { is: 'index', of: operand, at: readOperand(reader, depth + 1) }
      expect(reader, 'RightSquareBracket')
    } else return operand
  }
  throw new TemplateProblem(
    `The language expression '${shown(reader.text)}' follows more than ${expressionDepthMax} properties.`,
  )
}

function readPrimary(reader: Reader, depth: number): Expression {
  const token = reader.tokens[reader.at]
  if (token?.kind === 'Literal') {
    reader.at++
    return { is: 'string', value: token.text }
  }
  if (token?.kind === 'Integer' || token?.kind === 'Float') {
    reader.at++
    return { is: 'number', value: numberOf(token.text) }
  }
  let name = expect(reader, 'Identifier')
  if (reader.tokens[reader.at]?.kind === 'Dot') {
    reader.at++
    name = `${name}.${expect(reader, 'Identifier')}`
  }
  expect(reader, 'LeftParenthesis')
  const args: Expression[] = []
  if (take(reader, 'RightParenthesis')) return { is: 'call', name, args }
  do args.push(readOperand(reader, depth + 1))
  while (take(reader, 'Comma'))
  expect(reader, 'RightParenthesis')
  return { is: 'call', name, args }
}

function numberOf(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    throw new TemplateProblem(`The number '${text}' of a language expression is too large.`)
  return value === 0 ? 0 : value
}

function take(reader: Reader, kind: TokenKind): boolean {
  if (reader.tokens[reader.at]?.kind !== kind) return false
  reader.at++
  return true
}

function expect(reader: Reader, kind: TokenKind): string {
  const token = reader.tokens[reader.at] ?? { kind: 'EndOfData', text: '' }
  if (token.kind !== kind)
    throw new TemplateProblem(
      `Unable to parse language expression '${shown(reader.text.slice(1, -1))}': expected token '${kind}' and actual '${token.kind}'.`,
    )
  reader.at++
  return token.text
}

function shown(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
