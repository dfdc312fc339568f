import { type CommandGroup, command } from '../command.ts'
import { needs } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { listResources } from '../resources.ts'
import type { Column } from '../table.ts'

const columns: readonly Column[] = [
  ['Name', 'name.localizedValue'],
  ['Used', 'currentValue'],
  ['Limit', 'limit'],
]

const list = command({
  name: 'list',
  says: 'Show what of each limit of the subscription is used in a region.',
  examples: ['vitrine usage list -l westeurope'],
  flags: { location: needs('-l, --location <region>', 'Region.', { completes: 'region' }) },
  run: async (context, { location }) => {
    const { paths } = await context.connect()
    const where = `${paths.subscription}/providers/Microsoft.Compute/locations/${encodeURIComponent(location)}`
    const asked = { path: `${where}/usages`, apiVersion: apiVersions.images }
    return { value: [...(await listResources(context, asked))], columns }
  },
})

export const usageCommands: CommandGroup = {
  name: 'usage',
  says: 'Limits of the subscription, and what of them is used.',
  commands: [list],
}
