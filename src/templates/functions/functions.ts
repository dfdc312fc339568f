import type { TemplateFunction } from './function.ts'
import { logicalFunctions } from './logical.ts'
import { resourceFunctions } from './resource.ts'
import { stringFunctions } from './string.ts'
import { templateFunctions } from './template.ts'

/** All functions of the language, by their names in lower case. */
export const functions: ReadonlyMap<string, TemplateFunction> = new Map(
  [logicalFunctions, stringFunctions, resourceFunctions, templateFunctions].flatMap((group) =>
    Object.entries(group).map(([name, each]): [string, TemplateFunction] => [
      name.toLowerCase(),
      each,
    ]),
  ),
)
