import type { Json } from '../../domain/rows.ts'
import { equal } from '../json.ts'
import { type Call, type FunctionGroup, made, refused } from './function.ts'

export const comparisonFunctions: FunctionGroup = {
  equals: made(2, 2, ([one = null, other = null]) => equal(one, other)),
  less: made(2, 2, (args, call) => compared(args, call) < 0),
  lessOrEquals: made(2, 2, (args, call) => compared(args, call) <= 0),
  greater: made(2, 2, (args, call) => compared(args, call) > 0),
  greaterOrEquals: made(2, 2, (args, call) => compared(args, call) >= 0),
}

/** As .NET compares with the invariant culture: words, not code points. */
const words = new Intl.Collator('en')

function compared([one = null, other = null]: readonly Json[], { name }: Call): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  if (isText(one) && isText(other)) return words.compare(one ?? '', other ?? '')
  throw refused(name, 'it compares two numbers or two strings.')
}

function isText(value: Json): value is string | null {
  return typeof value === 'string' || value === null
}
