import type { Value } from '../context.ts'
import { TemplateProblem } from '../problem.ts'
import { picked, stringAt, type TemplateFunction } from './function.ts'

/** What a template says of itself. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  parameters: picked(1, 1, (args, call): Value => {
    const name = stringAt(args, 0, call)
    const { context } = call
    const found =
      context.callParameters === undefined
        ? context.template.parameter(name, context.watch)
        : context.callParameters.get(name.toLowerCase())
    if (found !== undefined) return found
    throw new TemplateProblem(`The template parameter '${name}' is not found.`)
  }),
  variables: picked(1, 1, (args, call): Value => {
    const name = stringAt(args, 0, call)
    const found = call.context.template.variable(name, call.context)
    if (found !== undefined) return found
    throw new TemplateProblem(`The template variable '${name}' is not found.`)
  }),
  deployment: picked(0, 0, (_, { context }) => context.template.deployment),
  environment: picked(0, 0, (_, { context }) => context.template.environment),
}
