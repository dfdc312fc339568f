import { eventTypePrefix, eventVerbs } from '../../domain/cloud-events.ts'
import type { Problem } from '../../domain/problem.ts'
import { sameType } from '../../domain/resource-id.ts'
import { type Providers, refuse } from '../../providers/ports.ts'

/** Types of events as they are told, whether they are `asked` for in full or behind the prefix, in any case. Throws InvalidParameter. */
export function knownTypes({ types }: Providers, asked: readonly string[]): readonly string[] {
  const verbs = eventVerbs((of) =>
    Object.values(types.find(({ type }) => sameType(type, of))?.actions ?? {}).map(
      ({ permission }) => permission,
    ),
  )
  const names = [...verbs].flatMap(([noun, ends]) => ends.map((end) => `${noun}.${end}`))
  const known = new Map(names.map((name) => [name.toLowerCase(), `${eventTypePrefix}${name}`]))
  const found = asked.map((text) => known.get(shortOf(text)))
  const problems = asked.flatMap((text, at): readonly Problem[] => {
    if (found[at] !== undefined) return []
    const [noun, ends] = [...verbs].find(([one]) => isOf(shortOf(text), one)) ?? []
    const such = ends
      ? `Of ${noun} there are: ${ends.join(', ')}.`
      : `Write one of ${[...verbs.keys()].join(', ')}, a period and what happens to it: ImageVersion.Published.`
    const target = `properties.types[${at}]`
    const message = `'${text}' is no type of events (${target}). ${such}`
    return [{ code: 'InvalidParameter', message, target }]
  })
  if (problems.length > 0) refuse(problems)
  return found.flatMap((name) => name ?? [])
}

function shortOf(text: string): string {
  const lower = text.toLowerCase()
  const prefix = eventTypePrefix.toLowerCase()
  return lower.startsWith(prefix) ? lower.slice(prefix.length) : lower
}

function isOf(short: string, noun: string): boolean {
  return short.split('.')[0] === noun.toLowerCase()
}
