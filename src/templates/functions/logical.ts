import { unknown } from '../context.ts'
import { form, type TemplateFunction, wrongType } from './function.ts'

export const logicalFunctions: Readonly<Record<string, TemplateFunction>> = {
  /** Only the branch that is taken is evaluated. */
  if: form(3, 3, ({ name, args, context, evaluate }) => {
    const [condition, then, otherwise] = args
    if (condition === undefined || then === undefined || otherwise === undefined) return null
    const holds = evaluate(condition, context)
    if (holds === unknown) return unknown
    if (typeof holds !== 'boolean') throw wrongType(name, 0, holds, 'a boolean')
    return evaluate(holds ? then : otherwise, context)
  }),
}
