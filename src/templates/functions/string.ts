import type { Json } from '../../domain/rows.ts'
import { any, made, stringAt, type TemplateFunction, wrongType } from './function.ts'

export const stringFunctions: Readonly<Record<string, TemplateFunction>> = {
  concat: made(1, any, (args, call) =>
    Array.isArray(args[0])
      ? args.flatMap((arg, at): readonly Json[] => {
          if (!Array.isArray(arg)) throw wrongType(call.name, at, arg, 'an array, as the first one')
          return arg
        })
      : args.map((arg, at) => textOf(arg, at, call.name)).join(''),
  ),
  toLower: made(1, 1, (args, call) => stringAt(args, 0, call).toLowerCase()),
  toUpper: made(1, 1, (args, call) => stringAt(args, 0, call).toUpperCase()),
}

function textOf(value: Json, at: number, name: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  throw wrongType(name, at, value, 'a string, a number or a boolean')
}
