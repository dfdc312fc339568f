import { arrayFunctions } from './array.ts'
import { cidrFunctions } from './cidr.ts'
import { comparisonFunctions } from './comparison.ts'
import { dateFunctions } from './date.ts'
import { encodingFunctions } from './encoding.ts'
import type { TemplateFunction } from './function.ts'
import { hashFunctions } from './hash.ts'
import { lambdaFunctions } from './lambda.ts'
import { logicalFunctions } from './logical.ts'
import { numericFunctions } from './numeric.ts'
import { objectFunctions } from './object.ts'
import { listFunction, referenceFunctions } from './reference.ts'
import { resourceFunctions } from './resource.ts'
import { stringFunctions } from './string.ts'
import { templateFunctions } from './template.ts'
import { zoneFunctions } from './zone.ts'

const groups = [
  arrayFunctions,
  cidrFunctions,
  comparisonFunctions,
  dateFunctions,
  encodingFunctions,
  hashFunctions,
  lambdaFunctions,
  logicalFunctions,
  numericFunctions,
  objectFunctions,
  referenceFunctions,
  resourceFunctions,
  stringFunctions,
  templateFunctions,
  zoneFunctions,
]

const functions: ReadonlyMap<string, TemplateFunction> = new Map(
  groups.flatMap((group) =>
    Object.entries(group).map(([name, each]): [string, TemplateFunction] => [
      name.toLowerCase(),
      each,
    ]),
  ),
)

/** A function of the language by its name in any case; every name that begins with `list` is one. */
export function functionNamed(name: string): TemplateFunction | undefined {
  const key = name.toLowerCase()
  return functions.get(key) ?? (/^list\w/.test(key) ? listFunction : undefined)
}
