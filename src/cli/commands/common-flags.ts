import { type Completes, many, may, needs, on } from '../flag.ts'
import { UsageError } from '../usage-error.ts'

/** Flags that many commands share, so that each is spelled and explained once. */
export const group = needs('-g, --resource-group <name>', 'Resource group.', { completes: 'group' })
export const mayGroup = may(
  '-g, --resource-group <name>',
  'Only this resource group. Left out: the whole subscription.',
  { completes: 'group' },
)
export const gallery = needs('-r, --gallery-name <name>', 'Gallery.', { completes: 'gallery' })
export const definition = needs('-i, --gallery-image-definition <name>', 'Image definition.', {
  completes: 'definition',
})
export const version = needs(
  '-e, --gallery-image-version <version>',
  'Version: Major.Minor.Patch.',
  { completes: 'version' },
)
export const location = may(
  '-l, --location <region>',
  "Region. Left out: the resource group's region.",
  { completes: 'region' },
)
export const tags = many(
  '--tags <key=value...>',
  'Tags, e.g. --tags team=web env=test. "" removes all.',
  {
    read: parseTag,
  },
)
export const noWait = on('--no-wait', 'Return as soon as the server has accepted the request.')

export function name(what: string, completes: Completes) {
  return needs('-n, --name <name>', `Name of the ${what}.`, { completes })
}

/** `key=value`; the value may hold further `=`, and be left out. Throws UsageError. */
function parseTag(text: string): readonly [key: string, value: string] {
  const cut = text.indexOf('=')
  if (cut === 0) throw new UsageError(`--tags '${text}' has no name; write name=value.`)
  return cut < 0 ? [text, ''] : [text.slice(0, cut), text.slice(cut + 1)]
}

/** The tags of a request: nothing when the flag was left out, none when it was "". */
export function tagsOf(given: readonly (readonly [string, string])[] | undefined) {
  if (given === undefined) return {}
  return { tags: Object.fromEntries(given.filter(([key]) => key !== '')) }
}
