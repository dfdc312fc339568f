import type { Context } from '../command.ts'
import { command } from '../command.ts'
import { apiVersions } from '../paths.ts'
import { listResources, missing, readResource } from '../resources.ts'
import type { Column } from '../table.ts'
import { at } from '../table.ts'
import { formatWhen } from '../units.ts'
import { definition, gallery, group, version } from './common-flags.ts'

const apiVersion = apiVersions.galleries

export const softDeletedColumns: readonly Column[] = [
  ['Version', 'name'],
  ['Location', 'location'],
  ['Deleted', (row) => formatWhen(at(row, 'softDeletedTime'))],
]

type Names = { readonly group: string; readonly gallery: string; readonly definition: string }

/** The versions of a definition that can be restored. */
export async function softDeletedOf(context: Context, names: Names) {
  const { paths } = await context.connect()
  const above = paths.gallery(names.group, names.gallery)
  const name = encodeURIComponent(names.definition)
  const path = `${above}/softDeletedArtifactTypes/Images/artifacts/${name}/versions`
  return await listResources(context, { path, apiVersion })
}

/** Throws when it is not there: a second DELETE would purge what is soft deleted. */
export async function mustBeThere(context: Context, path: string): Promise<void> {
  const { client } = await context.connect()
  const options = { apiVersion, signal: context.signal }
  if ((await client.find(path, options)) !== undefined) return
  const next = 'If it is soft deleted, `restore` brings it back, and `delete --purge` ends it.'
  throw missing(path, next)
}

export const restoreCommand = command({
  name: 'restore',
  says: 'Bring back a version that is soft deleted, with all its replicas.',
  more: 'For 7 days, where the gallery has soft delete on (`vitrine gallery update --soft-delete`).',
  examples: ['vitrine image-version restore -g images -r corpImages -i debian -e 1.0.0'],
  flags: { group, gallery, definition, version },
  run: async (context, given) => {
    const { client, paths } = await context.connect()
    const path = paths.version(given)
    const { signal } = context
    const body = { properties: { restore: true } }
    const answer = await client.call('PATCH', path, { apiVersion, body, signal })
    await client.wait(answer, { signal })
    const value = await readResource(context, { path, apiVersion, expand: 'ReplicationStatus' })
    return {
      value,
      columns: [
        ['Version', 'name'],
        ['State', 'provisioningState'],
      ],
    }
  },
})
