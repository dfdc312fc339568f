import type { Command, CommandGroup, Context } from './command.ts'
import type { Completes, Flag } from './flag.ts'
import { apiVersions, type Paths } from './paths.ts'

/** A tab must not hang on a server that is slow or away. */
const patienceMs = 1_000

/** What the last of `words` can become: commands, flags, fixed values, or names that the server knows. Each word has `=` before it. */
export async function complete(
  table: readonly CommandGroup[],
  words: readonly string[],
  context: Context,
): Promise<readonly string[]> {
  const typed = words.map((word) => word.slice(1))
  const current = typed.at(-1) ?? ''
  return (await candidates(table, typed.slice(0, -1), context)).filter((word) =>
    word.toLowerCase().startsWith(current.toLowerCase()),
  )
}

async function candidates(
  table: readonly CommandGroup[],
  before: readonly string[],
  context: Context,
): Promise<readonly string[]> {
  const [first, second] = before
  const alone = table.filter((group) => group.name === '').flatMap((group) => group.commands)
  const groups = table.filter((group) => group.name !== '')
  if (first === undefined)
    return [...alone.map((one) => one.name), ...groups.map((group) => group.name)]
  const group = groups.find((one) => one.name === first)
  if (group !== undefined && second === undefined) return group.commands.map((one) => one.name)
  const found =
    group === undefined
      ? alone.find((one) => one.name === first)
      : group.commands.find((one) => one.name === second)
  if (found === undefined) return []
  return await ofCommand(found, before.slice(group === undefined ? 1 : 2), context)
}

async function ofCommand(
  found: Command,
  typed: readonly string[],
  context: Context,
): Promise<readonly string[]> {
  const flags = Object.values(found.flags)
  const lastFlag = typed.findLast((word) => word.startsWith('-'))
  const flag = flags.find((one) => lastFlag !== undefined && spellings(one).includes(lastFlag))
  const takesMore = flag?.flags.includes('...>') === true || typed.at(-1) === lastFlag
  const takesValue = flag !== undefined && /[<[]/.test(flag.flags) && takesMore
  const longFlags = flags.flatMap((one) => spellings(one).filter((word) => word.startsWith('--')))
  if (!takesValue) return [...longFlags, '--output', '--help']
  if (flag.choices.length > 0) return flag.choices
  if (flag.completes === undefined) return []
  return await names(flag.completes, valuesOf(flags, typed), context)
}

/** `-g` and `--resource-group`. */
function spellings(flag: Flag<unknown>): readonly string[] {
  return flag.flags.split(/[ ,]+/).filter((word) => word.startsWith('-'))
}

type Known = Readonly<Partial<Record<Completes, string>>>

/** What was typed for the flags that name things: group, gallery, definition. */
function valuesOf(flags: readonly Flag<unknown>[], typed: readonly string[]): Known {
  const known: Partial<Record<Completes, string>> = {}
  for (const flag of flags) {
    const at = typed.findIndex((word) => spellings(flag).includes(word))
    const value = typed[at + 1]
    if (flag.completes !== undefined && at >= 0 && value !== undefined)
      known[flag.completes] = value
  }
  return known
}

async function names(kind: Completes, known: Known, context: Context): Promise<readonly string[]> {
  try {
    const session = await context.connect()
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(patienceMs)])
    const place = placeOf(kind, known, session.paths)
    if (place === undefined) return []
    const found: string[] = kind === 'version' ? ['latest'] : []
    for await (const row of session.client.list(place.path, { ...place, signal }))
      found.push(String(row.name))
    return found
  } catch {
    // A tab that finds nothing says nothing: there is no place for an error on the command line being typed.
    return []
  }
}

function placeOf(kind: Completes, known: Known, paths: Paths) {
  const { group, gallery, definition } = known
  const at = (path: string, apiVersion: string) => ({ path, apiVersion })
  switch (kind) {
    case 'region':
    case 'targetRegion':
      return at(paths.locations, apiVersions.subscriptions)
    case 'group':
      return at(paths.groups, apiVersions.groups)
    case 'gallery':
      return at(paths.galleries(group), apiVersions.galleries)
    case 'disk':
      return at(paths.disks(group), apiVersions.disks)
    case 'snapshot':
      return at(paths.snapshots(group), apiVersions.disks)
    case 'image':
      return at(paths.images(group), apiVersions.images)
    case 'definition':
      if (group === undefined || gallery === undefined) return undefined
      return at(`${paths.gallery(group, gallery)}/images`, apiVersions.galleries)
    case 'version':
      if (group === undefined || gallery === undefined || definition === undefined) return undefined
      return at(`${paths.definition(group, gallery, definition)}/versions`, apiVersions.galleries)
  }
}
