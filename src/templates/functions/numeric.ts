import type { Json } from '../../domain/rows.ts'
import { textOf } from '../json.ts'
import { type Call, type FunctionGroup, integerAt, picked, refused } from './function.ts'

export const numericFunctions: FunctionGroup = {
  add: picked(2, 2, (args, call) => computed(args, call, (one, other) => one + other)),
  sub: picked(2, 2, (args, call) => computed(args, call, (one, other) => one - other)),
  mul: picked(2, 2, (args, call) => computed(args, call, (one, other) => one * other)),
  div: picked(2, 2, (args, call) =>
    computed(args, call, (one, other) => Math.trunc(one / divisor(other, call))),
  ),
  mod: picked(2, 2, (args, call) =>
    computed(args, call, (one, other) => one % divisor(other, call)),
  ),
  int: picked(1, 1, ([value = null], { name }) => {
    const text = textOf(value).trim()
    const number = Number(text)
    if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(number))
      throw refused(name, 'its argument cannot be converted to an integer.')
    return number === 0 ? 0 : number
  }),
  float: picked(1, 1, ([value = null], { name }) => {
    const text = textOf(value).trim()
    const number = Number(text)
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || !Number.isFinite(number))
      throw refused(name, 'its argument cannot be converted to a number.')
    return number
  }),
}

function computed(
  args: readonly Json[],
  call: Call,
  operation: (one: number, other: number) => number,
): number {
  const result = operation(integerAt(args, 0, call), integerAt(args, 1, call))
  if (!Number.isSafeInteger(result)) throw refused(call.name, 'its result is too large.')
  // No template knows a negative zero.
  return result === 0 ? 0 : result
}

function divisor(value: number, { name }: Call): number {
  if (value === 0) throw refused(name, 'it cannot divide by zero.')
  return value
}
