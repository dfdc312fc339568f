import type { Json } from '../domain/rows.ts'
import { type Context, freshWatch, unknown } from './context.ts'
import { evaluate } from './evaluate.ts'
import { type Expression, printExpression } from './expression.ts'

/**
 * An expression of a nested template that is evaluated from outside, but stands in a loop of the nested template: the
 * same expression, with all that is known outside put in as values.
 */
export function rewritten(expression: Expression, context: Context): string {
  return printExpression(partly(expression, context))
}

function partly(expression: Expression, context: Context): Expression {
  const watch = freshWatch()
  const value = evaluate(expression, { ...context, watch })
  if (value !== unknown) return literal(value)
  switch (expression.is) {
    case 'call':
      return expression.name.toLowerCase() === 'copyindex'
        ? expression
        : { ...expression, args: expression.args.map((arg) => partly(arg, context)) }
    case 'property':
      return { ...expression, of: partly(expression.of, context) }
    case 'index':
      return {
        ...expression,
        of: partly(expression.of, context),
        at: partly(expression.at, context),
      }
    default:
      return expression
  }
}

function literal(value: Json): Expression {
  if (typeof value === 'string') return { is: 'string', value }
  if (typeof value === 'number' && Number.isInteger(value)) return { is: 'number', value }
  if (typeof value === 'boolean') return { is: 'call', name: String(value), args: [] }
  if (value === null) return { is: 'call', name: 'null', args: [] }
  return { is: 'call', name: 'json', args: [{ is: 'string', value: JSON.stringify(value) }] }
}
