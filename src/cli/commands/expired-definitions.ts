import { isArray, objectOr } from '../../client/client.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type Context, command } from '../command.ts'
import { on } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { deleteResource, listResources, readResource } from '../resources.ts'
import { at, type Column } from '../table.ts'
import { formatWhen } from '../units.ts'
import { gallery, group } from './common-flags.ts'

const apiVersion = apiVersions.galleries
const columns: readonly Column[] = [
  ['Name', 'name'],
  ['End of life', (row) => formatWhen(at(row, 'endOfLifeDate'))],
  ['Goes', (row) => (row.removable === true ? (row.deleted === true ? 'gone' : 'yes') : 'no')],
  ['Why not', 'reason'],
]

export const expiredCommand = command({
  name: 'expired',
  says: 'Show which definitions are past their end of life, and delete those that nothing uses.',
  more: 'Without --delete nothing is deleted. A definition is in use while one of its versions is supported for longer, soft deleted or being changed, has a signed URL that is good, or something is locked.',
  examples: ['vitrine image-definition expired -g images -r corpImages --delete'],
  flags: {
    group,
    gallery,
    delete: on('--delete', 'Delete those that go, with their versions.'),
  },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const above = paths.gallery(given.group, given.gallery)
    const path = `${above}/providers/Vitrine.Gallery/expiredDefinitions`
    const { value } = await readResource(context, { path, apiVersion: apiVersions.vitrine })
    const told = (isArray(value) ? value : []).map((one) => objectOr(one))
    if (!given.delete) return { value: told, columns }
    const shown: JsonObject[] = []
    for (const one of told) {
      const goes = one.removable === true
      if (goes)
        await remove(context, paths.definition(given.group, given.gallery, String(one.name)))
      shown.push({ ...one, ...(goes && { deleted: true }) })
    }
    return { value: shown, columns }
  },
})

/** Twice, for with soft delete on the first one only hides a version. */
async function remove(context: Context, definition: string): Promise<void> {
  const { client } = await context.connect()
  const { signal } = context
  const versions = await listResources(context, { path: `${definition}/versions`, apiVersion })
  for (const { name } of versions) {
    const path = `${definition}/versions/${encodeURIComponent(String(name))}`
    for (let turn = 0; turn < 2; turn++)
      await client.wait(await client.call('DELETE', path, { apiVersion, signal }), { signal })
  }
  await deleteResource(context, { path: definition, apiVersion, noWait: false })
}
