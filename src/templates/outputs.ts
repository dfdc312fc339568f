import type { Json, JsonObject } from '../domain/rows.ts'
import type { Context } from './context.ts'
import { isObject, recased, spellingsOf } from './json.ts'
import { dereferenced, typeNamed } from './parameter-type.ts'
import { type TemplatePath, TemplateProblem } from './problem.ts'
import type { Template } from './read-template.ts'
import { evaluateNow, evaluateTree, type PendingTree } from './tree.ts'
import { declaresSecret, misfitOf } from './typed-value.ts'

const outputMembers = spellingsOf(['type', 'value', 'condition', 'copy', 'metadata'])

/** `{ name: { type, value } }`; of secure ones only the type, as in Azure. Throws TemplateProblem. */
export function planOutputs(template: Template, context: Context): PendingTree {
  const known: [string, Json][] = []
  const holes: PendingTree['holes'][number][] = []
  const secretPaths: TemplatePath[] = []
  for (const [name, source] of Object.entries(template.outputs)) {
    const output = isObject(source) ? recased(source, outputMembers) : {}
    const path = ['outputs', name]
    const declaration = dereferenced(output, template.definitions, path)
    const type = typeNamed(declaration.type, `template output '${name}'`, path)
    if (!isWanted(output, context, path)) continue
    const tree = evaluateTree(valueSource(output, name), context, path)
    const value = tree.known.value ?? null
    if (tree.holes.length === 0) checkType({ name, declaration, value }, template, context)
    if (declaresSecret(declaration, template.definitions, path)) {
      known.push([name, { type }])
      continue
    }
    known.push([name, { type, value }])
    holes.push(...tree.holes.map((hole) => ({ ...hole, path: [name, ...hole.path] })))
    secretPaths.push(...tree.secretPaths.map((each) => [name, ...each]))
  }
  return { known: Object.fromEntries(known), holes, secretPaths }
}

function isWanted({ condition }: JsonObject, context: Context, path: TemplatePath): boolean {
  if (condition === undefined) return true
  const inner: Context = { ...context, section: 'name' }
  const value = evaluateNow(condition, inner, [...path, 'condition'])
  if (typeof value === 'boolean') return value
  throw new TemplateProblem(
    "Deployment template validation failed: 'The condition of the template output{at} must be a boolean.'.",
    [...path, 'condition'],
  )
}

/** The value alone: of a loop, one that makes it. */
function valueSource(output: JsonObject, name: string): JsonObject {
  if (isObject(output.copy)) return { copy: [{ ...output.copy, name: 'value' }] }
  if (output.value !== undefined) return { value: output.value }
  throw new TemplateProblem(
    `Deployment template validation failed: 'The template output '${name}'{at} has neither a value nor a copy.'.`,
    ['outputs', name],
  )
}

type Typed = { readonly name: string; readonly declaration: JsonObject; readonly value: Json }

function checkType(
  { name, declaration, value }: Typed,
  { definitions }: Template,
  context: Context,
): void {
  if (value === null) return
  const declaredAt = ['outputs', name]
  const checking = { definitions, meter: context.template.meter, declaredAt, secrets: [] }
  const misfit = misfitOf(value, declaration, checking, name)
  if (misfit === undefined) return
  const inside = misfit.at === name ? '' : ` At '${misfit.at}':`
  throw new TemplateProblem(
    `Deployment template validation failed: 'The template output '${name}'{at} is not valid.${inside} ${misfit.why} Please see https://aka.ms/arm-syntax-outputs for usage details.'.`,
    declaredAt,
  )
}
